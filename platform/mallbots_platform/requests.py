"""What came from outside and changed something: each call under an id of its own, which is the cause of what it says.

A caller that means to repeat a call gives it a key; the answer is kept under that. A key is one caller's, for one
method: what others call by the same name is another call.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from mallbots_platform.clock import now_us
from mallbots_platform.database import Database
from mallbots_platform.errors import AlreadyExists, Conflict, InvalidInput, PlatformError, RuleViolated
from telemetry.metrics import Meter

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call as idempotency sees it. `id` is new for every call; `key` is empty where the caller gave none, as
    `request_hash` is then; `caller` is empty for as long as nobody says who calls. Nobody waits for it
    after `until`, by the monotonic clock."""

    id: str
    key: str
    method: str
    correlation_id: str
    received_at: int
    request_hash: bytes = b""
    caller: str = ""
    until: float = math.inf


class Repeated(PlatformError):
    """Mixed into the same refusal as the first time."""


class Requests:
    """Methods run in the writer's thread, in the transaction of the call."""

    def __init__(self, database: Database, meter: Meter) -> None:
        self._database = database
        self._replays = meter.counter("mallbots_idempotent_replays_total")

    def once(self, incoming: Incoming, work: Callable[[], Message], response_type: type[Message]) -> Message:
        """The answer to the first call with this key; `work` runs for the first only.

        Raises InvalidInput when the key was used for something else, and again what the first call was refused with.
        """
        first = self._first(incoming, response_type)
        if first is not None:
            return first
        response = work()
        self._remember(incoming, response.SerializeToString(), "", "")
        return response

    def refused(self, incoming: Incoming, refusal: PlatformError, response_type: type[Message]) -> Message | None:
        """Remember a refusal, which is an answer too. When a call with the same key was quicker, its answer."""
        first = self._first(incoming, response_type)
        if first is None:
            self._remember(incoming, b"", type(refusal).__name__, str(refusal))
        return first

    def note(self, id: str, method: str, correlation_id: str, received_at: int, causation_id: str = "") -> None:
        """Remember a cause that was no call, such as a timer."""
        self._note((id, method, correlation_id, received_at), "", "", causation_id)

    def _remember(self, incoming: Incoming, answer: bytes, error: str, text: str) -> None:
        if incoming.key:
            row = (*_place(incoming), incoming.id, incoming.request_hash, answer, error, text)
            if not self._database.change(_KEEP, row):
                raise Conflict("another process is carrying out a call with the same idempotency key")
        self._note((incoming.id, incoming.method, incoming.correlation_id, incoming.received_at), error, text)

    def _note(self, cause: tuple[str, str, str, int], error: str, text: str, causation_id: str = "") -> None:
        self._database.run(_NOTE, (*cause, now_us() - cause[3], error, text, causation_id))

    def _first(self, incoming: Incoming, response_type: type[Message]) -> Message | None:
        known = self._database.run(_FIND, (*_place(incoming), *_place(incoming))) if incoming.key else []
        for request_hash, response, error, text in known:
            if bytes(request_hash) != incoming.request_hash:
                raise InvalidInput("idempotency-key", "was used before for a call with other content")
            self._replays.inc()
            if error:
                raise _refusal(error, text)
            return response_type.FromString(bytes(response))
        return None


def _place(incoming: Incoming) -> tuple[str, str, str]:
    return incoming.caller, incoming.method, incoming.key


def _refusal(error: str, text: str) -> PlatformError:
    """The refusal of the first call: the same name, the same status, the same words."""
    status: type[PlatformError] = AlreadyExists if error == AlreadyExists.__name__ else RuleViolated
    kind: type[PlatformError] = type(error, (Repeated, status), {})
    repeated = kind.__new__(kind)
    PlatformError.__init__(repeated, text)
    return repeated


# Programs of before had the key for the call's id, whoever called, and kept the answer with the call.
_FIND = """
    SELECT request_hash, response, error_type, error_text FROM idempotency_keys
    WHERE caller = ? AND method = ? AND key = ?
    UNION ALL
    SELECT request_hash, response, error_type, error_text FROM requests
    WHERE ? = '' AND method = ? AND id = ? AND LENGTH(request_hash) > 0
"""
_KEEP = """
    INSERT INTO idempotency_keys (caller, method, key, request_id, request_hash, response, error_type, error_text)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (caller, method, key) DO NOTHING
"""
_NOTE = """
    INSERT INTO requests (id, method, correlation_id, received_at, duration_us, error_type, error_text, causation_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
"""
