"""A shop and its shipper in two releases: the second one says and keeps everything in a version of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from mallbots_platform.aggregates import Aggregate
from mallbots_platform.event_store import EventSourced
from mallbots_platform.messages import Contract, command, event
from mallbots_platform.partitions import commands_for
from mallbots_platform.process import Process, open_process
from mallbots_platform.projections import MessageHandler
from mallbots_platform.sagas import Saga, Step
from tests.support.world import World, metadata


@event
class OrderPlaced:
    order: str


@event
class Stored:
    """Of the shelf, in its own database."""

    thing: str


@event
class ShelfChanged:
    things: int


@command
class Ship:
    order: str


@command
class Wrap:
    """Only the second release knows it."""

    order: str


@command
class Finish:
    order: str


@command
class Fail:
    order: str


@command
class Remind:
    order: str


class Shelf(Aggregate):
    things: tuple[str, ...] = ()

    def store(self, thing: str) -> None:
        self.record(Stored(thing=thing))

    def apply(self, event: Stored) -> None:
        self.things = (*self.things, event.thing)


class Release:
    """What `number` says, and can read."""

    def __init__(self, number: int) -> None:
        self.number = number
        versions: dict[type, int] = dict.fromkeys((OrderPlaced, ShelfChanged, Ship, Wrap, Remind, Stored), number)
        self.shop = self._contract("shop", events=(OrderPlaced, ShelfChanged), commands=(Finish, Fail), of=versions)
        taken = (Ship,) if number == 1 else (Ship, Wrap)
        self.shipper = self._contract("shipper", commands=taken, of=versions)
        self.shelf_events = self._contract("Shelf", events=(Stored,), of=versions)

    def _contract(
        self, context: str, *, of: dict[type, int], events: tuple[type, ...] = (), commands: tuple[type, ...] = ()
    ) -> Contract:
        kinds = (*events, *commands)
        return Contract(
            context=context,
            events=events,
            commands=commands,
            versions={kind: of.get(kind, 1) for kind in kinds},
            upcasters={(f"{context}.{kind.__name__}", 1): _as_it_was for kind in kinds},
        )


def _as_it_was(payload: dict[str, Any]) -> dict[str, Any]:
    return payload


class Shop:
    """A process of one release. `heard` in its table: what was finished, and whom it reminded."""

    def __init__(self, process: Process, release: Release) -> None:
        self.process = process
        self.shelves = EventSourced(Shelf, release.shelf_events, process.database, process.outbox, process.meter, 2)

    def note(self, text: str) -> None:
        self.process.database.run("INSERT INTO heard (text) VALUES (?)", (text,))

    async def place(self, order: str, key: str = "") -> None:
        await self.process.change(lambda: self.process.outbox.record(OrderPlaced(order=order), key=key or order))

    async def remind(self, order: str, due: datetime) -> None:
        await self.process.change(lambda: self.process.timers.set(Remind(order=order), order, due))

    async def store(self, shelf_id: str, *things: str) -> None:
        def store() -> None:
            shelf = self.shelves.find(shelf_id) or Shelf(id=shelf_id)
            for thing in things:
                shelf.store(thing)
            self.shelves.save(shelf)

        await self.process.change(store)

    async def wrap(self, order: str) -> None:
        channel = commands_for("shipper")
        await self.process.change(lambda: self.process.outbox.record(Wrap(order=order), key=order, channel=channel))

    async def things(self, shelf_id: str) -> tuple[str, ...]:
        return await self.process.read(lambda: self.shelves.get(shelf_id).things)


@asynccontextmanager
async def open_shop(world: World, number: int) -> AsyncIterator[Process]:
    """`process.shop` is the shop."""
    release = Release(number)
    async with open_process(release.shop, world.settings_of("shop")) as process:
        process.create_tables(metadata)
        process.shop = shop = Shop(process, release)  # type: ignore[attr-defined] # for tests
        process.timers.handle(
            {Remind: lambda timer: shop.note(f"reminded {timer.order}")},
            versions={Remind: number},
            upcasters={("shop.Remind", 1): _as_it_was},
        )
        process.orchestrate(
            _saga(),
            {
                Finish: lambda command: shop.note(f"finished {command.order}"),
                Fail: lambda command: shop.note(f"failed {command.order}"),
            },
            {"shipper": release.shipper},
        )
        yield process


def _saga() -> Saga[OrderPlaced]:
    return Saga(
        name="fulfil",
        begins_on=OrderPlaced,
        steps=(
            Step(
                *("ship", "shipper", lambda facts: Ship(order=facts.begun_by.order)),
                timeout_seconds=600.0,
                attempts=6,
            ),
        ),
        ends_with=lambda facts: Finish(order=facts.begun_by.order),
        fails_with=lambda facts: Fail(order=facts.begun_by.order),
        key=lambda placed: placed.order,
    )


@asynccontextmanager
async def open_shipper(world: World, number: int) -> AsyncIterator[Process]:
    """It also takes in that orders were placed, and writes down both."""
    release = Release(number)
    async with open_process(release.shipper, world.settings_of("shipper")) as process:
        process.create_tables(metadata)

        def note(text: str) -> None:
            process.database.run("INSERT INTO heard (text) VALUES (?)", (text,))

        process.subscribe(release.shop, {OrderPlaced: lambda placed: note(f"placed {placed.order}")})
        done: dict[type, MessageHandler] = {
            Ship: lambda order: note(f"shipped {order.order}"),
            Wrap: lambda order: note(f"wrapped {order.order}"),
        }
        process.take_commands("shop", {kind: done[kind] for kind in release.shipper.commands})
        yield process
