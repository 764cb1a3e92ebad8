"""For each alert a trouble that it must see: which series show it, and what they are like before and after.

A series has a sample every `step` seconds. `=12` says that it is 12 for a time; `+5`, that it rises by 5 each sample.
"""

import re
from dataclasses import dataclass

CONTEXT = 'context="ordering"'
GROUP = 'context="ordering", group="ordering"'
CALL = 'context="baskets", rpc_method="mallbots.baskets.v1.BasketsService/CheckoutBasket"'
STATUSES = "rpc_server_call_duration_seconds_count{%s, status=%s}"
EFFECTS = 'mallbots_event_critical_seconds_%s{context="payments", group="payments", type="ordering.OrderApproved"%s}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All is well, for `before` seconds; then there is trouble, for `troubled` seconds: the alert fires after at most
    `seen_after` of them. Then all is well again, and after `silent_after` more the alert is silent. `series` gives the
    values of each series in these three times."""

    alert: str
    series: dict[str, tuple[str, str, str]]
    severity: str = "page"
    step: int = 5
    before: int = 60
    seen_after: int = 90
    troubled: int = 120
    silent_after: int = 150

    @property
    def values(self) -> dict[str, str]:
        """In the notation of Prometheus' tool."""
        spans = (self.before, self.troubled, self.silent_after)
        return {series: _notation(parts, spans, self.step) for series, parts in self.series.items()}

    @property
    def values_with_gaps(self) -> dict[str, str]:
        """As they are where every third scrape fails. What Prometheus itself says of a scrape is there each time."""
        return {
            series: values if series.startswith("up{") else _with_gaps(values) for series, values in self.values.items()
        }


def gauge(series: str, well: float, bad: float) -> dict[str, tuple[str, str, str]]:
    return {series: (f"={well}", f"={bad}", f"={well}")}


def rising(series: str, per_sample: float = 1) -> dict[str, tuple[str, str, str]]:
    """A counter that stands still, rises in the trouble, and stands still again."""
    return {series: ("+0", f"+{per_sample}", "+0")}


def _notation(parts: tuple[str, str, str], spans: tuple[int, int, int], step: int) -> str:
    at, pieces = 0.0, []
    for part, seconds in zip(parts, spans, strict=True):
        more, number = seconds // step - 1, float(part[1:])
        at, rise = (number, 0.0) if part.startswith("=") else (at + number, number)
        pieces.append(f"{at:g}+{rise:g}x{more}")
        at += rise * more
    return " ".join(pieces)


def _with_gaps(notation: str) -> str:
    samples = []
    for piece in notation.split():
        first, rise, more = map(float, re.findall(r"(.+)(?<!e)\+(.+)x(.+)", piece)[0])
        samples += [f"{first + rise * number:g}" for number in range(int(more) + 1)]
    return " ".join("stale" if number % 3 == 2 else sample for number, sample in enumerate(samples))


STORIES = (
    Story(
        alert="ConsumerIsBehind",
        series=gauge(f'mallbots_stream_lag_seconds{{{GROUP}, source="baskets", partition="1"}}', 0.2, 12),
    ),
    Story(
        alert="ConsumerIsStuck",
        series=gauge(f'mallbots_stream_oldest_unacked_seconds{{{GROUP}, source="baskets", partition="1"}}', 0, 20)
        | {f'mallbots_deliveries_total{{{GROUP}, outcome="applied"}}': ("+5", "+0", "+5")},
    ),
    Story(alert="DeadMessages", series=gauge(f"mallbots_dead{{{GROUP}}}", 0, 1)),
    Story(alert="WaitsForLaterProgram", series=gauge(f"mallbots_newer{{{GROUP}}}", 0, 3)),
    Story(
        alert="ParkedTooLong",
        series=gauge(f"mallbots_parked{{{GROUP}}}", 0, 2) | gauge(f"mallbots_parked_oldest_seconds{{{GROUP}}}", 0, 50),
    ),
    Story(alert="RetriesArePersistent", severity="ticket", series=rising(f"mallbots_retries_total{{{GROUP}}}", 3)),
    Story(alert="OutboxIsOld", series=gauge(f"mallbots_outbox_oldest_age_seconds{{{CONTEXT}}}", 0.1, 15)),
    Story(
        alert="SourceWentBack",
        series=gauge(f'mallbots_stream_parted{{{GROUP}, source="baskets"}}', 0, 1),
    ),
    Story(alert="MessagesSetAside", series=gauge(f"mallbots_outbox_aside{{{CONTEXT}}}", 0, 5)),
    Story(alert="RedisIsForeign", series=gauge(f"mallbots_redis_foreign{{{CONTEXT}}}", 0, 1)),
    Story(alert="LossDetected", series=rising(f"mallbots_stream_gaps_detected_total{{{GROUP}}}")),
    Story(
        alert="LossNotHealed",
        series=gauge(f"mallbots_stream_gaps_detected_total{{{GROUP}}}", 3, 4)
        | gauge(f"mallbots_stream_gaps_healed_total{{{GROUP}}}", 3, 3),
    ),
    Story(
        alert="RedisLostData",
        severity="ticket",
        series=rising(f"mallbots_outbox_republished_total{{{CONTEXT}}}", 20),
    ),
    Story(alert="LeasesFlap", series=rising(f"mallbots_lease_lost_total{{{GROUP}}}")),
    Story(
        alert="PartitionHasNoOwner",
        series=gauge(f"mallbots_lease_owned{{{GROUP}}}", 2, 1)
        | gauge(f'mallbots_stream_lag_events{{{GROUP}, source="baskets", partition="0"}}', 0, 0)
        | gauge(f'mallbots_stream_lag_events{{{GROUP}, source="baskets", partition="1"}}', 0, 0),
    ),
    Story(alert="OwnerWasFenced", severity="ticket", series=rising(f"mallbots_fenced_commits_total{{{GROUP}}}")),
    Story(
        alert="SagaIsStuck",
        series=gauge(f'mallbots_saga_oldest_seconds{{{CONTEXT}, saga="order", step="confirm payment"}}', 1, 50),
    ),
    Story(
        alert="UndoIsRefused",
        series=gauge(f'mallbots_saga_stuck{{{CONTEXT}, saga="order", step="confirm payment"}}', 0, 2),
    ),
    Story(alert="SagaIsAsleep", series=gauge(f'mallbots_saga_asleep{{{CONTEXT}, saga="order"}}', 0, 1)),
    Story(
        alert="ParticipantDoesNotAnswer",
        severity="ticket",
        series=rising(f'mallbots_saga_timeouts_total{{{CONTEXT}, saga="order", step="confirm payment"}}'),
    ),
    Story(alert="TimersAreLate", series=gauge(f"mallbots_timers_overdue_seconds{{{CONTEXT}}}", 0, 14)),
    Story(
        alert="CallsFail",
        series={STATUSES % (CALL, '"OK"'): ("+50", "+50", "+50")} | rising(STATUSES % (CALL, '"UNAVAILABLE"'), 10),
    ),
    Story(alert="CallsAreRefused", series=rising(f'mallbots_calls_refused_total{{{CONTEXT}, queue="writer"}}', 60)),
    Story(
        alert="CommitsAreSlow",
        series={
            f'mallbots_commit_seconds_bucket{{{CONTEXT}, le="0.1"}}': ("+50", "+10", "+50"),
            f'mallbots_commit_seconds_bucket{{{CONTEXT}, le="0.5"}}': ("+50", "+50", "+50"),
            f'mallbots_commit_seconds_bucket{{{CONTEXT}, le="+Inf"}}': ("+50", "+50", "+50"),
        },
    ),
    Story(
        alert="ConflictsAreFrequent",
        severity="ticket",
        series=rising(f"mallbots_event_store_conflicts_total{{{CONTEXT}}}", 60),
    ),
    Story(alert="DatabaseHangs", series=rising(f"mallbots_database_unanswered_total{{{CONTEXT}}}")),
    Story(
        alert="CommitsComeToNothing",
        severity="ticket",
        series=rising(f'mallbots_commits_undone_total{{{CONTEXT}, reason="away"}}', 2),
    ),
    Story(
        alert="AttemptsLoseConnection",
        severity="ticket",
        series=rising(f"mallbots_attempts_blamed_total{{{GROUP}}}"),
    ),
    Story(alert="NotReady", series=gauge(f"mallbots_ready{{{CONTEXT}}}", 1, 0)),
    Story(alert="ProcessIsDown", series=gauge(f'up{{job="mallbots", {CONTEXT}}}', 1, 0)),
    Story(alert="ClocksDisagree", severity="ticket", series=rising(f"mallbots_clock_skew_total{{{GROUP}}}")),
    Story(
        alert="RedisIsNearlyFull",
        series=gauge('redis_memory_used_bytes{job="stores"}', 20e6, 180e6)
        | gauge('redis_maxmemory_bytes{job="stores"}', 200e6, 200e6),
    ),
    Story(
        alert="TelemetryDropped",
        severity="ticket",
        series={f'mallbots_telemetry_spans_total{{{CONTEXT}, outcome="exported"}}': ("+90", "+0", "+90")}
        | rising(f'mallbots_telemetry_spans_total{{{CONTEXT}, outcome="dropped"}}', 90),
    ),
    Story(
        alert="CollectorLosesData",
        severity="ticket",
        series=rising('otelcol_exporter_send_failed_spans_total{exporter="otlp_grpc/jaeger"}', 40),
    ),
    Story(alert="BackEndIsDown", severity="ticket", series=gauge('up{job="jaeger"}', 1, 0)),
    Story(alert="TooManySeries", severity="ticket", series=gauge("prometheus_tsdb_head_series", 6000, 16000)),
    Story(
        alert="RulesFail",
        series=rising('prometheus_rule_evaluation_failures_total{rule_group="mallbots flow"}'),
    ),
    Story(alert="FaultIsOn", severity="note", series=gauge('mallbots_faults_active{fault="slow-database"}', 0, 1)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseStory(Story):
    """The same on the scale of hours: a promise is about the long run."""

    step: int = 60
    before: int = 600
    seen_after: int = 600
    troubled: int = 1800
    silent_after: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class WearingStory(PromiseStory):
    """A little goes wrong, for long: nobody is woken."""

    severity: str = "ticket"
    seen_after: int = 7200
    troubled: int = 10800
    silent_after: int = 24000


PROMISES = (
    PromiseStory(
        alert="CheckoutFailsTooOften",
        series={STATUSES % (CALL, '"OK"'): ("+50", "+50", "+50")} | rising(STATUSES % (CALL, '"INTERNAL"'), 10),
    ),
    WearingStory(
        alert="CheckoutFailsTooOften",
        series={STATUSES % (CALL, '"OK"'): ("+50", "+50", "+50")} | rising(STATUSES % (CALL, '"INTERNAL"'), 0.2),
    ),
    PromiseStory(
        alert="EffectsComeTooLate",
        series={
            EFFECTS % ("count", ""): ("+50", "+50", "+50"),
            EFFECTS % ("bucket", ', le="1.0"'): ("+50", "+25", "+50"),
        },
    ),
    WearingStory(
        alert="EffectsComeTooLate",
        series={
            EFFECTS % ("count", ""): ("+50", "+50", "+50"),
            EFFECTS % ("bucket", ', le="1.0"'): ("+50", "+48", "+50"),
        },
    ),
    PromiseStory(
        alert="OrdersGetReadyTooLate",
        series={
            f"mallbots_order_ready_seconds_count{{{CONTEXT}}}": ("+50", "+50", "+50"),
            f'mallbots_order_ready_seconds_bucket{{{CONTEXT}, le="60.0"}}': ("+50", "+25", "+50"),
        },
    ),
    WearingStory(
        alert="OrdersGetReadyTooLate",
        series={
            f"mallbots_order_ready_seconds_count{{{CONTEXT}}}": ("+50", "+50", "+50"),
            f'mallbots_order_ready_seconds_bucket{{{CONTEXT}, le="60.0"}}': ("+50", "+48", "+50"),
        },
    ),
)
