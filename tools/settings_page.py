"""Writes docs/settings.md: every variable that a process, a command or a load test reads, out of the code that does."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path

from mallbots_platform.settings import BOUNDS, PREFIX, Settings

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
Row = tuple[str, str, str]

MEANINGS = {
    "database_url": "Where the context keeps everything: `sqlite:///data/{context}.db` or "
    "`postgresql://user@host/{context}`",
    "redis_url": "The Redis that carries the streams: `redis://host:6379`",
    "key_prefix": "All keys in Redis begin with it; two installations on one Redis need one each",
    "installation": "The id of the whole that this process is part of; its databases and its Redis keep it, and "
    "another's are left alone. Empty: taken from a peer or from Redis, made where nobody has one",
    "grpc_address": "Where calls are taken, `host:port`; port 0 is any free one",
    "operator_address": "Where operators ask, and readers read its log",
    "metrics_address": "Where `/metrics`, `/livez`, `/readyz` and `/healthz` are served",
    "endpoints": "A directory in which the processes of one machine announce where they listen",
    "peer_grpc": "Without `endpoints`: where a context takes calls",
    "peer_operator": "Without `endpoints`: where a context's operator service is. Commands use it, too",
    "partitions": "Of each stream. More allow more processes of a context at work at once",
    "lease_seconds": "How long an owner of a partition may be silent before another takes it (lease, rebalance)",
    "retry_attempts": "How often a message is tried before it is dead (dead letter)",
    "retry_base_seconds": "The pause before the second attempt; it doubles from then on (exponential back-off)",
    "retry_cap_seconds": "The longest pause between two attempts",
    "longest_wait_seconds": "A call that would wait longer for its turn is refused at once (load shedding)",
    "pretended_releases": "For tests: everything is said and kept as by a program so many releases later, which an "
    "earlier one cannot read",
    "retention_seconds": "How long a stream keeps what every group has acknowledged; the log keeps it for ever",
}
CONTEXTS: tuple[Row, ...] = (
    ("BASKETS_ABANDON_AFTER_SECONDS", "1800", "A basket that nobody touches for so long is given up"),
    ("DEPOT_BOT_LEASE_SECONDS", "30", "A robot that is silent for so long gives back its list"),
    ("PAYMENTS_DECLINE_ABOVE", "1000000", "An amount above this, in minor units, is declined"),
    ("PAYMENTS_HOLD_SECONDS", "3600", "An authorisation that is not captured ends after so long"),
)
COMMANDS: tuple[Row, ...] = (
    ("DATA", ".mallbots", "Where `up` and `demo` keep a run, and where the other commands look for it"),
    ("LOAD_HOSTS", "", "Hosts besides loopback that load tests may go to, separated by commas"),
)
TELEMETRY: tuple[Row, ...] = (
    ("TRACER", "lean", "`lean` or `sdk`: who records and sends spans"),
    ("CRASH_AT", "", "For tests: the labelled place at which the process kills itself, such as `commit: before=3`"),
)
OPENTELEMETRY = """
Of OpenTelemetry's variables these are heeded: `OTEL_EXPORTER_OTLP_*` (endpoint, protocol, headers, time-out,
compression, certificates; also with `TRACES_` in them), `OTEL_TRACES_EXPORTER` (`otlp` or `none`), `OTEL_SDK_DISABLED`,
`OTEL_TRACES_SAMPLER` and `_ARG`, `OTEL_SPAN_*_LIMIT` and their like, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME`.
Of others that would change something, a process says at its start that they are not.
"""


def page() -> str:
    return "\n".join(
        (
            "# Settings",
            "",
            "All are variables of the environment. A value that cannot be is refused at the start, with the variable's",
            "name and what it should be. This page is made by `make settings`.",
            "",
            "## Of every process",
            "",
            *_table((_row(each) for each in fields(Settings) if each.name in MEANINGS), with_bounds=True),
            "",
            "## Of one context",
            "",
            *_table(CONTEXTS),
            "",
            "## Of commands and load tests",
            "",
            *_table(COMMANDS),
            "",
            "## Of telemetry and tests",
            "",
            *_table(TELEMETRY),
            OPENTELEMETRY,
        )
    )


def _row(each: "Field[object]") -> Row:
    default = (
        "**needed**"
        if each.default is MISSING
        else f"{each.default:g}"
        if isinstance(each.default, float)
        else each.default
    )
    return each.name.upper(), str(default), MEANINGS[each.name]


def _table(rows: Iterable[Row], *, with_bounds: bool = False) -> Iterator[str]:
    yield "| variable | if not said | what it is |" + (" from |" if with_bounds else "")
    yield "|---|---|---|" + ("---|" if with_bounds else "")
    for name, default, meaning in rows:
        shown = default if default.startswith("**") else f"`{default}`" if default else "nothing"
        bounds = " to ".join(f"{bound:g}" for bound in BOUNDS.get(name.lower(), ()))
        yield f"| `{PREFIX}{name}` | {shown} | {meaning} |" + (f" {bounds} |" if with_bounds else "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name} written\n")
