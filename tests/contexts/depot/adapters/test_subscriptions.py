from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, lists

from contexts.depot.adapters.bot_leases import BotIsSilent
from contexts.depot.adapters.subscriptions import Reactions
from contexts.depot.contract import BotBrokeDown
from contexts.depot.domain import Product, Store, StoreIsClosed
from contexts.stores.contract import ProductAdded, ProductRebranded, StoreClosed, StoreOpened, StoreRebranded
from tests.contexts.depot.yard import Yard, opened_yard

STORE = (
    StoreOpened(store_id="s", name="Crafts", location="level 1", version=1),
    StoreRebranded(store_id="s", name="Fine Crafts", version=2),
    StoreRebranded(store_id="s", name="Finest Crafts", version=3),
    StoreClosed(store_id="s", version=5),
)
PRODUCT = (
    ProductAdded(product_id="p", store_id="s", name="Clay", sku="C-1", price=5, currency="EUR", version=1),
    ProductRebranded(product_id="p", store_id="s", name="Fine Clay", version=2),
    ProductRebranded(product_id="p", store_id="s", name="Finest Clay", version=4),
)
Events = Sequence[StoreOpened | StoreRebranded | StoreClosed | ProductAdded | ProductRebranded]


def hear(yard: Yard, events: Events) -> None:
    react = Reactions(yard.lists, yard.bots, yard.stores, yard.products)
    for event in events:
        match event:
            case StoreOpened():
                react.on_store_opened(event)
            case StoreRebranded():
                react.on_store_rebranded(event)
            case StoreClosed():
                react.on_store_closed(event)
            case ProductAdded() | ProductRebranded():
                react.on_product_named(event)


def test_the_depot_knows_where_a_store_is() -> None:
    yard = Yard()

    hear(yard, STORE[:1])

    assert yard.stores.find("s") == Store(store_id="s", name="Crafts", location="level 1", is_open=True, version=1)


def test_a_new_name_leaves_a_store_where_it_is() -> None:
    yard = Yard()

    hear(yard, STORE[:2])

    assert yard.stores.find("s") == Store(store_id="s", name="Fine Crafts", location="level 1", is_open=True, version=2)


def test_a_store_that_closed_is_not_shopped_at() -> None:
    yard = Yard()

    hear(yard, STORE)

    assert yard.stores.find("s") == Store(
        store_id="s", name="Finest Crafts", location="level 1", is_open=False, version=5
    )
    with pytest.raises(StoreIsClosed):
        yard.creates("o")


@pytest.mark.parametrize("event", STORE[1:])
def test_what_is_heard_of_an_unknown_store_is_no_store(event: StoreRebranded | StoreClosed) -> None:
    yard = Yard()

    hear(yard, [event])

    assert yard.stores.find("s") is None


def test_the_depot_knows_what_a_product_is_called() -> None:
    yard = Yard()

    hear(yard, PRODUCT)

    assert yard.products.among(["p"]) == {"p": Product(product_id="p", name="Finest Clay", version=4)}


@settings(max_examples=60)
@given(restarts=lists(integers(0, len(STORE) - 1), max_size=4))
def test_hearing_a_history_again_changes_nothing(restarts: list[int]) -> None:
    """A replay begins anywhere and goes on to the end."""
    yard = Yard()
    hear(yard, [*STORE, *PRODUCT])
    known = (dict(yard.stores.kept), dict(yard.products.kept))

    for start in restarts:
        hear(yard, [*STORE[start:], *PRODUCT[start:]])
        hear(yard, STORE[: start + 1])

    assert (yard.stores.kept, yard.products.kept) == known


def test_a_bot_whose_lease_is_over_is_given_up() -> None:
    yard = opened_yard("o", bots=["b", "c"])

    Reactions(yard.lists, yard.bots, yard.stores, yard.products).on_bot_is_silent(BotIsSilent(bot_id="b"))

    assert BotBrokeDown(bot_id="b", shopping_list_id="l1") in yard.told
    assert yard.bot_with("l1") == "c"
