"""One suite for every implementation of the ports: what the fakes of the other tests do, SQL does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete

from contexts.stores.adapters.sql_catalogue import SqlCatalogue
from contexts.stores.adapters.sql_mall import SqlMall
from contexts.stores.adapters.sql_skus import SqlSkus
from contexts.stores.adapters.tables import metadata
from contexts.stores.application.ports import Catalogue, Mall, ProductOnShow, Skus, StoreOnShow
from contexts.stores.domain import Product, SkuIsTaken, Store
from mallbots_platform.database import Database
from mallbots_platform.errors import NotFound
from tests.conftest import new_database
from tests.contexts.stores.memory import MemoryCatalogue, MemoryMall, MemorySkus

Ports = tuple[Skus, Mall, Catalogue]


@pytest.fixture(scope="module")
def postgresql(postgres_url: str) -> Iterator[Database]:
    yield from opened(new_database(postgres_url))


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    yield from opened(f"sqlite:///{tmp_path / 'stores.db'}")


def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    database.create(metadata)
    yield database
    database.close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def ports(request: pytest.FixtureRequest) -> Ports:
    if request.param == "memory":
        return MemorySkus(), MemoryMall(), MemoryCatalogue()
    database: Database = request.getfixturevalue(request.param)
    for table in metadata.sorted_tables:
        database.execute(delete(table))
    return SqlSkus(database), SqlMall(database), SqlCatalogue(database)


@pytest.fixture
def skus(ports: Ports) -> Skus:
    return ports[0]


@pytest.fixture
def mall(ports: Ports) -> Mall:
    return ports[1]


@pytest.fixture
def catalogue(ports: Ports) -> Catalogue:
    return ports[2]


def store(id: str, version: int = 1, participates: bool = False, name: str = "Crafts") -> Store:
    return Store(id=id, version=version, name=name, location="level 1", is_open=True, participates=participates)


def product(id: str, store_id: str = "s", version: int = 1, price: int = 500) -> Product:
    return Product(
        id=id,
        version=version,
        store_id=store_id,
        name="Clay",
        description="1 kg",
        sku="C-1",
        price=price,
        currency="EUR",
    )


def test_a_claimed_sku_is_taken(skus: Skus) -> None:
    skus.claim("s", "C-1", "p")

    with pytest.raises(SkuIsTaken):
        skus.claim("s", "C-1", "q")


def test_a_sku_is_claimed_per_store(skus: Skus) -> None:
    skus.claim("s", "C-1", "p")

    skus.claim("other", "C-1", "q")

    with pytest.raises(SkuIsTaken):
        skus.claim("other", "C-1", "r")


def test_a_released_sku_may_be_claimed_again(skus: Skus) -> None:
    skus.claim("s", "C-1", "p")

    skus.release("s", "C-1")
    skus.claim("s", "C-1", "q")

    with pytest.raises(SkuIsTaken):
        skus.claim("s", "C-1", "r")


def test_a_store_is_shown_as_it_is_now(mall: Mall) -> None:
    mall.show(store("s"))
    mall.show(store("s", version=3, participates=True, name="Fine Crafts"))

    assert mall.store("s") == StoreOnShow(
        store_id="s", name="Fine Crafts", location="level 1", participating=True, open=True, version=3
    )


def test_a_store_never_shown_is_not_found(mall: Mall) -> None:
    with pytest.raises(NotFound, match="no store has the id 's'"):
        mall.store("s")


def test_stores_are_listed_page_by_page(mall: Mall) -> None:
    for store_id in "cabd":
        mall.show(store(store_id))

    assert [shown.store_id for shown in mall.stores("", 2)] == ["a", "b"]
    assert [shown.store_id for shown in mall.stores("b", 3)] == ["c", "d"]
    assert list(mall.stores("d", 2)) == []


def test_participating_stores_fill_their_pages(mall: Mall) -> None:
    for store_id in "abcd":
        mall.show(store(store_id, participates=store_id in "bd"))

    assert [shown.store_id for shown in mall.participating_stores("", 2)] == ["b", "d"]
    assert [shown.store_id for shown in mall.participating_stores("b", 2)] == ["d"]


def test_a_product_is_shown_as_it_is_now(catalogue: Catalogue) -> None:
    catalogue.show(product("p"))
    catalogue.show(product("p", version=2, price=10**12))

    assert catalogue.product("p") == ProductOnShow(
        product_id="p",
        store_id="s",
        name="Clay",
        description="1 kg",
        sku="C-1",
        price=10**12,
        currency="EUR",
        version=2,
    )


def test_a_product_taken_down_is_not_found(catalogue: Catalogue) -> None:
    catalogue.show(product("p"))

    catalogue.take_down(product("p"))

    with pytest.raises(NotFound, match="no product has the id 'p'"):
        catalogue.product("p")


def test_a_catalogue_lists_one_store_page_by_page(catalogue: Catalogue) -> None:
    for product_id in "dbca":
        catalogue.show(product(product_id, store_id="other" if product_id == "b" else "s"))

    assert [shown.product_id for shown in catalogue.products_of("s", "", 2)] == ["a", "c"]
    assert [shown.product_id for shown in catalogue.products_of("s", "c", 2)] == ["d"]
