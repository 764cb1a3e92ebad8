"""What the rules of the depot forbid."""

from mallbots_platform.errors import RuleViolated


class BotIsOffline(RuleViolated):
    def __init__(self, bot_id: str) -> None:
        super().__init__(f"bot {bot_id} is offline")


class BotHasAShoppingList(RuleViolated):
    def __init__(self, bot_id: str) -> None:
        super().__init__(f"bot {bot_id} has a shopping list")


class BotHasNoShoppingList(RuleViolated):
    def __init__(self, bot_id: str) -> None:
        super().__init__(f"bot {bot_id} has no shopping list")


class BotIsNotThere(RuleViolated):
    def __init__(self, store_id: str) -> None:
        super().__init__(f"the bot is not at store {store_id}")


class ShoppingListIsAnothers(RuleViolated):
    def __init__(self, shopping_list_id: str) -> None:
        super().__init__(f"shopping list {shopping_list_id} is not this bot's")


class ShoppingListIsCancelled(RuleViolated):
    def __init__(self, shopping_list_id: str) -> None:
        super().__init__(f"shopping list {shopping_list_id} is cancelled")


class ShoppingListIsCompleted(RuleViolated):
    def __init__(self, shopping_list_id: str) -> None:
        super().__init__(f"shopping list {shopping_list_id} is completed")


class ShoppingListIsNot(RuleViolated):
    def __init__(self, shopping_list_id: str, wanted: str, status: str) -> None:
        super().__init__(f"shopping list {shopping_list_id} is {status}, not {wanted}")


class StoreIsNotOnTheList(RuleViolated):
    def __init__(self, store_id: str) -> None:
        super().__init__(f"nothing on the list is from store {store_id}")


class ItemIsNotOnTheList(RuleViolated):
    def __init__(self, product_id: str) -> None:
        super().__init__(f"product {product_id} is not on the list")


class FewerPiecesWanted(RuleViolated):
    def __init__(self, product_id: str, pieces: int) -> None:
        super().__init__(f"only {pieces} more of product {product_id} are wanted")


class ShoppingIsNotDone(RuleViolated):
    def __init__(self, product_id: str) -> None:
        super().__init__(f"product {product_id} is neither collected nor reported missing")


class StoreIsClosed(RuleViolated):
    def __init__(self, store_id: str) -> None:
        super().__init__(f"store {store_id} is closed")
