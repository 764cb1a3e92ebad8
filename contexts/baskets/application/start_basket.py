from contexts.baskets.application.ports import Baskets, Patience
from contexts.baskets.domain import Basket
from mallbots_platform.messages import command


@command
class StartBasket:
    basket_id: str
    customer_id: str


def start_basket(command: StartBasket, baskets: Baskets, patience: Patience) -> None:
    baskets.add(Basket.start(command.basket_id, command.customer_id))
    patience.renew(command.basket_id)
