from contexts.baskets.application.ports import Baskets, Patience
from contexts.baskets.domain import Basket
from mallbots_platform.messages import command


@command
class RemoveItem:
    """`quantity` pieces, or all of them."""

    basket_id: str
    product_id: str
    quantity: int | None


def remove_item(command: RemoveItem, baskets: Baskets, patience: Patience) -> Basket:
    basket = baskets.get(command.basket_id)
    basket.remove_item(command.product_id, command.quantity)
    baskets.save(basket)
    patience.renew(basket.id)
    return basket
