"""The list of customers in memory, kept to the same suite as the one in SQL."""

from contexts.customers.domain import Customer
from mallbots_platform.testing import MemoryRepository


class MemoryCustomerList:
    def __init__(self, customers: MemoryRepository[Customer]) -> None:
        self.customers = customers

    def page(self, after: str, limit: int) -> list[Customer]:
        in_order = sorted(self.customers.all(), key=lambda customer: customer.id)
        return [customer for customer in in_order if customer.id > after][:limit]
