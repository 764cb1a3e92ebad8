"""What the rules of baskets forbid."""

from mallbots_platform.errors import RuleViolated


class BasketIsCheckedOut(RuleViolated):
    def __init__(self, basket_id: str) -> None:
        super().__init__(f"basket {basket_id} is checked out")


class BasketIsCancelled(RuleViolated):
    def __init__(self, basket_id: str) -> None:
        super().__init__(f"basket {basket_id} is cancelled")


class BasketIsAbandoned(RuleViolated):
    def __init__(self, basket_id: str) -> None:
        super().__init__(f"basket {basket_id} was left alone for too long, and given up")


class BasketHasNoItems(RuleViolated):
    def __init__(self, basket_id: str) -> None:
        super().__init__(f"basket {basket_id} has no items")


class BasketHasAnotherCurrency(RuleViolated):
    def __init__(self, currency: str, offered: str) -> None:
        super().__init__(f"the basket's items cost {currency}, this one costs {offered}")


class BasketIsFull(RuleViolated):
    def __init__(self, limit: str) -> None:
        super().__init__(f"a basket holds at most {limit}")


class ProductIsNotInBasket(RuleViolated):
    def __init__(self, product_id: str) -> None:
        super().__init__(f"product {product_id} is not in the basket")


class FewerPiecesInBasket(RuleViolated):
    def __init__(self, product_id: str, pieces: int) -> None:
        super().__init__(f"only {pieces} of product {product_id} are in the basket")


class ProductIsRemoved(RuleViolated):
    def __init__(self, product_id: str) -> None:
        super().__init__(f"product {product_id} is not sold any more")


class StoreIsClosed(RuleViolated):
    def __init__(self, store_id: str) -> None:
        super().__init__(f"store {store_id} is closed")


class StoreDoesNotParticipate(RuleViolated):
    def __init__(self, store_id: str) -> None:
        super().__init__(f"store {store_id} does not take part in robot shopping")
