"""Every field of every request, wrong: it is named, and nothing changes."""

from typing import Any

import pytest
from google.protobuf.message import Message

from contexts.depot.adapters.grpc_api import DepotApi
from contexts.depot.adapters.views import BOT_STATUS, LIST_STATUS
from contexts.depot.contract import depot_pb2 as pb
from contexts.depot.domain import BotStatus, ListStatus
from mallbots_platform.errors import InvalidInput
from mallbots_platform.paging import LARGEST_SIZE
from mallbots_platform.validation import LARGEST_QUANTITY, LONGEST_TEXT
from tests.contexts.depot.yard import Yard, shopped_yard

METHODS = pb.DESCRIPTOR.services_by_name["DepotService"].methods
ABOUT = {"bot_id": "b", "shopping_list_id": "l1"}
GOOD: dict[str, Message] = {
    "RegisterBot": pb.RegisterBotRequest(name="Robbie"),
    "BotOnline": pb.BotOnlineRequest(bot_id="b"),
    "BotOffline": pb.BotOfflineRequest(bot_id="b"),
    "AssignShoppingList": pb.AssignShoppingListRequest(bot_id="b"),
    "StartShopping": pb.StartShoppingRequest(**ABOUT),
    "ArriveAtStore": pb.ArriveAtStoreRequest(**ABOUT, store_id="s"),
    "CollectItem": pb.CollectItemRequest(**ABOUT, product_id="p", quantity=1),
    "ReportMissingItem": pb.ReportMissingItemRequest(**ABOUT, product_id="p", quantity=1),
    "ReturnToDepot": pb.ReturnToDepotRequest(**ABOUT),
    "CheckShoppingList": pb.CheckShoppingListRequest(shopping_list_id="l1"),
    "GetShoppingList": pb.GetShoppingListRequest(shopping_list_id="l1"),
    "ListShoppingLists": pb.ListShoppingListsRequest(),
    "GetBot": pb.GetBotRequest(bot_id="b"),
    "ListBots": pb.ListBotsRequest(),
}
WRONG_ID = ["", " ", "a b", "x" * 101, "ä"]
WRONG: dict[str, list[Any]] = {
    "bot_id": WRONG_ID,
    "shopping_list_id": WRONG_ID,
    "store_id": WRONG_ID,
    "product_id": WRONG_ID,
    "order_id": WRONG_ID[1:],
    "name": ["", " ", "a\nb", "x" * (LONGEST_TEXT + 1)],
    "quantity": [0, -1, LARGEST_QUANTITY + 1],
    "page_size": [-1, LARGEST_SIZE + 1],
    "page_token": ["=", "a b", "€", "_w"],
    "status": [8, -1],
}
FIELDS = [(method.name, field.name) for method in METHODS for field in method.input_type.fields]


def state_of(yard: Yard) -> object:
    kept = [vars(thing) for thing in (*yard.lists.in_order(), *yard.bots.in_order())]
    return kept, list(yard.told), dict(yard.leases.ends)


@pytest.mark.parametrize(
    ("method", "field", "wrong"), [(method, field, wrong) for method, field in FIELDS for wrong in WRONG[field]]
)
def test_a_wrong_field_is_named_and_nothing_changes(method: str, field: str, wrong: Any) -> None:
    yard = shopped_yard()
    api = DepotApi(yard.lists, yard.bots, yard.stores, yard.products, yard.leases, lambda: "new", yard.tick)
    before = state_of(yard)
    request = type(GOOD[method])()
    request.CopyFrom(GOOD[method])
    setattr(request, field, wrong)

    with pytest.raises(InvalidInput) as refusal:
        getattr(api, method)(request)

    assert refusal.value.field == field
    assert state_of(yard) == before


def test_every_state_has_its_name_on_the_wire() -> None:
    assert set(LIST_STATUS) == set(ListStatus)
    assert sorted(LIST_STATUS.values()) == [number for number in pb.ShoppingListStatus.values() if number]
    assert set(BOT_STATUS) == set(BotStatus)
    assert sorted(BOT_STATUS.values()) == [number for number in pb.BotStatus.values() if number]
