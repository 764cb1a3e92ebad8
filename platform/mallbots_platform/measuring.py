"""What a context measures of its own: once it is committed, not before."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from mallbots_platform.event_store import EventSourced
from mallbots_platform.outbox import Draft, Outbox
from mallbots_platform.writer import Writer
from telemetry.metrics import Counter, Histogram, Meter


class Measuring:
    def __init__(self, writer: Writer, outbox: Outbox, meter: Meter) -> None:
        self._writer = writer
        self._outbox = outbox
        self._meter = meter

    def count(self, metric: str, label: str, events: Mapping[type, str]) -> None:
        """A counter of events that this context publishes, each under its value of the label."""
        for event_type, value in events.items():
            child = self._meter.counter(metric, **{label: value})
            self._outbox.listen(event_type, partial(self._count_when_committed, child))

    def time(self, metric: str, ends: type, of: EventSourced[Any]) -> None:
        """A histogram of the seconds from an aggregate's first event until it publishes `ends`."""
        self._outbox.listen(ends, partial(self._observe_when_committed, self._meter.histogram(metric), of))

    def _count_when_committed(self, child: Counter, event: object, draft: object) -> None:
        self._writer.after_commit(child.inc)

    def _observe_when_committed(
        self, histogram: Histogram, things: EventSourced[Any], event: object, draft: Draft
    ) -> None:
        self._writer.after_commit(partial(histogram.observe, things.age(draft.key), draft.span.exemplar))
