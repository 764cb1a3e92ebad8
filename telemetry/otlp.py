"""Spans as OTLP, written byte by byte: building protobuf objects costs ten times as much as what is said.

Field numbers are those of opentelemetry/proto/trace/v1/trace.proto and common/v1/common.proto.
"""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import Link, SpanContext

from telemetry.spans import Event, Scope, Span
from telemetry.trace_context import TraceContext, read_traceparent

HAS_IS_REMOTE, IS_REMOTE = 0x100, 0x200
_fixed32, _fixed64, _double = struct.Struct("<I").pack, struct.Struct("<Q").pack, struct.Struct("<d").pack
_ONE_BYTE = tuple(bytes((number,)) for number in range(128))


def encode_span(span: Span) -> bytes:
    """One `opentelemetry.proto.trace.v1.Span`."""
    parts = [b"\x0a\x10", bytes.fromhex(span.trace_id_hex), b"\x12\x08", bytes.fromhex(span.span_id_hex)]
    origin = span.origin
    if origin.tracestate:
        parts.append(_text(b"\x1a", origin.tracestate))
    if origin.parent_id:
        parts += (b"\x22\x08", bytes.fromhex(origin.parent_id))
    parts.append(_name(span.name))
    parts += (b"\x30", _ONE_BYTE[span.kind], b"\x39", _fixed64(span.started_ns), b"\x41", _fixed64(span.ended_ns))
    _add_attributes(parts.append, span.attributes)
    if dropped := getattr(span.attributes, "dropped", 0):
        parts += (b"\x50", varint(dropped))
    if span.events is not None:
        parts += [delimited(b"\x5a", _event(event)) for event in span.events]
        if span.events.dropped:
            parts += (b"\x60", varint(span.events.dropped))
    if span.links:
        parts += _links(span)
    parts.append(_status(span) if span.status.value else b"\x7a\x00")
    parts += (b"\x85\x01", _fixed32(HAS_IS_REMOTE | (IS_REMOTE if origin.remote else 0)))
    return b"".join(parts)


def encode_request(resource: bytes, spans: Iterable[tuple[Scope, bytes]]) -> bytes:
    """An `ExportTraceServiceRequest` of spans that are encoded already; `resource` as `encode_resource` makes it.

    It may have a megabyte: what it consists of is put together only once.
    """
    by_scope: dict[Scope, list[bytes]] = {}
    for scope, encoded in spans:
        by_scope.setdefault(scope, []).extend((b"\x12", varint(len(encoded)), encoded))
    parts = [resource]
    for scope, scoped in by_scope.items():
        told = _scope(scope)
        parts += (b"\x12", varint(len(told) + _size(scoped)), told, *scoped)
    return b"".join((b"\x0a", varint(_size(parts)), *parts))


def _size(parts: Iterable[bytes]) -> int:
    return sum(map(len, parts))


def encode_resource(resource: Resource) -> bytes:
    attributes = b"".join(_attribute(b"\x0a", key, value) for key, value in resource.attributes.items())
    schema_url = _text(b"\x1a", resource.schema_url) if resource.schema_url else b""
    return delimited(b"\x0a", attributes) + schema_url


def partial_success(response: bytes) -> tuple[int, str]:
    """How many spans the receiver did not take and why, out of an `ExportTraceServiceResponse`."""
    told = dict(_fields(response)).get(1, b"")
    found = dict(_fields(told)) if isinstance(told, bytes) else {}
    rejected, reason = found.get(1, 0), found.get(2, b"")
    return (
        rejected if isinstance(rejected, int) else 0,
        reason.decode(errors="replace") if isinstance(reason, bytes) else "",
    )


def _scope(scope: Scope) -> bytes:
    told = _text(b"\x0a", scope.name) + (_text(b"\x12", scope.version) if scope.version else b"")
    told += b"".join(_attribute(b"\x1a", key, value) for key, value in (scope.attributes or {}).items())
    return delimited(b"\x0a", told) + (_text(b"\x1a", scope.schema_url) if scope.schema_url else b"")


def _event(event: Event) -> bytes:
    attributes = event.attributes
    told = [b"\x09", _fixed64(event.at_ns), _text(b"\x12", event.name)]
    told += [_attribute(b"\x1a", key, value) for key, value in attributes.items()]
    if attributes.dropped:
        told += (b"\x20", varint(attributes.dropped))
    return b"".join(told)


def _add_attributes(add: Callable[[bytes], None], attributes: Mapping[str, Any]) -> None:
    """A span's. Nearly all of them are short texts, so these have a short way."""
    known = _TEXT_HEADS.get
    for key, value in attributes.items():
        if type(value) is str and value.isascii():
            heads = known(key) or _text_heads(key)
            if len(value) < len(heads):
                add(heads[len(value)])
                add(value.encode())
                continue
        add(_attribute(b"\x4a", key, value))


def _text_heads(key: str) -> tuple[bytes, ...]:
    """What stands before a text of so many bytes, as long as every length fits into one byte. Made once a key."""
    told = _key(key)
    heads = tuple(
        b"\x4a" + bytes((len(told) + size + 4,)) + told + bytes((0x12, size + 2, 0x0A, size))
        for size in range(124 - len(told))
    )
    if len(_TEXT_HEADS) < MOST_HEADS:
        _TEXT_HEADS[key] = heads
    return heads


MOST_HEADS = 256
_TEXT_HEADS: dict[str, tuple[bytes, ...]] = {}


def _links(span: Span) -> list[bytes]:
    """The last ones that lead somewhere, as many as the limit allows."""
    encoded = [told for link in span.links if (told := _link(link))]
    left_out = max(0, len(encoded) - span.limits.max_links) if span.limits.max_links is not None else 0
    parts = [delimited(b"\x6a", told) for told in encoded[left_out:]]
    return [*parts, b"\x70", varint(left_out)] if left_out else parts


def _link(link: TraceContext | Link) -> bytes:
    """Nothing for one that leads nowhere."""
    if isinstance(link, TraceContext):
        trace_id, span_id, _ = read_traceparent(link.traceparent) or ("", "", 0)
        ids = b"\x0a\x10" + bytes.fromhex(trace_id) + b"\x12\x08" + bytes.fromhex(span_id)
        return ids + _LINK_FROM_AFAR if trace_id else b""
    return _link_of_library(link.context, link.attributes or {}, getattr(link.attributes, "dropped", 0))


def _link_of_library(context: SpanContext, attributes: Mapping[str, Any], dropped: int) -> bytes:
    told = [b"\x0a\x10", context.trace_id.to_bytes(16, "big"), b"\x12\x08", context.span_id.to_bytes(8, "big")]
    told += [_attribute(b"\x22", key, value) for key, value in attributes.items()]
    if dropped:
        told += (b"\x28", varint(dropped))
    told += (b"\x35", _fixed32(HAS_IS_REMOTE | (IS_REMOTE if context.is_remote else 0)))
    return b"".join(told)


def _status(span: Span) -> bytes:
    told = _text(b"\x12", span.status_text) if span.status_text else b""
    return delimited(b"\x7a", told + b"\x18" + _ONE_BYTE[span.status.value])


_LINK_FROM_AFAR = b"\x35" + _fixed32(HAS_IS_REMOTE | IS_REMOTE)


def _attribute(tag: bytes, key: str, value: Any) -> bytes:
    told = _VALUES.get(type(value), _other)(value)
    name, told = _key(key), b"\x12" + varint(len(told)) + told
    return b"".join((tag, varint(len(name) + len(told)), name, told))


@lru_cache(maxsize=1024)
def _key(key: str) -> bytes:
    return _text(b"\x0a", key)


@lru_cache(maxsize=1024)
def _name(name: str) -> bytes:
    return _text(b"\x2a", name)


def _string(value: str) -> bytes:
    return _text(b"\x0a", value)


def _boolean(value: bool) -> bytes:
    return b"\x10\x01" if value else b"\x10\x00"


def _integer(value: int) -> bytes:
    if not -(1 << 63) <= value < 1 << 63:
        return _string(str(value))
    return b"\x18" + varint(value & 0xFFFFFFFFFFFFFFFF)


def _float(value: float) -> bytes:
    return b"\x21" + _double(value)


def _bytes(value: bytes) -> bytes:
    return delimited(b"\x3a", value)


def _array(values: Sequence[Any]) -> bytes:
    encoded = (delimited(b"\x0a", _VALUES.get(type(value), _other)(value)) for value in values)
    return delimited(b"\x2a", b"".join(encoded))


def _mapping(values: Mapping[str, Any]) -> bytes:
    return delimited(b"\x32", b"".join(_attribute(b"\x0a", key, value) for key, value in values.items()))


def _nothing(value: None) -> bytes:
    return b""


def _other(value: Any) -> bytes:
    """Subclasses of what is known; what is not known at all, as the text that it prints."""
    for kind, encode in _VALUES.items():
        if isinstance(value, kind):
            return encode(value)
    return _mapping(value) if isinstance(value, Mapping) else _string(str(value))


_VALUES: dict[type, Callable[[Any], bytes]] = {
    str: _string,
    bool: _boolean,
    int: _integer,
    float: _float,
    bytes: _bytes,
    tuple: _array,
    list: _array,
    dict: _mapping,
    type(None): _nothing,
}


def _text(tag: bytes, text: str) -> bytes:
    """Lone surrogates, which no encoding knows, become question marks."""
    try:
        return delimited(tag, text.encode())
    except UnicodeEncodeError:
        return delimited(tag, text.encode(errors="replace"))


def delimited(tag: bytes, content: bytes) -> bytes:
    """A field of protobuf that says how long it is."""
    return tag + varint(len(content)) + content


def varint(number: int) -> bytes:
    """As protobuf writes a number that is not negative."""
    if number < 0x80:
        return _ONE_BYTE[number]
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _fields(message: bytes) -> Iterable[tuple[int, int | bytes]]:
    """Numbers and values of a message that has varints and nested messages only; what cannot be read is left out."""
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        value, at = _read_varint(message, at)
        if tag & 7 == 2:
            yield tag >> 3, message[at : at + value]
            at += value
        elif tag & 7 == 0:
            yield tag >> 3, value
        else:
            return


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        byte, at = message[at], at + 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return value, at
