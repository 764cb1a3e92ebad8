from dataclasses import replace

import pytest

from contexts.baskets.domain import (
    Basket,
    BasketHasAnotherCurrency,
    BasketHasNoItems,
    BasketIsFull,
    FewerPiecesInBasket,
    Item,
    ProductIsNotInBasket,
    ProductIsRemoved,
    StoreDoesNotParticipate,
    StoreIsClosed,
)
from contexts.baskets.domain.events import BasketCheckedOut, BasketStarted, ItemAdded, ItemRemoved
from mallbots_platform.testing import given
from tests.contexts.baskets.kiosk import ASSAM, CLAY, CRAFTS, TEAS, added

STARTED = BasketStarted(customer_id="ada")
TWO_CLAY = added(CLAY, CRAFTS, 2)
THREE_ASSAM = added(ASSAM, TEAS, 3)


def test_a_basket_starts_open_and_empty() -> None:
    basket = Basket.start("1", "ada")

    assert basket.recorded == (STARTED,)
    assert (basket.customer_id, basket.is_open) == ("ada", True)
    assert (basket.items, basket.total, basket.currency) == ((), 0, "")


def test_an_item_says_what_it_is_and_costs() -> None:
    basket = given(Basket, STARTED)

    basket.add_item(CLAY, CRAFTS, 2)

    assert basket.recorded == (
        ItemAdded(
            product_id="clay",
            store_id="crafts",
            name="Clay",
            store_name="Crafts",
            quantity=2,
            price=500,
            currency="EUR",
        ),
    )
    assert basket.items == (
        Item(product_id="clay", store_id="crafts", name="Clay", store_name="Crafts", quantity=2, price=500),
    )


def test_goods_of_several_stores_add_up() -> None:
    basket = given(Basket, STARTED)

    basket.add_item(CLAY, CRAFTS, 2)
    basket.add_item(ASSAM, TEAS, 3)

    assert (basket.total, basket.currency) == (2 * 500 + 3 * 1250, "EUR")


def test_more_pieces_all_cost_what_they_cost_now() -> None:
    basket = given(Basket, STARTED, TWO_CLAY, THREE_ASSAM)

    basket.add_item(replace(CLAY, price=450), CRAFTS, 1)

    assert [(item.product_id, item.quantity, item.price) for item in basket.items] == [
        ("clay", 3, 450),
        ("assam", 3, 1250),
    ]


def test_more_pieces_carry_the_names_of_now() -> None:
    basket = given(Basket, STARTED, TWO_CLAY)

    basket.add_item(replace(CLAY, name="Fine Clay"), replace(CRAFTS, name="Fine Crafts"), 1)

    [item] = basket.items
    assert (item.name, item.store_name) == ("Fine Clay", "Fine Crafts")


def test_a_removed_product_cannot_be_added() -> None:
    basket = given(Basket, STARTED)

    with pytest.raises(ProductIsRemoved, match="product clay is not sold any more"):
        basket.add_item(replace(CLAY, is_removed=True), CRAFTS, 1)
    assert basket.recorded == ()


def test_goods_of_a_closed_store_cannot_be_added() -> None:
    basket = given(Basket, STARTED)

    with pytest.raises(StoreIsClosed, match="store crafts is closed"):
        basket.add_item(CLAY, replace(CRAFTS, is_open=False), 1)
    assert basket.recorded == ()


def test_goods_of_an_absent_store_cannot_be_added() -> None:
    basket = given(Basket, STARTED)

    with pytest.raises(StoreDoesNotParticipate, match="store crafts does not take part in robot shopping"):
        basket.add_item(CLAY, replace(CRAFTS, participates=False), 1)
    assert basket.recorded == ()


def test_all_items_cost_one_currency() -> None:
    basket = given(Basket, STARTED, TWO_CLAY)

    with pytest.raises(BasketHasAnotherCurrency, match="the basket's items cost EUR, this one costs USD"):
        basket.add_item(replace(ASSAM, currency="USD"), TEAS, 1)
    assert basket.recorded == ()


def test_an_emptied_basket_takes_any_currency() -> None:
    basket = given(Basket, STARTED, TWO_CLAY)
    basket.remove_item("clay")

    basket.add_item(replace(ASSAM, currency="USD"), TEAS, 1)

    assert basket.currency == "USD"


def test_pieces_are_taken_out() -> None:
    basket = given(Basket, STARTED, TWO_CLAY, THREE_ASSAM)

    basket.remove_item("assam", 2)

    assert basket.recorded == (ItemRemoved(product_id="assam", quantity=2),)
    assert [(item.product_id, item.quantity) for item in basket.items] == [("clay", 2), ("assam", 1)]


@pytest.mark.parametrize("quantity", [None, 3])
def test_taking_out_all_pieces_takes_out_the_item(quantity: int | None) -> None:
    basket = given(Basket, STARTED, TWO_CLAY, THREE_ASSAM)

    basket.remove_item("assam", quantity)

    assert basket.recorded == (ItemRemoved(product_id="assam", quantity=3),)
    assert [item.product_id for item in basket.items] == ["clay"]


def test_cannot_take_out_more_than_there_is() -> None:
    basket = given(Basket, STARTED, TWO_CLAY)

    with pytest.raises(FewerPiecesInBasket, match="only 2 of product clay are in the basket"):
        basket.remove_item("clay", 3)
    assert basket.recorded == ()


def test_cannot_take_out_what_is_not_there() -> None:
    basket = given(Basket, STARTED, TWO_CLAY)

    with pytest.raises(ProductIsNotInBasket, match="product assam is not in the basket"):
        basket.remove_item("assam")
    assert basket.recorded == ()


def test_a_basket_is_checked_out_with_its_payment() -> None:
    basket = given(Basket, STARTED, TWO_CLAY)

    basket.check_out("pay")

    assert basket.recorded == (BasketCheckedOut(payment_id="pay"),)
    assert (basket.payment_id, basket.is_open, basket.total) == ("pay", False, 1000)


def test_a_basket_emptied_again_cannot_be_checked_out() -> None:
    basket = given(Basket, STARTED, TWO_CLAY, ItemRemoved(product_id="clay", quantity=2))

    with pytest.raises(BasketHasNoItems, match="basket 1 has no items"):
        basket.check_out("pay")
    assert basket.recorded == ()


def test_a_basket_holds_so_many_pieces() -> None:
    basket = given(Basket, STARTED, added(CLAY, CRAFTS, 9_998))
    basket.add_item(CLAY, CRAFTS, 2)

    with pytest.raises(BasketIsFull, match="a basket holds at most 10000 pieces of a product"):
        basket.add_item(CLAY, CRAFTS, 1)
    assert basket.items[0].quantity == 10_000


def test_a_basket_holds_so_many_products() -> None:
    goods = [replace(CLAY, product_id=f"clay-{number}") for number in range(101)]
    basket = given(Basket, STARTED, *(added(product, CRAFTS, 1) for product in goods[:100]))

    with pytest.raises(BasketIsFull, match="a basket holds at most 100 different products"):
        basket.add_item(goods[100], CRAFTS, 1)
    basket.add_item(goods[99], CRAFTS, 1)

    assert (len(basket.items), basket.items[99].quantity) == (100, 2)


def test_a_basket_holds_goods_of_so_much_money() -> None:
    dear = replace(CLAY, price=10**12 - 1250)
    basket = given(Basket, STARTED, added(ASSAM, TEAS, 1))
    basket.add_item(dear, CRAFTS, 1)

    with pytest.raises(BasketIsFull, match="goods for 1000000000000 EUR in minor units"):
        basket.add_item(ASSAM, TEAS, 1)
    assert basket.total == 10**12


def test_a_new_price_counts_for_all_pieces() -> None:
    basket = given(Basket, STARTED, added(CLAY, CRAFTS, 1))

    with pytest.raises(BasketIsFull):
        basket.add_item(replace(CLAY, price=10**12), CRAFTS, 1)
    assert basket.total == 500


def test_a_lower_price_makes_room() -> None:
    basket = given(Basket, STARTED, added(replace(CLAY, price=10**12), CRAFTS, 1))

    basket.add_item(CLAY, CRAFTS, 1)

    assert basket.total == 1000
