"""One more attempt at a parked message, in the writer's thread."""

from collections.abc import Callable, Iterator, Mapping

from mallbots_platform.clock import now_us
from mallbots_platform.crash_points import reached
from mallbots_platform.database import Database
from mallbots_platform.deliveries import Batch, Deliveries
from mallbots_platform.envelope import Envelope, decode_envelope
from mallbots_platform.errors import InvalidInput, words_of
from mallbots_platform.handling import Attempt, Handling, Outcome, Received, Route
from mallbots_platform.leases import Fence
from mallbots_platform.parking import DEAD, ParkedMessage, ParkingLot
from mallbots_platform.partitions import StreamName

DONE = (Outcome.APPLIED, Outcome.IGNORED)


class ParkedAttempts:
    """Of one group. `fence_of` comes to None where a partition is another's now."""

    def __init__(
        self,
        routes: Mapping[StreamName, Route],
        database: Database,
        lot: ParkingLot,
        handling: Handling,
        deliveries: Deliveries,
        fence_of: Callable[[int], Fence | None],
    ) -> None:
        self._routes = routes
        self._database = database
        self._lot = lot
        self._handling = handling
        self._deliveries = deliveries
        self._fence_of = fence_of

    def apart(self, messages: list[ParkedMessage]) -> Iterator[list[ParkedMessage]]:
        """What may share a transaction."""
        return self._handling.suspects.apart(messages, ((each.stream, each.seq) for each in messages))

    def attempt(self, message: ParkedMessage) -> None:
        """Raises LeaseLost."""
        if not self._is_ours(message):
            return
        envelope = self._read(message)
        if envelope is None:
            return
        route, entry = self._routes[message.stream], _received(message)
        attempt = self._handling.attempt(route, message.stream, envelope, entry, message.attempts + 1)
        if attempt.outcome in DONE:
            self._lot.release(message)
        elif attempt.outcome is Outcome.NEWER:
            self._lot.keep_on(message, attempt.error)
        else:
            state = self._lot.failed(message, attempt.error, attempt.outcome is Outcome.DEAD, attempt.until)
            attempt.outcome = Outcome.DEAD if state == DEAD else Outcome.RETRIED
        reached("retry: attempted")
        self._write_down(message, envelope, entry, attempt)

    def set_aside(self, message: ParkedMessage, deaths: int) -> None:
        """The process died each time it tried it: it is dead. Raises LeaseLost."""
        if not self._is_ours(message):
            return
        error = f"the process died {deaths} times while trying it again"
        self._lot.failed(message, error, permanent=True)
        if envelope := self._read(message):
            batch = Batch(message.stream, self._routes[message.stream], set(), again=True)
            row = (message.stream, envelope, _received(message), Outcome.DEAD, message.attempts + 1, 0, error)
            batch.deliveries.append(self._deliveries.row(*row))
            self._deliveries.write(batch)
            self._deliveries.count(Outcome.DEAD)

    def _is_ours(self, message: ParkedMessage) -> bool:
        """Whether it still waits, and for this process."""
        fence = self._fence_of(message.partition)
        if fence is None:
            return False
        fence.check(self._database)
        return self._lot.still_there(message.id)

    def _read(self, message: ParkedMessage) -> Envelope | None:
        """What cannot be read any more is dead."""
        try:
            return decode_envelope(message.envelope)
        except InvalidInput as error:
            self._lot.failed(message, words_of(error), permanent=True)
            return None

    def _write_down(self, message: ParkedMessage, envelope: Envelope, entry: Received, attempt: Attempt) -> None:
        batch = Batch(message.stream, self._routes[message.stream], set(), again=True)
        number = message.attempts + (attempt.outcome is not Outcome.NEWER)
        self._deliveries.note(batch, envelope, entry, attempt, number)
        self._deliveries.write(batch)


def _received(message: ParkedMessage) -> Received:
    return Received(message.seq, message.envelope, message.published_at, now_us())
