"""Every change of a shopping list in every state that it can be in."""

from collections.abc import Callable

import pytest

from contexts.depot.domain import (
    FewerPiecesWanted,
    ListStatus,
    ShoppingIsNotDone,
    ShoppingList,
    ShoppingListIsAnothers,
    ShoppingListIsCancelled,
    ShoppingListIsCompleted,
    ShoppingListIsNot,
)
from mallbots_platform.errors import RuleViolated
from tests.contexts.depot.domain.lists import (
    assigned,
    at_depot,
    available,
    cancelled,
    completed,
    pending,
    shopping,
    shopping_done,
)

Make = Callable[[], ShoppingList]
Change = Callable[[ShoppingList], object]

TABLE = """
           | pending   | available | assigned  | shopping  | all found | at depot  | completed | cancelled
schedule   | available | available | assigned  | shopping  | shopping  | at depot  | completed | gone
assign     | not now   | assigned  | not now   | not now   | not now   | not now   | not now   | gone
start      | not its   | not its   | shopping  | not now   | not now   | not its   | not its   | gone
arrive     | not its   | not its   | not now   | shopping  | shopping  | not its   | not its   | gone
collect    | not its   | not its   | not now   | shopping  | too many  | not its   | not its   | gone
miss       | not its   | not its   | not now   | shopping  | too many  | not its   | not its   | gone
bring back | not its   | not its   | not now   | not done  | at depot  | not its   | not its   | gone
check      | not now   | not now   | not now   | not now   | not now   | completed | not now   | gone
lose bot   | not its   | not its   | available | available | available | not its   | not its   | gone
cancel     | cancelled | cancelled | cancelled | cancelled | cancelled | cancelled | too late  | cancelled
"""
REFUSALS: dict[str, type[RuleViolated]] = {
    "not now": ShoppingListIsNot,
    "not its": ShoppingListIsAnothers,
    "too many": FewerPiecesWanted,
    "not done": ShoppingIsNotDone,
    "too late": ShoppingListIsCompleted,
    "gone": ShoppingListIsCancelled,
}
STATES: dict[str, Make] = {
    "pending": pending,
    "available": available,
    "assigned": assigned,
    "shopping": shopping,
    "all found": shopping_done,
    "at depot": at_depot,
    "completed": completed,
    "cancelled": cancelled,
}
CHANGES: dict[str, Change] = {
    "schedule": lambda each: each.schedule(),
    "assign": lambda each: each.assign("c"),
    "start": lambda each: each.start("b"),
    "arrive": lambda each: each.arrive("b", "t"),
    "collect": lambda each: each.collect("b", *a_piece_where_it_is(each)),
    "miss": lambda each: each.miss("b", *a_piece_where_it_is(each)),
    "bring back": lambda each: each.bring_back("b"),
    "check": lambda each: each.check(),
    "lose bot": lambda each: each.lose_bot("b"),
    "cancel": lambda each: each.cancel(),
}
CHANGES_OF_ITS_BOT = ("start", "arrive", "collect", "miss", "bring back", "lose bot")


def a_piece_where_it_is(shopping_list: ShoppingList) -> tuple[str, int]:
    return ("q" if shopping_list.store_id == "t" else "p"), 1


def cells() -> list[tuple[str, str, str]]:
    header, *rows = ([cell.strip() for cell in line.split("|")] for line in TABLE.strip("\n").splitlines())
    return [(row[0], state, cell) for row in rows for state, cell in zip(header[1:], row[1:], strict=True)]


def fields_of(shopping_list: ShoppingList) -> dict[str, object]:
    return {name: value for name, value in vars(shopping_list).items() if name != "_recorded"}


@pytest.mark.parametrize(("change", "state", "leads_to"), [cell for cell in cells() if cell[2] not in REFUSALS])
def test_what_is_allowed_in_each_state(change: str, state: str, leads_to: str) -> None:
    shopping_list = STATES[state]()

    CHANGES[change](shopping_list)

    assert shopping_list.status is ListStatus(leads_to)


@pytest.mark.parametrize(("change", "state", "refusal"), [cell for cell in cells() if cell[2] in REFUSALS])
def test_what_is_refused_changes_nothing(change: str, state: str, refusal: str) -> None:
    shopping_list = STATES[state]()
    before = fields_of(shopping_list)

    with pytest.raises(RuleViolated) as refused:
        CHANGES[change](shopping_list)

    assert type(refused.value) is REFUSALS[refusal]
    assert (fields_of(shopping_list), shopping_list.recorded) == (before, ())


@pytest.mark.parametrize("state", ["assigned", "shopping", "all found"])
@pytest.mark.parametrize("change", CHANGES_OF_ITS_BOT)
def test_no_other_bot_changes_a_list(change: str, state: str) -> None:
    shopping_list = STATES[state]()
    shopping_list.bot_id = "another"
    before = fields_of(shopping_list)

    with pytest.raises(ShoppingListIsAnothers, match="shopping list l is not this bot's"):
        CHANGES[change](shopping_list)

    assert (fields_of(shopping_list), shopping_list.recorded) == (before, ())


def test_the_table_knows_every_status_and_every_change() -> None:
    assert {make().status for make in STATES.values()} == set(ListStatus)
    assert {(change, state) for change, state, _ in cells()} == {(c, s) for c in CHANGES for s in STATES}
