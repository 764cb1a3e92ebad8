"""Nothing happened to a basket for too long: `BasketIsLeftAlone` is due. One that has ended stays as it is."""

from contexts.baskets.application.ports import Baskets
from mallbots_platform.messages import command


@command
class AbandonBasket:
    basket_id: str


def abandon_basket(command: AbandonBasket, baskets: Baskets) -> None:
    basket = baskets.get(command.basket_id)
    if basket.is_open:
        basket.abandon()
        baskets.save(basket)
