"""`python -m mallbots.troubles.crowd CONTEXT HOST:PORT RATE SECONDS`: so many calls a second, whoever is answered.

Each wants to change what is not there, so that it takes the way of a change and leaves nothing. What became of them is
printed as JSON, by status.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from typing import Any

import grpc
from google.protobuf.message import Message

from contexts.baskets.contract import baskets_pb2
from contexts.customers.contract import customers_pb2
from contexts.depot.contract import depot_pb2
from contexts.ordering.contract import ordering_pb2
from contexts.payments.contract import payments_pb2
from contexts.stores.contract import stores_pb2
from mallbots_platform.grpc_client import open_channel

NOBODY = "nobody-has-this-id"
PATIENCE_SECONDS = 0.25
MOST_AT_ONCE = 1000  # or who calls would be overloaded, and not who is called
CHANGES: dict[str, tuple[str, Message]] = {
    "stores": ("DisableParticipation", stores_pb2.DisableParticipationRequest(store_id=NOBODY)),
    "customers": ("DisableCustomer", customers_pb2.DisableCustomerRequest(customer_id=NOBODY)),
    "baskets": ("CancelBasket", baskets_pb2.CancelBasketRequest(basket_id=NOBODY)),
    "ordering": ("CancelOrder", ordering_pb2.CancelOrderRequest(order_id=NOBODY, reason="too many came")),
    "payments": ("PayInvoice", payments_pb2.PayInvoiceRequest(order_id=NOBODY)),
    "depot": ("BotOffline", depot_pb2.BotOfflineRequest(bot_id=NOBODY)),
}


async def besiege(context: str, address: str, rate: float, seconds: float) -> Counter[str]:
    """How many calls ended with each status."""
    method, request = CHANGES[context]
    name = f"/mallbots.{context}.v1.{context.capitalize()}Service/{method}"
    found, under_way, came, began = Counter[str](), set[asyncio.Task[None]](), 0, time.monotonic()
    async with open_channel(address) as channel:
        open_call: Any = channel.unary_unary
        call = open_call(name)

        async def ask() -> None:
            try:
                await call(request.SerializeToString(), timeout=PATIENCE_SECONDS)
                found["OK"] += 1
            except grpc.aio.AioRpcError as error:
                found[error.code().name] += 1

        while (now := time.monotonic() - began) < seconds:
            while came < now * rate:
                came += 1
                if len(under_way) < MOST_AT_ONCE:
                    under_way.add(asking := asyncio.create_task(ask()))
                    asking.add_done_callback(under_way.discard)
            await asyncio.sleep(0.001)
        if under_way:
            await asyncio.wait(under_way)
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(besiege(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))))
