from collections.abc import Callable
from dataclasses import replace

import pytest

from contexts.baskets.domain import (
    BasketHasNoItems,
    BasketIsCancelled,
    BasketIsCheckedOut,
    Item,
    Product,
    Status,
    StoreDoesNotParticipate,
)
from contexts.baskets.domain.events import (
    BasketAbandoned,
    BasketCancelled,
    BasketCheckedOut,
    BasketStarted,
    ItemRemoved,
)
from mallbots_platform.errors import AlreadyExists, NotFound
from tests.contexts.baskets.kiosk import CLAY, CRAFTS, Kiosk, added


@pytest.fixture
def kiosk() -> Kiosk:
    kiosk = Kiosk()
    kiosk.starts("b", "ada")
    return kiosk


def test_a_started_basket_is_kept(kiosk: Kiosk) -> None:
    basket = kiosk.baskets.get("b")

    assert kiosk.baskets.published == [BasketStarted(customer_id="ada")]
    assert (basket.customer_id, basket.status, basket.items) == ("ada", Status.OPEN, ())


def test_a_basket_starts_only_once(kiosk: Kiosk) -> None:
    with pytest.raises(AlreadyExists):
        kiosk.starts("b", "eve")

    assert kiosk.baskets.get("b").customer_id == "ada"


def test_an_added_item_is_kept_and_shown(kiosk: Kiosk) -> None:
    shown = kiosk.adds("clay", 2)

    assert shown.items == kiosk.baskets.get("b").items
    assert shown.items == (
        Item(product_id="clay", store_id="crafts", name="Clay", store_name="Crafts", quantity=2, price=500),
    )


def test_a_price_is_copied_when_adding(kiosk: Kiosk) -> None:
    kiosk.adds("clay", 2)

    kiosk.goods.keep_product(replace(CLAY, price=900, version=2))

    assert kiosk.baskets.get("b").total == 2 * 500


def test_removed_pieces_are_gone(kiosk: Kiosk) -> None:
    kiosk.adds("clay", 3)

    shown = kiosk.removes("clay", 1)

    assert [item.quantity for item in shown.items] == [2]
    assert kiosk.baskets.get("b").items == shown.items


def test_a_removed_item_is_gone(kiosk: Kiosk) -> None:
    kiosk.adds("clay", 3)

    kiosk.removes("clay", None)

    assert kiosk.baskets.get("b").items == ()
    assert kiosk.baskets.published[-1] == ItemRemoved(product_id="clay", quantity=3)


def test_a_checked_out_basket_says_so(kiosk: Kiosk) -> None:
    kiosk.adds("clay", 2)

    kiosk.checks_out("pay")

    assert kiosk.baskets.get("b").status is Status.CHECKED_OUT
    assert kiosk.baskets.published[1:] == [added(CLAY, CRAFTS, 2), BasketCheckedOut(payment_id="pay")]


def test_a_cancelled_basket_says_so(kiosk: Kiosk) -> None:
    kiosk.cancels()

    assert kiosk.baskets.get("b").status is Status.CANCELLED
    assert kiosk.baskets.published[-1] == BasketCancelled()


def test_a_forgotten_basket_is_abandoned(kiosk: Kiosk) -> None:
    kiosk.adds("clay", 2)

    kiosk.forgets()

    assert kiosk.baskets.get("b").status is Status.ABANDONED
    assert kiosk.baskets.published[-1] == BasketAbandoned()


@pytest.mark.parametrize(("end", "status"), [(Kiosk.checks_out, Status.CHECKED_OUT), (Kiosk.cancels, Status.CANCELLED)])
def test_an_ended_basket_is_not_abandoned(kiosk: Kiosk, end: Callable[[Kiosk], None], status: Status) -> None:
    kiosk.adds("clay", 2)
    end(kiosk)
    said = list(kiosk.baskets.published)

    kiosk.forgets()

    assert kiosk.baskets.get("b").status is status
    assert kiosk.baskets.published == said


def test_each_change_renews_the_time_of_a_basket(kiosk: Kiosk) -> None:
    kiosk.adds("clay", 2)
    kiosk.removes("clay", 1)

    assert kiosk.patience.waits == {"b"}
    assert kiosk.patience.renewals == {"b": 3}


@pytest.mark.parametrize("end", [Kiosk.checks_out, Kiosk.cancels])
def test_an_ended_basket_is_not_waited_for(kiosk: Kiosk, end: Callable[[Kiosk], None]) -> None:
    kiosk.adds("clay", 2)

    end(kiosk)

    assert kiosk.patience.waits == set()


@pytest.mark.parametrize(
    "use_case", [Kiosk.adds, Kiosk.removes, Kiosk.checks_out, Kiosk.cancels, Kiosk.forgets], ids=lambda f: f.__name__
)
def test_an_unknown_basket_is_not_found(use_case: Callable[[Kiosk], object]) -> None:
    kiosk = Kiosk()

    with pytest.raises(NotFound, match="no basket has the id 'b'"):
        use_case(kiosk)

    assert kiosk.baskets.all() == []
    assert kiosk.patience.waits == set()


def test_an_unknown_product_is_not_found(kiosk: Kiosk) -> None:
    with pytest.raises(NotFound, match="no product has the id 'gold'"):
        kiosk.adds("gold")

    assert kiosk.baskets.get("b").items == ()


def test_an_unknown_store_is_not_found(kiosk: Kiosk) -> None:
    kiosk.goods.keep_product(
        Product(product_id="gold", store_id="vault", name="Gold", price=1, currency="EUR", version=1)
    )

    with pytest.raises(NotFound, match="no store has the id 'vault'"):
        kiosk.adds("gold")

    assert kiosk.baskets.get("b").items == ()


def test_a_refused_item_leaves_all_as_it_was(kiosk: Kiosk) -> None:
    kiosk.goods.keep_store(replace(CRAFTS, participates=False, version=3))

    with pytest.raises(StoreDoesNotParticipate):
        kiosk.adds("clay")

    assert kiosk.baskets.published == [BasketStarted(customer_id="ada")]
    assert kiosk.patience.renewals == {"b": 1}


def test_a_refused_checkout_leaves_the_basket_waited_for(kiosk: Kiosk) -> None:
    with pytest.raises(BasketHasNoItems):
        kiosk.checks_out()

    assert kiosk.baskets.get("b").status is Status.OPEN
    assert kiosk.patience.waits == {"b"}


@pytest.mark.parametrize(
    ("end", "refusal"), [(Kiosk.checks_out, BasketIsCheckedOut), (Kiosk.cancels, BasketIsCancelled)]
)
@pytest.mark.parametrize("change", [Kiosk.adds, Kiosk.removes, Kiosk.checks_out, Kiosk.cancels])
def test_an_ended_basket_stays_as_it_is(
    kiosk: Kiosk, end: Callable[[Kiosk], None], refusal: type[Exception], change: Callable[[Kiosk], object]
) -> None:
    kiosk.adds("clay", 2)
    end(kiosk)

    with pytest.raises(refusal):
        change(kiosk)

    assert kiosk.patience.waits == set()
