"""The sagas of one process: each hears the replies and time-outs that are its own."""

from collections.abc import Iterable, Iterator
from typing import Any

from mallbots_platform.codec import Codec
from mallbots_platform.database import Database
from mallbots_platform.errors import NewerVersion
from mallbots_platform.handling import Route
from mallbots_platform.messages import Accepted, Refused
from mallbots_platform.orchestration import AnswerIsOverdue, Orchestration
from mallbots_platform.outbox import Outbox
from mallbots_platform.partitions import replies_for
from mallbots_platform.saga_steps import is_open
from mallbots_platform.timers import Timers


class Orchestrations:
    def __init__(self, context: str, database: Database, codec: Codec, outbox: Outbox, timers: Timers) -> None:
        self._context = context
        self._database = database
        self._codec = codec
        self._outbox = outbox
        self._timers = timers
        self._all: list[Orchestration] = []

    def __iter__(self) -> Iterator[Orchestration]:
        return iter(self._all)

    def add(self, orchestration: Orchestration) -> None:
        """From now on it begins, is cancelled and goes on."""
        if not self._all:
            self._timers.handle({AnswerIsOverdue: self._on_overdue})
        self._all.append(orchestration)
        saga = orchestration.saga
        self._outbox.listen(saga.begins_on, orchestration.on_begin)
        if saga.cancels_on:
            self._outbox.listen(saga.cancels_on, orchestration.on_cancel)

    def hear_replies(self, participants: Iterable[str], routes: list[Route]) -> None:
        """Of each once, though several sagas should ask it."""
        by_name = {self._codec.wire(kind).name: self._on_reply for kind in (Accepted, Refused)}
        channel = replies_for(self._context)
        heard = {route.source for route in routes if route.channel == channel}
        routes.extend(Route(each, channel, by_name) for each in participants if each not in heard)

    def _on_reply(self, reply: Any, envelope: Any) -> None:
        for orchestration in self._all:
            if orchestration.owns(envelope.causationid):
                return orchestration.on_reply(reply, envelope)
        saga = envelope.causationid.partition(":")[0]
        if is_open(self._database, f"{saga}:{envelope.subject}"):
            raise NewerVersion(f"this program does not know the saga {saga}")

    def _on_overdue(self, timer: AnswerIsOverdue) -> None:
        for orchestration in self._all:
            if orchestration.saga.name == timer.saga:
                return orchestration.on_overdue(timer)
        raise NewerVersion(f"this program does not know the saga {timer.saga}")
