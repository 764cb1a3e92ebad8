"""Hung, not dead: a database that takes everything and answers nothing, and processes that do not come to an end."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contexts.customers.contract import customers_pb2
from mallbots.pages import complaints
from mallbots_platform import _postgres, relay
from mallbots_platform._postgres import PatientConnection
from mallbots_platform.database import Database
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.endpoints import Endpoint, read_endpoints
from mallbots_platform.errors import DatabaseAway, PlatformError
from mallbots_platform.grpc_client import client_for, open_channel
from mallbots_platform.health import Health
from mallbots_platform.process import Process
from tests.conftest import new_database
from tests.support.frozen import backends_of, frozen, server_of
from tests.support.postgres import postgres
from tests.support.world import World, eventually

PACKAGE = Path(__file__).parents[2]
IN_TIME = 10.0
PATIENCE = 1.0


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is, only sooner."""
    monkeypatch.setattr(PatientConnection, "answer_seconds", PATIENCE)
    monkeypatch.setattr("mallbots_platform.health.DATABASE_SECONDS", PATIENCE / 2)
    monkeypatch.setattr("mallbots_platform.health.EVERY_SECONDS", 0.1)
    monkeypatch.setitem(_postgres.CONNECTING, "connect_timeout", 2)


# A database that does not answer


async def test_calls_are_answered_though_the_database_stands_still(
    world: World, postgres_url: str, impatient: None
) -> None:
    world.databases["teller"] = url = new_database(postgres_url)
    teller = await world.teller()
    await teller.say("before")

    with frozen(backends_of(url)):
        began = time.monotonic()
        await teller.say("meanwhile")  # the old connection is given up, and a new one answers
        assert time.monotonic() - began < 5 * PATIENCE
        assert await eventually(lambda: not teller.process._life._health.ready())

    await teller.say("afterwards")
    assert teller.measured("mallbots_database_unanswered_total") >= 1
    assert [text for (text,) in await teller.rows("SELECT key FROM outbox")] == ["k"] * 3


def test_a_statement_that_is_not_answered_is_given_up(postgres_url: str, impatient: None) -> None:
    url, hung = new_database(postgres_url), []
    database, other = Database(url), Database(url)
    database.on_hung = lambda: hung.append("it hangs")
    other.run("SELECT 1")
    for work in (
        lambda: database.run("SELECT 1"),
        lambda: database.run_many("SELECT ?", [(1,), (2,)]),
        database.commit,
    ):
        database.begin("BEGIN")
        [(pid,)] = database.run("SELECT pg_backend_pid()")
        with frozen([pid]), pytest.raises(DatabaseAway, match="no answer for 1 second"):
            work()
        database.undo()
    database.close()
    other.close()

    assert len(hung) == 3


def test_a_server_that_takes_no_connection_is_given_up(impatient: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        database = Database(f"postgresql://mall@127.0.0.1:{deaf.getsockname()[1]}/mall")
        began = time.monotonic()
        with pytest.raises(DatabaseAway, match="timeout"):
            database.run("SELECT 1")

    assert time.monotonic() - began < 3


def test_every_connection_has_its_limits(postgres_url: str) -> None:
    database = Database(new_database(postgres_url))
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    found = {name: database.run(f"SHOW {name}")[0][0] for name in names}
    parameters = database._session().raw.info.get_parameters()
    with database.alone():
        alone = {name: database.run(f"SHOW {name}")[0][0] for name in names}
        longest = database._session().raw.answer_seconds
    afterwards = database._session().raw.answer_seconds
    database.close()

    assert found == {"statement_timeout": "10s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "10s"}
    assert (parameters["connect_timeout"], parameters["tcp_user_timeout"]) == ("5", "12000")
    assert parameters["keepalives_idle"] == "5"
    assert alone["statement_timeout"] == "0" and longest == 600 and afterwards == 12


def test_who_stands_still_in_a_transaction_holds_up_others_for_a_bounded_time(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_postgres, "LIMITS", _postgres.LIMITS.replace("'10s'", "'300ms'"))
    url = new_database(postgres_url)
    stopped, sibling = Database(url), Database(url)
    stopped.run("CREATE TABLE things (n INT)")
    stopped.run("INSERT INTO things VALUES (1)")
    stopped.begin("BEGIN")
    stopped.run("UPDATE things SET n = 2")

    sibling.run("SET statement_timeout = '5s'")
    began = time.monotonic()
    sibling.run("UPDATE things SET n = n + 10")

    assert time.monotonic() - began < 3
    with pytest.raises(DatabaseAway, match="idle-in-transaction timeout"):
        stopped.run("SELECT 1")
    assert sibling.run("SELECT n FROM things") == [(11,)]
    stopped.close()
    sibling.close()


async def test_a_slow_statement_of_our_own_ends_no_process(
    world: World, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        _postgres, "LIMITS", _postgres.LIMITS.replace("statement_timeout = '10s'", "statement_timeout = '50ms'")
    )
    world.databases["teller"] = new_database(postgres_url)
    teller = await world.teller()
    with pytest.MonkeyPatch.context() as slow:
        slow.setattr(relay, "_READ", f"{relay._READ} OFFSET (SELECT 0 FROM pg_sleep(1))")
        await teller.say("slowly")
        assert await eventually(lambda: "57014" in teller.process.relay.trouble)

    assert await eventually(lambda: not teller.process.relay.trouble and not teller.process.relay.behind)


# What a process says of itself


async def test_a_process_is_ready_when_calls_can_be_answered(world: World) -> None:
    teller = await world.teller()
    health, address = teller.process._life._health, teller.process.endpoint.metrics

    assert await eventually(lambda: health.ready() == [])
    assert await asyncio.to_thread(complaints, address, "livez") == []
    teller.process.stop()
    assert health.ready() == ["it is leaving"]
    assert health.live() == []


async def test_redis_makes_nothing_unready(tmp_path: Path) -> None:
    redis = EmbeddedRedis(tmp_path / "redis")
    redis.start()
    try:
        async with World(tmp_path, redis) as world:
            teller, listener = await world.teller(), await world.listener()
            redis.kill()
            await teller.say("an order is still taken")

            assert await eventually(lambda: teller.process.troubles and listener.process.troubles)
            for running in (teller, listener):
                address = running.process.endpoint.metrics
                assert await eventually(lambda: said_of_redis(address))  # noqa: B023 # awaited at once
                assert await asyncio.to_thread(complaints, address, "readyz") == []
            redis.start()
    finally:
        redis.kill()


async def said_of_redis(address: str) -> bool:
    return any("Connect" in trouble for trouble in await asyncio.to_thread(complaints, address, "healthz"))


async def test_a_database_that_cannot_be_written_makes_unready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots_platform._sqlite.BUSY_MILLISECONDS", 50)
    teller = await world.teller()
    health = teller.process._life._health
    holder = Database(teller.process.database.url)
    holder.begin("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseAway):
        await teller.say("in vain")

    assert health.ready() == ["nothing can be written: the database is locked: SQLITE_BUSY database is locked"]
    holder.undo()
    holder.close()
    await teller.say("again")
    assert health.ready() == []


async def test_what_waits_too_long_makes_unready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots_platform.health.QUEUE_SECONDS", 0.2)
    teller, go_on = await world.teller(), threading.Event()
    health = teller.process._life._health
    waiting = asyncio.ensure_future(teller.process.change(go_on.wait))
    try:
        await asyncio.sleep(0.3)
        health.look()
        assert health.ready() == ["what was to be written first has waited for 0 s"]
    finally:
        go_on.set()
        await waiting
    health.look()
    assert health.ready() == []


async def test_a_thread_that_is_at_one_thing_for_too_long_is_dead(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mallbots_platform.health.STUCK_SECONDS", 0.15)
    monkeypatch.setattr("mallbots_platform.health.EVERY_SECONDS", 0.02)
    teller, ends = await world.teller(), threading.Event()
    health = teller.process._life._health
    for ask in (teller.process.change, teller.process.read):
        ends.clear()
        busy = asyncio.ensure_future(ask(ends.wait))
        await asyncio.sleep(0.2)
        told = await asyncio.to_thread(health.live)
        ends.set()
        await busy

        assert len(told) == 1 and told[0].startswith("a thread has been at one thing for 0 s: ")
        assert await asyncio.to_thread(health.live) == []


async def test_who_waits_for_the_database_is_alive(
    world: World, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mallbots_platform.health.STUCK_SECONDS", 0.15)
    monkeypatch.setattr("mallbots_platform.health.EVERY_SECONDS", 0.02)
    world.databases["teller"] = new_database(postgres_url)
    teller = await world.teller()
    database, health = teller.process.database, teller.process._life._health
    for ask in (teller.process.change, teller.process.read):
        waiting = asyncio.ensure_future(ask(lambda: database.run("SELECT pg_sleep(0.8)")))
        await asyncio.sleep(0.3)

        assert await asyncio.to_thread(health.live) == []
        await waiting


async def test_a_loop_that_does_not_turn_is_told_by_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mallbots_platform.health.STUCK_SECONDS", 0.2)
    monkeypatch.setattr("mallbots_platform.health.LATE_SECONDS", 0.1)
    teller = await world.teller()
    health: Health = teller.process._life._health
    health.look()
    told: list[list[str]] = []

    def ask() -> None:
        time.sleep(0.3)
        told.extend((health.live(), health.ready()))

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join()  # the loop stands still for as long

    assert told == [["the event loop has not turned for 0 s"]] * 2


async def test_troubles_are_looked_at_by_the_loop_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they are found in is changed there at any time."""
    looked: set[int] = set()
    troubles: Any = Process.troubles

    def look(process: Process) -> Any:
        looked.add(threading.get_ident())
        return troubles.fget(process)

    monkeypatch.setattr(Process, "troubles", property(look))
    teller = await world.teller()

    assert await eventually(lambda: says(teller.process.endpoint, "healthz", ""))
    assert looked == {threading.get_ident()}


# Processes of their own


@contextmanager
def running(environ: dict[str, str], *command: str) -> Iterator["subprocess.Popen[str]"]:
    everything = {**os.environ, "PYTHONPATH": f"{PACKAGE}{os.pathsep}{PACKAGE / 'platform'}"} | environ
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        env=everything,
        cwd=PACKAGE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def environment(directory: Path, redis: EmbeddedRedis, context: str, url: str) -> dict[str, str]:
    return {
        "MALLBOTS_DATABASE_URL": url,
        "MALLBOTS_REDIS_URL": redis.url,
        "MALLBOTS_ENDPOINTS": str(directory),
    }


async def endpoint_of(directory: Path, context: str) -> Endpoint:
    await eventually(lambda: context in read_endpoints(directory), seconds=60)
    return read_endpoints(directory)[context]


def last_lines(process: "subprocess.Popen[str]") -> list[dict[str, Any]]:
    assert process.stdout is not None
    return [json.loads(line) for line in process.stdout.read().splitlines()]


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("writer", "a thread is at tests.support.stubborn.composition, line"),
        ("reader", "a thread is at tests.support.stubborn.composition, line"),
        ("loop", "the event loop is at tests.support.stubborn.composition, line"),
        ("closing", "a server or a connection"),
    ],
)
async def test_whatever_hangs_a_process_that_is_told_to_leave_is_gone(
    tmp_path: Path, redis_server: EmbeddedRedis, what: str, told: str
) -> None:
    environ = environment(tmp_path, redis_server, "stubborn", f"sqlite:///{tmp_path}/{{context}}.db")
    with running(environ, "tests.support.stubborn", what) as process:
        await endpoint_of(tmp_path, "stubborn")
        await asyncio.sleep(0.8)

        asked_at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, 30)
        seconds = time.monotonic() - asked_at
        left = [line["what"] for line in last_lines(process) if line["event"] == "left unfinished"]

    assert (code, seconds < IN_TIME / 2) == (1, True)
    assert any(told in what for what in left), left


async def test_a_server_that_stands_still_is_survived_and_left(tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    with postgres() as server:
        url = server.format(name="postgres")
        pids = server_of(url)
        with running(environment(tmp_path, redis_server, "customers", url), "contexts.customers") as process:
            at = await endpoint_of(tmp_path, "customers")
            service = customers_pb2.DESCRIPTOR.services_by_name["CustomersService"]
            api = client_for(open_channel(at.grpc), service)
            await register(api)

            with frozen({*pids, *backends_of(url)}):
                calling = asyncio.ensure_future(register(api, 25))
                assert await eventually(lambda: says(at, "readyz", "nothing could be read"))
                assert await says(at, "livez", "")
            await calling  # what was sent is answered, once it goes on
            assert await eventually(lambda: says(at, "readyz", ""))

            with frozen({*server_of(url), *backends_of(url)}):
                calling = asyncio.ensure_future(register(api, 25))
                await asyncio.sleep(0.1)
                asked_at = time.monotonic()
                process.send_signal(signal.SIGTERM)
                code = await asyncio.to_thread(process.wait, 30)
                seconds = time.monotonic() - asked_at
                with pytest.raises(PlatformError):
                    await calling
            left = [line["what"] for line in last_lines(process) if line["event"] == "left unfinished"]

    assert (code, seconds <= IN_TIME) == (1, True)
    assert "a thread is at mallbots_platform._postgres" in left[-1]


async def register(api: Any, timeout: float = 10.0) -> None:
    await api.RegisterCustomer(
        customers_pb2.RegisterCustomerRequest(name="Ann", sms_number="+49151000000"), timeout=timeout
    )


async def says(at: Endpoint, name: str, words: str) -> bool:
    """Complains of that, or of nothing."""
    found = await asyncio.to_thread(complaints, at.metrics, name)
    return any(words in complaint for complaint in found) if words else not found
