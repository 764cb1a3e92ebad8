import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mallbots_platform.envelope import Envelope, decode_envelope, encode_envelope, trace_of
from mallbots_platform.errors import InvalidInput
from mallbots_platform.partitions import StreamName, partition_of
from telemetry.tracing import TraceContext
from tests.support.world import World, redis_client

TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-03"
OTHER = f"00-{'c' * 32}-{'d' * 16}-01"
TIME = "2026-11-24T08:30:00.000123Z"
# What no attribute may hold: U+0000, and what UTF-8 cannot say.
letters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
texts = st.text(letters, max_size=30)


def envelope(
    subject: str = "order-1", traceparent: str = TRACEPARENT, baggage: str = "", data: bytes = b"{}"
) -> Envelope:
    return Envelope(
        id="message-1",
        type="ordering.OrderApproved",
        source="ordering",
        subject=subject,
        time=TIME,
        dataversion=1,
        channel="events",
        partition=3,
        sequence=7,
        correlationid="order-1",
        causationid="request-1",
        traceparent=traceparent,
        baggage=baggage,
        data=msgspec.Raw(data),
    )


def changed(**attributes: object) -> bytes:
    return json.dumps(json.loads(encode_envelope(envelope())) | attributes).encode()


def without(attribute: str) -> bytes:
    attributes = json.loads(encode_envelope(envelope()))
    del attributes[attribute]
    return json.dumps(attributes).encode()


def test_it_is_a_cloud_event() -> None:
    attributes = json.loads(encode_envelope(envelope(data=b'{"total":5}')))

    assert attributes["specversion"] == "1.0"
    assert attributes["datacontenttype"] == "application/json"
    assert attributes["data"] == {"total": 5}
    assert all(name.isascii() and name.isalnum() and name.islower() and len(name) <= 20 for name in attributes)
    assert {"id", "source", "type", "subject", "time"} <= set(attributes)


@given(subject=texts, baggage=texts, text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_every_language_survives_as_bytes_and_as_text(subject: str, baggage: str, text: str) -> None:
    data = msgspec.json.encode({"text": text})
    raw = encode_envelope(envelope(subject=subject, baggage=baggage, data=data))

    for read in (decode_envelope(raw), decode_envelope(raw.decode())):
        assert (read.subject, read.baggage, read.traceparent, read.sequence) == (subject, baggage, TRACEPARENT, 7)
        assert msgspec.json.decode(read.data) == {"text": text}


def test_unknown_attributes_are_ignored() -> None:
    assert decode_envelope(changed(dataschema="https://example.com", extra={"a": 1})).id == "message-1"


@pytest.mark.parametrize("attribute", ["traceparent", "tracestate", "baggage", "datacontenttype", "specversion"])
def test_some_attributes_may_be_missing(attribute: str) -> None:
    assert decode_envelope(without(attribute)).sequence == 7


@pytest.mark.parametrize(
    "attribute",
    [
        *("id", "type", "source", "subject", "time", "dataversion", "channel", "partition", "sequence"),
        *("correlationid", "causationid", "data"),
    ],
)
def test_the_others_may_not(attribute: str) -> None:
    with pytest.raises(InvalidInput, match=f"missing required field `{attribute}`"):
        decode_envelope(without(attribute))


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "Input data was truncated"),
        (b"\x00", "malformed"),
        (b"\xff\xfe", "can't decode byte 0xff"),
        (b"[]", "Expected `object`"),
        (changed(sequence="7"), r"Expected `int`, got `str` - at `\$\.sequence`"),
        (changed(subject=None), r"Expected `str`, got `null` - at `\$\.subject`"),
        (changed(specversion="2.0"), r"at `\$\.specversion`"),
        (changed(time="yesterday"), "Invalid isoformat string: 'yesterday'"),
        (changed(time="2026-13-01T00:00:00Z"), "month must be in 1..12"),
        (changed(time="2026-11-24T08:30:00"), "has no offset from UTC"),
        (changed(subject="a\x00b"), "an attribute contains the character U\\+0000"),
        (changed(baggage="\x00"), "an attribute contains the character U\\+0000"),
        (changed(id="\ud800"), "surrogate"),
        (encode_envelope(envelope(data=b'{"text":"\xff"}')), "can't decode byte 0xff"),
    ],
)
def test_bytes_that_are_no_envelope_are_refused(raw: bytes, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem) as refusal:
        decode_envelope(raw)

    assert refusal.value.field == "envelope"


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode_envelope(raw)

    assert trace_of(raw).traceparent == ""


def test_a_payload_may_hold_the_character_zero() -> None:
    raw = encode_envelope(envelope(data=b'{"text":"a\\u0000b"}'))

    assert msgspec.json.decode(decode_envelope(raw).data) == {"text": "a\x00b"}


@given(subject=texts, baggage=texts)
def test_the_trace_is_found_without_decoding(subject: str, baggage: str) -> None:
    raw = encode_envelope(envelope(subject=subject, baggage=baggage))

    assert trace_of(raw) == trace_of(raw.decode()) == TraceContext(TRACEPARENT)


HOSTILE = [f'{{"traceparent":"{OTHER}"}}', f'"traceparent":"{OTHER}"', f'\\"traceparent":"{OTHER}"', '"data":', "\\"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("traceparent", [TRACEPARENT, ""])
def test_text_that_looks_like_a_trace_is_none(text: str, traceparent: str) -> None:
    data = msgspec.json.encode({"traceparent": OTHER, "text": text})
    raw = encode_envelope(envelope(subject=text, baggage=text, traceparent=traceparent, data=data))

    assert trace_of(raw) == TraceContext(traceparent)


@pytest.mark.parametrize("traceparent", [TRACEPARENT, ""])
def test_an_envelope_written_by_others_has_its_own_trace(traceparent: str) -> None:
    attributes = json.loads(encode_envelope(envelope(traceparent=traceparent)))
    reversed_order = {"data": {"traceparent": OTHER}} | {name: attributes[name] for name in sorted(attributes)[1:]}
    raw = json.dumps(reversed_order | {"data": {"traceparent": OTHER}}, separators=(",", ":")).encode()

    assert trace_of(raw) == TraceContext(traceparent)


@pytest.mark.parametrize("raw", [b'{"traceparent":"\xff\xfe"}', b'"data":{"traceparent":"', b'{"traceparent":"00-'])
def test_garbage_has_no_trace(raw: bytes) -> None:
    assert trace_of(raw) == TraceContext("")


def test_a_trace_cut_within_a_character_is_none() -> None:
    raw = encode_envelope(envelope(traceparent="", baggage="я" * 40))

    assert trace_of(raw) == TraceContext("")


def test_the_trace_id_is_part_of_the_trace() -> None:
    assert envelope().trace_id == "a" * 32
    assert envelope(traceparent="").trace_id == ""


def forged(seq: int, **changes: object) -> bytes:
    """An envelope that stands where the teller's next one should, and has something odd in it."""
    place = {
        "source": "teller",
        "type": "teller.Said",
        "channel": "events",
        "sequence": seq,
        "data": {"text": "forged"},
    }
    return changed(partition=partition_of("k", 4), **(place | changes))


async def test_no_envelope_stops_a_consumer(world: World) -> None:
    teller, listener = await world.teller(), await world.listener()
    stream = StreamName("teller", "events", partition_of("k", 4))
    odd = [
        forged(1).replace(b'"forged"', b'"\xff"'),
        forged(2, time="yesterday"),
        forged(3, subject="a\x00b"),
        forged(4, time="0001-01-01T00:00:00"),
        b'{"traceparent":"\xff\xfe',
    ]
    async with redis_client(world.redis) as client:
        for number, raw in enumerate(odd, 1):
            await client.xadd(stream.key, {"e": raw}, id=f"{number}-0")

    texts = [f"word {number}" for number in range(8)]
    for text in texts:
        await teller.say(text)

    assert await listener.hears(*texts, seconds=30)
