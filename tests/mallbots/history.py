"""What contexts might have said and done, made by hand."""

import json
from dataclasses import dataclass, field
from typing import Any

from mallbots.invariants import Evidence, OrderRecord
from mallbots_platform import operator_pb2 as pb

MILLISECOND = 1_000
START = 1_700_000_000_000_000
ORDER = "order-1"


@dataclass
class History:
    """Each thing happens a millisecond after the one before."""

    messages: list[pb.LogEntry] = field(default_factory=list)
    deliveries: list[pb.Delivery] = field(default_factory=list)
    requests: list[pb.Request] = field(default_factory=list)

    @property
    def now(self) -> int:
        return START + MILLISECOND * (len(self.messages) + len(self.deliveries) + len(self.requests))

    def call(self, context: str, method: str, took_us: int = 800) -> str:
        """The id of a request."""
        id = f"call-{len(self.requests) + 1}"
        name = f"mallbots.{context}.v1.Service/{method}" if not method.startswith("timer ") else method
        self.requests.append(pb.Request(id=id, method=name, context=context, received_at=self.now, duration_us=took_us))
        return id

    def say(self, type: str, cause: str, *, key: str = ORDER, **fields: Any) -> pb.LogEntry:
        source = fields.setdefault("source", type.partition(".")[0])
        channel = fields.setdefault("channel", "events")
        sequence = sum((each.source, each.channel) == (source, channel) for each in self.messages) + 1
        wanted: dict[str, Any] = {
            "message_id": f"{source}:{channel}:{sequence}",
            "sequence": sequence,
            "subject": key,
            "correlation_id": key,
            "committed_at": self.now,
            "published_at": self.now,
            "envelope": json.dumps({"data": fields.pop("data", {})}).encode(),
        }
        entry = pb.LogEntry(type=type, causation_id=cause, **(wanted | fields))
        self.messages.append(entry)
        return entry

    def deliver(self, entry: pb.LogEntry, group: str, outcome: str = "applied", **fields: Any) -> pb.Delivery:
        wanted: dict[str, Any] = {
            "position": len(self.deliveries) + 1,
            "attempts": 1,
            "outbox_us": 1_500,
            "stream_us": 700,
            "handler_us": 900,
            "critical_us": 4_000,
            "committed_at": self.now,
        }
        delivery = pb.Delivery(
            message_id=entry.message_id,
            type=entry.type,
            group=group,
            source=entry.source,
            channel=entry.channel,
            partition=entry.partition,
            sequence=entry.sequence,
            subject=entry.subject,
            correlation_id=entry.correlation_id,
            outcome=outcome,
            **(wanted | fields),
        )
        self.deliveries.append(delivery)
        return delivery

    def step(self, name: str, participant: str, cause: str, refusal: str = "", attempt: int = 1) -> pb.LogEntry:
        """A command of the order process, carried out and answered; the reply."""
        command = self.say(
            f"{participant}.DoSomething",
            cause,
            source="ordering",
            channel=f"commands.{participant}",
            message_id=f"order:{ORDER}:do:{name}:{attempt}",
        )
        self.deliver(command, participant)
        reply = self.say(
            "mallbots.Refused" if refusal else "mallbots.Accepted",
            command.message_id,
            source=participant,
            channel="replies.ordering",
            data={"reason": refusal} if refusal else {},
        )
        self.deliver(reply, "ordering")
        return reply

    def evidence(self, **changes: Any) -> Evidence:
        """Of a mall in which `ordering` listens to baskets, and `payments` to ordering."""
        heard = (("ordering", "baskets"), ("payments", "ordering"))
        wanted: dict[str, Any] = {
            "messages": self.messages,
            "deliveries": {"all": self.deliveries},
            "subscriptions": [pb.Subscription(group=group, source=source, channel="events") for group, source in heard],
            "requests": {request.id for request in self.requests},
            "orders": {ORDER: OrderRecord("collected", 2590)},
            "takings": 2590,
        }
        return Evidence(**(wanted | changes))


def one_order() -> History:
    """From check-out to hand-over, in short."""
    history = History()
    checked_out = history.say("baskets.BasketCheckedOut", history.call("baskets", "CheckoutBasket"))
    history.deliver(checked_out, "ordering")
    created = history.say("ordering.OrderCreated", checked_out.message_id)
    history.deliver(created, "payments", "ignored")
    collected = history.say("ordering.OrderCollected", history.call("ordering", "HandOver"))
    history.deliver(collected, "payments", "ignored")
    return history


def paid_order() -> History:
    history = one_order()
    history.say("payments.InvoicePaid", "call-1", data={"amount": 2590})
    return history
