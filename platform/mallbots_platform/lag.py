"""How far a process' groups are behind: what the streams hold, against what is applied."""

from functools import partial
from typing import Any

from redis.exceptions import RedisError, ResponseError

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.clock import now_us
from mallbots_platform.errors import Unavailable
from mallbots_platform.partitions import StreamName
from mallbots_platform.readers import Readers
from mallbots_platform.redis_answers import told
from mallbots_platform.streams import RedisClient, sequence_of
from mallbots_platform.subscriptions import Subscription


class LagReader:
    def __init__(self, redis: RedisClient, readers: Readers, subscriptions: dict[str, Subscription]) -> None:
        self._redis = redis
        self._readers = readers
        self._subscriptions = subscriptions

    async def read(self) -> list[pb.Lag]:
        """One entry per group and stream. Raises Unavailable when Redis does not answer."""
        lags = []
        for subscription in self._subscriptions.values():
            marks = await self._readers.run(partial(_marks, subscription))
            kept = await self._readers.run(subscription.lot.kept)
            answers = await self._ask(subscription.group, marks)
            for number, (stream, mark) in enumerate(marks.items()):
                lag = _lag(subscription.group, stream, mark, *answers[3 * number : 3 * number + 3])
                lag.newer = kept.get(stream, 0)
                lags.append(lag)
        return lags

    async def _ask(self, group: str, marks: dict[StreamName, int]) -> list[Any]:
        pipeline = self._redis.pipeline(transaction=False)
        for stream, mark in marks.items():
            key = self._redis.key_of(stream)
            pipeline.execute_command("XREVRANGE", key, "+", "-", "COUNT", 1)
            pipeline.xrange(key, f"({mark}-0", "+", count=1)
            pipeline.xpending_range(key, group, "-", "+", 1)
        try:
            return [_unless_no_group(answer) for answer in await pipeline.execute(raise_on_error=False)]
        except (RedisError, OSError) as error:
            raise Unavailable(f"Redis does not answer: {told(error)}") from error


def _marks(subscription: Subscription) -> dict[StreamName, int]:
    return {stream: subscription.inbox.mark(stream) for stream in list(subscription.routes)}


def _unless_no_group(answer: Any) -> Any:
    """A group that does not exist yet, or no more, has nothing pending."""
    if isinstance(answer, ResponseError) and "NOGROUP" in str(answer):
        return []
    if isinstance(answer, Exception):
        raise answer
    return answer


def _lag(group: str, stream: StreamName, mark: int, top: Any, oldest: Any, unacked: Any) -> pb.Lag:
    last = max(mark, sequence_of(top[0][0]) if top else 0)
    published_at = int(oldest[0][1].get(b"t", b"0")) if oldest and last > mark else 0
    return pb.Lag(
        group=group,
        source=stream.source,
        channel=stream.channel,
        partition=stream.partition,
        last_sequence=last,
        applied_sequence=mark,
        behind_events=last - mark,
        behind_seconds=max(0.0, (now_us() - published_at) / 1e6) if published_at else 0.0,
        oldest_unacked_seconds=unacked[0]["time_since_delivered"] / 1e3 if unacked else 0.0,
    )
