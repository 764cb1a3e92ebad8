from dashboards import links
from dashboards.panels import RATE, RATIO, SECONDS, Board, HeatMap, Lines, Query, Row, Stacked, States, Traces
from dashboards.promql import quantile

_SYNTHETIC = links.traces("Traces of this request", "baskets", tags="synthetic=true")

_FAULTS = Row(
    "What is done to the mall?",
    (
        States(
            title="Which faults are on?",
            answer="Switched on with `mallbots fault on`. They stand as marks on every dashboard too.",
            queries=(Query("max by (fault) (mallbots_faults_active)", "{{fault}}"),),
            bad=1,
            links=(links.board("mallbots-mall-today", "What does it do to the mall?"),),
            width=24,
            height=6,
        ),
        Stacked(
            title="How many users are there?",
            answer="Simulated customers, staff and robots.",
            queries=(Query("sum by (kind) (locust_users)", "{{kind}}"),),
        ),
        Lines(
            title="How much do they ask?",
            answer="Requests a second, as the load generator counts them.",
            queries=(Query("sum by (name) (rate(locust_requests_total[$__rate_interval]))", "{{name}}"),),
            unit=RATE,
            links=(_SYNTHETIC,),
        ),
    ),
)
_SEEN = Row(
    "What do they get?",
    (
        Lines(
            title="Which share of requests fails?",
            answer="As users see it: also when no process is there that could count.",
            queries=(
                Query(
                    'sum by (name) (rate(locust_requests_total{outcome="failed"}[$__rate_interval]))'
                    " / (sum by (name) (rate(locust_requests_total[$__rate_interval])) > 0)",
                    "{{name}}",
                ),
            ),
            unit=RATIO,
            warn=0.001,
            bad=0.05,
            links=(_SYNTHETIC, links.board("mallbots-one-context", "One context")),
        ),
        Lines(
            title="How long do answers take?",
            answer="19 of 20 take less, by request.",
            queries=(
                Query(quantile(0.95, "rate(locust_response_seconds_bucket[$__rate_interval])", "name"), "{{name}}"),
            ),
            unit=SECONDS,
            warn=0.25,
            bad=1,
            links=(_SYNTHETIC,),
        ),
        Lines(
            title="How long until something has come of it?",
            answer="19 of 20 take less: from placed to approved, from placed to ready. The call says nothing of it.",
            queries=(
                Query(
                    quantile(0.95, "rate(locust_outcome_seconds_bucket[$__rate_interval])", "outcome"), "{{outcome}}"
                ),
            ),
            unit=SECONDS,
            bad=60,
            links=(links.board("mallbots-flows", "Flows"),),
        ),
        HeatMap(
            title="How is the time until an order is approved spread?",
            answer="As users see it.",
            queries=(Query('sum by (le) (increase(locust_outcome_seconds_bucket{outcome="approved"}[1m]))', "{{le}}"),),
            unit=SECONDS,
        ),
        Traces(
            title="Which of their requests had an error?",
            answer="Spans of simulated users carry synthetic=true.",
            service="baskets",
            tags="error=true synthetic=true",
            width=24,
        ),
    ),
)
LOAD_AND_FAULTS = Board(
    "mallbots-load-faults",
    "9 · Load and faults",
    "What is done to the mall, and how does it take it?",
    (_FAULTS, _SEEN),
    reads_next=("mallbots-mall-today", "mallbots-flows", "mallbots-consumers"),
)
