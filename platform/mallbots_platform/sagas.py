"""A process that spans contexts, as a declaration, and the state it is in, as an event-sourced aggregate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from mallbots_platform.aggregates import Aggregate
from mallbots_platform.messages import event

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Facts(Generic[E]):
    """What a process knows: the event it began with, what the replies said, and why it fails, if it does."""

    begun_by: E
    values: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Step(Generic[E]):
    """`do` and `undo` are pure: from facts to the command that is sent to the context `to`.

    Without an answer in `timeout_seconds` a command is sent again; after `attempts` times the process fails.
    An `undo` is sent until it is answered, however long that takes.
    """

    name: str
    to: str
    do: Callable[[Facts[E]], object]
    undo: Callable[[Facts[E]], object] | None = None
    timeout_seconds: float = 30.0
    attempts: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Saga(Generic[E]):
    """Steps one after the other. Refused at any of them, those before are undone in reverse, then it has failed.

    `ends_with` and `fails_with` make the command that this context carries out itself, in the same transaction.
    An event `cancels_on` stops the process, also a completed one, and undoes what was done.
    """

    name: str
    begins_on: type[E]
    steps: tuple[Step[E], ...]
    ends_with: Callable[[Facts[E]], object]
    fails_with: Callable[[Facts[E]], object]
    key: Callable[[Any], str]
    cancels_on: type | None = None


class State(StrEnum):
    RUNNING = "running"
    COMPENSATING = "compensating"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@event
class Began:
    """`data` is the event it began with, in that version of its wire format."""

    data: str
    version: int = 1


@event
class StepSent:
    step: int
    message_id: str
    attempt: int


@event
class StepDone:
    step: int
    values: dict[str, str]


@event
class StepRefused:
    step: int
    code: str
    reason: str


@event
class StepTimedOut:
    """Nobody knows whether it was done, so it is undone too."""

    step: int


@event
class Cancelled:
    pass


@event
class UndoSent:
    step: int
    message_id: str
    attempt: int


@event
class UndoDone:
    """`refusal` is empty, or says why there was nothing to undo."""

    step: int
    refusal: str


@event
class LateReply:
    """An answer that nobody waits for any more."""

    message_id: str
    answer: str


@event
class Ended:
    state: State


PROCESS_EVENTS = (
    *(Began, StepSent, StepDone, StepRefused, StepTimedOut, Cancelled),
    *(UndoSent, UndoDone, LateReply, Ended),
)


class SagaProcess(Aggregate):
    """Where one process stands. `step` is the index of the step it is at, or is undoing."""

    state: State = State.RUNNING
    data: str = ""
    data_version: int = 1
    step: int = 0
    attempt: int = 0
    awaiting: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)
    to_undo: tuple[int, ...] = ()
    reason: str = ""
    cancelled: bool = False

    @property
    def waits(self) -> bool:
        return bool(self.awaiting)

    @property
    def ended(self) -> bool:
        return self.state not in (State.RUNNING, State.COMPENSATING)

    @property
    def ends_as(self) -> State:
        """What it is once nothing is left to be undone."""
        return State.CANCELLED if self.cancelled else State.FAILED

    def apply(self, event: object) -> None:
        match event:
            case Began(data=data, version=version):
                self.data, self.data_version = data, version
            case StepSent(step=step, message_id=message_id, attempt=attempt):
                self.step, self.attempt = step, attempt
                self.awaiting = (*self.awaiting, message_id) if attempt > 1 else (message_id,)
                self.to_undo = self.to_undo if attempt > 1 else (step, *self.to_undo)
            case StepDone(step=step, values=values):
                self.values = self.values | values
                self.step, self.awaiting = step + 1, ()
            case StepRefused(code=code, reason=reason):
                self._compensate(reason or code)
                if self.attempt == 1:  # of several, another one may be carried out all the same
                    self.to_undo = self.to_undo[1:]
            case StepTimedOut():
                self._compensate("a participant did not answer in time")
            case Cancelled():
                self._compensate("cancelled")
                self.cancelled = True
            case UndoSent(step=step, message_id=message_id, attempt=attempt):
                self.step, self.attempt = step, attempt
                self.awaiting = (*self.awaiting, message_id) if attempt > 1 else (message_id,)
            case UndoDone(step=step):
                self.awaiting = ()
                self.to_undo = tuple(other for other in self.to_undo if other != step)
            case Ended(state=state):
                self.state, self.awaiting = state, ()

    def _compensate(self, reason: str) -> None:
        if self.state is not State.COMPENSATING:
            self.awaiting = ()
        self.state = State.COMPENSATING
        self.reason = self.reason or reason
