"""Every command in every state: what it records, or which rule refuses it."""

from collections.abc import Callable

import pytest

from contexts.baskets.domain import (
    Basket,
    BasketHasNoItems,
    BasketIsAbandoned,
    BasketIsCancelled,
    BasketIsCheckedOut,
    ProductIsNotInBasket,
    Status,
)
from contexts.baskets.domain.events import (
    BasketAbandoned,
    BasketCancelled,
    BasketCheckedOut,
    BasketStarted,
    ItemAdded,
    ItemRemoved,
)
from mallbots_platform.errors import RuleViolated
from mallbots_platform.testing import given
from tests.contexts.baskets.kiosk import CLAY, CRAFTS, added

EMPTY = (BasketStarted(customer_id="ada"),)
FILLED = (*EMPTY, added(CLAY, CRAFTS, 2))
STATES: dict[str, tuple[object, ...]] = {
    "empty": EMPTY,
    "filled": FILLED,
    "checked out": (*FILLED, BasketCheckedOut(payment_id="pay")),
    "cancelled": (*FILLED, BasketCancelled()),
    "abandoned": (*FILLED, BasketAbandoned()),
}
COMMANDS: dict[str, Callable[[Basket], None]] = {
    "add an item": lambda basket: basket.add_item(CLAY, CRAFTS, 1),
    "remove an item": lambda basket: basket.remove_item("clay", 1),
    "check out": lambda basket: basket.check_out("pay"),
    "cancel": lambda basket: basket.cancel(),
    "abandon": lambda basket: basket.abandon(),
}
ALL_REFUSED_BY = {
    "checked out": BasketIsCheckedOut,
    "cancelled": BasketIsCancelled,
    "abandoned": BasketIsAbandoned,
}
OUTCOMES: dict[str, dict[str, type]] = {
    "empty": {
        "add an item": ItemAdded,
        "remove an item": ProductIsNotInBasket,
        "check out": BasketHasNoItems,
        "cancel": BasketCancelled,
        "abandon": BasketAbandoned,
    },
    "filled": {
        "add an item": ItemAdded,
        "remove an item": ItemRemoved,
        "check out": BasketCheckedOut,
        "cancel": BasketCancelled,
        "abandon": BasketAbandoned,
    },
} | {state: dict.fromkeys(COMMANDS, refusal) for state, refusal in ALL_REFUSED_BY.items()}


def cells(refused: bool) -> list[tuple[str, str]]:
    return [
        (state, command)
        for state in STATES
        for command in COMMANDS
        if issubclass(OUTCOMES[state][command], RuleViolated) is refused
    ]


@pytest.mark.parametrize(("state", "command"), cells(refused=False))
def test_what_a_command_records(state: str, command: str) -> None:
    basket = given(Basket, *STATES[state])

    COMMANDS[command](basket)

    assert [type(event) for event in basket.recorded] == [OUTCOMES[state][command]]


@pytest.mark.parametrize(("state", "command"), cells(refused=True))
def test_a_refused_command_records_nothing(state: str, command: str) -> None:
    basket = given(Basket, *STATES[state])

    with pytest.raises(OUTCOMES[state][command]):
        COMMANDS[command](basket)

    assert basket.recorded == ()


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("empty", Status.OPEN),
        ("filled", Status.OPEN),
        ("checked out", Status.CHECKED_OUT),
        ("cancelled", Status.CANCELLED),
        ("abandoned", Status.ABANDONED),
    ],
)
def test_a_basket_is_open_until_it_ends(state: str, status: Status) -> None:
    basket = given(Basket, *STATES[state])

    assert (basket.status, basket.is_open) == (status, status is Status.OPEN)
