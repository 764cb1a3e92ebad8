"""Hung, not dead: a database that takes everything and answers nothing, and processes that do not come to an end."""

import socket
import time
from pathlib import Path

import pytest

from mallbots_platform import _postgres, relay
from mallbots_platform._postgres import PatientConnection
from mallbots_platform.database import Database
from mallbots_platform.errors import DatabaseAway
from tests.conftest import new_database
from tests.support.frozen import backends_of, frozen
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
