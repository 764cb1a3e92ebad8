from io import BytesIO

from msgspec import DecodeError
from pytest import mark, raises

from loadtests.record import (
    Begun,
    CallStats,
    Closed,
    Failure,
    Line,
    Meant,
    Placed,
    Sample,
    Summary,
    Surprise,
    Tick,
    read,
    write,
)

LINES: list[Line] = [
    Begun(1.5, "http://127.0.0.1:8089"),
    Closed(2.5),
    Tick(2.0, customers=3, calls=40, failed=1, cpu_seconds=0.5),
    Sample("placed → ready", 2.25, 0.125),
    Sample("placed → ready", 2.25, None),
    Placed("order-1", 2.0, "pays when ready", "payment-1"),
    Meant("order-1", "collected"),
    Surprise(3.0, "pays when ready", "order-1", "order-1 is rejected", cut=True),
    Summary([CallStats("gRPC", "GetOrder", 9, 1, 0.1, 0.2, 0.3, 0.4)], [Failure("GetOrder", "UNAVAILABLE", 1)]),
]


@mark.parametrize("line", LINES, ids=lambda line: type(line).__name__)
def test_a_line_is_read_as_it_was_written(line: Line) -> None:
    out = BytesIO()

    write(line, out)

    assert out.getvalue().count(b"\n") == 1
    assert read(out.getvalue()) == line


def test_what_is_no_line_is_refused() -> None:
    with raises(DecodeError):
        read(b'{"type":"tick","at":"soon"}\n')
