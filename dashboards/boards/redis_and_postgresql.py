from dashboards import links
from dashboards.panels import BYTES, COUNT, RATE, RATIO, SECONDS, Board, Lines, Query, Row, Stacked

_STREAMS = links.board("mallbots-outbox-streams", "Outbox and streams")
# Its receiver is on the way from the one label to the other.
_BY_DATABASE, _DATABASE = "postgresql_database_name, db_namespace", "{{postgresql_database_name}}{{db_namespace}}"
_STORE = links.board("mallbots-event-store", "Event store")


def _rate(metric: str, by: str = "") -> str:
    return f"sum{f' by ({by}) ' if by else ''}(rate({metric}[$__rate_interval]))"


_REDIS = Row(
    "Is Redis well?",
    (
        Lines(
            title="Will its memory do?",
            answer="Used, and what it may use. It evicts nothing: when it is full it refuses, and outboxes grow.",
            queries=(Query("redis_memory_used_bytes", "used"), Query("redis_maxmemory_bytes > 0", "at most")),
            unit=BYTES,
            links=(_STREAMS,),
        ),
        Lines(
            title="How much does it do?",
            answer="Commands a second. It can do some hundred thousand: it is hardly ever the limit.",
            queries=(Query(_rate("redis_commands_processed_total"), "commands"),),
            unit=RATE,
            links=(_STREAMS,),
        ),
        Lines(
            title="Who is connected?",
            answer="Clients, and those of them that wait for messages, as consumers do. A sudden fall: a restart.",
            queries=(Query("redis_clients_connected", "connected"), Query("redis_clients_blocked", "waiting")),
            unit=COUNT,
        ),
        Lines(
            title="Since when does it run?",
            answer="A fall to 0 is a restart; look whether data was lost.",
            queries=(Query("redis_uptime_seconds_total", "up"),),
            unit=SECONDS,
            links=(_STREAMS,),
        ),
        Lines(
            title="Does it use a whole core?",
            answer="It has one thread for commands: near 1 it is the limit.",
            queries=(Query(_rate('redis_cpu_time_seconds_total{state=~"sys|user"}', "state"), "{{state}}"),),
            unit=RATIO,
            warn=0.6,
            bad=0.9,
        ),
        Lines(
            title="What goes over the network?",
            answer="Bytes a second, in and out.",
            queries=(
                Query(_rate("redis_net_input_bytes_total"), "in"),
                Query(_rate("redis_net_output_bytes_total"), "out"),
            ),
            unit="Bps",
        ),
        Lines(
            title="Does it throw anything away?",
            answer="Keys evicted, connections refused. Both are to be 0: an evicted stream is lost events.",
            queries=(
                Query(_rate("redis_keys_evicted_total"), "evicted"),
                Query(_rate("redis_connections_rejected_total"), "refused"),
            ),
            unit=RATE,
            bad=0.1,
            links=(_STREAMS,),
        ),
    ),
)
_POSTGRES = Row(
    "Is PostgreSQL well? (empty where contexts keep their data in SQLite)",
    (
        Lines(
            title="How many transactions are there?",
            answer="Commits and rollbacks a second, by database: one database is one context.",
            queries=(
                Query(_rate("postgresql_commits_total", _BY_DATABASE), _DATABASE),
                Query(_rate("postgresql_rollbacks_total", _BY_DATABASE), _DATABASE + " back"),
            ),
            unit=RATE,
            links=(_STORE,),
        ),
        Stacked(
            title="How many connections are open?",
            answer="By database; PostgreSQL refuses more than its maximum.",
            queries=(
                Query(f"sum by ({_BY_DATABASE}) (postgresql_backends)", _DATABASE),
                Query("max(postgresql_connection_max)", "at most"),
            ),
        ),
        Lines(
            title="How big are the databases?",
            answer="They keep every message for the rebuild horizon, so they grow.",
            queries=(Query(f"sum by ({_BY_DATABASE}) (postgresql_db_size_bytes)", _DATABASE),),
            unit=BYTES,
            links=(_STORE,),
        ),
        Lines(
            title="Does anyone lock out anyone?",
            answer="Deadlocks a minute. Writers of one context queue up in one place: there should be none.",
            queries=(Query(f"sum by ({_BY_DATABASE}) (increase(postgresql_deadlocks_total[1m]))", _DATABASE),),
            bad=1,
            links=(_STORE,),
        ),
    ),
)
REDIS_AND_POSTGRESQL = Board(
    "mallbots-redis-postgresql",
    "8 · Redis and PostgreSQL",
    "Is it the machinery below?",
    (_REDIS, _POSTGRES),
    reads_next=("mallbots-outbox-streams", "mallbots-event-store"),
)
