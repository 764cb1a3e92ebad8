from dashboards import links
from dashboards.boards.choices import GROUPS, TYPES
from dashboards.panels import RATE, SECONDS, Board, HeatMap, Lines, Query, Row, Stacked, Table, Traces
from dashboards.promql import mean, per_second, quantile, spread

_CRITICAL, _PARTS = "mallbots_event_critical_seconds_bucket", ("outbox", "stream", "handler")
_EDGE = ("client", "server", "connection_type")
_CHOSEN = '{type=~"$type", group=~"$group"}'
_BY_TYPE = quantile(0.99, f"type:{_CRITICAL}:rate1m", "type", where='{type=~"$type"}')

_LATE = Row(
    "How late are effects?",
    (
        HeatMap(
            title="How long from a cause to its effect?",
            answer="From the commit of an event to the commit of what a subscriber made of it. Each dot is one such"
            " effect: a click leads to its trace.",
            queries=(Query(spread("mallbots_event_critical_seconds", _CHOSEN), "{{le}}", exemplars=True),),
            unit=SECONDS,
            width=24,
            height=9,
        ),
        Lines(
            title="Which events are slow?",
            answer="99 of 100 effects of each type come sooner than this. The promise is one second.",
            queries=(Query(f'label_replace({_BY_TYPE}, "source", "$1", "type", "([a-z]+).*")', "{{type}}"),),
            unit=SECONDS,
            warn=0.5,
            bad=1,
            links=(links.traces("Such events", links.SOURCE, tags="cloudevents.event_type=" + links.TYPE),),
        ),
        Lines(
            title="Which subscribers are slow?",
            answer="The same by group. One slow group: its consumer. All of them: Redis or a publisher.",
            queries=(
                Query(quantile(0.99, f"group:{_CRITICAL}:rate1m", "group", where='{group=~"$group"}'), "{{group}}"),
            ),
            unit=SECONDS,
            warn=0.5,
            bad=1,
            links=(links.board("mallbots-consumers", "This group", group=links.GROUP),),
        ),
    ),
)
_WHERE = Row(
    "Where does the time go?",
    (
        Stacked(
            title="In the outbox, in the stream, or in the handler?",
            answer="Means that add up. Outbox: the relay or Redis. Stream: a consumer is behind. Handler: its work.",
            queries=tuple(Query(mean(f"mallbots_event_{part}_seconds", where=_CHOSEN), part) for part in _PARTS),
            unit=SECONDS,
            links=(
                links.board("mallbots-outbox-streams", "Outbox and streams"),
                links.board("mallbots-consumers", "Consumers"),
            ),
        ),
        Table(
            title="Which type waits where?",
            answer="Means over the last minute. Outbox: the relay or Redis. Stream: a consumer. Handler: its own work.",
            queries=tuple(
                Query(f'type:mallbots_event_{part}_seconds:mean1m{{type=~"$type"}}', part) for part in _PARTS
            ),
            unit=SECONDS,
        ),
        Lines(
            title="Do the clocks agree?",
            answer="Messages read before they were written, by group. Anything but 0 makes times per hop doubtful.",
            queries=(Query(per_second("mallbots_clock_skew_total", "group", where='{group=~"$group"}'), "{{group}}"),),
            unit=RATE,
            bad=0.1,
        ),
        Table(
            title="Who talks to whom?",
            answer="A second, by traces: calls, and events from who decides to who acts on them.",
            queries=(
                Query(per_second("traces_service_graph_request_total", *_EDGE, over="5m") + " > 0", "all"),
                Query(per_second("traces_service_graph_request_failed_total", *_EDGE, over="5m") + " > 0", "failed"),
            ),
            unit=RATE,
        ),
    ),
)
_WHICH = Row(
    "Which ones?",
    (
        Traces(
            title="Which flows of an order took longest?",
            answer="Newest first; sort by duration. An order's id in the search field, as"
            " messaging.message.conversation_id, finds all traces of its flow.",
            service="ordering",
            longer_than="500ms",
        ),
        Traces(
            title="Which flows had an error?",
            answer="The span with the error carries error.type, the attempt and what became of the message.",
            service="ordering",
            tags="error=true",
        ),
    ),
)
FLOWS = Board(
    "mallbots-flows",
    "2 · Flows",
    "Effects come late: which, and where does the time go?",
    (_LATE, _WHERE, _WHICH),
    (TYPES, GROUPS),
    reads_next=("mallbots-consumers", "mallbots-outbox-streams", "mallbots-one-context"),
)
