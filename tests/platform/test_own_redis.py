"""In a Redis of its own installation a client does all that it is told to, in one of another nothing."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from redis.exceptions import NoScriptError, ResponseError

from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.leases import RELEASE, RENEW
from mallbots_platform.own_redis import ForeignRedis
from mallbots_platform.streams import RedisClient
from tests.support.redis_of_two import COPY, STREAM, Opened, append, opened
from tests.support.world import eventually


async def finish(client: RedisClient) -> Any:
    pipeline = client.pipeline(transaction=True)
    pipeline.xack(client.key_of(STREAM), "g", "1-0")
    pipeline.xdel(client.key_of(STREAM), "1-0")
    return await pipeline.execute()


async def acknowledge(client: RedisClient) -> Any:
    pipeline = client.pipeline(transaction=False)
    pipeline.xack(client.key_of(STREAM), "g", "1-0", "2-0")
    return await pipeline.execute()


async def claim(client: RedisClient) -> Any:
    pipeline = client.pipeline(transaction=False)
    pipeline.xautoclaim(client.key_of(STREAM), "g", "other", min_idle_time=0, count=1)
    [answer] = await pipeline.execute()
    return answer


Command = Callable[[RedisClient], Coroutine[Any, Any, Any]]
QUESTIONS: dict[str, Command] = {
    "a range": lambda client: client.xrange(client.key_of(STREAM), "(1-0", "+", count=1),
    "the end": lambda client: client.xrevrange(client.key_of(STREAM), count=1),
    "the length": lambda client: client.xlen(client.key_of(STREAM)),
    "its groups": lambda client: client.xinfo_groups(client.key_of(STREAM)),
    "the stream itself": lambda client: client.xinfo_stream(client.key_of(STREAM)),
    "what is pending": lambda client: client.xpending(client.key_of(STREAM), "g"),
    "that nothing is pending": lambda client: client.xpending(client.key_of(STREAM), "idle"),
    "what is pending in detail": lambda client: client.xpending_range(client.key_of(STREAM), "g", "-", "+", 1),
    "a value": lambda client: client.get(client.key("held")),
    "no value": lambda client: client.get(client.key("nothing")),
}
CHANGES: dict[str, Command] = {
    "append": lambda client: append(client, 2, "third"),
    "append, whatever there is": lambda client: client.xadd(client.key_of(STREAM), {"e": "third"}, id="3-0"),
    "create a group": lambda client: client.xgroup_create(client.key_of(STREAM), "new", "0", mkstream=True),
    "move a group": lambda client: client.xgroup_setid(client.key_of(STREAM), "g", "0"),
    "acknowledge": acknowledge,
    "claim": claim,
    "finish": finish,
    "trim": lambda client: client.xtrim(client.key_of(STREAM), minid="2-0", approximate=False),
    "remove": lambda client: client.delete(client.key_of(STREAM)),
    "gain a lease": lambda client: client.set(client.key("lease"), "me", px=60_000, nx=True),
    "renew a lease": lambda client: client.eval(RENEW, 1, client.key("held"), "me", 60_000),
    "release a lease": lambda client: client.eval(RELEASE, 1, client.key("held"), "me"),
}
every_command = pytest.mark.parametrize("command", (CHANGES | QUESTIONS).values(), ids=CHANGES | QUESTIONS)


async def furnish(redis: Opened) -> None:
    """Two entries, of which a group was given the first and holds it, and a lease."""
    client = redis.anybody
    for number, text in enumerate(("first", "second"), 1):
        await client.xadd(client.key_of(STREAM), {"e": text}, id=f"{number}-0")
    await client.xgroup_create(client.key_of(STREAM), "g", "0")
    await client.xgroup_create(client.key_of(STREAM), "idle", "0")
    await client.xreadgroup("g", "g", {client.key_of(STREAM): ">"}, count=1)
    await client.set(client.key("held"), "me", px=60_000)


@every_command
async def test_in_a_redis_of_ours_all_is_done_as_it_would_be(redis_server: EmbeddedRedis, command: Command) -> None:
    async with opened(redis_server) as redis:
        await furnish(redis)
        plain = timeless(await command(redis.anybody))
        after = {*await redis.dump()}
        await redis.anybody.flushall()
        await furnish(redis)

        assert timeless(await command(redis.a)) == plain
        assert {*await redis.dump()} - {COPY.encode()} == after


def timeless(answer: Any) -> Any:
    """Without the milliseconds since an entry was read."""
    if isinstance(answer, list) and answer and isinstance(answer[0], dict):
        return [{name: value for name, value in each.items() if name != "time_since_delivered"} for each in answer]
    return answer


@every_command
async def test_in_a_redis_of_others_nothing_is_done(redis_server: EmbeddedRedis, command: Command) -> None:
    async with opened(redis_server) as redis:
        await redis.a.ping()
        await redis.anybody.flushall()
        await furnish(redis)
        await redis.b.ping()
        before = await redis.dump()

        for _ in range(2):  # over the connection that it has, and over a new one
            with pytest.raises(ForeignRedis, match="it belongs to B"):
                await command(redis.a)

        assert await redis.dump() == before
        assert (redis.owners["A"].foreign, redis.owners["B"].foreign) == ("B", "")


async def test_who_connects_first_has_it(redis_server: EmbeddedRedis) -> None:
    async with opened(redis_server) as redis:
        await redis.a.ping()

        for question in (redis.b.ping, redis.b.keys, lambda: redis.b.xlen("anything")):
            with pytest.raises(ForeignRedis):
                await question()
        assert await redis.anybody.get(COPY) == b"A"


async def test_who_is_not_known_connects_to_nothing(redis_server: EmbeddedRedis) -> None:
    async with opened(redis_server) as redis:
        redis.owners["A"].id = ""
        with pytest.raises(ForeignRedis, match="it is not known yet which installation this process is part of"):
            await redis.a.ping()
        assert await redis.anybody.keys() == []

        redis.owners["A"].id = "A"
        await redis.a.ping()


async def test_a_redis_that_was_emptied_is_ours_again(redis_server: EmbeddedRedis) -> None:
    async with opened(redis_server) as redis:
        await append(redis.a, 0, "first")
        await redis.anybody.flushall()

        assert await append(redis.a, 0, "first") == [1, 1]
        assert await redis.anybody.get(COPY) == b"A"


async def test_a_redis_that_is_given_up_can_be_taken(redis_server: EmbeddedRedis) -> None:
    async with opened(redis_server) as redis:
        await redis.a.ping()
        with pytest.raises(ForeignRedis):
            await redis.b.ping()

        await redis.anybody.delete(COPY)

        await redis.b.ping()
        assert redis.owners["B"].foreign == ""
        with pytest.raises(ForeignRedis):
            await append(redis.a, 0, "first")


async def test_a_full_redis_still_lets_its_owner_in(redis_server: EmbeddedRedis) -> None:
    async with opened(redis_server) as redis:
        await furnish(redis)
        await redis.a.ping()
        await redis.anybody.config_set("maxmemory", 1)
        try:
            await redis.drop_connections()
            assert await acknowledge(redis.a) == [1]
            with pytest.raises(ResponseError, match=r"OOM|maxmemory"):
                await append(redis.a, 2, "third")
        finally:
            await redis.anybody.config_set("maxmemory", 0)


async def test_errors_of_redis_come_as_they_are(redis_server: EmbeddedRedis) -> None:
    async with opened(redis_server) as redis:
        await furnish(redis)
        key = redis.a.key_of(STREAM)

        with pytest.raises(ResponseError, match=r"^BUSYGROUP"):
            await redis.a.xgroup_create(key, "g", "0")
        with pytest.raises(ResponseError, match=r"^NOGROUP"):
            await redis.a.xreadgroup("nobody", "nobody", {key: ">"})
        with pytest.raises(NoScriptError):
            await redis.a.evalsha("0" * 40, 0)


async def test_a_read_that_waited_does_not_believe_another_redis(redis_server: EmbeddedRedis) -> None:
    async with opened(redis_server) as redis:
        key = redis.a.key_of(STREAM)
        await redis.a.xgroup_create(key, "g", "0", mkstream=True)
        reading = asyncio.create_task(redis.a.xreadgroup("g", "g", {key: ">"}, block=3000))
        await eventually(lambda: is_blocked(redis))

        pipeline = redis.anybody.pipeline(transaction=True)
        pipeline.flushall()
        pipeline.set(COPY, "B")
        pipeline.xgroup_create(key, "g", "0", mkstream=True)
        pipeline.xadd(key, {"e": "of B"})
        await pipeline.execute()

        with pytest.raises((ForeignRedis, ResponseError)):  # in some versions, the read ends with the stream
            await reading
        assert redis.owners["A"].foreign == "B"


async def is_blocked(redis: Opened) -> bool:
    return bool((await redis.anybody.info("clients"))["blocked_clients"])
