"""One suite for every implementation of the ports: what the fakes of the other tests do, SQL does."""

from collections.abc import Iterator
from dataclasses import fields, replace

import pytest

from contexts.baskets.adapters.sql_goods import SqlGoods, metadata
from contexts.baskets.application.ports import Baskets, Goods
from contexts.baskets.application.published_events import published_events
from contexts.baskets.contract import CONTRACT
from contexts.baskets.domain import Basket
from contexts.baskets.domain.events import BASKET_EVENTS
from mallbots_platform import schema
from mallbots_platform.codec import Codec
from mallbots_platform.database import Database
from mallbots_platform.errors import AlreadyExists, Conflict, NotFound
from mallbots_platform.event_store import EventSourced
from mallbots_platform.outbox import Outbox
from mallbots_platform.testing import MemoryRepository
from mallbots_platform.writer import Writer
from telemetry.bundle import open_telemetry
from tests.conftest import new_database
from tests.contexts.baskets.kiosk import ASSAM, CLAY, CRAFTS, TEAS
from tests.contexts.baskets.memory import MemoryGoods


@pytest.fixture(scope="module", params=["memory", "sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database | None]:
    """One database of each kind for all the tests; None means memory."""
    if request.param == "memory":
        yield None
        return
    if request.param == "postgresql":
        database = Database(new_database(request.getfixturevalue("postgres_url")))
    else:
        database = Database(f"sqlite:///{tmp_path_factory.mktemp('baskets') / 'b.db'}")
    database.create(metadata)
    database.create(schema.metadata)
    yield database
    database.close()


@pytest.fixture
def database(opened: Database | None) -> Iterator[Database | None]:
    """Empty again after each test."""
    yield opened
    if opened:
        for table in ("products", "stores", "events", "snapshots"):
            opened.run(f"DELETE FROM {table}")


@pytest.fixture
def goods(database: Database | None) -> Goods:
    return SqlGoods(database) if database else MemoryGoods()


@pytest.fixture
def baskets(database: Database | None) -> Baskets:
    if database is None:
        return MemoryRepository[Basket]("basket")
    telemetry = open_telemetry("baskets")
    outbox = Outbox("baskets", 4, Writer(database, telemetry.meter), Codec(CONTRACT), telemetry.tracer)
    outbox.publish(published_events)
    return EventSourced(Basket, BASKET_EVENTS, database, outbox, telemetry.meter)


def state_of(basket: Basket) -> dict[str, object]:
    return {field.name: getattr(basket, field.name) for field in fields(basket) if field.name != "correlation_id"}


def test_goods_are_kept_as_they_are(goods: Goods) -> None:
    dear = replace(CLAY, price=10**12, version=2**40, is_removed=True, name="Töpferton ✓")
    closed = replace(CRAFTS, is_open=False, participates=False, version=2**40, name="Töpferei ✓")

    goods.keep_product(dear)
    goods.keep_store(closed)

    assert (goods.product("clay"), goods.find_product("clay")) == (dear, dear)
    assert (goods.store("crafts"), goods.find_store("crafts")) == (closed, closed)


def test_goods_are_told_apart(goods: Goods) -> None:
    for product in (CLAY, ASSAM):
        goods.keep_product(product)
    for store in (CRAFTS, TEAS):
        goods.keep_store(store)

    assert (goods.product("clay"), goods.product("assam")) == (CLAY, ASSAM)
    assert (goods.store("crafts"), goods.store("teas")) == (CRAFTS, TEAS)


def test_unknown_goods_are_not_found(goods: Goods) -> None:
    assert (goods.find_product("clay"), goods.find_store("crafts")) == (None, None)

    with pytest.raises(NotFound, match="no product has the id 'clay'"):
        goods.product("clay")
    with pytest.raises(NotFound, match="no store has the id 'crafts'"):
        goods.store("crafts")


@pytest.mark.parametrize("version", [3, 9])
def test_a_newer_copy_replaces_an_older_one(goods: Goods, version: int) -> None:
    goods.keep_product(replace(CLAY, version=2))
    goods.keep_store(replace(CRAFTS, version=2))

    goods.keep_product(replace(CLAY, price=900, version=version))
    goods.keep_store(replace(CRAFTS, name="Fine Crafts", version=version))

    assert (goods.product("clay").price, goods.product("clay").version) == (900, version)
    assert (goods.store("crafts").name, goods.store("crafts").version) == ("Fine Crafts", version)


@pytest.mark.parametrize("version", [1, 6])
def test_an_older_copy_never_replaces_a_newer_one(goods: Goods, version: int) -> None:
    goods.keep_product(replace(CLAY, version=7))
    goods.keep_store(replace(CRAFTS, version=7))

    goods.keep_product(replace(CLAY, price=900, version=version))
    goods.keep_store(replace(CRAFTS, name="Fine Crafts", version=version))

    assert goods.product("clay") == replace(CLAY, version=7)
    assert goods.store("crafts") == replace(CRAFTS, version=7)


def test_a_basket_is_read_back_as_saved(baskets: Baskets) -> None:
    basket = Basket.start("b", "ada")
    basket.add_item(CLAY, CRAFTS, 2)
    baskets.add(basket)
    basket.add_item(ASSAM, TEAS, 1)
    basket.check_out("pay")
    baskets.save(basket)

    kept = baskets.get("b")

    assert state_of(kept) == state_of(basket)
    assert (kept.version, kept.recorded) == (4, ())


def test_a_long_history_is_read_back(baskets: Baskets) -> None:
    basket = Basket.start("b", "ada")
    baskets.add(basket)
    for number in range(1, 126):
        basket.add_item(replace(CLAY, price=number), CRAFTS, 1)
        if number % 25 == 0:
            baskets.save(basket)

    kept = baskets.get("b")

    assert state_of(kept) == state_of(basket)
    assert (kept.version, kept.items[0].quantity, kept.total) == (126, 125, 125 * 125)


def test_an_unknown_basket_is_not_found(baskets: Baskets) -> None:
    baskets.add(Basket.start("b", "ada"))

    with pytest.raises(NotFound, match="no basket has the id 'other'"):
        baskets.get("other")


def test_a_basket_is_added_only_once(baskets: Baskets) -> None:
    baskets.add(Basket.start("b", "ada"))

    with pytest.raises(AlreadyExists, match="a basket with the id 'b' exists already"):
        baskets.add(Basket.start("b", "eve"))

    assert baskets.get("b").customer_id == "ada"


def test_saving_an_unchanged_basket_changes_nothing(baskets: Baskets) -> None:
    baskets.add(Basket.start("b", "ada"))

    baskets.save(baskets.get("b"))

    assert baskets.get("b").version == 1


def test_a_basket_that_moved_on_is_not_overwritten(baskets: Baskets) -> None:
    baskets.add(Basket.start("b", "ada"))
    here, there = baskets.get("b"), baskets.get("b")
    there.cancel()
    baskets.save(there)

    here.add_item(CLAY, CRAFTS, 1)
    with pytest.raises(Conflict, match="basket b has moved on"):
        baskets.save(here)

    assert (baskets.get("b").is_open, baskets.get("b").items) == (False, ())
