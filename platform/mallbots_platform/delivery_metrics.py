"""What a group measures of its deliveries: counted and timed once they are committed, a batch at a time."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from mallbots_platform.handling import Outcome
from telemetry.metrics import Histogram, Meter
from telemetry.tracing import Span


class Handled(NamedTuple):
    """What is to be told of one delivery when it has been committed."""

    type: str
    outcome: Outcome
    outbox_us: int
    stream_us: int
    handler_us: int
    critical_us: int
    attempt: int
    span: Span


class _Bound(NamedTuple):
    """The histograms of one message type and outcome."""

    critical: Histogram
    outbox: Histogram
    stream: Histogram
    handler: Histogram
    handled: Histogram


class DeliveryMetrics:
    """The metrics of one group, their children bound once per message type."""

    def __init__(self, group: str, meter: Meter) -> None:
        self._group = group
        self._meter = meter
        self._bound: dict[tuple[str, Outcome], _Bound] = {}
        self._outcomes = {
            outcome: meter.counter("mallbots_deliveries_total", group=group, outcome=outcome.value)
            for outcome in Outcome
        }
        self._retries = meter.counter("mallbots_retries_total", group=group)
        self.clock_skew = meter.counter("mallbots_clock_skew_total", group=group)

    def count(self, outcome: Outcome, number: int = 1) -> None:
        self._outcomes[outcome].inc(number)

    def delivered(self, handled: Iterable[Handled]) -> None:
        """What one commit has dealt with; their spans end here."""
        by_kind: dict[tuple[str, Outcome], list[Handled]] = defaultdict(list)
        for each in handled:
            each.span.end()
            by_kind[each.type, each.outcome].append(each)
        for (type, outcome), some in by_kind.items():
            self._observe(type, outcome, some)

    def _observe(self, type: str, outcome: Outcome, some: list[Handled]) -> None:
        self.count(outcome, len(some))
        if again := sum(each.attempt > 1 for each in some):
            self._retries.inc(again)
        type_name = "other" if outcome is Outcome.IGNORED else type  # what nobody handles may be anything
        bound = self._bound.get((type_name, outcome)) or self._bind(type_name, outcome)
        handler_seconds = [each.handler_us / 1e6 for each in some]
        bound.critical.observe_many([each.critical_us / 1e6 for each in some], lambda at: some[at].span.exemplar)
        bound.outbox.observe_many([each.outbox_us / 1e6 for each in some])
        bound.stream.observe_many([each.stream_us / 1e6 for each in some])
        bound.handler.observe_many(handler_seconds)
        bound.handled.observe_many(handler_seconds)

    def _bind(self, type_name: str, outcome: Outcome) -> "_Bound":
        of_type, meter = {"type": type_name, "group": self._group}, self._meter
        bound = self._bound[type_name, outcome] = _Bound(
            critical=meter.histogram("mallbots_event_critical_seconds", **of_type),
            outbox=meter.histogram("mallbots_event_outbox_seconds", **of_type),
            stream=meter.histogram("mallbots_event_stream_seconds", **of_type),
            handler=meter.histogram("mallbots_event_handler_seconds", **of_type),
            handled=meter.histogram("messaging_process_duration_seconds", **of_type, outcome=outcome.value),
        )
        return bound
