from dashboards import links
from dashboards.panels import (
    RATE,
    RATIO,
    SECONDS,
    Board,
    HeatMap,
    Lines,
    Number,
    Query,
    Row,
    Stacked,
    Table,
)
from dashboards.promql import spread

_WELL = Row(
    "Is all well?",
    (
        Number(
            title="Is anything wrong right now?",
            answer="Alerts that fire, those of faults that somebody switched on left out. 0 is well.",
            queries=(Query('count(ALERTS{alertstate="firing", severity!="note"}) or vector(0)', "alerts"),),
            warn=1,
            bad=3,
            width=6,
            height=5,
        ),
        Number(
            title="How many orders end well?",
            answer="Of those that ended in the time shown, the share that was collected. Refusals and cancellations are"
            " part of a mall's day; a sudden fall is not.",
            queries=(
                Query(
                    'sum(increase(mallbots_orders_ended_total{outcome="collected"}[$__range]))'
                    " / sum(increase(mallbots_orders_ended_total[$__range]))",
                    "collected",
                    instant=True,
                ),
            ),
            unit=RATIO,
            warn=0.7,
            bad=0.5,
            low_is_bad=True,
            links=(links.board("mallbots-sagas", "Where do processes end?"),),
            width=6,
            height=5,
        ),
        Number(
            title="How much was sold?",
            answer="Invoices paid in the time shown, by currency, in its major unit.",
            queries=(
                Query(
                    "sum by (currency) (increase(mallbots_sales_minor_total[$__range])) / 100",
                    "{{currency}}",
                    instant=True,
                ),
            ),
            width=6,
            height=5,
        ),
        Number(
            title="How much of each promise's budget is left?",
            answer="Of what may go wrong in 30 days. 100 % is untouched; below 0 the promise is broken.",
            queries=(Query("slo:budget_left:ratio", "{{slo}}"),),
            unit=RATIO,
            warn=0.5,
            bad=0.1,
            low_is_bad=True,
            width=6,
            height=5,
        ),
    ),
)
_ORDERS = Row(
    "Orders",
    (
        Stacked(
            title="Where are the orders that are not done yet?",
            answer="By state. A layer that only grows is a step that does not go on: pending is the order process,"
            " approved is the depot, paid waits for goods, ready waits for money.",
            queries=(Query('sum by (state) (mallbots_orders{state!~"collected|rejected|cancelled"})', "{{state}}"),),
            links=(
                links.board("mallbots-sagas", "What does the order process wait for?"),
                links.traces("Calls and events of ordering", "ordering"),
            ),
        ),
        Lines(
            title="How do orders end?",
            answer="A second, by outcome.",
            queries=(Query("sum by (outcome) (rate(mallbots_orders_ended_total[$__rate_interval]))", "{{outcome}}"),),
            unit=RATE,
            links=(links.logs("What ordering said", '{service_namespace="mallbots", service_name="ordering"}'),),
        ),
        HeatMap(
            title="How long does a customer wait until the goods are ready?",
            answer="From the order's creation. Each dot is one order's trace. The promise: 99 of 100 within a minute.",
            queries=(Query(spread("mallbots_order_ready_seconds"), "{{le}}", exemplars=True),),
            unit=SECONDS,
            links=(links.board("mallbots-flows", "Where does the time go?"),),
        ),
        Lines(
            title="How fast does money come in?",
            answer="Invoices paid a minute, in the currency's major unit.",
            queries=(
                Query(
                    "sum by (currency) (rate(mallbots_sales_minor_total[$__rate_interval])) * 60 / 100", "{{currency}}"
                ),
            ),
            links=(links.traces("Paid invoices", "payments", operation="create payments.InvoicePaid"),),
        ),
        Stacked(
            title="What do the robots do?",
            answer="Idle while orders are approved: the depot assigns nothing. Offline: they lost their lease.",
            queries=(Query("sum by (state) (mallbots_bots)", "{{state}}"),),
            links=(links.traces("Calls and events of the depot", "depot"),),
        ),
    ),
)
_PROMISES = Row(
    "Promises",
    (
        Lines(
            title="How fast does each budget burn?",
            answer="1 uses up what is allowed. 14.4 over an hour wakes somebody; 1 over three days is a ticket.",
            queries=(
                Query("slo:error_ratio:rate5m / on (slo) slo:allowed:ratio", "{{slo}}, 5 minutes"),
                Query("slo:error_ratio:rate1h / on (slo) slo:allowed:ratio", "{{slo}}, an hour"),
            ),
            warn=1,
            bad=14.4,
        ),
        Lines(
            title="How much is there to promise about?",
            answer="Checkouts, effects and ready orders a second: with few of them one failure weighs much.",
            queries=(Query("slo:events:rate5m", "{{slo}}"), Query("slo:events_bad:rate5m", "{{slo}}, broken")),
            unit=RATE,
        ),
        Table(
            title="What fires?",
            answer="Each alert's page in docs/runbooks/ has its name.",
            queries=(Query('sum by (alertname, severity, context, group) (ALERTS{alertstate="firing"})', "firing"),),
            links=(links.board("mallbots-consumers", "Consumers", group="${__data.fields.group}"),),
            width=24,
            height=7,
        ),
    ),
)
MALL_TODAY = Board(
    "mallbots-mall-today",
    "1 · Mall today",
    "Does the mall work, for the people in it?",
    (_WELL, _ORDERS, _PROMISES),
    reads_next=("mallbots-flows", "mallbots-consumers", "mallbots-sagas"),
)
