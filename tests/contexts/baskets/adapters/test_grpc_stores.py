"""A miss is filled by asking stores: outside of any transaction, and the version decides which copy is newer."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from contexts.baskets.adapters.grpc_stores import GrpcStores
from contexts.baskets.domain import Product, Store
from contexts.stores.contract import stores_pb2 as pb
from mallbots_platform.errors import NotFound, Unavailable
from tests.contexts.baskets.kiosk import CLAY, CRAFTS
from tests.contexts.baskets.memory import MemoryGoods

T = TypeVar("T")
Meanwhile = Callable[[], None]


class Transactions:
    """Runs work as a process does, and knows whether some is under way."""

    def __init__(self) -> None:
        self.open = False
        self.changes = 0

    async def change(self, work: Callable[[], None]) -> None:
        self.changes += 1
        await self.read(work)

    async def read(self, work: Callable[[], T]) -> T:
        self.open = True
        result = work()
        self.open = False
        return result


class FakeStores:
    """Stores' API: what it knows, what it was asked, and what happens while it is being asked."""

    def __init__(self, transactions: Transactions) -> None:
        self.transactions = transactions
        self.product: pb.Product | None = pb.Product(
            product_id="clay", store_id="crafts", name="Clay", price=500, currency="EUR", version=4
        )
        self.store: pb.Store | None = pb.Store(
            store_id="crafts", name="Crafts", location="level 1", participating=True, open=True, version=5
        )
        self.asked: list[str] = []
        self.asked_in_a_transaction = False
        self.meanwhile: Meanwhile = lambda: None

    async def GetProduct(self, request: pb.GetProductRequest) -> pb.GetProductResponse:
        self._note(f"product {request.product_id}")
        if self.product is None:
            raise NotFound("product", request.product_id)
        return pb.GetProductResponse(product=self.product)

    async def GetStore(self, request: pb.GetStoreRequest) -> pb.GetStoreResponse:
        self._note(f"store {request.store_id}")
        if self.store is None:
            raise NotFound("store", request.store_id)
        self.meanwhile()
        return pb.GetStoreResponse(store=self.store)

    def _note(self, question: str) -> None:
        self.asked.append(question)
        self.asked_in_a_transaction |= self.transactions.open


class Cache:
    """What baskets knows of goods, and whom it asks about the rest."""

    def __init__(self) -> None:
        self.goods = MemoryGoods()
        self.transactions = Transactions()
        self.stores = FakeStores(self.transactions)
        self.misses = GrpcStores(self.goods, lambda: self.stores, self.transactions.change, self.transactions.read)


@pytest.fixture
def cache() -> Cache:
    return Cache()


async def test_known_goods_need_no_call(cache: Cache) -> None:
    cache.goods.keep_product(CLAY)
    cache.goods.keep_store(CRAFTS)

    await cache.misses.fill_in("clay")

    assert (cache.stores.asked, cache.transactions.changes) == ([], 0)


async def test_unknown_goods_are_asked_for_and_kept(cache: Cache) -> None:
    await cache.misses.fill_in("clay")

    assert cache.stores.asked == ["product clay", "store crafts"]
    assert cache.goods.product("clay") == Product(
        product_id="clay", store_id="crafts", name="Clay", price=500, currency="EUR", version=4, is_removed=False
    )
    assert cache.goods.store("crafts") == Store(
        store_id="crafts", name="Crafts", version=5, participates=True, is_open=True
    )


async def test_what_was_filled_in_is_asked_for_once(cache: Cache) -> None:
    await cache.misses.fill_in("clay")
    await cache.misses.fill_in("clay")

    assert cache.stores.asked == ["product clay", "store crafts"]


@pytest.mark.parametrize(("participates", "is_open"), [(True, True), (False, True), (False, False)])
async def test_a_store_is_kept_as_it_is(cache: Cache, participates: bool, is_open: bool) -> None:
    cache.stores.store = pb.Store(store_id="crafts", name="Crafts", participating=participates, open=is_open, version=5)

    await cache.misses.fill_in("clay")

    assert (cache.goods.store("crafts").participates, cache.goods.store("crafts").is_open) == (participates, is_open)


async def test_an_unknown_store_is_asked_for_too(cache: Cache) -> None:
    cache.goods.keep_product(CLAY)

    await cache.misses.fill_in("clay")

    assert cache.goods.store("crafts").version == 5
    assert cache.goods.product("clay").version == 4


async def test_others_are_asked_outside_any_transaction(cache: Cache) -> None:
    await cache.misses.fill_in("clay")

    assert not cache.stores.asked_in_a_transaction
    assert cache.transactions.changes == 1


async def test_newer_news_heard_meanwhile_stays(cache: Cache) -> None:
    newer = replace(CLAY, price=900, version=6), replace(CRAFTS, name="Fine Crafts", version=6)

    def news_arrives() -> None:
        cache.goods.keep_product(newer[0])
        cache.goods.keep_store(newer[1])

    cache.stores.meanwhile = news_arrives

    await cache.misses.fill_in("clay")

    assert (cache.goods.product("clay"), cache.goods.store("crafts")) == newer


async def test_older_news_heard_meanwhile_is_replaced(cache: Cache) -> None:
    cache.stores.meanwhile = lambda: cache.goods.keep_product(replace(CLAY, price=100, version=3))

    await cache.misses.fill_in("clay")

    assert (cache.goods.product("clay").price, cache.goods.product("clay").version) == (500, 4)


async def test_what_stores_does_not_know_is_not_found(cache: Cache) -> None:
    cache.stores.product = None

    with pytest.raises(NotFound, match="no product has the id 'gold'"):
        await cache.misses.fill_in("gold")

    assert (cache.goods.products, cache.goods.stores) == ({}, {})


async def test_half_an_answer_is_not_kept(cache: Cache) -> None:
    cache.stores.store = None

    with pytest.raises(NotFound, match="no store has the id 'crafts'"):
        await cache.misses.fill_in("clay")

    assert (cache.goods.products, cache.goods.stores) == ({}, {})


def nobody_listens() -> FakeStores:
    raise Unavailable("nobody knows where stores listens")


async def test_a_miss_needs_stores(cache: Cache) -> None:
    cache.misses.client = nobody_listens

    with pytest.raises(Unavailable):
        await cache.misses.fill_in("clay")

    assert (cache.goods.products, cache.transactions.changes) == ({}, 0)


async def test_known_goods_do_without_stores(cache: Cache) -> None:
    await cache.misses.fill_in("clay")
    cache.misses.client = nobody_listens

    await cache.misses.fill_in("clay")

    assert cache.transactions.changes == 1
