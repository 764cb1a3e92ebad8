"""`mallbots demo` with customers who come one by one, at a pace that is set: for measuring what is not a queue."""

import asyncio
import os
import sys

from mallbots import demo
from mallbots.__main__ import main
from mallbots.actors.customers import Customer

PACE = "BENCH_SECONDS_BETWEEN_CUSTOMERS"


class PatientCustomer(Customer):
    """Comes when it is its turn."""

    _coming = 0

    async def shop(self) -> str:
        number, PatientCustomer._coming = PatientCustomer._coming, PatientCustomer._coming + 1
        await asyncio.sleep(number * float(os.environ[PACE]))
        return await super().shop()


if __name__ == "__main__":
    vars(demo).update(Customer=PatientCustomer, CUSTOMERS_AT_ONCE=demo.MOST_ORDERS)
    sys.exit(main())
