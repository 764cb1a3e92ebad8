import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contexts.baskets.adapters.subscriptions import Reactions
from contexts.baskets.adapters.timer_patience import BasketIsLeftAlone, TimerPatience
from contexts.baskets.application.published_events import published_events
from contexts.baskets.contract import CONTRACT
from contexts.baskets.domain import Basket
from contexts.baskets.domain.events import BASKET_EVENTS
from mallbots_platform.clock import microseconds
from mallbots_platform.event_store import EventSourced
from mallbots_platform.process import Process, open_process
from mallbots_platform.settings import Settings
from tests.contexts.baskets.memory import MemoryGoods
from tests.support.world import eventually

MORNING = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
NO_REDIS = "redis://127.0.0.1:1"


class Counter:
    """Where baskets are left alone: the real timers, and a clock that the test sets."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.clock = MORNING
        self.baskets: EventSourced[Basket] = process.event_sourced(Basket, events=BASKET_EVENTS)
        self.patience = TimerPatience(process.timers, timedelta(minutes=30), lambda: self.clock)
        react = Reactions(self.baskets, MemoryGoods())
        process.publish(published_events)
        process.on_timers({BasketIsLeftAlone: react.on_basket_is_left_alone})

    async def due(self) -> dict[str, int]:
        rows = self.process.database.run
        return dict(await self.process.read(lambda: rows("SELECT key, due_at FROM timers ORDER BY key")))

    async def starts(self, basket_id: str) -> None:
        await self.process.change(lambda: self.baskets.add(Basket.start(basket_id, "ada")))

    async def renew(self, basket_id: str) -> None:
        await self.process.change(lambda: self.patience.renew(basket_id))

    async def end(self, basket_id: str) -> None:
        await self.process.change(lambda: self.patience.end(basket_id))

    async def has_ended(self, basket_id: str) -> bool:
        return not (await self.process.read(lambda: self.baskets.get(basket_id))).is_open


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Counter]:
    settings = Settings(context="baskets", database_url=f"sqlite:///{directory / 'b.db'}", redis_url=NO_REDIS)
    async with open_process(CONTRACT, settings) as process:
        process.writer.start()
        yield Counter(process)


async def test_a_basket_has_so_much_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as counter:
        await counter.renew("b")

        assert await counter.due() == {"b": microseconds(MORNING + timedelta(minutes=30))}


async def test_each_change_gives_it_new_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as counter:
        await counter.renew("b")
        counter.clock = MORNING + timedelta(minutes=20)

        await counter.renew("b")

        assert await counter.due() == {"b": microseconds(MORNING + timedelta(minutes=50))}


async def test_an_ended_basket_is_not_waited_for(tmp_path: Path) -> None:
    async with opened(tmp_path) as counter:
        await counter.renew("a")
        await counter.renew("b")

        await counter.end("a")

        assert list(await counter.due()) == ["b"]


async def test_a_basket_is_abandoned_after_its_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as counter:
        await counter.starts("forgotten")
        await counter.starts("fresh")
        await counter.renew("forgotten")
        counter.clock = datetime.now(UTC)
        await counter.renew("fresh")

        timers = asyncio.ensure_future(counter.process.timers.run())
        await eventually(lambda: counter.has_ended("forgotten"), seconds=30)
        timers.cancel()

        assert list(await counter.due()) == ["fresh"]
        assert not await counter.has_ended("fresh")
