"""A data directory is one installation, whatever becomes of the file that says so."""

from pathlib import Path

import pytest

from mallbots.directories import database_url, installation_file
from mallbots.doctor import OK, PROBLEM, WARNING, installation
from mallbots.identity import VARIABLE, installation_in, installation_of
from mallbots.reporting import Failed
from mallbots_platform import schema
from mallbots_platform.database import Database
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.installation import keep
from tests.support.world import redis_client


@pytest.fixture(autouse=True)
def unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def made_database(data: Path, context: str, id: str = "") -> None:
    database = Database(database_url(data, context))
    database.create(schema.metadata)
    if id:
        keep(database, id)
    database.close()


def test_it_is_made_up_once(tmp_path: Path) -> None:
    first = installation_of(tmp_path)

    assert first == installation_of(tmp_path) == installation_in(tmp_path) != ""


def test_two_directories_are_two(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()

    assert installation_of(tmp_path / "a") != installation_of(tmp_path / "b")


def test_the_environment_may_say_it_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "mine")
    assert installation_of(tmp_path) == "mine"

    monkeypatch.delenv(VARIABLE)
    assert installation_of(tmp_path) == "mine"


def test_the_environment_must_not_say_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = installation_of(tmp_path)
    monkeypatch.setenv(VARIABLE, "others")

    with pytest.raises(Failed, match=f"holds the installation {before}, {VARIABLE} says others: unset it, or"):
        installation_of(tmp_path)


@pytest.mark.parametrize("spoilt", [None, b"", b"\n", b"\xff\x00", b"two words"])
def test_databases_know_it_when_the_file_is_lost(tmp_path: Path, spoilt: bytes | None) -> None:
    made_database(tmp_path, "customers")
    made_database(tmp_path, "stores", "before")
    (tmp_path / "depot.db").write_bytes(b"no database at all, but long enough to be looked at" * 20)
    if spoilt is not None:
        installation_file(tmp_path).write_bytes(spoilt)

    assert installation_of(tmp_path) == "before"
    assert installation_file(tmp_path).read_text() == "before\n"


def test_databases_of_before_get_a_new_one(tmp_path: Path) -> None:
    made_database(tmp_path, "stores")

    assert installation_in(tmp_path) == ""
    assert installation_of(tmp_path) != ""


@pytest.mark.parametrize(
    "whose, state, detail",
    [
        ("", OK, "ours, Redis has no copy yet"),
        ("ours", OK, "ours, as Redis says"),
        ("others", PROBLEM, "this Redis belongs to the installation others, and this is ours"),
    ],
)
async def test_the_doctor_looks_whose_redis_it_is(
    tmp_path: Path, redis_server: EmbeddedRedis, whose: str, state: str, detail: str
) -> None:
    installation_file(tmp_path).write_text("ours\n")
    async with redis_client(redis_server) as client:
        await client.flushall()
        if whose:
            await client.set("other.installation", whose)

    found = await installation(tmp_path, redis_server.url, "other")

    assert found.state == state and found.detail.startswith(detail)
    assert ("MALLBOTS_KEY_PREFIX" in found.advice) == (state == PROBLEM)


async def test_a_redis_that_is_away_belongs_to_nobody(tmp_path: Path) -> None:
    found = await installation(tmp_path, "redis://127.0.0.1:1", "mall")

    assert found.state == WARNING
