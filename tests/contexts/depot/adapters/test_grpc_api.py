from collections.abc import Callable
from typing import Any

import pytest

from contexts.depot.adapters.grpc_api import DepotApi
from contexts.depot.contract import depot_pb2 as pb
from contexts.depot.domain import BotIsOffline, Product, ShoppingListIsNot, Store
from mallbots_platform.errors import NotFound
from tests.contexts.depot.yard import LEASE, Yard, opened_yard, shopped_yard

ABOUT = {"bot_id": "b", "shopping_list_id": "l1"}


def api_of(yard: Yard, new_id: Callable[[], str] = lambda: "new") -> DepotApi:
    return DepotApi(yard.lists, yard.bots, yard.stores, yard.products, yard.leases, new_id, yard.tick)


def get_list(api: DepotApi, list_id: str = "l1") -> pb.ShoppingList:
    return api.GetShoppingList(pb.GetShoppingListRequest(shopping_list_id=list_id)).shopping_list


def get_bot(api: DepotApi, bot_id: str = "b") -> pb.Bot:
    return api.GetBot(pb.GetBotRequest(bot_id=bot_id)).bot


def list_lists(api: DepotApi, **wanted: Any) -> tuple[list[str], str]:
    page = api.ListShoppingLists(pb.ListShoppingListsRequest(**wanted))
    return [each.shopping_list_id for each in page.shopping_lists], page.next_page_token


def list_bots(api: DepotApi, **wanted: Any) -> tuple[list[str], str]:
    page = api.ListBots(pb.ListBotsRequest(**wanted))
    return [each.bot_id for each in page.bots], page.next_page_token


def test_a_bot_registers_and_comes_online() -> None:
    yard = Yard()
    api = api_of(yard, lambda: "b")

    assert api.RegisterBot(pb.RegisterBotRequest(name="Robbie")).bot_id == "b"
    assert get_bot(api) == pb.Bot(bot_id="b", name="Robbie", status=pb.BOT_STATUS_OFFLINE)

    api.BotOnline(pb.BotOnlineRequest(bot_id="b"))
    assert get_bot(api).status == pb.BOT_STATUS_IDLE
    assert yard.leases.ends == {"b": yard.now + LEASE}

    api.BotOffline(pb.BotOfflineRequest(bot_id="b"))
    assert get_bot(api).status == pb.BOT_STATUS_OFFLINE


def test_a_robot_shops_a_list_call_by_call() -> None:
    yard = opened_yard("o")
    api = api_of(yard)

    assigned = api.AssignShoppingList(pb.AssignShoppingListRequest(bot_id="b")).shopping_list
    assert (assigned.shopping_list_id, assigned.status) == ("l1", pb.SHOPPING_LIST_STATUS_ASSIGNED)
    assert get_bot(api).shopping_list_id == "l1"

    started = api.StartShopping(pb.StartShoppingRequest(**ABOUT)).shopping_list
    assert (started.status, started.bot_id) == (pb.SHOPPING_LIST_STATUS_SHOPPING, "b")

    api.ArriveAtStore(pb.ArriveAtStoreRequest(**ABOUT, store_id="s"))
    api.CollectItem(pb.CollectItemRequest(**ABOUT, product_id="p", quantity=1))
    api.ReportMissingItem(pb.ReportMissingItemRequest(**ABOUT, product_id="p", quantity=1))
    assert get_list(api).store_id == "s"
    assert [stop.done for stop in get_list(api).stops] == [True, False]

    api.ArriveAtStore(pb.ArriveAtStoreRequest(**ABOUT, store_id="t"))
    api.CollectItem(pb.CollectItemRequest(**ABOUT, product_id="q", quantity=1))
    api.ReturnToDepot(pb.ReturnToDepotRequest(**ABOUT))
    assert get_list(api).status == pb.SHOPPING_LIST_STATUS_AT_DEPOT
    assert get_bot(api).status == pb.BOT_STATUS_IDLE

    api.CheckShoppingList(pb.CheckShoppingListRequest(shopping_list_id="l1"))
    assert get_list(api).status == pb.SHOPPING_LIST_STATUS_COMPLETED


def test_a_bot_for_which_there_is_nothing_gets_no_list() -> None:
    api = api_of(opened_yard(bots=["b"]))

    answer = api.AssignShoppingList(pb.AssignShoppingListRequest(bot_id="b"))

    assert not answer.HasField("shopping_list")


def test_a_list_is_shown_with_all_it_is() -> None:
    yard = opened_yard("o")
    yard.starts()
    yard.arrives("s")
    yard.collects("p", 1)

    shown = get_list(api_of(yard))

    assert shown == pb.ShoppingList(
        shopping_list_id="l1",
        order_id="o",
        status=pb.SHOPPING_LIST_STATUS_SHOPPING,
        bot_id="b",
        store_id="s",
        stops=[
            pb.Stop(
                store_id="s",
                store_name="store s",
                items=[pb.Item(product_id="p", name="product p", quantity=2, collected=1, left=1)],
            ),
            pb.Stop(
                store_id="t",
                store_name="store t",
                items=[pb.Item(product_id="q", name="product q", quantity=1, left=1)],
            ),
        ],
        version=yard.lists.get("l1").version,
    )


def test_a_list_shows_names_and_places_of_today() -> None:
    yard = opened_yard("o")
    yard.stores.keep(Store(store_id="s", name="Fine Crafts", location="level 1", is_open=True, version=2))
    yard.products.keep(Product(product_id="q", name="Fine Assam", version=2))

    crafts, teas = get_list(api_of(yard)).stops

    assert (crafts.store_name, crafts.location, crafts.items[0].name) == ("Fine Crafts", "level 1", "product p")
    assert (teas.store_name, teas.location, teas.items[0].name) == ("store t", "", "Fine Assam")


def test_refusals_of_the_domain_come_through() -> None:
    yard = opened_yard("o")
    yard.registers("asleep")
    api = api_of(yard)

    with pytest.raises(BotIsOffline):
        api.AssignShoppingList(pb.AssignShoppingListRequest(bot_id="asleep"))
    with pytest.raises(ShoppingListIsNot):
        api.CheckShoppingList(pb.CheckShoppingListRequest(shopping_list_id="l1"))


def test_lists_are_listed_with_tokens() -> None:
    api = api_of(opened_yard("o", "p", "q"))

    first, token = list_lists(api, page_size=2)
    rest, end = list_lists(api, page_size=2, page_token=token)

    assert (first, rest, end) == (["l1", "l2"], ["l3"], "")
    assert list_lists(api) == (["l1", "l2", "l3"], "")


def test_lists_are_listed_by_state_and_by_order() -> None:
    api = api_of(opened_yard("o", "p", "q", bots=["b"]))

    assert list_lists(api, status=pb.SHOPPING_LIST_STATUS_ASSIGNED) == (["l1"], "")
    assert list_lists(api, status=pb.SHOPPING_LIST_STATUS_AVAILABLE) == (["l2", "l3"], "")
    assert list_lists(api, order_id="q") == (["l3"], "")
    assert list_lists(api, order_id="q", status=pb.SHOPPING_LIST_STATUS_ASSIGNED) == ([], "")


def test_bots_are_listed_with_tokens() -> None:
    api = api_of(opened_yard(bots=["c", "a", "b"]))

    first, token = list_bots(api, page_size=2)
    rest, end = list_bots(api, page_size=2, page_token=token)

    assert (first, rest, end) == (["a", "b"], ["c"], "")


def test_lists_and_bots_are_counted() -> None:
    yard = opened_yard("p", "o", bots=["b", "c"])
    yard.registers("asleep")
    api = api_of(yard)

    lists = dict(api.CountShoppingLists(pb.CountShoppingListsRequest()).counts)
    bots = dict(api.CountBots(pb.CountBotsRequest()).counts)

    assert lists == {
        **{"pending": 0, "available": 0, "assigned": 2, "shopping": 0},
        **{"at depot": 0, "completed": 0, "cancelled": 0},
    }
    assert bots == {"offline": 1, "idle": 0, "active": 2}


UNKNOWN = {"bot_id": "b", "shopping_list_id": "x"}


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda api: api.BotOnline(pb.BotOnlineRequest(bot_id="x")), "bot"),
        (lambda api: api.BotOffline(pb.BotOfflineRequest(bot_id="x")), "bot"),
        (lambda api: api.AssignShoppingList(pb.AssignShoppingListRequest(bot_id="x")), "bot"),
        (lambda api: api.StartShopping(pb.StartShoppingRequest(bot_id="x", shopping_list_id="l1")), "bot"),
        (lambda api: api.StartShopping(pb.StartShoppingRequest(**UNKNOWN)), "shopping list"),
        (lambda api: api.ArriveAtStore(pb.ArriveAtStoreRequest(**UNKNOWN, store_id="s")), "shopping list"),
        (lambda api: api.CollectItem(pb.CollectItemRequest(**UNKNOWN, product_id="p", quantity=1)), "shopping list"),
        (
            lambda api: api.ReportMissingItem(pb.ReportMissingItemRequest(**UNKNOWN, product_id="p", quantity=1)),
            "shopping list",
        ),
        (lambda api: api.ReturnToDepot(pb.ReturnToDepotRequest(**UNKNOWN)), "shopping list"),
        (lambda api: api.CheckShoppingList(pb.CheckShoppingListRequest(shopping_list_id="x")), "shopping list"),
        (lambda api: get_list(api, "x"), "shopping list"),
        (lambda api: get_bot(api, "x"), "bot"),
    ],
)
def test_an_unknown_id_is_not_found(call: Callable[[DepotApi], object], kind: str) -> None:
    yard = shopped_yard()
    told = list(yard.told)

    with pytest.raises(NotFound, match=f"no {kind} has the id 'x'"):
        call(api_of(yard))

    assert yard.told == told


def test_lists_of_an_unknown_order_are_none() -> None:
    assert list_lists(api_of(opened_yard("o")), order_id="x") == ([], "")
