from collections import Counter

import pytest

from mallbots.actors.customers import TOO_MUCH
from mallbots.plan import CANCELLATIONS, CHEAPEST, ENOUGH_FOR_ALL, PRODUCTS_PER_STORE, STORES, Scenario, make_plan
from mallbots_platform.validation import LARGEST_QUANTITY, text


def test_the_same_seed_makes_the_same_plan() -> None:
    assert make_plan(40, 7) == make_plan(40, 7)
    assert make_plan(40, 7) != make_plan(40, 8)
    assert make_plan(40, 7).visits[:5] != make_plan(41, 7).visits[:5]


@pytest.mark.parametrize("seed", range(20))
def test_from_twenty_orders_everything_happens(seed: int) -> None:
    plan = make_plan(ENOUGH_FOR_ALL, seed)

    assert {visit.scenario for visit in plan.visits} == set(Scenario)


@pytest.mark.parametrize("orders", [1, 2, 19, 20, 21, 200])
def test_as_many_orders_as_wanted_are_placed(orders: int) -> None:
    plan = make_plan(orders, 1)

    counted = Counter(visit.scenario is Scenario.FORGOTTEN for visit in plan.visits)
    assert counted[False] == orders
    assert counted[True] == -(-orders // 20)
    assert [visit.number for visit in plan.visits] == list(range(len(plan.visits)))


@pytest.mark.parametrize("seed", range(5))
def test_choices_are_goods_of_the_mall(seed: int) -> None:
    plan = make_plan(60, seed)

    for visit in plan.visits:
        places = [(choice.store, choice.product) for choice in visit.choices]
        assert 1 <= len(places) == len(set(places)) <= 4
        assert all(0 <= store < STORES and 0 <= product < PRODUCTS_PER_STORE for store, product in places)
        assert all(1 <= choice.quantity <= 3 for choice in visit.choices)
        assert len(visit.choices) >= (2 if visit.scenario is Scenario.SOME_MISSING else 1)


def test_goods_have_distinct_skus_and_fair_prices() -> None:
    for store in make_plan(1, 3).stores:
        assert len({product.sku for product in store.products}) == len(store.products) == PRODUCTS_PER_STORE
        assert all(0 < product.price < 5000 for product in store.products)
        assert text(store.name, "name") and text(store.location, "location")


def test_every_scenario_knows_its_end() -> None:
    ends = Counter(scenario.ends_as for scenario in Scenario)

    assert set(ends) == {"collected", "rejected", "cancelled", "abandoned"}
    assert set(CANCELLATIONS.values()) == {"pending", "approved", "ready", "paid"}
    assert all(scenario.ends_as == "cancelled" for scenario in CANCELLATIONS)


def test_of_any_product_a_basket_holds_more_than_any_bank_pays() -> None:
    most_pieces_before = max(choice.quantity for visit in make_plan(200, 1).visits for choice in visit.choices)

    assert TOO_MUCH // CHEAPEST + 1 + most_pieces_before <= LARGEST_QUANTITY
