"""`mallbots demo` with customers who come one by one, at a pace that is set: for measuring what is not a queue."""

import asyncio
import os
import sys

from mallbots import day
from mallbots.__main__ import main
from mallbots.actors.customers import Customer
from mallbots.demo import MOST_ORDERS

PACE = "BENCH_SECONDS_BETWEEN_CUSTOMERS"


class PatientCustomer(Customer):
    """Comes when it is its turn."""

    _coming = 0

    async def shop(self) -> str:
        number, PatientCustomer._coming = PatientCustomer._coming, PatientCustomer._coming + 1
        await asyncio.sleep(number * float(os.environ[PACE]))
        return await super().shop()


if __name__ == "__main__":
    gentle = {"Customer": PatientCustomer, "CUSTOMERS_AT_ONCE": MOST_ORDERS}
    assert gentle.keys() <= vars(day).keys(), "customers come from somewhere else now, and would not be gentle"
    vars(day).update(gentle)
    sys.exit(main())
