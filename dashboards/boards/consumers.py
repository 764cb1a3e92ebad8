from dashboards import links
from dashboards.boards.choices import CONTEXTS, GROUPS
from dashboards.panels import COUNT, RATE, SECONDS, Board, Lines, Logs, Number, Query, Row, Stacked, Table

_OF_GROUP = '{context=~"$context", group=~"$group"}'
_SEEN = links.traces("What this group did", links.CONTEXT, tags="messaging.consumer.group.name=" + links.GROUP)
_SAID = links.logs("What its process said", '{service_namespace="mallbots", service_name="' + links.CONTEXT + '"}')
_FAILED = links.traces(
    "What failed in it", links.CONTEXT, tags="error=true messaging.consumer.group.name=" + links.GROUP
)

_BEHIND = Row(
    "Is anyone behind?",
    (
        Lines(
            title="By how long?",
            answer="Age of the oldest message that a group has not applied, the worst of its partitions. It grows by a"
            " second a second when a group stands still.",
            queries=(Query('group_source:mallbots_stream_lag_seconds:max{group=~"$group"}', "{{group}} ← {{source}}"),),
            unit=SECONDS,
            warn=2,
            bad=10,
            links=(links.board("mallbots-flows", "Flows of this group", group=links.GROUP),),
        ),
        Lines(
            title="By how many?",
            answer="Messages published and not applied. Many and falling is a backlog being worked off.",
            queries=(
                Query(
                    f"sum by (context, group, source) (mallbots_stream_lag_events{_OF_GROUP})", "{{group}} ← {{source}}"
                ),
            ),
            links=(_SEEN, _SAID),
        ),
        Lines(
            title="How old is the oldest message that is not acknowledged?",
            answer="It falls to 0 as soon as a group has caught up. One that rises while others fall is stuck.",
            queries=(
                Query(
                    f"max by (context, group, source) (mallbots_stream_oldest_unacked_seconds{_OF_GROUP})",
                    "{{group}} ← {{source}}",
                ),
            ),
            unit=SECONDS,
            warn=5,
            bad=15,
            links=(_SEEN, _SAID),
        ),
        Table(
            title="Which partitions are behind?",
            answer="One partition alone points at one key, or at one owner.",
            queries=(
                Query(f"mallbots_stream_lag_events{_OF_GROUP} > 0", "messages"),
                Query(f"mallbots_stream_lag_seconds{_OF_GROUP} > 0", "seconds"),
            ),
        ),
    ),
)
_DELIVERIES = Row(
    "What happens to deliveries?",
    (
        Stacked(
            title="What became of each?",
            answer="Ignored: no handler for its type. Duplicates are refused and harmless. Retried, parked and dead are"
            " not.",
            queries=(
                Query(
                    f"sum by (outcome) (context_group_outcome:mallbots_deliveries_total:rate1m{_OF_GROUP})",
                    "{{outcome}}",
                ),
            ),
            unit=RATE,
        ),
        Lines(
            title="Who tries again?",
            answer="Retries a second. They are for what passes: a database or another context that is away.",
            queries=(
                Query(
                    f"sum by (context, group) (rate(mallbots_retries_total{_OF_GROUP}[$__rate_interval]))", "{{group}}"
                ),
            ),
            unit=RATE,
            bad=0.2,
            links=(_FAILED, _SAID),
        ),
        Lines(
            title="Whose attempts end with the connection to the database?",
            answer="A minute. A few in an outage; one that does so again and again is to blame, and set aside.",
            queries=(
                Query(
                    f"sum by (context, group) (rate(mallbots_attempts_undone_total{_OF_GROUP}[$__rate_interval])) * 60",
                    "{{group}} undone",
                ),
                Query(
                    f"sum by (context, group) (rate(mallbots_attempts_blamed_total{_OF_GROUP}[$__rate_interval])) * 60",
                    "{{group}} blamed",
                ),
            ),
            unit=COUNT,
            links=(_FAILED, _SAID),
        ),
        Lines(
            title="How much is set aside?",
            answer="Parked messages, and those that queue behind them for their key: see `mallbots parked list`.",
            queries=(Query(f"sum by (context, group) (mallbots_parked{_OF_GROUP})", "{{group}}"),),
            links=(_FAILED, _SAID),
        ),
        Lines(
            title="Since when?",
            answer="Age of the oldest that is set aside or dead.",
            queries=(Query(f"max by (context, group) (mallbots_parked_oldest_seconds{_OF_GROUP})", "{{group}}"),),
            unit=SECONDS,
            warn=15,
            bad=45,
            links=(_FAILED, _SAID),
        ),
        Number(
            title="What waits for a later program?",
            answer="Messages, jobs and timers of a later release, after a roll-back: none of it is lost.",
            queries=(Query(f"sum by (context, group) (mallbots_newer{_OF_GROUP})", "{{context}} {{group}}"),),
            bad=1,
            links=(_SAID,),
        ),
        Number(
            title="How much waits for an operator?",
            answer="Dead messages by group: `mallbots parked show`, then `retry` or `discard`.",
            queries=(Query(f"sum by (context, group) (mallbots_dead{_OF_GROUP})", "{{group}}"),),
            bad=1,
            links=(_FAILED, _SAID),
        ),
    ),
)
_OWNERS = Row(
    "Who owns what?",
    (
        Lines(
            title="Has every partition an owner?",
            answer="Partitions that each process consumes; together they are to make all of a group's.",
            queries=(
                Query(
                    f"sum by (context, group, instance) (mallbots_lease_owned{_OF_GROUP})", "{{group}} at {{instance}}"
                ),
            ),
        ),
        Lines(
            title="Do owners change?",
            answer="Leases lost a minute, and commits of an owner that no longer was one. A few at a restart.",
            queries=(
                Query(
                    f"sum by (context, group) (rate(mallbots_lease_lost_total{_OF_GROUP}[$__rate_interval])) * 60",
                    "{{group}} lost",
                ),
                Query(
                    f"sum by (context, group) (rate(mallbots_fenced_commits_total{_OF_GROUP}[$__rate_interval])) * 60",
                    "{{group}} fenced",
                ),
            ),
            unit=COUNT,
            bad=1,
            links=(_SAID,),
        ),
    ),
)
_SAYS = Row(
    "What do they say?",
    (
        Logs(
            title="What troubles do consumers report?",
            answer="Warnings and errors. A click on trace_id leads to the trace.",
            logql='{service_namespace="mallbots", service_name=~"$context"} | level=~"warning|error"',
            width=24,
        ),
    ),
)
CONSUMERS = Board(
    "mallbots-consumers",
    "3 · Consumers",
    "Who is behind, stuck, retrying, or without an owner?",
    (_BEHIND, _DELIVERIES, _OWNERS, _SAYS),
    (CONTEXTS, GROUPS),
    reads_next=("mallbots-flows", "mallbots-outbox-streams", "mallbots-one-context"),
)
