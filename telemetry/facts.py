"""One line per business fact: as many as there are events, so a commit's are encoded and written at once."""

import contextlib
import re
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

import msgspec

Tell = Callable[[Iterable["Fact"]], None]


class Fact(msgspec.Struct, frozen=True):
    """What a context has said. Nothing but ids, which tell of nobody."""

    type: str
    event_id: str
    correlation_id: str
    causation_id: str
    trace_id: str
    span_id: str


class _Line(msgspec.Struct, frozen=True):
    service: str
    type: str
    event_id: str
    correlation_id: str
    causation_id: str
    event: str
    level: str
    time: str
    trace_id: str
    span_id: str


def open_facts(service: str, log: Any, stream: TextIO | None = None) -> Tell:
    """Lines as those of `log`, which writes them itself where people read."""
    out = stream or sys.stdout
    if out.isatty():
        return lambda facts: _tell_people(log, facts)
    encoder = msgspec.json.Encoder()

    def tell(facts: Iterable[Fact]) -> None:
        time = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        lines = [encoder.encode(_line(service, fact, time)) for fact in facts]
        if lines:
            with contextlib.suppress(OSError):  # a full disk costs the lines, not the process
                out.write(b"\n".join((*lines, b"")).decode())
                out.flush()

    return tell


def nobody_listens(facts: Iterable[Fact]) -> None:
    """Where nothing is to be written."""


@lru_cache
def in_words(type: str) -> str:
    """`ordering.OrderApproved` is "order approved"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", type.rpartition(".")[2]).lower()


def _line(service: str, fact: Fact, time: str) -> _Line:
    return _Line(
        *(service, fact.type, fact.event_id, fact.correlation_id, fact.causation_id),
        *(in_words(fact.type), "info", time, fact.trace_id, fact.span_id),
    )


def _tell_people(log: Any, facts: Iterable[Fact]) -> None:
    for fact in facts:
        log.info(in_words(fact.type), **msgspec.structs.asdict(fact))
