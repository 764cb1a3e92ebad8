"""What the rules of stores and products forbid."""

from mallbots_platform.errors import RuleViolated


class StoreIsClosed(RuleViolated):
    def __init__(self, store_id: str) -> None:
        super().__init__(f"store {store_id} is closed")


class StoreParticipatesAlready(RuleViolated):
    def __init__(self, store_id: str) -> None:
        super().__init__(f"store {store_id} participates already")


class StoreDoesNotParticipate(RuleViolated):
    def __init__(self, store_id: str) -> None:
        super().__init__(f"store {store_id} does not participate")


class SkuIsTaken(RuleViolated):
    def __init__(self, sku: str) -> None:
        super().__init__(f"another product of the store has the SKU {sku!r}")


class ProductIsRemoved(RuleViolated):
    def __init__(self, product_id: str) -> None:
        super().__init__(f"product {product_id} is removed")


class PriceIsNotHigher(RuleViolated):
    def __init__(self, price: int, current: int) -> None:
        super().__init__(f"the price {price} is not higher than {current}")


class PriceIsNotLower(RuleViolated):
    def __init__(self, price: int, current: int) -> None:
        super().__init__(f"the price {price} is not lower than {current}")
