"""The mall's APIs as its people use them: every change has an idempotency key, and is tried again with the same one."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from google.protobuf.message import Message

from contexts.baskets.contract import baskets_pb2
from contexts.customers.contract import customers_pb2
from contexts.depot.contract import depot_pb2
from contexts.ordering.contract import ordering_pb2
from contexts.payments.contract import payments_pb2
from contexts.stores.contract import stores_pb2
from mallbots_platform.errors import Conflict, Overloaded, Unavailable
from mallbots_platform.grpc_client import client_for, open_channel
from mallbots_platform.ids import new_id

Call = Callable[..., Awaitable[Any]]
PATIENCE_SECONDS = 30.0
LONGEST_PAUSE = 1.0


class Lost(Exception):
    """It belongs to a conversation that a database has lost, which went back to an earlier copy of itself."""


class Mall:
    """A client of each context, by its name. `addresses` are those of their APIs; `lost` are ids of conversations, and
    of what they are about, that a restored database has lost."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self.unanswered = 0
        self.lost: set[str] = set()
        self._channels = {context: open_channel(address) for context, address in addresses.items()}
        self.stores = self._client("stores", stores_pb2)
        self.customers = self._client("customers", customers_pb2)
        self.baskets = self._client("baskets", baskets_pb2)
        self.ordering = self._client("ordering", ordering_pb2)
        self.payments = self._client("payments", payments_pb2)
        self.depot = self._client("depot", depot_pb2)

    async def change(self, call: Call, request: Message, about: str = "") -> Any:
        """Carried out once, however often it has to be sent. `about` is the id of the conversation it belongs to."""
        metadata = [("idempotency-key", new_id())] + ([("correlation-id", about)] if about else [])
        return await self._patiently(partial(call, request, metadata=metadata))

    async def look(self, call: Call, request: Message) -> Any:
        return await self._patiently(partial(call, request))

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close(None)

    async def _patiently(self, call: Callable[[], Awaitable[Any]]) -> Any:
        return await patiently(call, self._count)

    def _count(self) -> None:
        self.unanswered += 1

    def _client(self, context: str, module: Any) -> Any:
        service = module.DESCRIPTOR.services_by_name[f"{context.capitalize()}Service"]
        return client_for(self._channels[context], service)


async def patiently(call: Callable[[], Awaitable[Any]], unanswered: Callable[[], None]) -> Any:
    """Call again while nobody answers, or somebody else was faster, or the other side has too much to do, as soon as it
    wants that; other refusals are for the caller."""
    deadline, pause = time.monotonic() + PATIENCE_SECONDS, 0.05
    while True:
        try:
            return await call()
        except (Unavailable, Conflict) as error:
            unanswered()
            if time.monotonic() > deadline:
                raise
            wanted = error.again_after if isinstance(error, Overloaded) else 0.0
        await asyncio.sleep(wanted + random.uniform(pause / 2, pause))
        pause = min(LONGEST_PAUSE, pause * 2)
