"""What wakes somebody, or files a ticket: symptoms first. Each has its page in `docs/runbooks/`."""

from itertools import product

from dashboards.alert import NOTE, PAGE, TICKET, Alert
from dashboards.objectives import OBJECTIVES, OUR_FAULT, WINDOWS, Objective, burns
from dashboards.promql import remembered

_LOSSES = product(("send", "enqueue"), ("spans", "log_records"))
CALLS = "context_rpc_method_status:rpc_server_call_duration_seconds_count:rate1m"


def _objective(objective: Objective, severity: str) -> Alert:
    spans = " or ".join(f"{each.short} and {each.long}" for each in WINDOWS if each.severity == severity)
    return Alert(
        name=objective.alert,
        expr=burns(objective, severity),
        summary=f"{objective.promise} The budget for that burns too fast over {spans}.",
        board=objective.board,
        severity=severity,
        lasting="0s",
    )


FLOW = (
    Alert(
        name="ConsumerIsBehind",
        expr="group_source:mallbots_stream_lag_seconds:max > 10",
        summary="{{ $labels.group }} is {{ $value | humanizeDuration }} behind what {{ $labels.source }} says.",
        board="mallbots-consumers",
    ),
    Alert(
        name="ConsumerIsStuck",
        expr=f"max by (context, group) ({remembered('mallbots_stream_oldest_unacked_seconds')}) > 15\n"
        "unless on (context, group) sum by (context, group) (rate(mallbots_deliveries_total[30s])) > 0",
        summary="{{ $labels.group }} has taken in nothing for half a minute, though there is something to take in.",
        board="mallbots-consumers",
    ),
    Alert(
        name="DeadMessages",
        expr="sum by (context, group) (mallbots_dead) > 0",
        summary="{{ $value }} messages of {{ $labels.group }} have failed for good and wait for an operator.",
        board="mallbots-consumers",
        lasting="0s",
    ),
    Alert(
        name="WaitsForLaterProgram",
        expr=f"sum by (context, group) ({remembered('mallbots_newer')}) > 0",
        summary="{{ $labels.context }} cannot read {{ $value }} messages or timers ({{ $labels.group }}): a later"
        " program wrote them, and they wait for it.",
        board="mallbots-consumers",
        lasting="30s",
    ),
    Alert(
        name="ParkedTooLong",
        expr=f"max by (context, group) ({remembered('mallbots_parked_oldest_seconds')}) > 45\n"
        f"and on (context, group) sum by (context, group) ({remembered('mallbots_parked')}) > 0",
        summary="{{ $labels.group }} set something aside {{ $value | humanizeDuration }} ago and still cannot do it.",
        board="mallbots-consumers",
    ),
    Alert(
        name="RetriesArePersistent",
        expr="sum by (context, group) (rate(mallbots_retries_total[1m])) > 0.2",
        summary="{{ $labels.group }} tries {{ $value | humanize }} messages a second again: something is away.",
        board="mallbots-consumers",
        severity=TICKET,
        lasting="30s",
    ),
    Alert(
        name="OutboxIsOld",
        expr=f"max by (context) ({remembered('mallbots_outbox_oldest_age_seconds')}) > 10",
        summary="{{ $labels.context }} has not got to Redis what it decided {{ $value | humanizeDuration }} ago.",
        board="mallbots-outbox-streams",
    ),
    Alert(
        name="SourceWentBack",
        expr="max by (context, group, source) (mallbots_stream_parted) > 0",
        summary="{{ $labels.group }} has applied what {{ $labels.source }} does not know any more, and waits.",
        board="mallbots-outbox-streams",
        lasting="0s",
    ),
    Alert(
        name="MessagesSetAside",
        expr="max by (context) (mallbots_outbox_aside) > 0",
        summary="{{ $value }} messages that {{ $labels.context }} said are not in its database any more.",
        board="mallbots-outbox-streams",
        lasting="0s",
    ),
    Alert(
        name="RedisIsForeign",
        expr=f"max by (context) ({remembered('mallbots_redis_foreign')}) > 0",
        summary="{{ $labels.context }} publishes and consumes nothing: its Redis belongs to another installation.",
        board="mallbots-outbox-streams",
    ),
    Alert(
        name="LossDetected",
        expr="sum by (context, group) (increase(mallbots_stream_gaps_detected_total[2m])) > 0",
        summary="{{ $labels.group }} has found a hole in a stream: Redis has lost messages. They are being healed.",
        board="mallbots-outbox-streams",
        lasting="0s",
    ),
    Alert(
        name="LossNotHealed",
        expr="sum by (context, group) ("
        f"{remembered('mallbots_stream_gaps_detected_total')} - {remembered('mallbots_stream_gaps_healed_total')}) > 0",
        summary="{{ $value }} holes that {{ $labels.group }} has found are still open: its partitions wait for them.",
        board="mallbots-outbox-streams",
        lasting="30s",
    ),
    Alert(
        name="RedisLostData",
        expr="sum by (context) (increase(mallbots_outbox_republished_total[2m])) > 0",
        summary="{{ $labels.context }} had to publish again what Redis had lost: a flush, a fail-over or a crash.",
        board="mallbots-outbox-streams",
        severity=TICKET,
        lasting="0s",
    ),
)
OWNERS = (
    Alert(
        name="LeasesFlap",
        expr="sum by (group) (increase(mallbots_lease_lost_total[2m])) > 2",
        summary="Partitions of {{ $labels.group }} changed owner {{ $value | humanize }} times in two minutes.",
        board="mallbots-consumers",
        lasting="0s",
    ),
    Alert(
        name="PartitionHasNoOwner",
        expr=f"count by (group) (count by (group, partition) ({remembered('mallbots_stream_lag_events')}))\n"
        f"- on (group) sum by (group) ({remembered('mallbots_lease_owned')}) > 0",
        summary="{{ $value }} partitions of {{ $labels.group }} belong to nobody.",
        board="mallbots-consumers",
        lasting="30s",
    ),
    Alert(
        name="OwnerWasFenced",
        expr="sum by (context, group) (increase(mallbots_fenced_commits_total[2m])) > 0",
        summary="An owner of {{ $labels.group }} wanted to commit after it had lost its partition, and was stopped.",
        board="mallbots-consumers",
        severity=TICKET,
        lasting="0s",
    ),
)
PROCESSES = (
    Alert(
        name="SagaIsStuck",
        expr=f"max by (context, saga, step) ({remembered('mallbots_saga_oldest_seconds')}) > 45",
        summary='A process {{ $labels.saga }} has waited at "{{ $labels.step }}" for {{ $value | humanizeDuration }}.',
        board="mallbots-sagas",
    ),
    Alert(
        name="UndoIsRefused",
        expr=f"max by (context, saga, step) ({remembered('mallbots_saga_stuck')}) > 0",
        summary='{{ $value }} processes {{ $labels.saga }} are stuck at "{{ $labels.step }}": it is refused.',
        board="mallbots-sagas",
    ),
    Alert(
        name="SagaIsAsleep",
        expr=f"max by (context, saga) ({remembered('mallbots_saga_asleep')}) > 0",
        summary="{{ $value }} processes {{ $labels.saga }} have neither ended nor a next wake-up.",
        board="mallbots-sagas",
    ),
    Alert(
        name="ParticipantDoesNotAnswer",
        expr="sum by (saga, step) (increase(mallbots_saga_timeouts_total[2m])) > 0",
        summary='Nobody answered "{{ $labels.step }}" of {{ $labels.saga }} in time.',
        board="mallbots-sagas",
        severity=TICKET,
        lasting="0s",
    ),
    Alert(
        name="TimersAreLate",
        expr=f"max by (context) ({remembered('mallbots_timers_overdue_seconds')}) > 10",
        summary="A timer of {{ $labels.context }} was due {{ $value | humanizeDuration }} ago.",
        board="mallbots-sagas",
    ),
    Alert(
        name="CallsFail",
        expr=f'sum by (context) ({CALLS}{{status=~"{OUR_FAULT}"}})\n/ on (context) sum by (context) ({CALLS}) > 0.05',
        summary="{{ $value | humanizePercentage }} of the calls to {{ $labels.context }} fail because of it.",
        board="mallbots-one-context",
        lasting="30s",
    ),
    Alert(
        name="CallsAreRefused",
        expr="sum by (context, queue) (rate(mallbots_calls_refused_total[1m])) > 1",
        summary="{{ $labels.context }} refuses {{ $value | humanize }} calls a second: more is asked than it can do.",
        board="mallbots-one-context",
        lasting="30s",
    ),
    Alert(
        name="CommitsAreSlow",
        expr="histogram_quantile(0.9, context:mallbots_commit_seconds_bucket:rate1m) > 0.25",
        summary="One of ten commits of {{ $labels.context }} takes longer than {{ $value | humanizeDuration }}.",
        board="mallbots-event-store",
        lasting="30s",
    ),
    Alert(
        name="ConflictsAreFrequent",
        expr="sum by (context) (rate(mallbots_event_store_conflicts_total[1m])) > 5",
        summary="{{ $value | humanize }} changes a second of {{ $labels.context }} get into each other's way.",
        board="mallbots-event-store",
        severity=TICKET,
        lasting="30s",
    ),
    Alert(
        name="DatabaseHangs",
        expr="sum by (context) (increase(mallbots_database_unanswered_total[2m])) > 0",
        summary="The database of {{ $labels.context }} took what was sent, and did not answer in time.",
        board="mallbots-event-store",
        lasting="0s",
    ),
    Alert(
        name="CommitsComeToNothing",
        expr='sum by (context, reason) (rate(mallbots_commits_undone_total{reason!="mistake"}[1m])) > 0.1',
        summary="{{ $value | humanize }} commits a second of {{ $labels.context }} are undone: {{ $labels.reason }}.",
        board="mallbots-event-store",
        severity=TICKET,
        lasting="30s",
    ),
    Alert(
        name="AttemptsLoseConnection",
        expr="sum by (context, group) (increase(mallbots_attempts_blamed_total[2m])) > 0",
        summary="Something that {{ $labels.group }} handles loses the connection to the database each time.",
        board="mallbots-consumers",
        severity=TICKET,
        lasting="0s",
    ),
    Alert(
        name="NotReady",
        expr=f"min by (context) ({remembered('mallbots_ready')}) < 1",
        summary="{{ $labels.context }} runs, and cannot answer calls.",
        board="mallbots-one-context",
    ),
    Alert(
        name="ProcessIsDown",
        expr='up{job="mallbots"} == 0',
        summary="{{ $labels.context }} does not answer.",
        board="mallbots-one-context",
        lasting="10s",
    ),
    Alert(
        name="ClocksDisagree",
        expr="sum by (context, group) (increase(mallbots_clock_skew_total[1m])) > 0",
        summary="{{ $labels.group }} has read messages before they were written: times per hop are not to be trusted.",
        board="mallbots-flows",
        severity=TICKET,
        lasting="0s",
    ),
    Alert(
        name="RedisIsNearlyFull",
        expr=f"{remembered('redis_memory_used_bytes')} / ({remembered('redis_maxmemory_bytes')} > 0) > 0.8",
        summary="Redis has used {{ $value | humanizePercentage }} of its memory; it evicts nothing, it refuses.",
        board="mallbots-redis-postgresql",
    ),
)
TELEMETRY = (
    Alert(
        name="TelemetryDropped",
        expr='sum by (context) (increase(mallbots_telemetry_spans_total{outcome=~"dropped|failed"}[1m])) > 0',
        summary="{{ $labels.context }} has thrown away {{ $value | humanize }} spans: traces have holes.",
        board="mallbots-telemetry",
        severity=TICKET,
        lasting="0s",
    ),
    Alert(
        name="CollectorLosesData",
        expr=" or\n".join(
            f"sum by (exporter) (rate(otelcol_exporter_{how}_failed_{what}_total[1m])) > 0" for how, what in _LOSSES
        ),
        summary="The collector cannot get {{ $value | humanize }} items a second to {{ $labels.exporter }}.",
        board="mallbots-telemetry",
        severity=TICKET,
    ),
    Alert(
        name="BackEndIsDown",
        expr='up{job!~"mallbots|locust"} == 0',
        summary="{{ $labels.job }} does not answer: what it would show is missing.",
        board="mallbots-telemetry",
        severity=TICKET,
    ),
    Alert(
        name="TooManySeries",
        expr=f"max({remembered('prometheus_tsdb_head_series')}) > 15000",
        summary="Prometheus keeps {{ $value }} series: some label takes too many values.",
        board="mallbots-telemetry",
        severity=TICKET,
        lasting="1m",
    ),
    Alert(
        name="RulesFail",
        expr="sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total[2m])) > 0",
        summary="Rules of {{ $labels.rule_group }} cannot be worked out: alerts may be missing.",
        board="mallbots-telemetry",
        lasting="0s",
    ),
    Alert(
        name="FaultIsOn",
        expr="max by (fault) (mallbots_faults_active) > 0",
        summary="Somebody has switched {{ $labels.fault }} on: trouble is to be expected.",
        board="mallbots-load-faults",
        severity=NOTE,
        lasting="0s",
    ),
)
PROMISES = tuple(_objective(objective, severity) for objective in OBJECTIVES for severity in (PAGE, TICKET))
GROUPS = {
    "mallbots promises": PROMISES,
    "mallbots flow": FLOW,
    "mallbots owners": OWNERS,
    "mallbots processes": PROCESSES,
    "mallbots telemetry": TELEMETRY,
}
ALERTS = tuple(alert for alerts in GROUPS.values() for alert in alerts)
