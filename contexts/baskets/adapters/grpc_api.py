from collections.abc import Callable

from contexts.baskets.adapters.grpc_stores import GrpcStores
from contexts.baskets.application.add_item import AddItem, add_item
from contexts.baskets.application.cancel_basket import CancelBasket, cancel_basket
from contexts.baskets.application.checkout_basket import CheckoutBasket, checkout_basket
from contexts.baskets.application.ports import Baskets, Goods, Patience
from contexts.baskets.application.remove_item import RemoveItem, remove_item
from contexts.baskets.application.start_basket import StartBasket, start_basket
from contexts.baskets.contract import baskets_pb2 as pb
from contexts.baskets.domain import Basket, Status
from mallbots_platform.grpc_server import read, write
from mallbots_platform.validation import LARGEST_QUANTITY, identifier, quantity, within

STATUS_NAMES = {
    Status.OPEN: pb.BASKET_STATUS_OPEN,
    Status.CHECKED_OUT: pb.BASKET_STATUS_CHECKED_OUT,
    Status.CANCELLED: pb.BASKET_STATUS_CANCELLED,
    Status.ABANDONED: pb.BASKET_STATUS_ABANDONED,
}


class BasketsApi:
    def __init__(
        self, baskets: Baskets, goods: Goods, patience: Patience, stores: GrpcStores, new_id: Callable[[], str]
    ) -> None:
        self.baskets = baskets
        self.goods = goods
        self.patience = patience
        self.stores = stores
        self.new_id = new_id

    @write
    def StartBasket(self, request: pb.StartBasketRequest) -> pb.StartBasketResponse:
        command = StartBasket(basket_id=self.new_id(), customer_id=identifier(request.customer_id, "customer_id"))
        start_basket(command, self.baskets, self.patience)
        return pb.StartBasketResponse(basket_id=command.basket_id)

    async def _goods_are_known(self, request: pb.AddItemRequest) -> None:
        await self.stores.fill_in(_add_item(request).product_id)

    @write(first=_goods_are_known)
    def AddItem(self, request: pb.AddItemRequest) -> pb.AddItemResponse:
        basket = add_item(_add_item(request), self.baskets, self.goods, self.patience)
        return pb.AddItemResponse(basket=_basket(basket))

    @write
    def RemoveItem(self, request: pb.RemoveItemRequest) -> pb.RemoveItemResponse:
        pieces = within(request.quantity, "quantity", 0, LARGEST_QUANTITY)
        command = RemoveItem(
            basket_id=identifier(request.basket_id, "basket_id"),
            product_id=identifier(request.product_id, "product_id"),
            quantity=pieces or None,
        )
        return pb.RemoveItemResponse(basket=_basket(remove_item(command, self.baskets, self.patience)))

    @write
    def CancelBasket(self, request: pb.CancelBasketRequest) -> pb.CancelBasketResponse:
        command = CancelBasket(basket_id=identifier(request.basket_id, "basket_id"))
        cancel_basket(command, self.baskets, self.patience)
        return pb.CancelBasketResponse()

    @write
    def CheckoutBasket(self, request: pb.CheckoutBasketRequest) -> pb.CheckoutBasketResponse:
        command = CheckoutBasket(
            basket_id=identifier(request.basket_id, "basket_id"),
            payment_id=identifier(request.payment_id, "payment_id"),
        )
        checkout_basket(command, self.baskets, self.patience)
        return pb.CheckoutBasketResponse(order_id=command.basket_id)

    @read
    def GetBasket(self, request: pb.GetBasketRequest) -> pb.GetBasketResponse:
        return pb.GetBasketResponse(basket=_basket(self.baskets.get(identifier(request.basket_id, "basket_id"))))


def _add_item(request: pb.AddItemRequest) -> AddItem:
    return AddItem(
        basket_id=identifier(request.basket_id, "basket_id"),
        product_id=identifier(request.product_id, "product_id"),
        quantity=quantity(request.quantity, "quantity"),
    )


def _basket(basket: Basket) -> pb.Basket:
    items = [
        pb.Item(
            product_id=item.product_id,
            store_id=item.store_id,
            name=item.name,
            store_name=item.store_name,
            quantity=item.quantity,
            price=item.price,
        )
        for item in basket.items
    ]
    return pb.Basket(
        basket_id=basket.id,
        customer_id=basket.customer_id,
        status=STATUS_NAMES[basket.status],
        items=items,
        total=basket.total,
        currency=basket.currency,
        payment_id=basket.payment_id,
        version=basket.version,
    )
