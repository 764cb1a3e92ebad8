"""What Prometheus works out ahead of time, so that a day of it is drawn in less than a second."""

from dataclasses import dataclass

from dashboards.objectives import OBJECTIVES, objective_recordings
from dashboards.promql import remembered


@dataclass(frozen=True, slots=True)
class Recording:
    """`name` is `labels kept : metric : what was done`; `labels` are those of the result, `le` included."""

    name: str
    expr: str
    labels: tuple[str, ...]
    objective: str = ""


def _buckets(metric: str, *labels: str) -> Recording:
    return Recording(
        f"{'_'.join(labels)}:{metric}_bucket:rate1m",
        f"sum by ({', '.join(labels)}, le) (rate({metric}_bucket[1m]))",
        (*labels, "le"),
    )


def _mean(metric: str, *labels: str) -> Recording:
    kept = ", ".join(labels)
    return Recording(
        f"{'_'.join(labels)}:{metric}:mean1m",
        f"sum by ({kept}) (rate({metric}_sum[1m])) / (sum by ({kept}) (rate({metric}_count[1m])) > 0)",
        labels,
    )


def _rate(metric: str, *labels: str) -> Recording:
    return Recording(
        f"{'_'.join(labels)}:{metric}:rate1m", f"sum by ({', '.join(labels)}) (rate({metric}[1m]))", labels
    )


def _most(metric: str, *labels: str) -> Recording:
    return Recording(f"{'_'.join(labels)}:{metric}:max", f"max by ({', '.join(labels)}) ({remembered(metric)})", labels)


RECORDINGS = (
    _buckets("mallbots_event_critical_seconds", "type"),
    _buckets("mallbots_event_critical_seconds", "group"),
    _mean("mallbots_event_outbox_seconds", "type"),
    _mean("mallbots_event_stream_seconds", "type"),
    _mean("mallbots_event_handler_seconds", "type"),
    _buckets("messaging_process_duration_seconds", "context", "group"),
    _buckets("rpc_server_call_duration_seconds", "context", "rpc_method"),
    _rate("rpc_server_call_duration_seconds_count", "context", "rpc_method", "status"),
    _buckets("mallbots_commit_seconds", "context"),
    _buckets("mallbots_saga_step_seconds", "saga", "step"),
    _rate("mallbots_deliveries_total", "context", "group", "outcome"),
    _most("mallbots_stream_lag_seconds", "group", "source"),
)
OBJECTIVE_RECORDINGS = tuple(
    Recording(name, expr, ("slo",), each.name) for each in OBJECTIVES for name, expr in objective_recordings(each)
)
