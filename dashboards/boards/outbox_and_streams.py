from dashboards import links
from dashboards.boards.choices import CONTEXTS
from dashboards.panels import RATE, SECONDS, Board, Lines, Number, Query, Row

_OF = '{context=~"$context"}'
_FOUND = f"mallbots_stream_gaps_detected_total{_OF}"
_SENT = links.traces("How it went to Redis", links.CONTEXT, operation="send " + links.CONTEXT + ".events")
_SAID = links.logs("What its process said", '{service_namespace="mallbots", service_name="' + links.CONTEXT + '"}')


def _per_second(metric: str, legend: str) -> Query:
    return Query(f"sum by (context) (rate({metric}{_OF}[$__rate_interval]))", legend)


_OUTBOX = Row(
    "Does what is decided get to Redis?",
    (
        Lines(
            title="How old is the oldest decision that is not published?",
            answer="Rising means that the relay or Redis is away; nothing is lost, everything is late.",
            queries=(Query(f"max by (context) (mallbots_outbox_oldest_age_seconds{_OF})", "{{context}}"),),
            unit=SECONDS,
            warn=2,
            bad=10,
            links=(_SENT, _SAID),
        ),
        Lines(
            title="How many wait?",
            answer="Committed, not yet in Redis.",
            queries=(Query(f"sum by (context) (mallbots_outbox_pending{_OF})", "{{context}}"),),
            links=(_SENT, _SAID),
        ),
        Number(
            title="Does Redis belong to another installation?",
            answer="1 where it does: nothing is published or consumed there. 0 is well.",
            queries=(Query(f"max by (context) (mallbots_redis_foreign{_OF})", "{{context}}"),),
            bad=1,
            links=(links.logs("Whose it was", '{service_namespace="mallbots"} |= "redis changed hands"'), _SAID),
        ),
        Lines(
            title="How much is published?",
            answer="Messages a second.",
            queries=(_per_second("mallbots_outbox_published_total", "{{context}}"),),
            unit=RATE,
            links=(_SENT, links.board("mallbots-flows", "Flows")),
        ),
        Lines(
            title="What does Redis refuse as a second copy?",
            answer="Harmless: the answer to an earlier attempt was lost. Many of them mean a shaky connection.",
            queries=(_per_second("mallbots_outbox_duplicates_refused_total", "{{context}}"),),
            unit=RATE,
            links=(_SAID,),
        ),
    ),
)
_LOSS = Row(
    "Was anything lost, and found again?",
    (
        Number(
            title="Are all holes closed?",
            answer="Holes found in streams, less those healed from the source's log. 0 is well.",
            queries=(Query(f"sum by (group) ({_FOUND} - mallbots_stream_gaps_healed_total{_OF})", "{{group}}"),),
            bad=1,
            links=(_SAID,),
        ),
        Number(
            title="Has a database gone back?",
            answer="Streams that wait, since their source does not know any more what was applied. 0 is well.",
            queries=(Query(f"sum by (group, source) (mallbots_stream_parted{_OF})", "{{group}} of {{source}}"),),
            bad=1,
            links=(links.logs("Who went back", '{service_namespace="mallbots"} |= "source went back"'),),
        ),
        Number(
            title="What has it lost?",
            answer="Messages that a context said and its database has lost, kept until somebody has settled them.",
            queries=(Query(f"max by (context) (mallbots_outbox_aside{_OF})", "{{context}}"),),
            bad=1,
            links=(_SAID,),
        ),
        Lines(
            title="When did groups find holes, and when were they healed?",
            answer="Gapless numbers make a hole a proof of loss. Healing is to follow within seconds.",
            queries=(
                Query(f"sum by (group) (increase({_FOUND}[1m]))", "{{group}} found"),
                Query(f"sum by (group) (increase(mallbots_stream_gaps_healed_total{_OF}[1m]))", "{{group}} healed"),
            ),
            bad=1,
            links=(links.logs("Gaps", '{service_namespace="mallbots"} |= "gap found"'),),
        ),
        Lines(
            title="Did Redis forget what it had?",
            answer="Messages published again after a flush, a fail-over or a crash.",
            queries=(_per_second("mallbots_outbox_republished_total", "{{context}}"),),
            unit=RATE,
            bad=0.1,
            links=(links.logs("What Redis lost", '{service_namespace="mallbots"} |= "stream data lost"'), _SENT),
        ),
    ),
)
_SIZE = Row(
    "How big are the streams?",
    (
        Lines(
            title="How many messages does Redis hold?",
            answer="By context. It grows until the retention is over, then stays.",
            queries=(Query(f"sum by (context) (mallbots_stream_entries{_OF})", "{{context}}"),),
            links=(links.board("mallbots-redis-postgresql", "Redis' memory"),),
        ),
        Lines(
            title="What is let go?",
            answer="Entries trimmed: old, and acknowledged by every group.",
            queries=(Query(f"sum by (context) (increase(mallbots_stream_trimmed_total{_OF}[5m]))", "{{context}}"),),
            links=(links.logs("Trims", '{service_namespace="mallbots"} |= "stream trimmed"'),),
        ),
    ),
)
OUTBOX_AND_STREAMS = Board(
    "mallbots-outbox-streams",
    "4 · Outbox and streams",
    "Does everything get through Redis, once, and does it stay there?",
    (_OUTBOX, _LOSS, _SIZE),
    (CONTEXTS,),
    reads_next=("mallbots-consumers", "mallbots-redis-postgresql", "mallbots-event-store"),
)
