"""A saga of its own for the tests of the platform: a seat, a room, then the money; the first two can be given back."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec

from mallbots_platform.causes import Cause
from mallbots_platform.envelope import Envelope, decode_envelope
from mallbots_platform.event_store import EventSourced
from mallbots_platform.messages import Accepted, Contract, Refused, command, event
from mallbots_platform.orchestration import AnswerIsOverdue, Orchestration
from mallbots_platform.saga_wakeups import Asleep, asleep
from mallbots_platform.sagas import PROCESS_EVENTS, Saga, SagaProcess, Step
from tests.support.parts import Parts
from tests.support.world import eventually


@event
class TripRequested:
    trip: str
    traveller: str


@event
class TripCancelled:
    trip: str


@event
class TripBooked:
    trip: str
    seat: str


@event
class TripFailed:
    trip: str
    reason: str


@command
class ReserveSeat:
    trip: str


@command
class ReleaseSeat:
    trip: str
    seat: str


@command
class BookRoom:
    trip: str
    traveller: str


@command
class CancelRoom:
    trip: str


@command
class ChargeCard:
    trip: str


@command
class BookTrip:
    trip: str
    seat: str


@command
class FailTrip:
    trip: str
    reason: str


TRAVEL = Contract(context="travel", events=(TripRequested, TripCancelled, TripBooked, TripFailed))
TRAINS = Contract(context="trains", commands=(ReserveSeat, ReleaseSeat))
HOTELS = Contract(context="hotels", commands=(BookRoom, CancelRoom))
BANK = Contract(context="bank", commands=(ChargeCard,))
PARTICIPANTS = (TRAINS, HOTELS, BANK)

trip_saga: Saga[TripRequested] = Saga(
    name="trip",
    begins_on=TripRequested,
    cancels_on=TripCancelled,
    key=lambda event: str(event.trip),
    steps=(
        Step(
            "reserve seat",
            to="trains",
            do=lambda facts: ReserveSeat(trip=facts.begun_by.trip),
            undo=lambda facts: ReleaseSeat(trip=facts.begun_by.trip, seat=facts.values.get("seat", "")),
        ),
        Step(
            "book room",
            to="hotels",
            do=lambda facts: BookRoom(trip=facts.begun_by.trip, traveller=facts.begun_by.traveller),
            undo=lambda facts: CancelRoom(trip=facts.begun_by.trip),
            attempts=2,
        ),
        Step("charge card", to="bank", do=lambda facts: ChargeCard(trip=facts.begun_by.trip)),
    ),
    ends_with=lambda facts: BookTrip(trip=facts.begun_by.trip, seat=facts.values.get("seat", "")),
    fails_with=lambda facts: FailTrip(trip=facts.begun_by.trip, reason=facts.reason),
)


class Agency(AbstractAsyncContextManager["Agency"]):
    """The context that runs the saga; the test plays its participants."""

    def __init__(
        self, url: str, contract: Contract = TRAVEL, snapshot_every: int = 100, saga: Saga[Any] = trip_saga
    ) -> None:
        self.parts = Parts(url, contract)
        self.before_booking: Callable[[], object] = lambda: None
        self.before_failing: Callable[[], object] = lambda: None
        self._saga = saga
        self._snapshot_every = snapshot_every

    async def __aenter__(self) -> "Agency":
        parts = await self.parts.__aenter__()
        for participant in PARTICIPANTS:
            parts.codec.know(participant)
        store = (parts.database, parts.outbox, parts.meter, self._snapshot_every)
        processes = EventSourced(SagaProcess, PROCESS_EVENTS, *store)
        handlers: dict[type, Callable[[Any], object]] = {BookTrip: self._book, FailTrip: self._fail}
        self.saga = Orchestration(
            self._saga, handlers, processes, parts.writer, parts.outbox, parts.timers, parts.codec, parts.meter
        )
        parts.timers.handle({AnswerIsOverdue: self.saga.on_overdue})
        parts.outbox.listen(TripRequested, self.saga.on_begin)
        parts.outbox.listen(TripCancelled, self.saga.on_cancel)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.parts.__aexit__(*exception)

    def _book(self, command: BookTrip) -> None:
        self.before_booking()
        self.parts.outbox.record(TripBooked(trip=command.trip, seat=command.seat), key=command.trip)

    def _fail(self, command: FailTrip) -> None:
        self.before_failing()
        self.parts.outbox.record(TripFailed(trip=command.trip, reason=command.reason), key=command.trip)

    async def request(self, trip: str = "1") -> None:
        await self._say(TripRequested(trip=trip, traveller="Ärmel"))

    async def cancel(self, trip: str = "1") -> None:
        await self._say(TripCancelled(trip=trip))

    async def accept(self, command: Envelope | None = None, **values: str) -> None:
        await self.reply(Accepted(values=values), command)

    async def refuse(self, reason: str, command: Envelope | None = None) -> None:
        await self.reply(Refused(code="NoMoreOfThem", reason=reason), command)

    async def has_nothing_to_undo(self, command: Envelope | None = None) -> None:
        await self.reply(Refused(code="NotFound", reason="no reservation has the id '1'"), command)

    async def reply(self, reply: Accepted | Refused, command: Envelope | None = None) -> None:
        """A participant's answer to a command, the last one that was sent when none is named."""
        answered = command or (await self.commands())[-1]
        envelope = Envelope(
            id=f"reply to {answered.id}",
            type="platform.Accepted",
            source="somebody",
            subject=answered.subject,
            time=answered.time,
            dataversion=1,
            channel="replies.travel",
            partition=0,
            sequence=1,
            correlationid=answered.correlationid,
            causationid=answered.id,
            data=msgspec.Raw(b"{}"),
        )
        cause = Cause(envelope.id, envelope.correlationid)
        await self.parts.change(lambda: self.saga.on_reply(reply, envelope), cause)

    async def time_passes(self) -> None:
        """The timers that are set are due, and go off."""
        await self.parts.change(lambda: self.parts.database.run("UPDATE timers SET due_at = 1"))
        going_off = asyncio.create_task(self.parts.timers.run())
        await eventually(self._nothing_is_due)
        going_off.cancel()

    async def _nothing_is_due(self) -> bool:
        return not await self.parts.rows("SELECT 1 FROM timers WHERE due_at = 1")

    async def commands(self, trip: str = "1") -> list[Envelope]:
        """What was sent to participants, oldest first."""
        statement = "SELECT envelope FROM outbox WHERE channel LIKE 'commands.%' AND key = ? ORDER BY committed_at"
        return [decode_envelope(raw) for (raw,) in await self.parts.rows(statement, trip)]

    async def sent(self, trip: str = "1") -> list[str]:
        """The ids of the commands without the process' own part, such as `do:book-room:2`."""
        return [envelope.id.split(":", 2)[2] for envelope in await self.commands(trip)]

    async def history(self, trip: str = "1") -> list[str]:
        """What happened to the process, by the names of its events."""
        statement = "SELECT type FROM events WHERE stream_id = ? ORDER BY version"
        rows = await self.parts.rows(statement, f"SagaProcess-trip:{trip}")
        return [str(type_name).partition(".")[2] for (type_name,) in rows]

    async def state(self, trip: str = "1") -> tuple[str, str]:
        """State and step, as operators are told."""
        [(state, step)] = await self.parts.rows("SELECT state, step FROM sagas WHERE id = ?", f"trip:{trip}")
        return state, step

    async def asleep(self) -> list[Asleep]:
        """Those that nothing will wake; there should be none at any moment."""
        database = self.parts.database
        return await self.parts.change(lambda: asleep(database, TRAVEL.context))

    async def said(self) -> list[tuple[str, Any]]:
        """The context's own events, by name, with their payload."""
        return [(each.type.partition(".")[2], msgspec.json.decode(each.data)) for each in await self.parts.published()]

    async def _say(self, message: Any) -> None:
        cause = Cause("call", f"conversation of {message.trip}")
        await self.parts.change(lambda: self.parts.outbox.record(message, key=message.trip), cause)
