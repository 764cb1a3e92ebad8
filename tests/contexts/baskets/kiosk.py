"""The use cases of baskets over ports in memory, in a teller's words, in a mall of two stores."""

from contexts.baskets.application.abandon_basket import AbandonBasket, abandon_basket
from contexts.baskets.application.add_item import AddItem, add_item
from contexts.baskets.application.cancel_basket import CancelBasket, cancel_basket
from contexts.baskets.application.checkout_basket import CheckoutBasket, checkout_basket
from contexts.baskets.application.remove_item import RemoveItem, remove_item
from contexts.baskets.application.start_basket import StartBasket, start_basket
from contexts.baskets.domain import Basket, Product, Store
from contexts.baskets.domain.events import ItemAdded
from mallbots_platform.testing import MemoryRepository
from tests.contexts.baskets.memory import MemoryGoods, MemoryPatience

CRAFTS = Store(store_id="crafts", name="Crafts", version=2, participates=True)
TEAS = Store(store_id="teas", name="Teas of the World", version=2, participates=True)
CLAY = Product(product_id="clay", store_id="crafts", name="Clay", price=500, currency="EUR", version=1)
ASSAM = Product(product_id="assam", store_id="teas", name="Assam", price=1250, currency="EUR", version=1)


def added(product: Product, store: Store, quantity: int) -> ItemAdded:
    return ItemAdded(
        product_id=product.product_id,
        store_id=product.store_id,
        name=product.name,
        store_name=store.name,
        quantity=quantity,
        price=product.price,
        currency=product.currency,
    )


class Kiosk:
    def __init__(self) -> None:
        self.baskets: MemoryRepository[Basket] = MemoryRepository("basket")
        self.goods = MemoryGoods()
        self.patience = MemoryPatience()
        for store in (CRAFTS, TEAS):
            self.goods.keep_store(store)
        for product in (CLAY, ASSAM):
            self.goods.keep_product(product)

    def starts(self, basket_id: str = "b", customer_id: str = "ada") -> None:
        start_basket(StartBasket(basket_id=basket_id, customer_id=customer_id), self.baskets, self.patience)

    def adds(self, product_id: str = "clay", quantity: int = 2, basket_id: str = "b") -> Basket:
        command = AddItem(basket_id=basket_id, product_id=product_id, quantity=quantity)
        return add_item(command, self.baskets, self.goods, self.patience)

    def removes(self, product_id: str = "clay", quantity: int | None = 1, basket_id: str = "b") -> Basket:
        command = RemoveItem(basket_id=basket_id, product_id=product_id, quantity=quantity)
        return remove_item(command, self.baskets, self.patience)

    def checks_out(self, payment_id: str = "pay", basket_id: str = "b") -> None:
        command = CheckoutBasket(basket_id=basket_id, payment_id=payment_id)
        checkout_basket(command, self.baskets, self.patience)

    def cancels(self, basket_id: str = "b") -> None:
        cancel_basket(CancelBasket(basket_id=basket_id), self.baskets, self.patience)

    def forgets(self, basket_id: str = "b") -> None:
        abandon_basket(AbandonBasket(basket_id=basket_id), self.baskets)
