from collections.abc import Callable
from typing import Any

import pytest

from contexts.baskets.adapters.grpc_api import STATUS_NAMES, BasketsApi
from contexts.baskets.adapters.grpc_stores import GrpcStores
from contexts.baskets.contract import baskets_pb2 as pb
from contexts.baskets.domain import BasketIsCheckedOut, FewerPiecesInBasket, Status
from contexts.stores.contract import stores_pb2
from mallbots_platform.errors import InvalidInput, NotFound, Unavailable
from tests.contexts.baskets.kiosk import Kiosk

WOOL = stores_pb2.Product(product_id="wool", store_id="crafts", name="Wool", price=200, currency="EUR", version=1)
OPEN_CRAFTS = stores_pb2.Store(store_id="crafts", name="Crafts", participating=True, open=True, version=2)
TOO_LONG = "x" * 101
BAD_IDS = ["", " ", "a b", "ä", "a/b", "a\n", TOO_LONG]


class FakeStores:
    """Sells wool, of which baskets has not heard yet; says how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_up = True

    async def GetProduct(self, request: stores_pb2.GetProductRequest) -> stores_pb2.GetProductResponse:
        self.asked += 1
        if not self.is_up:
            raise Unavailable("stores does not answer")
        if request.product_id != WOOL.product_id:
            raise NotFound("product", request.product_id)
        return stores_pb2.GetProductResponse(product=WOOL)

    async def GetStore(self, request: stores_pb2.GetStoreRequest) -> stores_pb2.GetStoreResponse:
        return stores_pb2.GetStoreResponse(store=OPEN_CRAFTS)


class Counter:
    """The API over ports in memory; a call runs as the server runs it, what the method needs first before it."""

    def __init__(self) -> None:
        self.kiosk = Kiosk()
        self.stores = FakeStores()
        misses = GrpcStores(self.kiosk.goods, lambda: self.stores, at_once, at_once)
        ids = iter(["b", "c"])
        self.api = BasketsApi(self.kiosk.baskets, self.kiosk.goods, self.kiosk.patience, misses, lambda: next(ids))

    async def call(self, request: Any) -> Any:
        method = getattr(self.api, type(request).__name__.removesuffix("Request"))
        if first := getattr(method, "_first", None):
            await first(self.api, request)
        return method(request)

    async def started(self) -> str:
        answer = await self.call(pb.StartBasketRequest(customer_id="ada"))
        return str(answer.basket_id)


async def at_once(work: Callable[[], Any]) -> Any:
    return work()


@pytest.fixture
def counter() -> Counter:
    return Counter()


def malformed() -> list[tuple[Any, str]]:
    """Requests with one bad field each, and its name."""
    cases: list[tuple[Any, str]] = []
    for bad in BAD_IDS:
        cases += [
            (pb.StartBasketRequest(customer_id=bad), "customer_id"),
            (pb.AddItemRequest(basket_id=bad, product_id="wool", quantity=1), "basket_id"),
            (pb.AddItemRequest(basket_id="b", product_id=bad, quantity=1), "product_id"),
            (pb.RemoveItemRequest(basket_id=bad, product_id="clay", quantity=1), "basket_id"),
            (pb.RemoveItemRequest(basket_id="b", product_id=bad, quantity=1), "product_id"),
            (pb.CancelBasketRequest(basket_id=bad), "basket_id"),
            (pb.CheckoutBasketRequest(basket_id=bad, payment_id="pay"), "basket_id"),
            (pb.CheckoutBasketRequest(basket_id="b", payment_id=bad), "payment_id"),
            (pb.GetBasketRequest(basket_id=bad), "basket_id"),
        ]
    for bad_quantity in (-1, 0, 10_001, 2**31 - 1):
        cases.append((pb.AddItemRequest(basket_id="b", product_id="wool", quantity=bad_quantity), "quantity"))
    for bad_quantity in (-1, 10_001):
        cases.append((pb.RemoveItemRequest(basket_id="b", product_id="clay", quantity=bad_quantity), "quantity"))
    return cases


@pytest.mark.parametrize(("question", "field"), malformed())
async def test_a_bad_field_is_named_and_nothing_stored(counter: Counter, question: Any, field: str) -> None:
    await counter.started()
    await counter.call(pb.AddItemRequest(basket_id="b", product_id="clay", quantity=2))
    before = list(counter.kiosk.baskets.published)

    with pytest.raises(InvalidInput) as refusal:
        await counter.call(question)

    assert refusal.value.field == field
    assert counter.kiosk.baskets.published == before
    assert (counter.stores.asked, counter.kiosk.goods.find_product("wool")) == (0, None)


async def test_a_bad_field_is_named_without_asking_stores(counter: Counter) -> None:
    counter.stores.is_up = False

    with pytest.raises(InvalidInput, match="quantity"):
        await counter.call(pb.AddItemRequest(basket_id="b", product_id="wool", quantity=0))


async def test_a_basket_starts_under_an_id_of_ours(counter: Counter) -> None:
    answer = await counter.call(pb.StartBasketRequest(customer_id="ada"))

    assert answer == pb.StartBasketResponse(basket_id="b")
    assert counter.kiosk.baskets.get("b").customer_id == "ada"


async def test_an_added_item_is_answered_with_the_basket(counter: Counter) -> None:
    await counter.started()

    answer = await counter.call(pb.AddItemRequest(basket_id="b", product_id="clay", quantity=2))

    assert answer.basket == pb.Basket(
        basket_id="b",
        customer_id="ada",
        status=pb.BASKET_STATUS_OPEN,
        items=[pb.Item(product_id="clay", store_id="crafts", name="Clay", store_name="Crafts", quantity=2, price=500)],
        total=1000,
        currency="EUR",
        version=2,
    )


async def test_an_item_not_heard_of_is_asked_for(counter: Counter) -> None:
    await counter.started()

    answer = await counter.call(pb.AddItemRequest(basket_id="b", product_id="wool", quantity=3))

    assert (answer.basket.items[0].name, answer.basket.total) == ("Wool", 600)


async def test_an_item_that_nobody_sells_is_not_found(counter: Counter) -> None:
    await counter.started()

    with pytest.raises(NotFound, match="no product has the id 'gold'"):
        await counter.call(pb.AddItemRequest(basket_id="b", product_id="gold", quantity=1))

    assert counter.kiosk.baskets.get("b").items == ()


@pytest.mark.parametrize(("quantity", "left"), [(1, 2), (0, 0), (3, 0)])
async def test_no_quantity_removes_all_pieces(counter: Counter, quantity: int, left: int) -> None:
    await counter.started()
    await counter.call(pb.AddItemRequest(basket_id="b", product_id="clay", quantity=3))

    answer = await counter.call(pb.RemoveItemRequest(basket_id="b", product_id="clay", quantity=quantity))

    assert sum(item.quantity for item in answer.basket.items) == left
    assert answer.basket.currency == ("EUR" if left else "")


async def test_cannot_remove_more_than_there_is(counter: Counter) -> None:
    await counter.started()
    await counter.call(pb.AddItemRequest(basket_id="b", product_id="clay", quantity=3))

    with pytest.raises(FewerPiecesInBasket):
        await counter.call(pb.RemoveItemRequest(basket_id="b", product_id="clay", quantity=4))


async def test_a_checkout_answers_with_the_order(counter: Counter) -> None:
    await counter.started()
    await counter.call(pb.AddItemRequest(basket_id="b", product_id="clay", quantity=3))

    answer = await counter.call(pb.CheckoutBasketRequest(basket_id="b", payment_id="pay"))

    assert answer == pb.CheckoutBasketResponse(order_id="b")
    with pytest.raises(BasketIsCheckedOut):
        await counter.call(pb.CheckoutBasketRequest(basket_id="b", payment_id="pay"))


async def test_a_basket_shows_how_it_ended(counter: Counter) -> None:
    await counter.started()
    await counter.call(pb.AddItemRequest(basket_id="b", product_id="clay", quantity=1))
    await counter.call(pb.CheckoutBasketRequest(basket_id="b", payment_id="pay"))

    basket = (await counter.call(pb.GetBasketRequest(basket_id="b"))).basket

    assert (basket.status, basket.payment_id, basket.version) == (pb.BASKET_STATUS_CHECKED_OUT, "pay", 3)


async def test_a_cancelled_basket_shows_it(counter: Counter) -> None:
    await counter.started()

    await counter.call(pb.CancelBasketRequest(basket_id="b"))

    basket = (await counter.call(pb.GetBasketRequest(basket_id="b"))).basket
    assert basket.status == pb.BASKET_STATUS_CANCELLED


@pytest.mark.parametrize(
    "question",
    [
        pb.AddItemRequest(basket_id="none", product_id="clay", quantity=1),
        pb.RemoveItemRequest(basket_id="none", product_id="clay", quantity=1),
        pb.CancelBasketRequest(basket_id="none"),
        pb.CheckoutBasketRequest(basket_id="none", payment_id="pay"),
        pb.GetBasketRequest(basket_id="none"),
    ],
    ids=lambda request: type(request).__name__,
)
async def test_an_unknown_basket_is_not_found(counter: Counter, question: Any) -> None:
    with pytest.raises(NotFound, match="no basket has the id 'none'"):
        await counter.call(question)

    assert counter.kiosk.baskets.all() == []


def test_every_status_has_a_name_of_its_own() -> None:
    assert set(STATUS_NAMES) == set(Status)
    assert sorted(STATUS_NAMES.values()) == sorted(set(pb.BasketStatus.values()) - {pb.BASKET_STATUS_UNSPECIFIED})
