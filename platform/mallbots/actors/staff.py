"""Shop and depot staff: open stores, change prices, take stock of what robots bring, hand goods over."""

import asyncio
import contextlib

from contexts.customers.contract import customers_pb2
from contexts.depot.contract import depot_pb2
from contexts.ordering.contract import ordering_pb2
from contexts.stores.contract import stores_pb2
from mallbots.actors.mall import Mall
from mallbots.plan import Choice, Plan, StorePlan
from mallbots_platform.errors import RuleViolated

CURRENCY = "EUR"
PAUSE_SECONDS = 0.03


class Staff:
    def __init__(self, mall: Mall) -> None:
        self._mall = mall
        self._products: dict[tuple[int, int], str] = {}

    async def open_stores(self, plan: Plan) -> None:
        await asyncio.gather(*(self._open_store(number, store) for number, store in enumerate(plan.stores)))

    def product_id(self, choice: Choice) -> str:
        return self._products[choice.store, choice.product]

    async def raise_price(self, choice: Choice, price: int) -> None:
        """At least one minor unit above `price`; another customer's visit may have raised it already."""
        product_id = self.product_id(choice)
        looked = await self._mall.look(
            self._mall.stores.GetProduct, stores_pb2.GetProductRequest(product_id=product_id)
        )
        request = stores_pb2.IncreaseProductPriceRequest(
            product_id=product_id, price=max(price, looked.product.price) + 10
        )
        with contextlib.suppress(RuleViolated):
            await self._mall.change(self._mall.stores.IncreaseProductPrice, request)

    async def disable(self, customer_id: str) -> None:
        request = customers_pb2.DisableCustomerRequest(customer_id=customer_id)
        await self._mall.change(self._mall.customers.DisableCustomer, request)

    async def serve(self) -> None:
        """At the depot, until cancelled."""
        while True:
            await asyncio.gather(self._check_lists(), self._hand_over())
            await asyncio.sleep(PAUSE_SECONDS)

    async def _open_store(self, number: int, store: StorePlan) -> None:
        stores = self._mall.stores
        opened = await self._mall.change(
            stores.OpenStore, stores_pb2.OpenStoreRequest(name=store.name, location=store.location)
        )
        for place, product in enumerate(store.products):
            request = stores_pb2.AddProductRequest(
                store_id=opened.store_id,
                name=product.name,
                sku=product.sku,
                price=product.price,
                currency=CURRENCY,
            )
            added = await self._mall.change(stores.AddProduct, request)
            self._products[number, place] = added.product_id
        participate = stores_pb2.EnableParticipationRequest(store_id=opened.store_id)
        await self._mall.change(stores.EnableParticipation, participate)

    async def _check_lists(self) -> None:
        depot, at_depot = self._mall.depot, depot_pb2.SHOPPING_LIST_STATUS_AT_DEPOT
        waiting = await self._mall.look(
            depot.ListShoppingLists, depot_pb2.ListShoppingListsRequest(status=at_depot, page_size=100)
        )
        for each in waiting.shopping_lists:
            request = depot_pb2.CheckShoppingListRequest(shopping_list_id=each.shopping_list_id)
            with contextlib.suppress(RuleViolated):  # cancelled in the meantime
                await self._mall.change(depot.CheckShoppingList, request)

    async def _hand_over(self) -> None:
        ordering, completed = self._mall.ordering, ordering_pb2.ORDER_STATUS_COMPLETED
        waiting = await self._mall.look(
            ordering.ListOrders, ordering_pb2.ListOrdersRequest(status=completed, page_size=100)
        )
        for each in waiting.orders:
            request = ordering_pb2.HandOverRequest(order_id=each.order_id)
            with contextlib.suppress(RuleViolated):
                await self._mall.change(ordering.HandOver, request)
