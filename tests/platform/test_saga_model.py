"""Any interleaving of answers, time-outs, repeats and a cancellation leaves a saga where it should be."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mallbots_platform.causes import UNKNOWN, Cause
from mallbots_platform.codec import Codec
from mallbots_platform.messages import Accepted, Refused
from mallbots_platform.orchestration import AnswerIsOverdue, Orchestration
from mallbots_platform.sagas import SagaProcess, State
from mallbots_platform.testing import MemoryRepository
from telemetry.metrics import Meter
from tests.support.travel import PARTICIPANTS, TRAVEL, BookTrip, FailTrip, TripCancelled, TripRequested, trip_saga

SEAT, ROOM, MONEY = (step.name.replace(" ", "-") for step in trip_saga.steps)


@dataclass
class Sent:
    """A command under way, or the reply to one."""

    id: str
    body: Any

    @property
    def place(self) -> str:
        return self.id.split(":")[3]

    @property
    def undoes(self) -> bool:
        return self.id.split(":")[2] == "undo"


class Writer:
    """Everything is kept at once; there is no index of sagas."""

    cause = UNKNOWN
    database: Any = None

    def __init__(self) -> None:
        self.database = self

    def run(self, statement: str, parameters: object) -> list[Any]:
        return []

    def after_commit(self, step: Any) -> None:
        step()

    @contextmanager
    def savepoint(self, cause: Cause) -> Iterator[None]:
        yield


@dataclass
class Outbox:
    sent: list[Sent] = field(default_factory=list)
    under_way: dict[str, deque[Sent]] = field(default_factory=lambda: {name: deque() for name in (SEAT, ROOM, MONEY)})

    def record(self, message: object, *, key: str, channel: str, correlation_id: str, id: str) -> None:
        self.sent.append(Sent(id, message))
        self.under_way[self.sent[-1].place].append(self.sent[-1])


@dataclass
class Timers:
    due: AnswerIsOverdue | None = None

    def set(self, timer: AnswerIsOverdue, key: str, due: object) -> None:
        self.due = timer

    def cancel(self, kind: type, key: str) -> None:
        self.due = None


class Trip(RuleBasedStateMachine):
    """Participants take commands in order, one channel each; what they answer comes back in order too."""

    seen: ClassVar[set[State]] = set()

    @initialize()
    def request(self) -> None:
        self.outbox, self.timers, self.told = Outbox(), Timers(), list[Any]()
        self.effects: list[str] = []
        self.commands = self.outbox.under_way
        self.replies = {name: deque[Sent]() for name in (SEAT, ROOM, MONEY)}
        self.answered: list[Sent] = []
        self.cancelled = False
        self.processes: MemoryRepository[SagaProcess] = MemoryRepository("saga process")
        local_commands: dict[type, Any] = {BookTrip: self.told.append, FailTrip: self.told.append}
        orchestration: Any = Orchestration
        self.saga: Orchestration = orchestration(
            trip_saga,
            local_commands,
            self.processes,
            Writer(),
            self.outbox,
            self.timers,
            Codec(TRAVEL, *PARTICIPANTS),
            Meter(),
        )
        requested = TripRequested(trip="1", traveller="x")
        self.saga.on_begin(requested, self._draft(requested))

    @precondition(lambda self: any(self.commands.values()))
    @rule(data=st.data(), willing=st.sampled_from([True, True, False]))
    def participant_acts(self, data: st.DataObject, willing: bool) -> None:
        self._act(data.draw(st.sampled_from([place for place, waiting in self.commands.items() if waiting])), willing)

    @precondition(lambda self: any(self.replies.values()))
    @rule(data=st.data())
    def reply_arrives(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from([place for place, waiting in self.replies.items() if waiting]))
        self.answered.append(self.replies[place].popleft())
        self._answer(self.answered[-1])

    def _act(self, place: str, willing: bool) -> None:
        """It does what it is asked for once; asked again it may have changed its mind about what it has not done."""
        command = self.commands[place].popleft()
        done = place in self.effects
        if command.undoes:
            reply: Any = Accepted() if done else Refused(code="NothingToUndo", reason="there is nothing")
            self.effects = [effect for effect in self.effects if effect != place]
        elif done or willing:
            reply = Accepted()
            self.effects = self.effects if done else [*self.effects, place]
        else:
            reply = Refused(code="NotWilling", reason="no")
        self.replies[place].append(Sent(command.id, reply))

    @precondition(lambda self: self.answered)
    @rule(number=st.integers(0, 20))
    def reply_is_repeated(self, number: int) -> None:
        self._answer(self.answered[number % len(self.answered)])

    @precondition(lambda self: self.timers.due)
    @rule()
    def time_passes(self) -> None:
        self.saga.on_overdue(self.timers.due)  # type: ignore[arg-type] # the precondition says that one is set

    @rule()
    def traveller_cancels(self) -> None:
        self.cancelled = True
        cancelled = TripCancelled(trip="1")
        self.saga.on_cancel(cancelled, self._draft(cancelled))

    @invariant()
    def it_tells_its_outcome_once(self) -> None:
        if not hasattr(self, "saga"):
            return
        process = self.processes.get("trip:1")
        kinds = [type(command) for command in self.told]
        assert kinds in ([], [BookTrip], [FailTrip])
        assert (kinds == [FailTrip]) == (process.state is State.FAILED)
        if process.state is State.COMPLETED:
            assert kinds == [BookTrip]
            assert {SEAT, ROOM, MONEY} <= set(self.effects)

    @invariant()
    def every_command_has_an_id_of_its_own(self) -> None:
        if hasattr(self, "saga"):
            ids = [sent.id for sent in self.outbox.sent]
            assert len(set(ids)) == len(ids)

    def teardown(self) -> None:
        """In the end everybody answers; then nothing is left half done."""
        if not hasattr(self, "saga"):
            return
        while any(self.commands.values()) or any(self.replies.values()):
            for place in (SEAT, ROOM, MONEY):
                while self.commands[place]:
                    self._act(place, willing=True)
                while self.replies[place]:
                    self._answer(self.replies[place].popleft())
        process = self.processes.get("trip:1")
        assert process.ended
        self.seen.add(process.state)
        if process.state is State.COMPLETED:
            assert self.effects == [SEAT, ROOM, MONEY]
        else:
            assert not {SEAT, ROOM} & set(self.effects)
            assert (process.state is State.CANCELLED) == process.cancelled
        undone = [sent.place for sent in self.outbox.sent if sent.undoes and sent.id.endswith(":1")]
        assert undone in ([], [SEAT], [ROOM], [ROOM, SEAT])

    def _answer(self, reply: Sent) -> None:
        envelope: Any = _Envelope(reply.id)
        self.saga.on_reply(reply.body, envelope)

    def _draft(self, message: object) -> Any:
        return _Draft(msgspec.json.encode(message))


@dataclass
class _Envelope:
    causationid: str
    subject: str = "1"


@dataclass
class _Span:
    context: Any = None


@dataclass
class _Draft:
    data: bytes
    version: int = 1
    id: str = "message"
    correlation_id: str = "conversation"
    span: _Span = field(default_factory=_Span)


def test_every_interleaving_of_a_saga_ends_well() -> None:
    run_state_machine_as_test(Trip, settings=settings(max_examples=60, stateful_step_count=25))

    assert Trip.seen >= {State.COMPLETED, State.FAILED, State.CANCELLED}
