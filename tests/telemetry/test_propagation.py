"""The trace context in the metadata of a call: taken in when it is well formed, passed on as it came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from telemetry.propagation import carriable, extract, inject
from telemetry.trace_context import TraceContext, read_traceparent
from telemetry.tracing import Tracer
from tests.support.otlp import PARENT, TRACE, TRACEPARENT

MALFORMED = [
    "",
    "00",
    f"00-{TRACE}-{PARENT}",
    f"00-{TRACE}-{PARENT}-",
    f"00-{TRACE}-{PARENT}-1",
    f"00-{TRACE}-{PARENT}-011",
    f"00-{TRACE}-{PARENT}-01-more",
    f"00-{TRACE}-{PARENT}-0g",
    f"00-{TRACE.upper()}-{PARENT}-01",
    f"00-{'0' * 32}-{PARENT}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-{TRACE[1:]}-{PARENT}-01",
    f"00-{TRACE}-{PARENT}0-01",
    f"ff-{TRACE}-{PARENT}-01",
    f"0-{TRACE}-{PARENT}-01",
    f" 00-{TRACE}-{PARENT}-01",
    f"00-{TRACE}-{PARENT}-01\n",
    f"01-{TRACE}-{PARENT}-01more",
    f"00_{TRACE}_{PARENT}_01",
    "00-" + "é" * 32 + f"-{PARENT}-01",
]


def test_takes_in_what_the_caller_sent() -> None:
    metadata: list[tuple[str, str | bytes]] = [
        ("user-agent", "any"),
        ("traceparent", TRACEPARENT),
        ("tracestate", "a=1 ,b=2"),
        ("baggage", "x = 1"),
        ("trace-bin", b"\x00"),
    ]

    assert extract(metadata) == TraceContext(TRACEPARENT, "a=1 ,b=2", "x = 1")


def test_without_a_context_there_is_none() -> None:
    assert extract([]) is None
    assert extract([("tracestate", "a=1"), ("baggage", "x=1")]) is None
    assert extract([("traceparent", TRACEPARENT.encode())]) is None


@pytest.mark.parametrize("traceparent", MALFORMED)
def test_a_malformed_context_is_none(traceparent: str) -> None:
    assert extract([("traceparent", traceparent), ("tracestate", "a=1")]) is None


@pytest.mark.parametrize("rest", ["", "-what-comes-later", "-"])
def test_a_later_version_is_understood(rest: str) -> None:
    found = extract([("traceparent", f"cc-{TRACE}-{PARENT}-03{rest}")])

    assert found and read_traceparent(found.traceparent) == (TRACE, PARENT, 3)


def test_several_headers_count_as_one() -> None:
    metadata = [("tracestate", "a=1"), ("traceparent", TRACEPARENT), ("tracestate", "b=2"), ("baggage", "x=1")]

    assert extract([*metadata, ("baggage", "y=2")]) == TraceContext(TRACEPARENT, "a=1,b=2", "x=1,y=2")


def test_two_callers_at_once_are_none() -> None:
    assert extract([("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)]) is None


def test_passes_on_what_there_is() -> None:
    assert inject(TraceContext(TRACEPARENT)) == [("traceparent", TRACEPARENT)]
    assert inject(TraceContext("")) == []
    assert inject(TraceContext(TRACEPARENT, "a=1", "b=2")) == [
        ("traceparent", TRACEPARENT),
        ("tracestate", "a=1"),
        ("baggage", "b=2"),
    ]


@pytest.mark.parametrize("unspeakable", ["ü=1", "a=1\nb=2", "a=\0", "a=\ud800"])
def test_what_no_header_can_carry_stays_behind(unspeakable: str) -> None:
    assert inject(TraceContext(TRACEPARENT, unspeakable, unspeakable)) == [("traceparent", TRACEPARENT)]


printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30)
carried = st.sampled_from(["", "a=1", "a = 1;of=us, b=%20"])


@given(st.sampled_from([TRACEPARENT, f"00-{TRACE}-{PARENT}-00"]), printable, carried)
def test_comes_out_as_it_went_in(traceparent: str, state: str, baggage: str) -> None:
    context = TraceContext(traceparent, state, baggage)

    assert extract(inject(context)) == context


@given(
    st.sampled_from(MALFORMED[:-1])
    | st.text("0f-", max_size=60)
    | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-x)?", fullmatch=True)
)
def test_believes_what_the_sdk_believes(traceparent: str) -> None:
    read = TraceContextTextMapPropagator().extract({"traceparent": traceparent.strip()}, Context())
    theirs = trace.get_current_span(read).get_span_context()

    ours = read_traceparent(traceparent.strip())

    assert (ours is not None) == theirs.is_valid
    if ours:
        assert (int(ours[0], 16), int(ours[1], 16), ours[2]) == (theirs.trace_id, theirs.span_id, theirs.trace_flags)


@pytest.mark.parametrize(
    ("baggage", "carried"),
    [
        ("x = 1;of=us, y=2", "x = 1;of=us, y=2"),
        ("x=1,nonsense,y=2,=3,z=\u00e9", "x=1,y=2"),
        (",".join(f"k{number}=1" for number in range(200)), ",".join(f"k{number}=1" for number in range(180))),
        (f"x=1,y={'a' * 5000}", "x=1"),
        (f"x={'a' * 9000}", ""),
    ],
    ids=["as it came", "malformed", "too many", "one too long", "too long"],
)
def test_baggage_that_may_not_be_carried_stays_at_the_door(
    baggage: str, carried: str, caplog: pytest.LogCaptureFixture
) -> None:
    carriable.cache_clear()
    for _ in range(3):
        taken = extract([("traceparent", TRACEPARENT), ("baggage", baggage)])
        with Tracer().span("x", parent=taken):
            pass

    assert taken == TraceContext(TRACEPARENT, "", carried)
    assert len(caplog.records) == (baggage != carried)
