"""One suite for every implementation of the ports: what the fakes of the other tests do, SQL does."""

from collections.abc import Iterator
from dataclasses import fields, replace

import pytest

from contexts.ordering.adapters.sql_order_list import SqlOrderList, metadata
from contexts.ordering.application.ports import OrderList, Orders, OrderSummary
from contexts.ordering.application.published_events import published_events
from contexts.ordering.contract import CONTRACT
from contexts.ordering.domain import Order, Status
from contexts.ordering.domain.events import ORDER_EVENTS
from mallbots_platform import schema
from mallbots_platform.codec import Codec
from mallbots_platform.database import Database
from mallbots_platform.errors import AlreadyExists, Conflict, NotFound
from mallbots_platform.event_store import EventSourced
from mallbots_platform.outbox import Outbox
from mallbots_platform.testing import MemoryRepository, given
from mallbots_platform.writer import Writer
from telemetry.bundle import open_telemetry
from tests.conftest import new_database
from tests.contexts.ordering.histories import ASSAM, CLAY, HISTORIES, STATUSES
from tests.contexts.ordering.memory import MemoryOrderList


@pytest.fixture(scope="module", params=["memory", "sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database | None]:
    """One database of each kind for all the tests; None means memory."""
    if request.param == "memory":
        yield None
        return
    if request.param == "postgresql":
        database = Database(new_database(request.getfixturevalue("postgres_url")))
    else:
        database = Database(f"sqlite:///{tmp_path_factory.mktemp('ordering') / 'o.db'}")
    database.create(metadata)
    database.create(schema.metadata)
    yield database
    database.close()


@pytest.fixture
def database(opened: Database | None) -> Iterator[Database | None]:
    """Empty again after each test."""
    yield opened
    if opened:
        for table in ("orders", "events", "snapshots"):
            opened.run(f"DELETE FROM {table}")


@pytest.fixture
def order_list(database: Database | None) -> OrderList:
    return SqlOrderList(database) if database else MemoryOrderList()


@pytest.fixture
def orders(database: Database | None) -> Orders:
    if database is None:
        return MemoryRepository[Order]("order")
    telemetry = open_telemetry("ordering")
    outbox = Outbox("ordering", 4, Writer(database, telemetry.meter), Codec(CONTRACT), telemetry.tracer)
    outbox.publish(published_events)
    return EventSourced(Order, ORDER_EVENTS, database, outbox, telemetry.meter)


def new_order(order_id: str = "o", quantity: int = 2) -> Order:
    items = (replace(CLAY, quantity=quantity), ASSAM)
    return Order.create(order_id, "ada", "pay", items=items, currency="EUR")


def state_of(order: Order) -> dict[str, object]:
    return {field.name: getattr(order, field.name) for field in fields(order) if field.name != "correlation_id"}


def test_an_order_is_listed_as_it_is_now(order_list: OrderList) -> None:
    order = new_order()
    order_list.show(order)
    order.approve("list")
    order.reduce("clay", 1)

    order_list.show(order)

    assert list(order_list.orders("", 9)) == [
        OrderSummary(order_id="o", customer_id="ada", status=Status.APPROVED, total=1750, currency="EUR")
    ]


def test_an_order_may_cost_very_much(order_list: OrderList) -> None:
    dear = Order.create("o", "ada", "pay", items=(replace(CLAY, quantity=1, price=10**12),), currency="EUR")

    order_list.show(dear)

    assert order_list.orders("", 9)[0].total == 10**12


def test_orders_are_listed_page_by_page(order_list: OrderList) -> None:
    for order_id in "cabd":
        order_list.show(new_order(order_id))

    assert [order.order_id for order in order_list.orders("", 2)] == ["a", "b"]
    assert [order.order_id for order in order_list.orders("b", 3)] == ["c", "d"]
    assert list(order_list.orders("d", 2)) == []


def test_orders_in_one_state_fill_their_pages(order_list: OrderList) -> None:
    for order_id in "dabc":
        order = new_order(order_id)
        if order_id in "bd":
            order.approve("list")
        order_list.show(order)

    assert [order.order_id for order in order_list.orders("", 2, Status.APPROVED)] == ["b", "d"]
    assert [order.order_id for order in order_list.orders("b", 2, Status.APPROVED)] == ["d"]
    assert list(order_list.orders("", 9, Status.CANCELLED)) == []


@pytest.mark.parametrize("state", HISTORIES)
def test_each_state_is_listed_and_counted(order_list: OrderList, state: str) -> None:
    order_list.show(given(Order, *HISTORIES[state], id="o"))

    assert [order.status for order in order_list.orders("", 9, STATUSES[state])] == [STATUSES[state]]
    assert order_list.counts() == dict.fromkeys(Status, 0) | {STATUSES[state]: 1}


def test_no_orders_are_counted_too(order_list: OrderList) -> None:
    assert order_list.counts() == dict.fromkeys(Status, 0)


def test_an_order_is_read_back_as_saved(orders: Orders) -> None:
    order = new_order()
    orders.add(order)
    order.mark_ready()
    orders.save(order)
    order.reduce("clay", 1)
    order.approve("list")
    orders.save(order)
    order.cancel("changed my mind")
    orders.save(order)

    kept = orders.get("o")

    assert state_of(kept) == state_of(order)
    assert (kept.version, kept.status, kept.recorded) == (6, Status.CANCELLED, ())


def test_a_long_history_is_read_back(orders: Orders) -> None:
    order = new_order(quantity=150)
    orders.add(order)
    for number in range(1, 126):
        order.reduce("clay", 1)
        if number % 25 == 0:
            orders.save(order)

    kept = orders.get("o")

    assert state_of(kept) == state_of(order)
    assert (kept.version, kept.items) == (126, (replace(CLAY, quantity=25), ASSAM))


def test_an_unknown_order_is_not_found(orders: Orders) -> None:
    orders.add(new_order("o"))

    with pytest.raises(NotFound, match="no order has the id 'other'"):
        orders.get("other")


def test_an_order_is_added_only_once(orders: Orders) -> None:
    orders.add(new_order("o"))

    with pytest.raises(AlreadyExists, match="order with the id 'o' exists already"):
        orders.add(Order.create("o", "eve", "pay", items=(CLAY,), currency="EUR"))

    assert orders.get("o").customer_id == "ada"


def test_saving_an_unchanged_order_changes_nothing(orders: Orders) -> None:
    orders.add(new_order())

    orders.save(orders.get("o"))

    assert orders.get("o").version == 1


def test_an_order_that_moved_on_is_not_overwritten(orders: Orders) -> None:
    orders.add(new_order("o"))
    here, there = orders.get("o"), orders.get("o")
    there.cancel("changed my mind")
    orders.save(there)

    here.approve("list")
    with pytest.raises(Conflict, match="order o has moved on"):
        orders.save(here)

    assert orders.get("o").status is Status.CANCELLED
