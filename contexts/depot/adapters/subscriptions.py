"""What depot remembers of stores and products, and what it does when a bot's lease is over."""

from dataclasses import replace

from contexts.depot.adapters.bot_leases import BotIsSilent
from contexts.depot.application.give_up_on_bot import GiveUpOnBot, give_up_on_bot
from contexts.depot.application.ports import Bots, Products, ShoppingLists, Stores
from contexts.depot.domain import Product, Store
from contexts.stores.contract import ProductAdded, ProductRebranded, StoreClosed, StoreOpened, StoreRebranded


class Reactions:
    def __init__(self, lists: ShoppingLists, bots: Bots, stores: Stores, products: Products) -> None:
        self.lists = lists
        self.bots = bots
        self.stores = stores
        self.products = products

    def on_store_opened(self, event: StoreOpened) -> None:
        store = Store(
            store_id=event.store_id, name=event.name, location=event.location, is_open=True, version=event.version
        )
        self.stores.keep(store)

    def on_store_rebranded(self, event: StoreRebranded) -> None:
        if store := self.stores.find(event.store_id):
            self.stores.keep(replace(store, name=event.name, version=event.version))

    def on_store_closed(self, event: StoreClosed) -> None:
        if store := self.stores.find(event.store_id):
            self.stores.keep(replace(store, is_open=False, version=event.version))

    def on_product_named(self, event: ProductAdded | ProductRebranded) -> None:
        self.products.keep(Product(product_id=event.product_id, name=event.name, version=event.version))

    def on_bot_is_silent(self, timer: BotIsSilent) -> None:
        give_up_on_bot(GiveUpOnBot(bot_id=timer.bot_id), self.lists, self.bots)
