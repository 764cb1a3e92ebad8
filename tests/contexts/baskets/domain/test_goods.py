from dataclasses import replace

import pytest

from contexts.baskets.domain import ProductIsRemoved, StoreDoesNotParticipate, StoreIsClosed
from tests.contexts.baskets.kiosk import CLAY, CRAFTS


def test_goods_of_a_participating_store_may_be_bought() -> None:
    CLAY.must_be_on_sale()
    CRAFTS.must_sell_to_robots()

    assert (CLAY.is_removed, CRAFTS.is_open, CRAFTS.participates) == (False, True, True)


def test_a_removed_product_is_not_on_sale() -> None:
    with pytest.raises(ProductIsRemoved):
        replace(CLAY, is_removed=True).must_be_on_sale()


@pytest.mark.parametrize(
    ("is_open", "participates", "refusal"),
    [(False, False, StoreIsClosed), (False, True, StoreIsClosed), (True, False, StoreDoesNotParticipate)],
)
def test_a_closed_or_absent_store_sells_nothing(is_open: bool, participates: bool, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        replace(CRAFTS, is_open=is_open, participates=participates).must_sell_to_robots()
