"""The shops of a run, and what they sell."""

import random
from typing import NamedTuple

from contexts.stores.contract import stores_pb2 as pb
from loadtests.swarm.mall import Mall
from mallbots.plan import StorePlan, make_plan

CURRENCY = "EUR"


class Product(NamedTuple):
    product_id: str
    store_id: str


class Goods:
    def __init__(self, products: list[Product]) -> None:
        self.products = products

    def choose(self, dice: random.Random, kinds: int) -> list[Product]:
        return dice.sample(self.products, kinds)


def open_shops(mall: Mall, seed: int) -> Goods:
    """New ones for each run, so that a run in a mall that has others already is like every other run."""
    return Goods([product for store in make_plan(1, seed).stores for product in _open(mall, store)])


def _open(mall: Mall, store: StorePlan) -> list[Product]:
    stores = mall.stores
    store_id = mall.change(stores.OpenStore, pb.OpenStoreRequest(name=store.name, location=store.location)).store_id
    products = []
    for each in store.products:
        request = pb.AddProductRequest(
            store_id=store_id, name=each.name, sku=each.sku, price=each.price, currency=CURRENCY
        )
        products.append(Product(mall.change(stores.AddProduct, request).product_id, store_id))
    mall.change(stores.EnableParticipation, pb.EnableParticipationRequest(store_id=store_id))
    return products
