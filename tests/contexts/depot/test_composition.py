"""Depot as a running process, between robots who call it, stores that it hears and an ordering that commands it."""

from collections.abc import Awaitable
from typing import Any

from contexts.depot.composition import compose
from contexts.depot.contract import CONTRACT, CancelShoppingList, CreateShoppingList, Item, ScheduleShopping
from contexts.depot.contract import depot_pb2 as pb
from contexts.ordering import contract as ordering
from contexts.stores import contract as stores
from mallbots_platform.grpc_client import Client
from mallbots_platform.messages import Contract
from mallbots_platform.partitions import EVENTS, commands_for, replies_for
from mallbots_platform.process import open_process
from tests.support.world import Running, World, eventually

CLAY = Item(product_id="p", store_id="s", name="Clay", store_name="Crafts", quantity=2)
CREATE = CreateShoppingList(order_id="o", items=(CLAY,))
SCHEDULE = ScheduleShopping(order_id="o")
CANCEL = CancelShoppingList(order_id="o")


async def test_an_order_is_shopped_from_the_first_command_to_the_last_piece(world: World) -> None:
    depot = await world.start(compose(world.settings_of("depot")))
    orders = await teller(world, ordering.CONTRACT)
    robots = robots_of(depot)

    await record(orders, commands_for("depot"), CREATE, SCHEDULE)
    about = {"bot_id": (await robots.RegisterBot(pb.RegisterBotRequest(name="Robbie"))).bot_id}
    await robots.BotOnline(pb.BotOnlineRequest(**about))
    about["shopping_list_id"] = (await eventually(lambda: list_of(robots, about["bot_id"]))).shopping_list_id
    await robots.StartShopping(pb.StartShoppingRequest(**about))
    await robots.ArriveAtStore(pb.ArriveAtStoreRequest(**about, store_id="s"))
    await robots.CollectItem(pb.CollectItemRequest(**about, product_id="p", quantity=1))
    await robots.ReportMissingItem(pb.ReportMissingItemRequest(**about, product_id="p", quantity=1))
    await robots.ReturnToDepot(pb.ReturnToDepotRequest(**about))
    await robots.CheckShoppingList(pb.CheckShoppingListRequest(shopping_list_id=about["shopping_list_id"]))

    assert await said(depot, EVENTS, 8, subject="o") == [
        *("depot.ShoppingListCreated", "depot.ShoppingListScheduled", "depot.ShoppingListAssigned"),
        *("depot.ShoppingStarted", "depot.StoreVisited", "depot.ItemCollected", "depot.ItemMissing"),
        "depot.ShoppingListCompleted",
    ]


async def test_the_depot_answers_the_order_process_the_same_again(world: World) -> None:
    depot = await world.start(compose(world.settings_of("depot")))
    orders = await teller(world, ordering.CONTRACT)

    await record(orders, commands_for("depot"), CREATE, CREATE, SCHEDULE, SCHEDULE, CANCEL, CANCEL, SCHEDULE)

    assert await said(depot, replies_for("ordering"), 7) == [*["platform.Accepted"] * 6, "platform.Refused"]
    assert await said(depot, EVENTS, 3) == [
        *("depot.ShoppingListCreated", "depot.ShoppingListScheduled", "depot.ShoppingListCancelled"),
    ]


async def test_a_robot_that_falls_silent_loses_its_list_to_another(world: World) -> None:
    settings = world.settings_of("depot", environ={"MALLBOTS_DEPOT_BOT_LEASE_SECONDS": "0.2"})
    depot = await world.start(compose(settings))
    orders = await teller(world, ordering.CONTRACT)

    await record(orders, commands_for("depot"), CREATE, SCHEDULE)
    await said(depot, EVENTS, 2)
    silent = await come_online(depot, "Silent")
    assert await said(depot, EVENTS, 2, subject=silent) == ["depot.BotWentOnline", "depot.BotBrokeDown"]
    other = await come_online(depot, "Other")

    told = "SELECT envelope FROM outbox WHERE type = 'depot.ShoppingListAssigned' ORDER BY seq"
    first, second = await eventually(lambda: exactly(2, depot.rows(told)))
    assert (silent in str(first), other in str(second)) == (True, True)


async def test_the_depot_hears_of_stores_and_products(world: World) -> None:
    depot = await world.start(compose(world.settings_of("depot")))
    mall = await teller(world, stores.CONTRACT)
    orders = await teller(world, ordering.CONTRACT)
    opened = stores.StoreOpened(store_id="s", name="Crafts", location="level 1", version=1)
    closed = stores.StoreClosed(store_id="s", version=3)

    await record(mall, EVENTS, opened, stores.StoreRebranded(store_id="s", name="Fine Crafts", version=2), key="s")
    await record(mall, EVENTS, stores.ProductRebranded(product_id="p", store_id="s", name="Fine Clay", version=2))
    await eventually(lambda: depot.rows("SELECT 1 FROM stores s, products p WHERE s.version = 2 AND p.version = 2"))
    await record(orders, commands_for("depot"), CREATE)
    await said(depot, replies_for("ordering"), 1)
    [shown] = (await robots_of(depot).ListShoppingLists(pb.ListShoppingListsRequest(order_id="o"))).shopping_lists
    await record(mall, EVENTS, closed, key="s")
    await eventually(lambda: depot.rows("SELECT 1 FROM stores WHERE NOT is_open"))
    await record(orders, commands_for("depot"), CreateShoppingList(order_id="late", items=(CLAY,)))

    assert [(stop.store_name, stop.location, stop.items[0].name) for stop in shown.stops] == [
        ("Fine Crafts", "level 1", "Fine Clay")
    ]
    assert (await said(depot, replies_for("ordering"), 2))[1:] == ["platform.Refused"]


def robots_of(depot: Running) -> Client:
    return depot.process.client("depot", pb.DESCRIPTOR.services_by_name["DepotService"])


async def teller(world: World, contract: Contract) -> Running:
    running = await world.start(open_process(contract, world.settings_of(contract.context)))
    running.process.codec.know(CONTRACT)
    return running


async def list_of(robots: Client, bot_id: str) -> pb.ShoppingList | None:
    answer = await robots.AssignShoppingList(pb.AssignShoppingListRequest(bot_id=bot_id))
    return answer.shopping_list if answer.HasField("shopping_list") else None


async def come_online(depot: Running, name: str) -> str:
    robots = robots_of(depot)
    bot_id: str = (await robots.RegisterBot(pb.RegisterBotRequest(name=name))).bot_id
    await robots.BotOnline(pb.BotOnlineRequest(bot_id=bot_id))
    return bot_id


async def exactly(count: int, rows: Awaitable[list[Any]]) -> list[Any]:
    found = await rows
    return found if len(found) == count else []


async def record(teller: Running, channel: str, *messages: object, key: str = "o") -> None:
    def work() -> None:
        for message in messages:
            teller.process.outbox.record(message, key=key, channel=channel)

    await teller.process.change(work)


async def said(running: Running, channel: str, count: int, subject: str = "o") -> list[str]:
    """The types of what it said there of this subject, once there are so many."""

    async def types() -> list[str]:
        told = "SELECT type FROM outbox WHERE channel = ? AND key = ? ORDER BY partition, seq"
        rows = await running.rows(told, channel, subject)
        return [type for (type,) in rows] if len(rows) >= count else []

    found: list[str] = await eventually(types)
    return found
