import pytest

from contexts.depot import contract
from contexts.depot.application.published_events import published_events
from contexts.depot.contract import CONTRACT
from contexts.depot.domain import Bot, ShoppingList, bot, shopping_list

LIST = ShoppingList(id="l", order_id="o", stops=())
BOT = Bot(id="b", name="Robbie")
ABOUT = {"order_id": "o", "shopping_list_id": "l"}

OF_LIST = [
    (shopping_list.Created(), contract.ShoppingListCreated(**ABOUT)),
    (shopping_list.Scheduled(), contract.ShoppingListScheduled(**ABOUT)),
    (shopping_list.Assigned(bot_id="b"), contract.ShoppingListAssigned(**ABOUT, bot_id="b")),
    (shopping_list.Started(bot_id="b"), contract.ShoppingStarted(**ABOUT, bot_id="b")),
    (shopping_list.Visited(bot_id="b", store_id="s"), contract.StoreVisited(**ABOUT, bot_id="b", store_id="s")),
    (
        shopping_list.Collected(product_id="p", quantity=2),
        contract.ItemCollected(order_id="o", shopping_list_id="l", product_id="p", quantity=2),
    ),
    (
        shopping_list.Missed(product_id="p", quantity=1),
        contract.ItemMissing(order_id="o", shopping_list_id="l", product_id="p", quantity=1),
    ),
    (shopping_list.Completed(), contract.ShoppingListCompleted(**ABOUT)),
    (shopping_list.Cancelled(), contract.ShoppingListCancelled(**ABOUT)),
]
OF_BOT = [
    (bot.WentOnline(), contract.BotWentOnline(bot_id="b")),
    (bot.WentOffline(), contract.BotWentOffline(bot_id="b")),
    (bot.BrokeDown(shopping_list_id="l"), contract.BotBrokeDown(bot_id="b", shopping_list_id="l")),
]


@pytest.mark.parametrize(("own", "published"), OF_LIST)
def test_what_a_shopping_list_publishes(own: object, published: object) -> None:
    assert list(published_events(LIST, own)) == [published]


@pytest.mark.parametrize(("own", "published"), OF_BOT)
def test_what_a_bot_publishes(own: object, published: object) -> None:
    assert list(published_events(BOT, own)) == [published]


def test_every_event_of_the_contract_is_published() -> None:
    assert {type(published) for _, published in [*OF_LIST, *OF_BOT]} == set(CONTRACT.events)
