"""One suite for every implementation of the ports: what the fakes of the other tests do, SQL does."""

from contexts.depot.domain import Product, Store
from tests.contexts.depot.adapters.ports import Ports


def store(version: int = 1, name: str = "Crafts", is_open: bool = True) -> Store:
    return Store(store_id="s", name=name, location="level 1", is_open=is_open, version=version)


def test_an_older_copy_of_a_store_never_replaces_a_newer(ports: Ports) -> None:
    ports.stores.keep(store(version=3, name="Fine Crafts", is_open=False))

    ports.stores.keep(store(version=2))

    assert ports.stores.find("s") == store(version=3, name="Fine Crafts", is_open=False)


def test_a_newer_copy_of_a_store_replaces_an_older(ports: Ports) -> None:
    ports.stores.keep(store(version=1))

    ports.stores.keep(store(version=2, is_open=False))

    assert ports.stores.find("s") == store(version=2, is_open=False)


def test_stores_are_found_among_others(ports: Ports) -> None:
    ports.stores.keep(store())

    assert ports.stores.among(["s", "unknown"]) == {"s": store()}
    assert ports.stores.among([]) == {}
    assert ports.stores.find("unknown") is None


def test_copies_of_products_go_by_their_version(ports: Ports) -> None:
    ports.products.keep(Product(product_id="p", name="Clay", version=1))
    ports.products.keep(Product(product_id="p", name="Fine Clay", version=3))
    ports.products.keep(Product(product_id="p", name="Clay", version=2))

    assert ports.products.among({"p", "q"}) == {"p": Product(product_id="p", name="Fine Clay", version=3)}
    assert ports.products.among(set()) == {}
