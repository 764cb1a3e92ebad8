from dashboards import links
from dashboards.panels import RATE, SECONDS, Board, Lines, Query, Row, Stacked, Traces
from dashboards.promql import quantile

_SAID = links.logs("What ordering said", '{service_namespace="mallbots", service_name="ordering"}')
_ANSWERS = links.traces("Answers that came", "ordering", tags="cloudevents.event_type=platform.Accepted")

_NOW = Row(
    "Does every process get on?",
    (
        Stacked(
            title="How many are at each step?",
            answer="A step whose layer grows waits for its participant.",
            queries=(Query("sum by (saga, step) (mallbots_saga_in_flight)", "{{saga}} · {{step}}"),),
            links=(_ANSWERS, links.board("mallbots-consumers", "Is the participant behind?")),
        ),
        Lines(
            title="How long has the slowest one waited?",
            answer="Since anything last happened to it. Rising by a second a second: it is stuck.",
            queries=(Query("max by (saga, step) (mallbots_saga_oldest_seconds)", "{{saga}} · {{step}}"),),
            unit=SECONDS,
            warn=10,
            bad=45,
            links=(_ANSWERS, _SAID),
        ),
        Lines(
            title="How long does each step take?",
            answer="19 of 20 take less, from sending the command to taking in its answer.",
            queries=(
                Query(
                    quantile(0.95, "saga_step:mallbots_saga_step_seconds_bucket:rate1m", "saga", "step"),
                    "{{saga}} · {{step}}",
                ),
            ),
            unit=SECONDS,
            bad=1,
            links=(_ANSWERS,),
        ),
        Lines(
            title="Are timers late?",
            answer="Age of the oldest timer that is due, by context. Time-outs and forgotten baskets hang on it.",
            queries=(Query("max by (context) (mallbots_timers_overdue_seconds)", "{{context}}"),),
            unit=SECONDS,
            warn=2,
            bad=10,
            links=(links.traces("Timers", links.CONTEXT, operation="timer ordering.OrderProcess"), _SAID),
        ),
    ),
)
_ENDS = Row(
    "How do they end?",
    (
        Lines(
            title="How do processes end?",
            answer="Failed: a participant refused, and what was done was undone. Cancelled: the customer wanted it.",
            queries=(
                Query(
                    "sum by (saga, outcome) (rate(mallbots_saga_ended_total[$__rate_interval]))", "{{saga}} {{outcome}}"
                ),
            ),
            unit=RATE,
            links=(links.traces("Rejected orders", "ordering", operation="create ordering.OrderRejected"),),
        ),
        Lines(
            title="Who does not answer in time?",
            answer="Time-outs by step, over a minute.",
            queries=(Query("sum by (saga, step) (increase(mallbots_saga_timeouts_total[1m]))", "{{saga}} · {{step}}"),),
            bad=1,
            links=(links.board("mallbots-consumers", "Is the participant behind?"), _SAID),
        ),
        Lines(
            title="Which ones cannot go on?",
            answer="Stuck: refused an undo, or its end. Asleep: nothing would ever wake it. Both should be 0.",
            queries=(
                Query("sum by (saga, step) (mallbots_saga_stuck)", "stuck: {{saga}} · {{step}}"),
                Query("sum by (saga) (mallbots_saga_asleep)", "asleep: {{saga}}"),
            ),
            bad=1,
            width=24,
            links=(_ANSWERS, _SAID),
        ),
        Traces(
            title="Which ones were compensated?",
            answer="Traces in which an order was rejected: what was undone stands below it.",
            service="ordering",
            operation="create ordering.OrderRejected",
            width=24,
        ),
    ),
)
SAGAS = Board(
    "mallbots-sagas",
    "5 · Sagas",
    "Do the processes that span contexts get on, and how do they end?",
    (_NOW, _ENDS),
    reads_next=("mallbots-consumers", "mallbots-flows", "mallbots-one-context"),
)
