from dashboards import links
from dashboards.boards.choices import CONTEXTS
from dashboards.panels import COUNT, RATE, SECONDS, Board, Lines, Query, Row, Stacked
from dashboards.promql import mean, per_second, quantile

_OF = '{context=~"$context"}'
_SAID = links.logs("What it said", '{service_namespace="mallbots", service_name="' + links.CONTEXT + '"}')
_ONE = links.board("mallbots-one-context", "This context", context=links.CONTEXT)


_WRITES = Row(
    "Are changes written quickly?",
    (
        Lines(
            title="How long does a commit take?",
            answer="99 of 100 take less. It is the disk, or the database's locks.",
            queries=(
                Query(
                    quantile(0.99, "context:mallbots_commit_seconds_bucket:rate1m", "context", where=_OF), "{{context}}"
                ),
            ),
            unit=SECONDS,
            warn=0.1,
            bad=0.25,
            links=(_ONE, _SAID),
        ),
        Lines(
            title="How many commits are there?",
            answer="A second.",
            queries=(
                Query(f"sum by (context) (rate(mallbots_commit_seconds_count{_OF}[$__rate_interval]))", "{{context}}"),
            ),
            unit=RATE,
            links=(_ONE,),
        ),
        Lines(
            title="How many changes share a commit?",
            answer="The mean. It rises with load: that is what keeps the disk from being the limit.",
            queries=(Query(mean("mallbots_commit_batch_size", "context", where=_OF), "{{context}}"),),
            unit=COUNT,
            links=(_ONE,),
        ),
        Stacked(
            title="Which commits come to nothing?",
            answer="A minute, by reason. What was undone with others is tried again by itself; `unknown` is not.",
            queries=(
                Query(
                    f"sum by (context, reason) (rate(mallbots_commits_undone_total{_OF}[$__rate_interval])) * 60",
                    "{{context}} {{reason}}",
                ),
            ),
            unit=COUNT,
            links=(_ONE, _SAID),
        ),
        Lines(
            title="How often was a database given up that did not answer?",
            answer="A minute. It took a statement, or a connection, and said nothing for longer than its own limits.",
            queries=(
                Query(
                    f"sum by (context) (rate(mallbots_database_unanswered_total{_OF}[$__rate_interval])) * 60",
                    "{{context}}",
                ),
            ),
            unit=COUNT,
            bad=1,
            links=(_ONE, _SAID),
        ),
        Lines(
            title="Do changes get into each other's way?",
            answer="Two of them had loaded the same version. A few a second are tried again unseen.",
            queries=(Query(per_second("mallbots_event_store_conflicts_total", "context", where=_OF), "{{context}}"),),
            unit=RATE,
            bad=5,
            links=(links.traces("Changes that were in the way", links.CONTEXT, tags="error.type=Conflict"), _SAID),
        ),
    ),
)
_READS = Row(
    "Are aggregates and projections quick to have?",
    (
        Lines(
            title="How many events make an aggregate?",
            answer="The mean of those loaded. Rising without end: an aggregate that never closes; it needs snapshots.",
            queries=(Query(mean("mallbots_rehydrate_events", "context", where=_OF), "{{context}}"),),
            unit=COUNT,
            bad=200,
            links=(_ONE,),
        ),
        Lines(
            title="How many aggregates are loaded?",
            answer="A second.",
            queries=(Query(per_second("mallbots_rehydrate_events_count", "context", where=_OF), "{{context}}"),),
            unit=RATE,
            links=(_ONE,),
        ),
        Lines(
            title="How far are read models behind?",
            answer="By group: what a query shows may be this old.",
            queries=(Query("max by (group) (group_source:mallbots_stream_lag_seconds:max)", "{{group}}"),),
            unit=SECONDS,
            warn=2,
            bad=10,
            links=(links.board("mallbots-consumers", "This group", group=links.GROUP),),
        ),
        Lines(
            title="Are timers late?",
            answer="Age of the oldest timer that is due.",
            queries=(Query(f"max by (context) (mallbots_timers_overdue_seconds{_OF})", "{{context}}"),),
            unit=SECONDS,
            warn=2,
            bad=10,
            links=(links.board("mallbots-sagas", "Sagas"),),
        ),
    ),
)
EVENT_STORE = Board(
    "mallbots-event-store",
    "7 · Event store and projections",
    "Is it the database?",
    (_WRITES, _READS),
    (CONTEXTS,),
    reads_next=("mallbots-redis-postgresql", "mallbots-one-context", "mallbots-consumers"),
)
