"""Which series a query may ask for, and which labels each has: ours from the registry, others' by name.

Other programs' names were read off what they serve, as far as they could be run: docs/observability.md says which.
"""

from collections.abc import Mapping

from dashboards.recordings import OBJECTIVE_RECORDINGS, RECORDINGS
from telemetry.registry import METRICS, Instrument, Metric

# What Prometheus adds to each series, by its target.
TARGET = frozenset({"job", "instance"})
Labels = frozenset[str]

_DATABASE = ("postgresql_database_name", "db_namespace")
OTHERS: Mapping[str, tuple[str, ...]] = {
    # Prometheus
    "up": ("context",),
    "ALERTS": ("alertname", "alertstate", "severity", "context", "group", "slo"),
    "scrape_samples_scraped": ("context",),
    "prometheus_tsdb_head_series": (),
    "prometheus_rule_evaluation_failures_total": ("rule_group",),
    # The collector, of itself
    "otelcol_receiver_accepted_spans_total": ("receiver", "transport"),
    "otelcol_receiver_accepted_log_records_total": ("receiver", "transport"),
    "otelcol_receiver_refused_spans_total": ("receiver", "transport"),
    "otelcol_exporter_sent_spans_total": ("exporter",),
    "otelcol_exporter_sent_log_records_total": ("exporter",),
    "otelcol_exporter_send_failed_spans_total": ("exporter",),
    "otelcol_exporter_send_failed_log_records_total": ("exporter",),
    "otelcol_exporter_enqueue_failed_spans_total": ("exporter",),
    "otelcol_exporter_enqueue_failed_log_records_total": ("exporter",),
    "otelcol_exporter_queue_size": ("exporter", "data_type"),
    "otelcol_exporter_queue_capacity": ("exporter", "data_type"),
    "otelcol_process_memory_rss_bytes": (),
    # The collector, of spans
    "traces_span_metrics_calls_total": ("service_name", "span_name", "span_kind", "status_code"),
    "traces_span_metrics_duration_milliseconds_bucket": ("service_name", "span_name", "span_kind", "status_code", "le"),
    "traces_service_graph_request_total": ("client", "server", "connection_type"),
    "traces_service_graph_request_failed_total": ("client", "server", "connection_type"),
    # The collector, of Redis and PostgreSQL
    "redis_memory_used_bytes": (),
    "redis_maxmemory_bytes": (),
    "redis_commands_processed_total": (),
    "redis_clients_connected": (),
    "redis_clients_blocked": (),
    "redis_uptime_seconds_total": (),
    "redis_cpu_time_seconds_total": ("state",),
    "redis_net_input_bytes_total": (),
    "redis_net_output_bytes_total": (),
    "redis_keys_evicted_total": (),
    "redis_connections_rejected_total": (),
    "postgresql_commits_total": _DATABASE,
    "postgresql_rollbacks_total": _DATABASE,
    "postgresql_backends": _DATABASE,
    "postgresql_connection_max": (),
    "postgresql_db_size_bytes": _DATABASE,
    "postgresql_deadlocks_total": _DATABASE,
    # The load generator
    "locust_users": ("kind",),
    "locust_requests_total": ("name", "outcome"),
    "locust_response_seconds_bucket": ("name", "le"),
    "locust_outcome_seconds_bucket": ("outcome", "le"),
}


def series() -> dict[str, Labels]:
    """All that a query may name, with the labels that each has."""
    known = {name: TARGET | frozenset(labels) for name, labels in OTHERS.items()}
    for metric in METRICS.values():
        labels = TARGET | {"context", *metric.labels}
        known |= dict.fromkeys(names_of(metric), labels)
        if metric.instrument is Instrument.HISTOGRAM:
            known[f"{metric.name}_bucket"] = labels | {"le"}
    return known | {each.name: frozenset(each.labels) for each in (*RECORDINGS, *OBJECTIVE_RECORDINGS)}


def names_of(metric: Metric) -> tuple[str, ...]:
    """Of its series."""
    if metric.instrument is Instrument.HISTOGRAM:
        return tuple(f"{metric.name}_{part}" for part in ("bucket", "sum", "count"))
    return (metric.name,)
