"""What the Locust process tells the one that judges: one JSON object a line, in the order in which it happens.

`at` is in seconds since the epoch, durations are in seconds. What is measured counts from when it should have begun.
"""

from typing import BinaryIO

import msgspec

CHECKOUT = "checkout"
PLACED = "arrival → placed"
APPROVED = "placed → approved"
READY = "placed → ready"
START = "arrival → start"


class Begun(msgspec.Struct, frozen=True, tag="begun"):
    """The first customer may come; `page` is where Locust shows itself, if it does."""

    at: float
    page: str = ""


class Closed(msgspec.Struct, frozen=True, tag="closed"):
    """Nobody will come any more."""

    at: float


class Tick(msgspec.Struct, frozen=True, tag="tick"):
    """Once a second: customers in the mall now, calls so far and how many of them failed, CPU seconds of Locust."""

    at: float
    customers: int
    calls: int
    failed: int
    cpu_seconds: float


class Sample(msgspec.Struct, frozen=True, tag="sample"):
    """One measurement of a series. `seconds` is None when it never came about."""

    series: str
    at: float
    seconds: float | None


class Placed(msgspec.Struct, frozen=True, tag="placed"):
    """An order that the mall has accepted."""

    order_id: str
    at: float
    journey: str
    payment_id: str


class Meant(msgspec.Struct, frozen=True, tag="meant"):
    """A customer has done all there was to do; so this has to become of the order."""

    order_id: str
    ends_as: str


class Surprise(msgspec.Struct, frozen=True, tag="surprise"):
    """A visit that went otherwise than its customer meant it to. `cut`: it was not over when the run was."""

    at: float
    journey: str
    order_id: str
    what: str
    cut: bool = False


class CallStats(msgspec.Struct, frozen=True):
    """Of one method, outcome or journey over the whole run, as Locust counts it."""

    kind: str
    name: str
    count: int
    failed: int
    p50: float
    p95: float
    p99: float
    slowest: float


class Failure(msgspec.Struct, frozen=True):
    name: str
    error: str
    count: int


class Summary(msgspec.Struct, frozen=True, tag="summary"):
    """The last line."""

    calls: list[CallStats]
    failures: list[Failure]


Line = Begun | Closed | Tick | Sample | Placed | Meant | Surprise | Summary
_decoder = msgspec.json.Decoder(Line)


def write(line: Line, out: BinaryIO) -> None:
    out.write(msgspec.json.encode(line) + b"\n")
    out.flush()


def read(text: bytes) -> Line:
    """Raises msgspec.DecodeError."""
    line: Line = _decoder.decode(text)
    return line
