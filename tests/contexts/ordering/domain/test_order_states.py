"""Every command in every state: what it records, or which rule refuses it."""

from collections.abc import Callable

import pytest

from contexts.ordering.domain import (
    Order,
    OrderIsApproved,
    OrderIsCancelled,
    OrderIsCollected,
    OrderIsCompleted,
    OrderIsNotApproved,
    OrderIsNotCompleted,
    OrderIsRejected,
    Status,
)
from contexts.ordering.domain.events import (
    GoodsArrived,
    ItemReduced,
    OrderApproved,
    OrderCancelled,
    OrderCollected,
    OrderCompleted,
    OrderPaid,
    OrderReadied,
    OrderRejected,
)
from mallbots_platform.testing import given
from tests.contexts.ordering.histories import HISTORIES, STATUSES

COMMANDS: dict[str, Callable[[Order], None]] = {
    "approve": lambda order: order.approve("list"),
    "reject": lambda order: order.reject("payment declined"),
    "reduce": lambda order: order.reduce("clay", 1),
    "mark ready": lambda order: order.mark_ready(),
    "mark paid": lambda order: order.mark_paid(),
    "hand over": lambda order: order.hand_over(),
    "cancel": lambda order: order.cancel("changed my mind"),
}
Outcome = tuple[type, ...] | type[Exception]


def all_refused(refusal: type[Exception]) -> dict[str, Outcome]:
    return dict.fromkeys(COMMANDS, refusal)


OUTCOMES: dict[str, dict[str, Outcome]] = {
    "pending": {
        "approve": (OrderApproved,),
        "reject": (OrderRejected,),
        "reduce": (ItemReduced,),
        "mark ready": (GoodsArrived,),
        "mark paid": OrderIsNotApproved,
        "hand over": OrderIsNotApproved,
        "cancel": (OrderCancelled,),
    },
    "pending, goods there": {
        "approve": (OrderApproved, OrderReadied),
        "reject": (OrderRejected,),
        "reduce": (ItemReduced,),
        "mark ready": (GoodsArrived,),
        "mark paid": OrderIsNotApproved,
        "hand over": OrderIsNotApproved,
        "cancel": (OrderCancelled,),
    },
    "approved": {
        "approve": OrderIsApproved,
        "reject": OrderIsApproved,
        "reduce": (ItemReduced,),
        "mark ready": (OrderReadied,),
        "mark paid": (OrderPaid,),
        "hand over": OrderIsNotCompleted,
        "cancel": (OrderCancelled,),
    },
    "ready": {
        "approve": OrderIsApproved,
        "reject": OrderIsApproved,
        "reduce": OrderIsApproved,
        "mark ready": OrderIsApproved,
        "mark paid": (OrderPaid, OrderCompleted),
        "hand over": OrderIsNotCompleted,
        "cancel": (OrderCancelled,),
    },
    "paid": {
        "approve": OrderIsApproved,
        "reject": OrderIsApproved,
        "reduce": (ItemReduced,),
        "mark ready": (OrderReadied, OrderCompleted),
        "mark paid": OrderIsApproved,
        "hand over": OrderIsNotCompleted,
        "cancel": (OrderCancelled,),
    },
    "completed": all_refused(OrderIsCompleted) | {"hand over": (OrderCollected,)},
    "collected": all_refused(OrderIsCollected),
    "rejected": all_refused(OrderIsRejected),
    "cancelled": all_refused(OrderIsCancelled),
}
CELLS = [(state, command) for state in HISTORIES for command in COMMANDS]
ALLOWED = [(state, command) for state, command in CELLS if isinstance(OUTCOMES[state][command], tuple)]


@pytest.mark.parametrize(("state", "command"), ALLOWED)
def test_what_a_command_records(state: str, command: str) -> None:
    order = given(Order, *HISTORIES[state])

    COMMANDS[command](order)

    assert tuple(type(event) for event in order.recorded) == OUTCOMES[state][command]


@pytest.mark.parametrize(("state", "command"), [cell for cell in CELLS if cell not in ALLOWED])
def test_a_refused_command_records_nothing(state: str, command: str) -> None:
    order = given(Order, *HISTORIES[state])
    refusal = OUTCOMES[state][command]
    assert isinstance(refusal, type)

    with pytest.raises(refusal, match="order 1 is"):
        COMMANDS[command](order)

    assert (order.recorded, order.status) == ((), STATUSES[state])


@pytest.mark.parametrize("state", HISTORIES)
def test_a_history_leads_to_its_state(state: str) -> None:
    order = given(Order, *HISTORIES[state])

    assert order.status is STATUSES[state]
    assert order.is_over == (state in ("rejected", "cancelled"))


def test_every_state_is_told_of() -> None:
    assert set(STATUSES.values()) == set(Status)
    assert set(OUTCOMES) == set(HISTORIES) == set(STATUSES)
