"""What is empty while nothing is wrong, and what fills it: a page without these lines is no broken page."""

# Series that are there only once something has happened, and how to make it happen.
SILENT_WHEN_WELL = {
    "mallbots_parked": "mallbots fault on failing-handler --strength 1",
    "mallbots_parked_oldest_seconds": "mallbots fault on failing-handler --strength 1",
    "mallbots_newer": "start a mall with MALLBOTS_PRETENDED_RELEASES=1, let it work, and start it again without",
    "mallbots_dead": "mallbots fault on failing-handler --strength 1",
    "mallbots_saga_timeouts_total": "mallbots fault on slow-handler --strength 10",
    "mallbots_stream_lag_events": "nothing: it is there, only tables that show who is behind are empty",
    "mallbots_stream_lag_seconds": "nothing: it is there, only tables that show who is behind are empty",
    "rpc_client_call_duration_seconds": "a basket whose product no event has told of yet",
    "mallbots_saga_oldest_seconds": "any order: it is there while one is in flight",
}
# Series of programs that need not run, and those that make them.
MADE_BY = {
    "otelcol_": "the collector",
    "traces_span_metrics_": "the collector",
    "traces_service_graph_": "the collector, of the distribution with the service graph connector",
    "redis_": "the collector's redis receiver",
    "postgresql_": "the collector's postgresql receiver, where contexts keep their data in PostgreSQL",
    "locust_": "a load test",
    "mallbots_telemetry_": "a mall that is told OTEL_EXPORTER_OTLP_ENDPOINT",
}
# Not by the mall itself.
MADE_ELSEWHERE = tuple(prefix for prefix in MADE_BY if not prefix.startswith("mallbots_"))
