"""Any interleaving of answers, refusals, time-outs, repeats, restarts and a cancellation leaves a saga where it should
be; and at any moment it has a next wake-up, or has ended."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
from mallbots_platform.errors import RuleViolated
from mallbots_platform.messages import Accepted, Refused
from mallbots_platform.orchestration import AnswerIsOverdue, Orchestration
from mallbots_platform.sagas import Saga, SagaProcess, State
from mallbots_platform.testing import MemoryRepository
from telemetry.metrics import Meter
from tests.support.travel import PARTICIPANTS, TRAVEL, BookTrip, FailTrip, TripCancelled, TripRequested, trip_saga

SEAT, ROOM, MONEY = (step.label for step in trip_saga.steps)
LONG_ENOUGH = 40
CODEC = Codec(TRAVEL, *PARTICIPANTS)


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

    def record(self, message: object, *, id: str, **how: str) -> None:
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
    refused: ClassVar[set[str]] = set()

    @initialize(regrets=st.booleans(), closed=st.booleans())
    def request(self, regrets: bool, closed: bool) -> None:
        self.regrets, self.end_is_refused = regrets, closed
        self.outbox, self.timers, self.told = Outbox(), Timers(), list[Any]()
        self.effects: list[str] = []
        self.commands = self.outbox.under_way
        self.replies = {name: deque[Sent]() for name in (SEAT, ROOM, MONEY)}
        self.answered: list[Sent] = []
        self.processes: MemoryRepository[SagaProcess] = MemoryRepository("saga process")
        self._start(trip_saga)
        requested = TripRequested(trip="1", traveller="x")
        self.saga.on_begin(requested, self._draft(requested))

    def _start(self, saga: Saga[Any]) -> None:
        local_commands: dict[type, Any] = {BookTrip: self._end, FailTrip: self._end}
        orchestration: Any = Orchestration
        self.saga: Orchestration = orchestration(
            saga,
            local_commands,
            self.processes,
            Writer(),
            self.outbox,
            self.timers,
            CODEC,
            Meter(),
        )

    def _end(self, command: Any) -> None:
        if self.end_is_refused:
            self.refused.add(type(command).__name__)
            raise RuleViolated("the trip is closed")
        self.told.append(command)

    @precondition(lambda self: any(self.commands.values()))
    @rule(data=st.data(), unwilling=st.sampled_from(["", "", "", "NotWilling", "NotFound"]))
    def participant_acts(self, data: st.DataObject, unwilling: str) -> None:
        place = data.draw(st.sampled_from([place for place, waiting in self.commands.items() if waiting]))
        self._act(place, unwilling)

    @precondition(lambda self: any(self.replies.values()))
    @rule(data=st.data())
    def reply_arrives(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from([place for place, waiting in self.replies.items() if waiting]))
        self.answered.append(self.replies[place].popleft())
        self._answer(self.answered[-1])

    def _act(self, place: str, unwilling: str) -> None:
        """It does what it is asked for once; asked again it may have changed its mind about what it has not done, or
        has not undone."""
        command = self.commands[place].popleft()
        done = place in self.effects
        reply: Any = Accepted()
        if command.undoes and not done:
            reply = Refused(code="NotFound", reason="there is nothing")
        elif unwilling and (command.undoes or not done):
            reply = Refused(code="NotWilling" if command.undoes else unwilling, reason="no")
        elif command.undoes:
            self.effects.remove(place)
        elif not done:
            self.effects.append(place)
        self.replies[place].append(Sent(command.id, reply))

    @precondition(lambda self: self.answered)
    @rule(number=st.integers(0, 20))
    def reply_is_repeated(self, number: int) -> None:
        self._answer(self.answered[number % len(self.answered)])

    @precondition(lambda self: self.timers.due)
    @rule()
    def time_passes(self) -> None:
        self.saga.on_overdue(self.timers.due)  # type: ignore[arg-type] # the precondition says that one is set

    @rule(data=st.data())
    def another_program_takes_over(self, data: st.DataObject) -> None:
        """One that begins with other steps, in another order: what has begun keeps to its own."""
        steps = data.draw(st.permutations(trip_saga.steps))
        kept = data.draw(st.integers(1, len(steps)))
        self._start(replace(trip_saga, steps=tuple(steps[:kept]), retired=tuple(steps[kept:])))

    @rule()
    def the_trip_is_closed_or_opened(self) -> None:
        self.end_is_refused = not self.end_is_refused

    @precondition(lambda self: self.regrets)
    @rule()
    def traveller_cancels(self) -> None:
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
    def it_has_a_next_wake_up_or_has_ended(self) -> None:
        if hasattr(self, "saga"):
            process, due = self.processes.get("trip:1"), self.timers.due
            assert (due is None) == process.ended
            assert due is None or due.message_id == (process.awaiting[-1] if process.waits else "")

    @invariant()
    def every_command_has_an_id_of_its_own(self) -> None:
        if hasattr(self, "saga"):
            ids = [sent.id for sent in self.outbox.sent]
            assert len(set(ids)) == len(ids)

    def teardown(self) -> None:
        """In the end everybody answers, and nobody refuses any more; then nothing is left half done."""
        if not hasattr(self, "saga"):
            return
        for _ in range(LONG_ENOUGH):
            self._all_answer()
            self.it_has_a_next_wake_up_or_has_ended()
            self.end_is_refused = False
            if self.timers.due:
                self.time_passes()
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

        done = [sent.place for sent in self.outbox.sent if not sent.undoes and sent.id.endswith(":1")]
        assert done == [SEAT, ROOM, MONEY][: len(done)]

    def _all_answer(self) -> None:
        while any(self.commands.values()) or any(self.replies.values()):
            for place in (SEAT, ROOM, MONEY):
                while self.commands[place]:
                    self._act(place, unwilling="")
                while self.replies[place]:
                    self._answer(self.replies[place].popleft())

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

    assert Trip.refused == {"BookTrip", "FailTrip"}
    assert Trip.seen >= {State.COMPLETED, State.FAILED, State.CANCELLED}
