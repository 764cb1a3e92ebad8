from contexts.baskets.application.ports import Baskets, Patience
from mallbots_platform.messages import command


@command
class CancelBasket:
    basket_id: str


def cancel_basket(command: CancelBasket, baskets: Baskets, patience: Patience) -> None:
    basket = baskets.get(command.basket_id)
    basket.cancel()
    baskets.save(basket)
    patience.end(basket.id)
