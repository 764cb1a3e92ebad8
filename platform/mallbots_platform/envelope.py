"""The envelope of a message: CloudEvents 1.0 attributes in JSON, our extensions among them."""

import re
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from mallbots_platform.clock import from_rfc3339
from mallbots_platform.errors import InvalidInput
from telemetry.tracing import TraceContext


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Identity, time, order and cause of one message; `data` is its payload as JSON. The first message of an epoch says
    after which one it comes; a command, until when what it is about may become known."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    type: str
    source: str
    subject: str
    time: str
    dataversion: int
    channel: str
    partition: int
    sequence: int
    correlationid: str
    causationid: str
    traceparent: str = ""
    tracestate: str = ""
    baggage: str = ""
    epoch: str = ""
    epochafter: str | UnsetType = UNSET
    answerby: str | UnsetType = UNSET
    datacontenttype: str = "application/json"
    data: msgspec.Raw

    @property
    def trace_id(self) -> str:
        return self.traceparent[3:35]

    @property
    def answer_by_us(self) -> int:
        """In microseconds since the epoch; 0 where that is at once."""
        return from_rfc3339(self.answerby) if self.answerby else 0


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Envelope).decode
_TRACE_KEY = b'"traceparent":"'
_TRACE_VALUE = re.compile(rb"[0-9a-f-]{55}")


def encode_envelope(envelope: Envelope) -> bytes:
    return _encode(envelope)


def decode_envelope(raw: bytes | str) -> Envelope:
    """Raises InvalidInput when it is no envelope, or one that no database would keep."""
    try:
        text = raw if isinstance(raw, str) else raw.decode()
        envelope = _decode(text)
        time = datetime.fromisoformat(envelope.time)
        answer_by = datetime.fromisoformat(envelope.answerby) if envelope.answerby else time
    except (msgspec.MsgspecError, ValueError) as error:
        raise InvalidInput("envelope", str(error)) from error
    if time.tzinfo is None or answer_by.tzinfo is None:
        moment = envelope.time if time.tzinfo is None else envelope.answerby
        raise InvalidInput("envelope", f"the time {moment} has no offset from UTC")
    if "\\u0000" in text and _has_zero(envelope):
        raise InvalidInput("envelope", "an attribute contains the character U+0000")
    return envelope


def text_of(raw: bytes | str) -> str:
    """An encoded envelope as databases keep it."""
    return raw.decode() if isinstance(raw, bytes) else raw


def _has_zero(envelope: Envelope) -> bool:
    return any("\x00" in value for value in msgspec.structs.astuple(envelope) if isinstance(value, str))


def trace_of(raw: bytes | str) -> TraceContext:
    """The trace of an encoded envelope, found without decoding it: as we write one, its data comes last."""
    text = raw if isinstance(raw, bytes) else raw.encode()
    start = text.find(_TRACE_KEY)
    if text.find(b'"data":', 0, max(start, 0)) >= 0:
        return _trace_in(raw)
    found = _TRACE_VALUE.match(text, start + len(_TRACE_KEY)) if start >= 0 else None
    return TraceContext(found[0].decode() if found else "")


def _trace_in(raw: bytes | str) -> TraceContext:
    """Of an envelope that others have written: what looks like its trace may belong to its data."""
    try:
        return TraceContext(decode_envelope(raw).traceparent)
    except InvalidInput:
        return TraceContext("")


def about(envelope: Envelope, group: str, attempt: int) -> dict[str, Any]:
    """What a line says of the message that it is about."""
    return {
        "type": envelope.type,
        "event_id": envelope.id,
        "correlation_id": envelope.correlationid,
        "group": group,
        "attempt": attempt,
    }
