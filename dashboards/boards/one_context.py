from dashboards import links
from dashboards.boards.choices import ONE_CONTEXT as CHOICE
from dashboards.objectives import OUR_FAULT
from dashboards.panels import RATE, RATIO, SECONDS, Board, HeatMap, Lines, Logs, Number, Query, Row, Stacked, Table
from dashboards.promql import mean, quantile, spread

_OF = '{context="$context"}'
_DURATION, _HANDLING = "rpc_server_call_duration_seconds_bucket", "messaging_process_duration_seconds_bucket"
_CALLS = "context_rpc_method_status:rpc_server_call_duration_seconds_count:rate1m"
_THIS_CALL = links.traces("Traces of this call", "$context", operation=links.METHOD)
_FAILED_CALLS = links.traces("Failed calls", "$context", operation=links.METHOD, tags="error=true")
_SAID = links.logs("What it said", '{service_namespace="mallbots", service_name="$context"}')

_CALLED = Row(
    "How do calls fare?",
    (
        Number(
            title="Is it there?",
            answer="Processes of this context that answer.",
            queries=(Query('sum(up{job="mallbots", context="$context"})', "up"),),
            bad=1,
            low_is_bad=True,
            width=4,
            height=5,
        ),
        Number(
            title="Can it answer calls?",
            answer="0: not one of its processes, or not all; `/readyz` of its metrics' address says why.",
            queries=(Query(f"min(mallbots_ready{_OF})", "ready"),),
            bad=1,
            low_is_bad=True,
            width=4,
            height=5,
        ),
        Table(
            title="Which version runs?",
            answer="Several lines are a roll-out that is not over.",
            queries=(Query(f"mallbots_build_info{_OF}"),),
            width=8,
            height=5,
        ),
        Number(
            title="Which share of its calls fails because of it?",
            answer="By statuses that are the server's fault; refusals by rule do not count.",
            queries=(
                Query(
                    f'(sum({_CALLS}{{context="$context", status=~"{OUR_FAULT}"}}) or vector(0)) / sum({_CALLS}{_OF})',
                    "failed",
                ),
            ),
            unit=RATIO,
            warn=0.001,
            bad=0.05,
            width=8,
            height=5,
        ),
        Lines(
            title="What is asked of it?",
            answer="Calls a second by method.",
            queries=(Query(f"sum by (rpc_method) ({_CALLS}{_OF})", "{{rpc_method}}"),),
            unit=RATE,
            links=(_THIS_CALL, _SAID),
        ),
        Stacked(
            title="What is answered?",
            answer="Calls a second by status, OK left out. FAILED_PRECONDITION and NOT_FOUND are the caller's.",
            queries=(
                Query(
                    f'sum by (rpc_method, status) ({_CALLS}{{context="$context", status!="OK"}})',
                    "{{status}} {{rpc_method}}",
                ),
            ),
            unit=RATE,
            links=(_FAILED_CALLS, _SAID),
        ),
        Lines(
            title="How long does it take?",
            answer="99 of 100 calls of each method take less. Dots lead to traces.",
            queries=(
                Query(
                    quantile(0.99, f"context_rpc_method:{_DURATION}:rate1m", "rpc_method", where=_OF), "{{rpc_method}}"
                ),
            ),
            unit=SECONDS,
            warn=0.25,
            bad=1,
            links=(_THIS_CALL, _SAID),
        ),
        HeatMap(
            title="How is that spread?",
            answer="All methods. Each dot is a call: a click leads to its trace.",
            queries=(Query(spread("rpc_server_call_duration_seconds", _OF), "{{le}}", exemplars=True),),
            unit=SECONDS,
        ),
        Lines(
            title="What does it ask of others, and how long does that take?",
            answer="Mean by method and status. Empty while it need not ask: caches answer.",
            queries=(
                Query(
                    mean("rpc_client_call_duration_seconds", "rpc_method", "status", where=_OF),
                    "{{rpc_method}} {{status}}",
                ),
            ),
            unit=SECONDS,
            links=(links.traces("Calls to others", "$context", operation=links.METHOD),),
        ),
        Lines(
            title="How long would a call wait for its turn?",
            answer="As things go at the moment. A call for which that is too long is refused at once.",
            queries=(Query(f"max by (queue) (mallbots_queue_expected_seconds{_OF})", "{{queue}}"),),
            unit=SECONDS,
            warn=0.25,
            bad=1,
            links=(_SAID,),
        ),
        Stacked(
            title="Is more asked of it than it can do?",
            answer="A second. Refused: told at once to come again. Abandoned: nobody waited any more, so not begun.",
            queries=(
                Query(
                    f"sum by (queue) (rate(mallbots_calls_refused_total{_OF}[$__rate_interval]))", "refused {{queue}}"
                ),
                Query(f"sum(rate(mallbots_changes_abandoned_total{_OF}[$__rate_interval]))", "abandoned"),
            ),
            unit=RATE,
            links=(_SAID,),
        ),
        Lines(
            title="How often was a call repeated?",
            answer="Answered from memory by its idempotency key: callers do not get our answers in time.",
            queries=(Query(f"sum(rate(mallbots_idempotent_replays_total{_OF}[$__rate_interval]))", "repeated"),),
            unit=RATE,
        ),
    ),
)
_WORK = Row(
    "How does its work fare?",
    (
        Lines(
            title="How long do handlers take?",
            answer="99 of 100 take less, by group.",
            queries=(Query(quantile(0.99, f"context_group:{_HANDLING}:rate1m", "group", where=_OF), "{{group}}"),),
            unit=SECONDS,
            bad=0.25,
            links=(links.board("mallbots-consumers", "This group", group=links.GROUP),),
        ),
        Lines(
            title="What becomes of what it handles?",
            answer="A second, by outcome.",
            queries=(
                Query(
                    f"sum by (group, outcome) (context_group_outcome:mallbots_deliveries_total:rate1m{_OF})",
                    "{{group}} {{outcome}}",
                ),
            ),
            unit=RATE,
            links=(links.board("mallbots-consumers", "This group", group=links.GROUP),),
        ),
        Lines(
            title="How long does a commit take?",
            answer="Half, and 99 of 100, take less. Slow commits slow everything: calls, handlers and the outbox.",
            queries=tuple(
                Query(quantile(share, "context:mallbots_commit_seconds_bucket:rate1m", where=_OF), name)
                for share, name in ((0.5, "half"), (0.99, "99 of 100"))
            ),
            unit=SECONDS,
            bad=0.25,
            links=(links.board("mallbots-event-store", "Event store"),),
        ),
        Lines(
            title="Do changes get into each other's way?",
            answer="Conflicts of versions a second; they are tried again a few times.",
            queries=(Query(f"sum(rate(mallbots_event_store_conflicts_total{_OF}[$__rate_interval]))", "conflicts"),),
            unit=RATE,
            bad=5,
            links=(links.board("mallbots-event-store", "Event store"),),
        ),
    ),
)
_SAYS = Row(
    "What does it say?",
    (
        Logs(
            title="What did it report?",
            answer="A click on trace_id leads to the trace, on event_id to all lines of the event.",
            logql='{service_namespace="mallbots", service_name="$context"}',
            width=24,
            height=10,
        ),
    ),
)
ONE_CONTEXT = Board(
    "mallbots-one-context",
    "6 · One context",
    "What is wrong with this context: its calls, its handlers or its database?",
    (_CALLED, _WORK, _SAYS),
    (CHOICE,),
    reads_next=("mallbots-consumers", "mallbots-event-store", "mallbots-flows"),
)
