"""Staff: take stock of what robots bring, hand goods over, change a price now and then, look at the board."""

import contextlib
import random
import time
import zlib

from contexts.depot.contract import depot_pb2
from contexts.ordering.contract import ordering_pb2
from contexts.payments.contract import payments_pb2
from contexts.stores.contract import stores_pb2
from loadtests.swarm.here import Here
from loadtests.swarm.mall import CallFailed, NotThere, Refused

PAUSE_SECONDS = 0.2
ROUNDS_PER_PRICE, ROUNDS_PER_LOOK = 50, 10


class Clerk:
    """`place` is the clerk's own; each has the orders that fall to it, so that no two do the same."""

    def __init__(self, here: Here, place: int) -> None:
        self._here = here
        self._mall = here.mall
        self._place = place
        self._dice = random.Random(f"clerk {place} {here.instructions.seed}")
        self._rounds = 0

    def works(self) -> None:
        """One round. Who does not answer now may do so next time."""
        self._rounds += 1
        with contextlib.suppress(CallFailed):
            self._check_lists()
            self._hand_over()
            if self._place == 0 and self._rounds % ROUNDS_PER_LOOK == 0:
                self._look_at_the_board()
            if self._place == 0 and self._rounds % ROUNDS_PER_PRICE == 0:
                self._change_a_price()
        time.sleep(PAUSE_SECONDS)

    def _check_lists(self) -> None:
        depot = self._mall.depot
        waiting = depot_pb2.ListShoppingListsRequest(status=depot_pb2.SHOPPING_LIST_STATUS_AT_DEPOT, page_size=100)
        for each in self._mall.look(depot.ListShoppingLists, waiting).shopping_lists:
            if self._is_mine(each.order_id):
                request = depot_pb2.CheckShoppingListRequest(shopping_list_id=each.shopping_list_id)
                with contextlib.suppress(Refused):  # cancelled in the meantime
                    self._mall.change(depot.CheckShoppingList, request, about=each.order_id)

    def _hand_over(self) -> None:
        ordering = self._mall.ordering
        waiting = ordering_pb2.ListOrdersRequest(status=ordering_pb2.ORDER_STATUS_COMPLETED, page_size=100)
        for each in self._mall.look(ordering.ListOrders, waiting).orders:
            if self._is_mine(each.order_id):
                with contextlib.suppress(Refused):
                    request = ordering_pb2.HandOverRequest(order_id=each.order_id)
                    self._mall.change(ordering.HandOver, request, about=each.order_id)

    def _is_mine(self, order_id: str) -> bool:
        return zlib.crc32(order_id.encode()) % self._here.instructions.clerks == self._place

    def _look_at_the_board(self) -> None:
        mall = self._mall
        mall.look(mall.ordering.CountOrders, ordering_pb2.CountOrdersRequest())
        mall.look(mall.depot.CountBots, depot_pb2.CountBotsRequest())
        mall.look(mall.payments.CountInvoices, payments_pb2.CountInvoicesRequest())

    def _change_a_price(self) -> None:
        stores, (product,) = self._mall.stores, self._here.goods.choose(self._dice, 1)
        looked = self._mall.look(stores.GetProduct, stores_pb2.GetProductRequest(product_id=product.product_id))
        request = stores_pb2.IncreaseProductPriceRequest(product_id=product.product_id, price=looked.product.price + 5)
        with contextlib.suppress(Refused, NotThere):
            self._mall.change(stores.IncreaseProductPrice, request)
