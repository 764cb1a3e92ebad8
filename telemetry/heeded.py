"""What OpenTelemetry's variables ask for and is not done here: said once, at the start, instead of not at all."""

from collections.abc import Iterator, Mapping

SPOKEN = frozenset({"tracecontext", "baggage"})
EXPORTED_TO = frozenset({"", "otlp", "none"})
ELSEWHERE = {
    "OTEL_METRICS_EXPORTER": "metrics are scraped, at /metrics",
    "OTEL_LOGS_EXPORTER": "lines go to standard output",
}
BATCHES = "OTEL_BSP_"


def not_heeded(environ: Mapping[str, str]) -> Iterator[str]:
    """One sentence for each variable that is set to something else than what is done."""
    if not spoken(environ) <= SPOKEN:
        yield "OTEL_PROPAGATORS is not heeded: tracecontext and baggage are what is spoken"
    if environ.get("OTEL_TRACES_EXPORTER", "") not in EXPORTED_TO:
        yield "OTEL_TRACES_EXPORTER is not heeded: spans go out by OTLP, or by nothing when it is none"
    for name, instead in ELSEWHERE.items():
        if environ.get(name, "none") not in ("", "none"):
            yield f"{name} is not heeded: {instead}"
    batches = sorted(name for name, value in environ.items() if name.startswith(BATCHES) and value)
    if batches and environ.get("MALLBOTS_TRACER") != "sdk":
        yield f"{', '.join(batches)}: not heeded by the lean tracer; MALLBOTS_TRACER=sdk heeds it"


def spoken(environ: Mapping[str, str]) -> frozenset[str]:
    return frozenset(filter(None, (name.strip() for name in environ.get("OTEL_PROPAGATORS", "").split(","))))
