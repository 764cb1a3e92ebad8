"""What came from outside and changed something: remembered under its idempotency key, with the answer it got."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from mallbots_platform import errors
from mallbots_platform.clock import now_us
from mallbots_platform.database import Database
from mallbots_platform.errors import AlreadyExists, InvalidInput, PlatformError, RuleViolated
from telemetry.metrics import Meter

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call as idempotency sees it: `id` is its key, or made up when the caller gave none."""

    id: str
    method: str
    correlation_id: str
    received_at: int
    request_hash: bytes


class RepeatedRefusal(RuleViolated):
    """The same refusal as the first time."""


class Requests:
    """Methods run in the writer's thread, in the transaction of the call."""

    def __init__(self, database: Database, meter: Meter) -> None:
        self._database = database
        self._replays = meter.counter("mallbots_idempotent_replays_total")

    def once(self, incoming: Incoming, work: Callable[[], Message], response_type: type[Message]) -> Message:
        """The answer to the first call with this key; `work` runs for the first only.

        Raises InvalidInput when the key was used for something else, and again what the first call was refused with.
        """
        rows = self._database.run(_FIND, (incoming.id,))
        if rows:
            return self._repeat(incoming, response_type, *rows[0])
        response = work()
        duration = now_us() - incoming.received_at
        answer = response.SerializeToString()
        self._database.run(_NOTE, (*_identity(incoming), duration, incoming.request_hash, answer, "", ""))
        return response

    def refused(self, incoming: Incoming, refusal: PlatformError) -> None:
        """Remember a refusal, which is an answer too."""
        duration = now_us() - incoming.received_at
        told = (type(refusal).__name__, str(refusal))
        self._database.run(_NOTE, (*_identity(incoming), duration, incoming.request_hash, b"", *told))

    def note(self, id: str, method: str, correlation_id: str, received_at: int) -> None:
        """Remember a cause that was no call, such as a timer."""
        self._database.run(_NOTE, (id, method, correlation_id, received_at, now_us() - received_at, b"", b"", "", ""))

    def _repeat(
        self,
        incoming: Incoming,
        response_type: type[Message],
        method: str,
        hash: bytes,
        response: bytes,
        error: str,
        text: str,
    ) -> Message:
        if method != incoming.method or bytes(hash) != incoming.request_hash:
            raise InvalidInput("idempotency-key", "was used before for a call with other content")
        self._replays.inc()
        if error:
            raise _refusal(error, text)
        return response_type.FromString(bytes(response))


def _identity(incoming: Incoming) -> tuple[str, str, str, int]:
    return incoming.id, incoming.method, incoming.correlation_id, incoming.received_at


def _refusal(error: str, text: str) -> PlatformError:
    """The refusal of the first call, of the same status and with the same words."""
    repeated: PlatformError
    if error == AlreadyExists.__name__:
        repeated = AlreadyExists.__new__(AlreadyExists)
        errors.PlatformError.__init__(repeated, text)
        return repeated
    repeated = type(error, (RepeatedRefusal,), {})(text)
    return repeated


_FIND = "SELECT method, request_hash, response, error_type, error_text FROM requests WHERE id = ?"
_NOTE = """
    INSERT INTO requests (id, method, correlation_id, received_at, duration_us, request_hash, response, error_type,
                          error_text)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
"""
