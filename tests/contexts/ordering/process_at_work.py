"""The order process over a real database. Its participants and the time are played by the test."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from contexts.customers import contract as customers
from contexts.depot import contract as depot
from contexts.ordering.adapters.sql_order_list import SqlOrderList, metadata
from contexts.ordering.application.approve_order import ApproveOrder, approve_order
from contexts.ordering.application.cancel_order import CancelOrder, cancel_order
from contexts.ordering.application.create_order import CreateOrder, create_order
from contexts.ordering.application.order_process import order_process
from contexts.ordering.application.published_events import published_events
from contexts.ordering.application.reduce_order import ReduceOrder, reduce_order
from contexts.ordering.application.reject_order import RejectOrder, reject_order
from contexts.ordering.contract import CONTRACT, OrderCancelled, OrderCreated
from contexts.ordering.domain import Order
from contexts.ordering.domain.events import ORDER_EVENTS
from contexts.payments import contract as payments
from mallbots_platform.envelope import Envelope
from mallbots_platform.event_store import EventSourced
from mallbots_platform.messages import Accepted, Refused
from mallbots_platform.orchestration import AnswerIsOverdue, Orchestration
from mallbots_platform.process import Process, open_process
from mallbots_platform.saga_wakeups import Asleep, asleep
from mallbots_platform.sagas import PROCESS_EVENTS, SagaProcess
from mallbots_platform.settings import Settings
from tests.contexts.ordering.histories import CLAY

NO_REDIS = "redis://127.0.0.1:1"
T = TypeVar("T")


class Sent(NamedTuple):
    """A command in the outbox, such as `CreateShoppingList` to `depot`."""

    id: str
    to: str
    name: str


@dataclass(frozen=True, slots=True)
class Look:
    """Everything about one order, at one moment. `told` are the names of the events that others were told."""

    order: Order
    saga: SagaProcess
    sent: list[Sent]
    told: list[str]
    history: list[str]
    timer: AnswerIsOverdue | None
    asleep: list[Asleep]

    @property
    def asked(self) -> list[str]:
        return [command.name for command in self.sent]


class OrderProcess:
    """Built as a process builds it, but for the streams: answers are handed in, an overdue timer is fired by hand."""

    def __init__(self, process: Process, runner: asyncio.Runner) -> None:
        self._process = process
        self._runner = runner
        self._orders = process.event_sourced(Order, events=ORDER_EVENTS)
        self._order_list = SqlOrderList(process.database)
        self._sagas = EventSourced(SagaProcess, PROCESS_EVENTS, process.database, process.outbox, process.meter)
        handlers: dict[type, Callable[..., object]] = {
            ApproveOrder: partial(approve_order, orders=self._orders, order_list=self._order_list),
            RejectOrder: partial(reject_order, orders=self._orders, order_list=self._order_list),
        }
        self._orchestration = Orchestration(
            *(order_process, handlers, self._sagas, process.writer, process.outbox, process.timers),
            *(process.codec, process.meter),
        )
        for participant in (customers.CONTRACT, depot.CONTRACT, payments.CONTRACT):
            process.codec.know(participant)
        process.timers.handle({AnswerIsOverdue: self._orchestration.on_overdue})
        process.publish(published_events)
        process.outbox.listen(OrderCreated, self._orchestration.on_begin)
        process.outbox.listen(OrderCancelled, self._orchestration.on_cancel)

    def places(self, order_id: str) -> None:
        command = CreateOrder(order_id=order_id, customer_id="ada", payment_id="pay", items=(CLAY,), currency="EUR")
        self._change(partial(create_order, command, self._orders, self._order_list))

    def cancels(self, order_id: str) -> None:
        command = CancelOrder(order_id=order_id, reason="changed my mind")
        self._change(partial(cancel_order, command, self._orders, self._order_list))

    def misses_all_goods(self, order_id: str) -> None:
        command = ReduceOrder(order_id=order_id, product_id=CLAY.product_id, quantity=CLAY.quantity)
        self._change(partial(reduce_order, command, self._orders, self._order_list))

    def hears(self, order_id: str, reply: Accepted | Refused, command_id: str) -> None:
        """The reply to a command, as the participant's outbox would say it."""
        envelope = Envelope(
            id=f"reply to {command_id}",
            type=f"platform.{type(reply).__name__}",
            source="participant",
            subject=order_id,
            time="2026-11-24T08:30:00.000000Z",
            dataversion=1,
            channel="replies.ordering",
            partition=0,
            sequence=1,
            correlationid=order_id,
            causationid=command_id,
            data=msgspec.Raw(b"{}"),
        )
        self._change(lambda: self._orchestration.on_reply(reply, envelope))

    def waits_too_long(self, order_id: str) -> None:
        """The timer that is set fires, as timers do: in one transaction it is gone, and has its effect."""

        def fire() -> None:
            timer = self._timer(order_id)
            assert timer, "no timer is set"
            self._process.timers.cancel(AnswerIsOverdue, f"order:{order_id}")
            self._orchestration.on_overdue(timer)

        self._change(fire)

    def minds_an_old_timer(self, order_id: str, command_id: str) -> None:
        """A timer was about to fire when the answer came."""
        timer = AnswerIsOverdue(saga="order", key=order_id, message_id=command_id)
        self._change(lambda: self._orchestration.on_overdue(timer))

    def look(self, order_id: str) -> Look:
        return self._runner.run(self._process.read(lambda: self._look(order_id)))

    def _look(self, order_id: str) -> Look:
        run = self._process.database.run
        said = run("SELECT id, channel, type FROM outbox WHERE key = ? ORDER BY rowid", (order_id,))
        steps = run("SELECT type FROM events WHERE stream_id = ? ORDER BY version", (f"SagaProcess-order:{order_id}",))
        return Look(
            order=self._orders.get(order_id),
            saga=self._sagas.get(f"order:{order_id}"),
            sent=[Sent(id, _last(channel), _last(name)) for id, channel, name in said if channel != "events"],
            told=[_last(name) for _, channel, name in said if channel == "events"],
            history=[_last(name) for (name,) in steps],
            timer=self._timer(order_id),
            asleep=asleep(self._process.database, self._process.context),
        )

    def _timer(self, order_id: str) -> AnswerIsOverdue | None:
        rows = self._process.database.run("SELECT data FROM timers WHERE key = ?", (f"order:{order_id}",))
        return AnswerIsOverdue(**json.loads(rows[0][0])) if rows else None

    def _change(self, work: Callable[[], T]) -> T:
        return self._runner.run(self._process.change(work))


def _last(name: str) -> str:
    return name.rpartition(".")[2]


@contextmanager
def order_process_at_work(directory: Path) -> Iterator[OrderProcess]:
    database_url = f"sqlite:///{directory / 'ordering.db'}"
    opening = open_process(CONTRACT, Settings(context="ordering", database_url=database_url, redis_url=NO_REDIS))
    with asyncio.Runner() as runner:
        process = runner.run(opening.__aenter__())
        try:
            process.create_tables(metadata)
            runner.run(_start(process))
            yield OrderProcess(process, runner)
        finally:
            runner.run(opening.__aexit__(None, None, None))


async def _start(process: Process) -> None:
    process.writer.start()
