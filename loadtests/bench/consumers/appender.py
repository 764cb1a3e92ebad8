"""Appends to the event store through the writer: so many changes at once, and so many events of history before."""

import asyncio
import random

import uvloop

from loadtests.bench.gate import Gate
from mallbots_platform.aggregates import Aggregate
from mallbots_platform.event_store import EventSourced
from mallbots_platform.messages import Contract, event
from mallbots_platform.process import Process, open_process
from mallbots_platform.settings import Settings

ACCOUNTS = Contract(context="accounts")
EVENTS_EACH = 50
HISTORY_AT_ONCE = 50


@event
class Paid:
    amount: int
    reference: str


class Account(Aggregate):
    balance: int = 0

    def pay(self, amount: int) -> None:
        self.record(Paid(amount=amount, reference="for what was agreed upon"))

    def apply(self, event: Paid) -> None:
        self.balance += event.amount


class Accounts:
    def __init__(self, process: Process) -> None:
        self._process = process
        self._stored: EventSourced[Account] = process.event_sourced(Account, (Paid,))
        self._opened = 0

    def open_one(self, events: int = 1) -> None:
        """A change: a new account, with as many events."""
        account = Account(id=f"account-{self._opened}")
        self._opened += 1
        for number in range(events):
            account.pay(number)
        self._stored.add(account)

    async def append(self, changes: int, at_once: int) -> None:
        """Changes that wait together are committed together."""
        for _ in range(changes // at_once):
            await asyncio.gather(*(self._process.change(self.open_one) for _ in range(at_once)))

    async def fill(self, events: int) -> None:
        for _ in range(max(1, events // (EVENTS_EACH * HISTORY_AT_ONCE))):
            await asyncio.gather(
                *(self._process.change(lambda: self.open_one(EVENTS_EACH)) for _ in range(HISTORY_AT_ONCE))
            )

    async def load(self, times: int) -> None:
        await self._process.read(lambda: self._load(times))

    def _load(self, times: int) -> None:
        for _ in range(times):
            self._stored.get(f"account-{random.randrange(self._opened)}")


async def main(gate: Gate) -> None:
    settings = Settings(
        context=ACCOUNTS.context, database_url=f"sqlite:///{gate.work['database']}", redis_url=gate.work["redis"]
    )
    async with open_process(ACCOUNTS, settings) as process:
        process.writer.start()
        accounts = Accounts(process)
        await accounts.fill(gate.work["history"])
        await asyncio.to_thread(gate.wait)
        if changes := gate.work["changes"]:
            await accounts.append(changes, gate.work["at_once"])
        else:
            await accounts.load(gate.work["loads"])
        gate.report()


if __name__ == "__main__":
    uvloop.run(main(Gate()))
