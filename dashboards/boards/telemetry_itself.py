from dashboards import links
from dashboards.boards.choices import CONTEXTS
from dashboards.panels import BYTES, RATE, SECONDS, Board, Lines, Number, Query, Row, Stacked, Table

_OF = '{context=~"$context"}'
_SAID = links.logs("What it said", '{service_namespace="mallbots", service_name="' + links.CONTEXT + '"}')


def _rate(metric: str, by: str) -> str:
    return f"sum by ({by}) (rate({metric}[$__rate_interval]))"


_PROCESSES = Row(
    "Do spans leave the processes?",
    (
        Stacked(
            title="What becomes of spans?",
            answer="A second. Dropped: the queue was full, the collector is too slow or away. Failed: it refused them.",
            queries=(Query(_rate(f"mallbots_telemetry_spans_total{_OF}", "outcome"), "{{outcome}}"),),
            unit=RATE,
            links=(links.logs("Spans not delivered", '{service_namespace="mallbots"} |= "spans not delivered"'),),
        ),
        Lines(
            title="Who loses spans?",
            answer="Dropped or failed a second, by context. Traces have holes then; the mall itself is not slower.",
            queries=(
                Query(
                    _rate('mallbots_telemetry_spans_total{context=~"$context", outcome=~"dropped|failed"}', "context"),
                    "{{context}}",
                ),
            ),
            unit=RATE,
            bad=1,
            links=(_SAID,),
        ),
        Lines(
            title="How many spans wait?",
            answer="The queue is bounded: 20,000 in each process.",
            queries=(Query(f"sum by (context) (mallbots_telemetry_queue_spans{_OF})", "{{context}}"),),
            warn=5000,
            bad=15000,
            links=(_SAID,),
        ),
        Lines(
            title="How long does the collector take?",
            answer="Mean time to hand over one request.",
            queries=(
                Query(
                    f"{_rate(f'mallbots_telemetry_export_seconds_sum{_OF}', 'context')}"
                    f" / ({_rate(f'mallbots_telemetry_export_seconds_count{_OF}', 'context')} > 0)",
                    "{{context}}",
                ),
            ),
            unit=SECONDS,
            bad=0.5,
            links=(_SAID,),
        ),
    ),
)
_COLLECTOR = Row(
    "Does the collector pass on what it takes?",
    (
        Lines(
            title="What goes in, what is refused?",
            answer="Spans and lines a second. Refused: it is short of memory, and says so to the sender.",
            queries=(
                Query(_rate("otelcol_receiver_accepted_spans_total", "receiver"), "spans by {{receiver}}"),
                Query(_rate("otelcol_receiver_accepted_log_records_total", "receiver"), "lines by {{receiver}}"),
                Query(_rate("otelcol_receiver_refused_spans_total", "receiver"), "refused by {{receiver}}"),
            ),
            unit=RATE,
        ),
        Lines(
            title="What goes out, what does not?",
            answer="A second, by exporter. Failed is lost for good.",
            queries=(
                Query(_rate("otelcol_exporter_sent_spans_total", "exporter"), "spans to {{exporter}}"),
                Query(_rate("otelcol_exporter_sent_log_records_total", "exporter"), "lines to {{exporter}}"),
                Query(_rate("otelcol_exporter_send_failed_spans_total", "exporter"), "lost to {{exporter}}"),
                Query(_rate("otelcol_exporter_enqueue_failed_spans_total", "exporter"), "no room for {{exporter}}"),
            ),
            unit=RATE,
        ),
        Lines(
            title="How full are its queues?",
            answer="Of what there is room for. A full one loses.",
            queries=(
                Query(
                    "max by (exporter) (otelcol_exporter_queue_size)"
                    " / max by (exporter) (otelcol_exporter_queue_capacity)",
                    "{{exporter}}",
                ),
            ),
            unit="percentunit",
            warn=0.5,
            bad=0.9,
        ),
        Lines(
            title="How much memory does it use?",
            answer="It refuses before it is killed: see its limit in telemetry/config/collector.yaml.",
            queries=(Query("otelcol_process_memory_rss_bytes", "collector"),),
            unit=BYTES,
        ),
    ),
)
_STORES = Row(
    "Can what is seen be relied upon?",
    (
        Number(
            title="How many series are there?",
            answer="All of them are to be fewer than 15,000; a jump is a label with too many values.",
            queries=(Query("max(prometheus_tsdb_head_series)", "series"),),
            warn=10000,
            bad=15000,
            width=6,
        ),
        Lines(
            title="Which process makes how many?",
            answer="Samples of each scrape.",
            queries=(Query("sum by (job, context) (scrape_samples_scraped)", "{{job}} {{context}}"),),
            width=9,
        ),
        Table(
            title="Is everything scraped?",
            answer="0: that target does not answer.",
            queries=(Query("min by (job, context) (up)", "answers"),),
            width=9,
        ),
        Lines(
            title="How many calls do traces count, compared with metrics?",
            answer="Both count the same calls. Fewer in traces: spans were lost, or are sampled.",
            queries=(
                Query(
                    'sum by (service_name) (rate(traces_span_metrics_calls_total{span_kind="SPAN_KIND_SERVER"}[1m]))',
                    "{{service_name}} by traces",
                ),
                Query(
                    "sum by (context) (context_rpc_method_status:rpc_server_call_duration_seconds_count:rate1m)",
                    "{{context}} by metrics",
                ),
            ),
            unit=RATE,
            links=(links.traces("Traces", links.SERVICE),),
        ),
        Lines(
            title="Do traces say the same of time?",
            answer="19 of 20 calls take less, by spans, in milliseconds: Jaeger's monitor tab shows the same.",
            queries=(
                Query(
                    "histogram_quantile(0.95, sum by (service_name, le)"
                    ' (rate(traces_span_metrics_duration_milliseconds_bucket{span_kind="SPAN_KIND_SERVER"}[1m])))',
                    "{{service_name}}",
                    exemplars=True,
                ),
            ),
            unit="ms",
            links=(links.traces("Traces", links.SERVICE),),
        ),
        Lines(
            title="Do rules work?",
            answer="Failures of recording and alert rules; each missing one is an alert that cannot fire.",
            queries=(
                Query(
                    "sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total[5m]))", "{{rule_group}}"
                ),
            ),
            bad=1,
        ),
    ),
)
TELEMETRY_ITSELF = Board(
    "mallbots-telemetry",
    "10 · Telemetry itself",
    "Is what I see true, and all of it?",
    (_PROCESSES, _COLLECTOR, _STORES),
    (CONTEXTS,),
    reads_next=("mallbots-mall-today", "mallbots-one-context"),
)
