"""A copy of one database takes the place of what it became: what comes again, what does not, and in which tables."""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.ids import new_id
from mallbots_platform.messages import Contract
from mallbots_platform.requests import Incoming
from tests.platform.test_parking import operator
from tests.platform.test_timers import BEDROOM, Wake, at_work, set_timer
from tests.support.echo import Note
from tests.support.parts import Parts
from tests.support.posts import NAMES, open_post
from tests.support.travel import Agency
from tests.support.world import Running, World, eventually


@contextmanager
def restored(database: Path) -> Iterator[None]:
    """As it is now, again at the end. Nothing may be open at either moment."""
    backup = database.parent / "backup"
    backup.mkdir(exist_ok=True)
    for path in database.parent.glob(f"{database.name}*"):
        shutil.copy(path, backup)
    yield
    for path in database.parent.glob(f"{database.name}*"):
        path.unlink()
    for path in backup.glob(f"{database.name}*"):
        shutil.copy(path, database.parent)


async def test_what_a_consumer_has_forgotten_it_hears_again(world: World) -> None:
    """Its effects and its marks went back together."""
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one", "two")
    assert await listener.hears("one", "two")
    await listener.stop()

    with restored(world.directory / "listener.db"):
        listener = await world.listener()
        await teller.say("three", "four")
        assert await listener.hears("one", "two", "three", "four")
        await listener.stop()
    listener = await world.listener()
    await teller.say("five")

    assert await listener.hears("one", "two", "three", "four", "five")
    assert await eventually(lambda: not listener.process.troubles)


async def test_a_parked_message_is_parked_again_and_its_effect_comes_once(world: World) -> None:
    willing = False

    def hear(text: str) -> None:
        if text == "hard" and not willing:
            raise ValueError("not yet")

    world.settings |= {"retry_base_seconds": 3600, "retry_cap_seconds": 3600}
    teller, listener = await world.teller(), await world.listener(hear)
    await teller.say("hard", "behind it")
    await eventually(lambda: listener.rows("SELECT 1 FROM parked WHERE state = 'queued'"))
    await listener.stop()

    with restored(world.directory / "listener.db"):
        willing = True
        listener = await world.listener(hear)
        await release(listener)
        assert await listener.hears("hard", "behind it")
        await listener.stop()
    listener = await world.listener(hear)
    await release(listener)

    assert await listener.hears("hard", "behind it")
    assert await listener.rows("SELECT * FROM parked") == []


async def release(listener: Running) -> None:
    await operator(listener, "RetryParked", pb.RetryParkedRequest(id=1))


async def test_a_saga_goes_on_from_where_it_was(tmp_path: Path) -> None:
    """Its commands go out once more, under the ids that they had: participants have to be repeatable."""
    database = tmp_path / "agency.db"
    async with Agency(f"sqlite:///{database}") as agency:
        await agency.request()
        await agency.accept()

    with restored(database):
        async with Agency(f"sqlite:///{database}") as agency:
            await agency.accept()
            await agency.accept()
            ids = await agency.sent()
            assert (await agency.state())[0] == "completed"
    async with Agency(f"sqlite:///{database}") as agency:
        assert (await agency.state())[0] == "running"
        await agency.accept()
        await agency.accept()

        assert (await agency.state())[0] == "completed"
        assert await agency.sent() == ids


async def test_a_timer_that_had_fired_fires_again(tmp_path: Path) -> None:
    database = tmp_path / "bedroom.db"
    async with Parts(f"sqlite:///{database}", BEDROOM) as parts:
        parts.timers.handle({Wake: lambda wake: None})
        await set_timer(parts)

    with restored(database):
        assert await who_is_woken(database) == ["bedroom.Woken"]
    assert await who_is_woken(database) == ["bedroom.Woken"]


async def who_is_woken(database: Path) -> list[str]:
    """What is said of it in all."""
    async with Parts(f"sqlite:///{database}", BEDROOM) as parts:
        async with at_work(parts):
            await eventually(lambda: parts.published())
        return [each.type for each in await parts.published()]


async def test_a_key_from_before_is_answered_and_a_later_one_is_carried_out(tmp_path: Path) -> None:
    database, done = tmp_path / "shop.db", list[str]()

    async def call(parts: Parts, key: str) -> str:
        incoming = Incoming(new_id(), key, "Say", "", 0)
        answer: Any = await parts.change(lambda: parts.requests.once(incoming, lambda: carry_out(key), Note))
        return str(answer.text)

    def carry_out(key: str) -> Any:
        done.append(key)
        return Note(text=f"{len(done)}")

    async with Parts(f"sqlite:///{database}", Contract(context="shop")) as parts:
        assert await call(parts, "before") == "1"
    with restored(database):
        async with Parts(f"sqlite:///{database}", Contract(context="shop")) as parts:
            assert await call(parts, "since") == "2"
    async with Parts(f"sqlite:///{database}", Contract(context="shop")) as parts:
        assert await call(parts, "before") == "1"
        assert await call(parts, "since") == "3"

    assert done == ["before", "since", "since"]


async def test_jobs_under_numbers_of_before_are_done(world: World) -> None:
    """Their stream has given these numbers to jobs that are lost: it takes them for published, and has none of them."""
    post = await open_post(world)
    await post.put("ann")
    assert await post.does("ann")
    await post.running.stop()

    with restored(world.directory / "post.db"):
        post = await open_post(world)
        await post.put(*NAMES)
        assert await post.does(*NAMES)
        await post.running.stop()
    post = await open_post(world, claim_seconds=1.0)
    again = [f"{name} again" for name in NAMES]
    await post.put(*again)

    assert await post.does(*again)
    assert Counter(post.delivered) == dict.fromkeys(again, 1)
