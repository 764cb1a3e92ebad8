"""Which installation a process is part of, whoever starts first and whatever is away."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mallbots_platform import schema
from mallbots_platform.database import Database
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.errors import CannotStart
from mallbots_platform.installation import keep, kept_in, recorded
from tests.support.two_installations import copy_in, empties, names_installation
from tests.support.world import Running, World, eventually


def id_of(running: Running) -> str:
    return running.process.installation.id


async def kept_by(running: Running) -> str:
    return await running.process.read(lambda: kept_in(running.process.database))


# Which one it is


async def test_where_nobody_knows_it_is_made_up(world: World) -> None:
    async with world:
        teller = await world.teller()

        assert id_of(teller) == await copy_in(world.redis) == await kept_by(teller) != ""


async def test_a_setting_says_which_one_it_is(world: World) -> None:
    async with world:
        teller = await world.teller(installation="of-the-settings")

        assert await kept_by(teller) == id_of(teller) == "of-the-settings"
        await eventually(lambda: copy_is(world.redis, "of-the-settings"))


async def copy_is(redis: EmbeddedRedis, id: str) -> bool:
    return await copy_in(redis) == id


async def test_a_database_keeps_what_was_found(world: World) -> None:
    async with world:
        teller = await world.teller()
        before = id_of(teller)
        await teller.stop()
        await empties(world.redis)

        assert id_of(await world.teller()) == before
        await eventually(lambda: copy_is(world.redis, before))


async def test_a_new_context_takes_what_redis_says(world: World) -> None:
    async with world:
        teller = await world.teller()
        await teller.stop()

        assert id_of(await world.listener()) == id_of(teller)


async def test_a_new_context_takes_what_a_peer_says_though_redis_is_away(world: World) -> None:
    async with world:
        teller = await world.teller(installation="of-a-peer")

        listener = await world.listener(redis_url="redis://127.0.0.1:1")

        assert id_of(listener) == await kept_by(listener) == id_of(teller)


async def test_a_peer_is_believed_rather_than_a_redis(world: World) -> None:
    async with world:
        await names_installation(world.redis, "others")
        await world.teller(installation="of-a-peer")

        listener = await world.listener()

        assert id_of(listener) == "of-a-peer"
        await eventually(lambda: "belongs to the installation others" in listener.process.installation.trouble)


async def test_who_starts_at_the_same_time_agrees(world: World) -> None:
    async with world:
        started = await asyncio.gather(world.teller(), *(world.listener(context=f"listener{n}") for n in range(4)))

        assert {id_of(each) for each in started} == {await copy_in(world.redis)}


async def test_processes_of_one_context_that_start_at_once_agree(world: World, database_url: str) -> None:
    async with world:
        world.databases["teller"] = database_url
        started = await asyncio.gather(*(world.teller(endpoints="") for _ in range(3)))

        assert {id_of(each) for each in started} == {await copy_in(world.redis)}


async def test_what_nobody_knows_is_found_out_later(world: World, tmp_path: Path) -> None:
    later = EmbeddedRedis(tmp_path / "later")
    later.start()
    later.stop()
    async with world:
        listener, teller = await world.listener(redis_url=later.url), await world.teller(redis_url=later.url)
        await teller.say("first")
        assert id_of(teller) == id_of(listener) == ""
        assert "which installation this is, nobody knows" in "".join(teller.process.troubles)

        later.start()
        try:
            await listener.hears("first")
            assert id_of(teller) == id_of(listener) == await copy_in(later)
            await eventually(lambda: not teller.process.troubles)
        finally:
            later.stop()


# What a database says


@pytest.fixture
def database(database_url: str) -> Any:
    database = Database(database_url)
    database.create(schema.metadata)
    yield database
    database.close()


def test_a_database_takes_the_first_one_only(database: Database) -> None:
    assert recorded(database, "") == ""
    assert [keep(database, id) for id in ("A", "B")] == ["A", "A"]
    assert recorded(database, "") == recorded(database, "A") == "A"


def test_a_database_of_another_installation_is_refused(database: Database) -> None:
    keep(database, "A")

    with pytest.raises(CannotStart) as refusal:
        recorded(database, "B")

    assert str(refusal.value) == (
        "this database belongs to the installation A, the settings say B: set MALLBOTS_INSTALLATION to A, or use a"
        " database of this installation; a copy that is to be its own from now on is told so by"
        " UPDATE platform_facts SET value = 'B' WHERE name = 'installation'"
    )
    database.run(str(refusal.value).partition("told so by ")[2])
    assert recorded(database, "B") == "B"
