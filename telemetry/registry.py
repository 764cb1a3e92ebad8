"""Every span, metric and log line of the system, by name: what it is, and which question it answers.

Code emits through this list and nothing else; a test compares it with what a run really emitted, both ways.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from telemetry.spans import Kind

FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
# With the bounds that objectives are set at: 0.1, 0.25, 0.5, 1 and 5 seconds.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
COUNTS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Instrument(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """`labels` besides `context`, which every metric has; `unit` as Prometheus writes it, empty for numbers."""

    name: str
    instrument: Instrument
    question: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    buckets: tuple[float, ...] = SECONDS


@dataclass(frozen=True, slots=True)
class SpanShape:
    """`name` is a pattern: `*` stands for a name that is part of a contract. Attributes may be absent."""

    name: str
    kind: Kind
    question: str
    attributes: frozenset[str]

    def matches(self, name: str) -> bool:
        return bool(_pattern(self.name).fullmatch(name))


def _counter(name: str, question: str, *labels: str) -> Metric:
    return Metric(name, Instrument.COUNTER, question, labels)


def _gauge(name: str, question: str, *labels: str, unit: str = "") -> Metric:
    return Metric(name, Instrument.GAUGE, question, labels, unit)


def _seconds(name: str, question: str, *labels: str, buckets: tuple[float, ...] = SECONDS) -> Metric:
    return Metric(name, Instrument.HISTOGRAM, question, labels, "seconds", buckets)


def _counts(name: str, question: str, *labels: str) -> Metric:
    return Metric(name, Instrument.HISTOGRAM, question, labels, "", COUNTS)


METRICS = {
    metric.name: metric
    for metric in (
        _seconds(
            "mallbots_event_critical_seconds", "How late are effects? Commit of the cause to commit of the effect.",
            "type", "group",
        ),
        _seconds("mallbots_event_outbox_seconds", "… of that: until it was in Redis.", "type", "group"),
        _seconds("mallbots_event_stream_seconds", "… of that: until it was its turn.", "type", "group"),
        _seconds("mallbots_event_handler_seconds", "… of that: in the handler.", "type", "group", buckets=FAST),
        _counter("mallbots_clock_skew_total", "Do the clocks agree? Messages read before they were written.", "group"),
        _gauge("mallbots_stream_lag_events", "Is anyone behind, by how many?", "source", "partition", "group"),
        _gauge(
            "mallbots_stream_lag_seconds", "Is anyone behind, by how long?",
            "source", "partition", "group", unit="seconds",
        ),
        _gauge(
            "mallbots_stream_oldest_unacked_seconds", "How old is the oldest message that is not acknowledged?",
            "source", "partition", "group", unit="seconds",
        ),
        _gauge("mallbots_outbox_pending", "Is publishing healthy? Committed, not yet in Redis."),
        _gauge("mallbots_outbox_oldest_age_seconds", "How old is the oldest of them?", unit="seconds"),
        _counter("mallbots_outbox_published_total", "How much is published?"),
        _counter("mallbots_outbox_republished_total", "Did Redis lose data that had to be written again?"),
        _gauge("mallbots_outbox_aside", "Has a database lost what its context said? Messages that wait to be settled."),
        _counter("mallbots_outbox_duplicates_refused_total", "How often did Redis refuse a second copy?"),
        _gauge("mallbots_stream_entries", "How much does Redis hold?"),
        _gauge("mallbots_redis_foreign", "Does Redis belong to another installation?"),
        _counter("mallbots_stream_trimmed_total", "How much is let go?"),
        _counter("mallbots_stream_gaps_detected_total", "Was anything lost?", "group"),
        _counter("mallbots_stream_gaps_healed_total", "… and was it found again?", "group"),
        _gauge(
            "mallbots_stream_parted", "Who has applied what its source does not know any more?", "source", "group",
        ),
        _seconds(
            "messaging_process_duration_seconds", "How long do handlers take, by what became of it?",
            "type", "group", "outcome", buckets=FAST,
        ),
        _counter("mallbots_deliveries_total", "What happened to each delivery?", "group", "outcome"),
        _counter("mallbots_retries_total", "How often is something tried again?", "group"),
        _counter("mallbots_attempts_undone_total", "How often did an attempt end with its connection?", "group"),
        _counter("mallbots_attempts_blamed_total", "… and how often was the attempt to blame?", "group"),
        _gauge("mallbots_parked", "How much is set aside and will be tried again?", "group"),
        _gauge("mallbots_dead", "How much waits for an operator?", "group"),
        _gauge("mallbots_newer", "What waits for a later program, since this one cannot read it?", "group"),
        _gauge("mallbots_parked_oldest_seconds", "Since when?", "group", unit="seconds"),
        _gauge("mallbots_lease_owned", "Who owns what? Partitions that this process consumes.", "group"),
        _counter("mallbots_lease_lost_total", "How often did somebody else take over?", "group"),
        _counter("mallbots_fenced_commits_total", "How often was an owner stopped that no longer was one?", "group"),
        _gauge("mallbots_saga_in_flight", "How do processes fare? Those at each step now.", "saga", "step"),
        _gauge(
            "mallbots_saga_oldest_seconds", "How long has the slowest of them waited?", "saga", "step", unit="seconds",
        ),
        _seconds("mallbots_saga_step_seconds", "How long does each step take?", "saga", "step"),
        _counter("mallbots_saga_ended_total", "How do processes end?", "saga", "outcome"),
        _counter("mallbots_saga_timeouts_total", "Who does not answer in time?", "saga", "step"),
        _gauge("mallbots_saga_stuck", "Which ones are refused what they have to do?", "saga", "step"),
        _gauge("mallbots_saga_asleep", "Which ones would nothing ever wake?", "saga"),
        _gauge("mallbots_timers_overdue_seconds", "Are timers late?", unit="seconds"),
        _seconds("mallbots_commit_seconds", "How long does a commit take?", buckets=FAST),
        _counts("mallbots_commit_batch_size", "How many changes share a commit?"),
        _counter("mallbots_database_unanswered_total", "How often was a database given up that did not answer?"),
        _counter("mallbots_commits_undone_total", "How often does a commit come to nothing, and why?", "reason"),
        _counter("mallbots_event_store_conflicts_total", "How often do changes get into each other's way?"),
        _counts("mallbots_rehydrate_events", "How many events make an aggregate?"),
        _seconds(
            "rpc_server_call_duration_seconds", "How do calls fare?", "rpc_method", "status", buckets=SECONDS,
        ),
        _seconds("rpc_client_call_duration_seconds", "… and those to others?", "rpc_method", "status"),
        _counter("mallbots_calls_refused_total", "Is more asked than can be done?", "queue"),
        _gauge("mallbots_queue_expected_seconds", "How long would a call wait?", "queue", unit="seconds"),
        _counter("mallbots_changes_abandoned_total", "How much was not begun, since nobody waited for it any more?"),
        _counter("mallbots_idempotent_replays_total", "How often was a call repeated?"),
        _gauge("mallbots_orders", "How many orders are in which state?", "state"),
        _counter("mallbots_orders_ended_total", "How do orders end?", "outcome"),
        _seconds("mallbots_order_ready_seconds", "How long does a customer wait for the goods?"),
        _counter("mallbots_sales_minor_total", "What is paid? In minor units.", "currency"),
        _gauge("mallbots_bots", "What do the robots do?", "state"),
        _counter("mallbots_telemetry_spans_total", "Does telemetry get through?", "outcome"),
        _gauge("mallbots_telemetry_queue_spans", "How many spans wait?"),
        _seconds("mallbots_telemetry_export_seconds", "How long does the receiver take?"),
        _gauge("mallbots_ready", "Can calls be answered?"),
        _gauge("mallbots_faults_active", "Is this somebody's experiment?", "fault"),
        _gauge("mallbots_build_info", "Which version runs here?", "version", "python"),
    )
}  # fmt: skip

# What any span may say besides: that a load test caused it.
ON_ANY_SPAN = frozenset({"synthetic"})
_MESSAGE = frozenset(
    {
        "messaging.system",
        "messaging.operation.name",
        "messaging.operation.type",
        "messaging.destination.name",
        "messaging.destination.partition.id",
        "messaging.message.id",
        "messaging.message.conversation_id",
        "cloudevents.event_id",
        "cloudevents.event_type",
        "cloudevents.event_source",
        "cloudevents.event_subject",
        "mallbots.causation_id",
        "mallbots.sequence",
    }
)
_BATCH = frozenset(
    {
        "messaging.system",
        "messaging.operation.name",
        "messaging.operation.type",
        "messaging.destination.name",
        "messaging.batch.message_count",
    }
)
_CALL = frozenset({"rpc.system.name", "rpc.method", "rpc.response.status_code", "error.type"})
_GROUP = frozenset({"messaging.consumer.group.name"})
_HANDLED = frozenset(
    {"mallbots.attempt", "mallbots.outcome", "mallbots.outbox_seconds", "mallbots.stream_seconds", "error.type"}
)

SPANS = (
    SpanShape("mallbots.*/*", Kind.SERVER, "What was asked from outside?", _CALL),
    SpanShape("mallbots.*/*", Kind.CLIENT, "What did a context ask another one?", _CALL),
    SpanShape("create *", Kind.PRODUCER, "What was decided, from recording to commit?", _MESSAGE),
    SpanShape("send *", Kind.CLIENT, "How did it get to Redis?", _BATCH | {"mallbots.republished", "error.type"}),
    SpanShape("receive *", Kind.CLIENT, "What was read together?", _BATCH | _GROUP),
    SpanShape("process *", Kind.CONSUMER, "Who did what with it?", _MESSAGE | _GROUP | _HANDLED),
    SpanShape(
        "timer *", Kind.INTERNAL, "What happened because time had passed?",
        frozenset({"mallbots.timer.key", "messaging.message.conversation_id", "error.type"}),
    ),
)  # fmt: skip

# Besides these: each event that a context says, its type in words, such as "order approved" (see `telemetry.facts`).
LOGS = {
    "process started": "Where does it listen?",
    "process stopped": "Did it end by itself?",
    "left unfinished": "What did not come to its end in time?",
    "redis not reached at start": "Is Redis away?",
    "installation found": "Which installation is this process part of?",
    "redis changed hands": "To which installation does Redis belong now?",
    "publishing paused": "Why does nothing get to Redis?",
    "stream data lost": "What has Redis forgotten?",
    "lost messages set aside": "What has this context said that its database does not know any more?",
    "source went back": "Whose numbers are said anew, and who has applied what was lost?",
    "foreign entries removed": "Who else writes into our streams?",
    "commit undone": "Why does a commit come to nothing?",
    "consuming paused": "Why does a group not read?",
    "group recreated": "Has Redis lost a group?",
    "partitions followed": "Which source has another number of partitions than was known?",
    "messages passed over": "What did a group let go by before it listened to it?",
    "gap found": "What is missing in a stream?",
    "lease lost": "Who took a partition over?",
    "message failed": "Why does a handler fail?",
    "message took long": "Which handler keeps others waiting?",
    "process had no wake-up": "Which saga was asleep until this start?",
    "timer failed": "Why does a timer fail?",
    "timer refused": "Which timer came too late?",
    "call failed": "What is wrong with a call's code?",
    "timer kept": "Which timer waits for a later program?",
    "timer set aside": "Which timer killed the process each time, and waits for an operator?",
    "job failed": "Why does a job fail?",
    "stream trimmed": "What was let go, and when?",
    "fault switched on": "Who makes trouble on purpose, and which?",
    "fault switched off": "Is it over?",
    "poison not placed": "Why had the fault no effect?",
    "spans not delivered": "Why is nothing seen in the back end?",
    "setting not heeded": "Why does a variable of OpenTelemetry change nothing?",
}


def shape_of(name: str, kind: Kind) -> SpanShape | None:
    """The declaration of a span; None when there is none."""
    return next((shape for shape in SPANS if shape.kind is kind and shape.matches(name)), None)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(re.escape(name).replace(r"\*", r"[\w.]+"))
