"""What led to what: messages, what each subscriber did with them, and the calls and timers that everything began with.

A command of a process (saga) and its reply count as one step: what the reply led to stands beside the step, so that
a process reads from top to bottom and not as a staircase.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from mallbots_platform import operator_pb2 as pb


@dataclass(slots=True)
class Handling:
    """What one group did with a message. Times are microseconds; `due_at` is that of its next attempt, or 0."""

    group: str
    outcome: str
    attempts: int
    stream_us: int
    handler_us: int
    critical_us: int
    committed_at: int
    error: str = ""
    due_at: int = 0
    effects: list["Message"] = field(default_factory=list)

    @property
    def context(self) -> str:
        return self.group.partition(".")[0]


@dataclass(slots=True)
class Message:
    """`outbox_us` is None until somebody has received it. `answer_us`: from a command to the end of its step."""

    id: str
    type: str
    source: str
    channel: str
    committed_at: int
    is_published: bool
    asked_for: bool = False
    outbox_us: int | None = None
    answer: str = ""
    answer_us: int | None = None
    handlings: list[Handling] = field(default_factory=list)
    effects: list["Message"] = field(default_factory=list)

    @property
    def is_command(self) -> bool:
        return self.channel.startswith("commands.")

    @property
    def is_reply(self) -> bool:
        return self.channel.startswith("replies.")


@dataclass(slots=True)
class Root:
    """Where a part of the flow begins: a `call`, a `timer`, something `elsewhere` in another `flow`, or `unknown`."""

    id: str
    kind: str
    name: str
    context: str
    at: int
    duration_us: int = 0
    flow: str = ""
    effects: list[Message] = field(default_factory=list)


@dataclass(slots=True)
class Flow:
    """Roots in the order in which they happened."""

    id: str
    roots: list[Root]
    state: str
    seconds: float
    events: int
    handlings: int
    retries: int
    parked: int
    ends_with_hand_over: bool


def build(
    id: str,
    entries: Iterable[pb.LogEntry],
    deliveries: Iterable[pb.Delivery],
    requests: Iterable[pb.Request],
    parked: Iterable[pb.Parked] = (),
    elsewhere: Iterable[pb.LogEntry] = (),
) -> Flow:
    """`elsewhere` are messages of other flows that caused something in this one."""
    return _Builder(id, entries, deliveries, parked).flow(requests, elsewhere)


class _Builder:
    def __init__(
        self,
        id: str,
        entries: Iterable[pb.LogEntry],
        deliveries: Iterable[pb.Delivery],
        parked: Iterable[pb.Parked],
    ) -> None:
        self._id = id
        unique = {entry.message_id: entry for entry in entries}
        self._entries = dict(sorted(unique.items(), key=lambda item: _moment(item[1])))
        self._messages = {entry.message_id: self._message(entry) for entry in self._entries.values()}
        self._due = {(message.group, message.message_id): message.due_at for message in parked}
        for delivery in sorted(deliveries, key=lambda each: each.committed_at):
            self._hand_over(delivery)

    def flow(self, requests: Iterable[pb.Request], elsewhere: Iterable[pb.LogEntry]) -> Flow:
        known = [_root_of(request) for request in requests] + [_foreign(entry) for entry in elsewhere]
        roots = {root.id: root for root in known}
        for entry in self._entries.values():
            self._place(entry, roots)
        for message in self._messages.values():
            _settle(message)
        begun = sorted((root for root in roots.values() if root.effects), key=lambda root: root.at)
        return self._summary(begun)

    def _message(self, entry: pb.LogEntry) -> Message:
        return Message(
            id=entry.message_id,
            type=entry.type,
            source=entry.source,
            channel=entry.channel,
            committed_at=entry.committed_at,
            is_published=bool(entry.published_at),
            asked_for=self._id in (entry.message_id, entry.trace_id),
        )

    def _hand_over(self, delivery: pb.Delivery) -> None:
        message = self._messages.get(delivery.message_id)
        if message is None:
            return
        message.outbox_us = delivery.outbox_us
        handling = Handling(
            group=delivery.group,
            outcome=delivery.outcome,
            attempts=delivery.attempts,
            stream_us=delivery.stream_us,
            handler_us=delivery.handler_us,
            critical_us=delivery.critical_us,
            committed_at=delivery.committed_at,
            error=delivery.error,
            due_at=self._due.get((delivery.group, delivery.message_id), 0),
        )
        message.handlings.append(handling)

    def _place(self, entry: pb.LogEntry, roots: dict[str, Root]) -> None:
        """Put a message where its cause stands."""
        message, cause = self._messages[entry.message_id], self._entries.get(entry.causation_id)
        if message.is_reply and cause is not None:
            self._answer(self._messages[cause.message_id], message, entry)
            return
        while cause is not None and self._messages[cause.message_id].is_reply:
            entry = self._entries.get(cause.causation_id, cause)
            cause = self._entries.get(entry.causation_id)
        if cause is None:
            root = roots.setdefault(entry.causation_id, _unknown(entry))
            root.effects.append(message)
            return
        parent = self._messages[cause.message_id]
        handlings = (each for each in parent.handlings if each.context == message.source and each.outcome == "applied")
        handling = next(handlings, None)
        (handling.effects if handling else parent.effects).append(message)

    def _answer(self, command: Message, reply: Message, entry: pb.LogEntry) -> None:
        command.answer = _refusal(entry)
        heard = [each.committed_at for each in reply.handlings if each.outcome == "applied"]
        if heard:
            command.answer_us = max(0, heard[0] - command.committed_at)

    def _summary(self, roots: list[Root]) -> Flow:
        entries = list(self._entries.values())
        events = [entry for entry in entries if entry.channel == "events"]
        handlings = [each for message in self._messages.values() for each in message.handlings]
        collected = [entry.committed_at for entry in events if entry.type == "ordering.OrderCollected"]
        begin = min([root.at for root in roots], default=0)
        end = collected[-1] if collected else max([entry.committed_at for entry in entries], default=begin)
        return Flow(
            id=self._id,
            roots=roots,
            state=state_after(entry.type for entry in events),
            seconds=max(0, end - begin) / 1e6,
            events=len(events),
            handlings=sum(each.outcome == "applied" for each in handlings),
            retries=sum(max(0, each.attempts - 1) for each in handlings),
            parked=sum(each.outcome in ("parked", "dead") for each in handlings),
            ends_with_hand_over=bool(collected),
        )


STATES = {
    "baskets.BasketStarted": "in the basket",
    "baskets.BasketCheckedOut": "checked out",
    "baskets.BasketCancelled": "cancelled",
    "baskets.BasketAbandoned": "abandoned",
    "ordering.OrderCreated": "pending",
    "ordering.OrderApproved": "approved",
    "ordering.OrderRejected": "rejected",
    "ordering.OrderReadied": "ready",
    "ordering.OrderPaid": "paid",
    "ordering.OrderCompleted": "completed",
    "ordering.OrderCollected": "collected",
    "ordering.OrderCancelled": "cancelled",
}


def state_after(types: Iterable[str]) -> str:
    """What an order is after these events; empty when they are not about one."""
    state = ""
    for type in types:
        state = STATES.get(type, state)
    return state


def step_name(message_id: str) -> str:
    """`order · authorize customer`, out of the id that a process gives to its commands."""
    saga, _, rest = message_id.partition(":")
    parts = rest.split(":")
    if len(parts) < 4:
        return message_id
    direction, step, attempt = parts[-3:]
    again = f" (attempt {attempt})" if attempt != "1" else ""
    return f"{saga} · {'undo ' if direction == 'undo' else ''}{step.replace('-', ' ')}{again}"


def _settle(message: Message) -> None:
    message.effects.sort(key=lambda effect: effect.committed_at)
    message.handlings.sort(key=lambda handling: handling.committed_at)


def _moment(entry: pb.LogEntry) -> tuple[int, str, str, int, int]:
    return entry.committed_at, entry.source, entry.channel, entry.partition, entry.sequence


def _refusal(entry: pb.LogEntry) -> str:
    """Why a reply refuses; `done` when it does not."""
    if not entry.type.endswith("Refused"):
        return "done"
    data = json.loads(entry.envelope or b"{}").get("data", {})
    return f"refused: {data.get('reason') or data.get('code') or 'no reason given'}"


def _root_of(request: pb.Request) -> Root:
    is_timer = request.method.startswith("timer ")
    name = request.method if is_timer else request.method.rpartition("/")[2]
    kind = "timer" if is_timer else "call"
    return Root(request.id, kind, name, request.context, request.received_at, request.duration_us)


def _foreign(entry: pb.LogEntry) -> Root:
    name = entry.type if entry.channel == "events" else step_name(entry.message_id)
    return Root(entry.message_id, "elsewhere", name, entry.source, entry.committed_at, flow=entry.correlation_id)


def _unknown(entry: pb.LogEntry) -> Root:
    cause = entry.causation_id or "nothing"
    return Root(entry.causation_id, "unknown", f"unknown cause {cause}", entry.source, entry.committed_at)
