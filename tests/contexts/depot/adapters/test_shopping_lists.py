"""One suite for every implementation of the port: what the fake of the other tests does, SQL does."""

import pytest

from contexts.depot.domain import ListStatus, ShoppingList
from mallbots_platform.errors import AlreadyExists, Conflict, NotFound
from tests.contexts.depot.adapters.ports import Ports, fields_of
from tests.contexts.depot.domain.lists import STOPS


def shopping_list(id: str = "l", status: ListStatus = ListStatus.PENDING) -> ShoppingList:
    return ShoppingList(id=id, order_id=f"order of {id}", stops=STOPS, status=status)


def test_a_list_is_kept_as_it_is(ports: Ports) -> None:
    wanted = ShoppingList.create("l", "o", STOPS)
    ports.lists.add(wanted)
    wanted.schedule()
    wanted.assign("b")
    wanted.start("b")
    wanted.arrive("b", "s")
    wanted.collect("b", "p", 1)
    wanted.miss("b", "p", 1)

    ports.lists.save(wanted)

    assert fields_of(ports.lists.get("l")) == fields_of(wanted)


def test_a_list_never_added_is_not_found(ports: Ports) -> None:
    with pytest.raises(NotFound, match="no shopping list has the id 'l'"):
        ports.lists.get("l")
    assert ports.lists.of_order("o") is None


def test_a_list_is_added_only_once(ports: Ports) -> None:
    ports.lists.add(shopping_list())

    with pytest.raises(AlreadyExists, match="a shopping list with the id 'l' exists already"):
        ports.lists.add(shopping_list())


def test_an_order_has_one_list(ports: Ports) -> None:
    ports.lists.add(shopping_list("l"))
    second = shopping_list("m")
    second.order_id = "order of l"

    with pytest.raises(Conflict, match="shopping list m collides with another"):
        ports.lists.add(second)

    found = ports.lists.of_order("order of l")
    assert found and found.id == "l"


def test_two_bots_cannot_be_put_on_one_list(ports: Ports) -> None:
    ports.lists.add(shopping_list(status=ListStatus.AVAILABLE))
    mine, theirs = ports.lists.get("l"), ports.lists.get("l")
    theirs.assign("theirs")
    ports.lists.save(theirs)

    mine.assign("mine")
    with pytest.raises(Conflict, match="shopping list l has moved on"):
        ports.lists.save(mine)

    assert ports.lists.get("l").bot_id == "theirs"


def test_the_oldest_available_list_comes_first(ports: Ports) -> None:
    assert ports.lists.oldest_available() is None

    for list_id, status in [("a", ListStatus.ASSIGNED), ("c", ListStatus.AVAILABLE), ("b", ListStatus.AVAILABLE)]:
        ports.lists.add(shopping_list(list_id, status))

    oldest = ports.lists.oldest_available()
    assert oldest and oldest.id == "b"


def test_lists_are_listed_page_by_page(ports: Ports) -> None:
    for list_id in "cabd":
        ports.lists.add(shopping_list(list_id))

    assert [each.id for each in ports.lists.page("", 2)] == ["a", "b"]
    assert [each.id for each in ports.lists.page("b", 3)] == ["c", "d"]
    assert list(ports.lists.page("d", 2)) == []


def test_lists_of_a_state_or_an_order_fill_their_pages(ports: Ports) -> None:
    for list_id in "abcd":
        ports.lists.add(shopping_list(list_id, ListStatus.AT_DEPOT if list_id in "bd" else ListStatus.PENDING))

    assert [each.id for each in ports.lists.page("", 2, ListStatus.AT_DEPOT)] == ["b", "d"]
    assert [each.id for each in ports.lists.page("b", 2, ListStatus.AT_DEPOT)] == ["d"]
    assert [each.id for each in ports.lists.page("", 2, order_id="order of c")] == ["c"]
    assert list(ports.lists.page("", 2, ListStatus.AT_DEPOT, "order of c")) == []


def test_every_state_of_a_list_is_counted(ports: Ports) -> None:
    empty = dict.fromkeys(ListStatus, 0)
    assert ports.lists.counts() == empty

    ports.lists.add(shopping_list("a", ListStatus.AT_DEPOT))
    ports.lists.add(shopping_list("b", ListStatus.AT_DEPOT))

    assert ports.lists.counts() == empty | {ListStatus.AT_DEPOT: 2}
