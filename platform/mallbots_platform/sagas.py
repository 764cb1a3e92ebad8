"""A process that spans contexts, as a declaration, and the state it is in, as an event-sourced aggregate."""

from collections.abc import Callable, Mapping, Sequence
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
    An `undo` is sent until it is accepted, or there is nothing to undo (`NotFound`), however long that takes.
    """

    name: str
    to: str
    do: Callable[[Facts[E]], object]
    undo: Callable[[Facts[E]], object] | None = None
    timeout_seconds: float = 30.0
    attempts: int = 4

    @property
    def label(self) -> str:
        """As it stands in the ids of its commands."""
        return self.name.replace(" ", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saga(Generic[E]):
    """Steps one after the other. Refused at any of them, those before are undone in reverse, then it has failed.

    `ends_with` and `fails_with` make the command that this context carries out itself, in the same transaction. Where
    the first is refused, the process has failed; where the second is, it is tried again.
    An event `cancels_on` stops the process, also a completed one, and undoes what was done.

    A process keeps to the steps that it began with: one that is taken out of `steps` goes to `retired`, for as long as
    processes have it. Those that began before steps were noted by name have the names in `places`, in that order.
    """

    name: str
    begins_on: type[E]
    steps: tuple[Step[E], ...]
    ends_with: Callable[[Facts[E]], object]
    fails_with: Callable[[Facts[E]], object]
    key: Callable[[Any], str]
    cancels_on: type | None = None
    retired: tuple[Step[E], ...] = ()
    places: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError where ids of commands would not tell steps, or sagas, apart."""
        labels = [step.label for step in self.known.values()]
        if len({*labels}) != len(self.steps) + len(self.retired):
            raise ValueError(f"the saga {self.name!r} has two steps of one name")
        if {*":\n"} & {*"".join((self.name, *labels))}:
            raise ValueError(f"no name in the saga {self.name!r} may contain ':' or a line break")

    @property
    def known(self) -> Mapping[str, Step[E]]:
        """What this program can run and undo, by name."""
        return {step.name: step for step in (*self.steps, *self.retired)}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(step.name for step in self.steps)

    def names_of(self, noted: Sequence[str]) -> tuple[str, ...]:
        """The steps of a process that has noted these."""
        return tuple(noted) or self.places or self.names


class State(StrEnum):
    RUNNING = "running"
    COMPENSATING = "compensating"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@event
class Began:
    """`data` is the event it began with, in that version of its wire format; `steps` are the names of all its steps.
    Other events name a step by its place among them."""

    data: str
    version: int = 1
    steps: tuple[str, ...] = ()


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
class UndoRefused:
    """It is tried again."""

    step: int
    code: str
    reason: str


@event
class EndRefused:
    """Of a running process, then it fails; or of one that has failed, then that is tried again."""

    code: str
    reason: str


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
    *(UndoSent, UndoDone, UndoRefused, EndRefused, LateReply, Ended),
)


class SagaProcess(Aggregate):
    """Where one process stands. `step` is the place, among its `steps`, of the one it is at, or is undoing. It is stuck
    for as long as there is a `refusal`: what it was last refused, and has to try again."""

    state: State = State.RUNNING
    data: str = ""
    data_version: int = 1
    steps: tuple[str, ...] = ()
    step: int = 0
    attempt: int = 0
    awaiting: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)
    to_undo: tuple[int, ...] = ()
    reason: str = ""
    refusal: str = ""
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
            case Began(data=data, version=version, steps=steps):
                self.data, self.data_version, self.steps = data, version, steps
            case StepSent(step=step, message_id=message_id, attempt=attempt):
                self._wait_for(step, message_id, attempt)
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
                self._wait_for(step, message_id, attempt)
            case UndoDone(step=step):
                self.awaiting, self.refusal = (), ""
                self.to_undo = tuple(other for other in self.to_undo if other != step)
            case UndoRefused(code=code, reason=reason):
                self.refusal = reason or code
            case EndRefused(code=code, reason=reason):
                self._end_refused(reason or code)
            case Ended(state=state):
                self.state, self.awaiting, self.refusal = state, (), ""

    def _wait_for(self, step: int, message_id: str, attempt: int) -> None:
        self.step, self.attempt = step, attempt
        self.awaiting = (*self.awaiting, message_id) if attempt > 1 else (message_id,)

    def _end_refused(self, refusal: str) -> None:
        if self.state is State.COMPENSATING:
            self.refusal, self.attempt = refusal, self.attempt + 1
        else:
            self._compensate(refusal)

    def _compensate(self, reason: str) -> None:
        if self.state is not State.COMPENSATING:
            self.awaiting = ()
        self.state = State.COMPENSATING
        self.reason = self.reason or reason
