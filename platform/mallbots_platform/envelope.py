"""The envelope of a message: CloudEvents 1.0 attributes in JSON, our extensions among them."""

import msgspec

from mallbots_platform.errors import InvalidInput
from telemetry.tracing import TraceContext


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Identity, time, order and cause of one message; `data` is its payload as JSON."""

    specversion: str = "1.0"
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
    datacontenttype: str = "application/json"
    data: msgspec.Raw

    @property
    def trace_id(self) -> str:
        return self.traceparent[3:35]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Envelope).decode


def encode_envelope(envelope: Envelope) -> bytes:
    return _encode(envelope)


def decode_envelope(raw: bytes | str) -> Envelope:
    """Raises InvalidInput when the bytes are no envelope."""
    try:
        return _decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput("envelope", str(error)) from error


def trace_of(raw: bytes | str) -> TraceContext:
    """The trace of an encoded envelope, found without decoding it."""
    text = raw if isinstance(raw, bytes) else raw.encode()
    start = text.find(b'"traceparent":"') + 15
    return TraceContext(text[start : start + 55].decode() if start > 15 else "")
