"""One line per business fact: as many as there are events, so a commit's are encoded and written at once."""

import contextlib
import re
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache, partial
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


def open_facts(service: str, log: Any, stream: TextIO | None = None) -> Tell:
    """Lines as those of `log`, which writes them itself where people read."""
    out = stream or sys.stdout
    if out.isatty():
        return lambda facts: _tell_people(log, facts)
    encode = msgspec.json.Encoder().encode
    begin = lru_cache(partial(_begin, service))

    def tell(facts: Iterable[Fact]) -> None:
        time = datetime.now(UTC).isoformat().replace("+00:00", "Z").encode()
        text = b"".join(b'%b"time":"%b",%b\n' % (begin(fact.type), time, encode(fact)[1:]) for fact in facts)
        if text:
            with contextlib.suppress(OSError, UnicodeEncodeError):  # what cannot be written costs lines, no process
                out.write(text.decode())
                out.flush()

    return tell


def nobody_listens(facts: Iterable[Fact]) -> None:
    """Where nothing is to be written."""


@lru_cache
def in_words(type: str) -> str:
    """`ordering.OrderApproved` is "order approved"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", type.rpartition(".")[2]).lower()


def _begin(service: str, type: str) -> bytes:
    """What all lines of a type have in common."""
    return msgspec.json.encode({"service": service, "event": in_words(type), "level": "info"})[:-1] + b","


def _tell_people(log: Any, facts: Iterable[Fact]) -> None:
    for fact in facts:
        log.info(in_words(fact.type), **msgspec.structs.asdict(fact))
