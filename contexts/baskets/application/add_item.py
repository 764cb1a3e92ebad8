from contexts.baskets.application.ports import Baskets, Goods, Patience
from contexts.baskets.domain import Basket
from mallbots_platform.messages import command


@command
class AddItem:
    basket_id: str
    product_id: str
    quantity: int


def add_item(command: AddItem, baskets: Baskets, goods: Goods, patience: Patience) -> Basket:
    basket = baskets.get(command.basket_id)
    product = goods.product(command.product_id)
    basket.add_item(product, goods.store(product.store_id), command.quantity)
    baskets.save(basket)
    patience.renew(basket.id)
    return basket
