from contexts.baskets.application.ports import Baskets, Patience
from mallbots_platform.messages import command


@command
class CheckoutBasket:
    basket_id: str
    payment_id: str


def checkout_basket(command: CheckoutBasket, baskets: Baskets, patience: Patience) -> None:
    basket = baskets.get(command.basket_id)
    basket.check_out(command.payment_id)
    baskets.save(basket)
    patience.end(basket.id)
