"""A teller that has said a few things, a listener that refused some of them, and an operator who asks both."""

from contextlib import AsyncExitStack

from mallbots_platform.errors import RuleViolated
from mallbots_platform.grpc_client import Client, client_for, open_channel
from mallbots_platform.operator_api import SERVICE
from tests.support.world import Running, World, eventually


async def operator_of(running: Running, stack: AsyncExitStack) -> Client:
    channel = await stack.enter_async_context(open_channel(running.process.endpoint.operator))
    return client_for(channel, SERVICE)


class Listening:
    """A teller that said a few things, and a listener that refused some of them."""

    def __init__(self, teller: Running, listener: Running, stack: AsyncExitStack) -> None:
        self.teller, self.listener = teller, listener
        self._stack = stack
        self.is_willing = False

    async def ask_teller(self) -> Client:
        return await operator_of(self.teller, self._stack)

    async def ask_listener(self) -> Client:
        return await operator_of(self.listener, self._stack)


async def listening(world: World, stack: AsyncExitStack) -> Listening:
    told: list[Listening] = []

    def on_said(text: str) -> None:
        if "bad" in text and not (told and told[0].is_willing):
            raise RuleViolated(f"{text} is not heard here")

    teller, listener = await world.teller(), await world.listener(on_said)
    told.append(Listening(teller, listener, stack))
    await teller.say("good", "bad", "behind")
    await teller.say("elsewhere", key="other")
    assert await eventually(lambda: has_deliveries(listener, 4))
    return told[0]


async def has_deliveries(running: Running, count: int) -> bool:
    return len(await running.rows("SELECT 1 FROM deliveries")) >= count
