"""Protean as its documentation shows it: aggregates, an event handler, its outbox, on Redis Streams and SQLite.

Its event store is the one in memory, for the other one wants PostgreSQL. Runs in an environment of its own.
"""

# mypy: ignore-errors
# What it imports lives in an environment of its own.

import logging
import os
import threading
import time
from typing import Any

from protean import Domain, handle
from protean.fields import Identifier, Integer, String, Text
from protean.server.engine import Engine
from protean.utils.eventing import Message

from loadtests.bench.gate import Gate
from loadtests.bench.letters import KEYS, letter_fields


def domain_of(work: dict[str, Any]) -> Domain:
    domain = Domain(name="Mail")
    domain.config["databases"]["default"] = {"provider": "sqlite", "database_uri": f"sqlite:///{work['database']}"}
    domain.config["brokers"]["default"] = {"provider": "redis", "URI": work["redis"]}
    domain.config["enable_outbox"] = True
    domain.config["server"]["default_subscription_type"] = "stream"
    domain.config["server"]["default_subscription_profile"] = "production"
    domain.config["server"]["health"] = {"enabled": False}
    return domain


class Mail:
    """The domain: letters of the post become letters of the receiver."""

    def __init__(self, work: dict[str, Any], pause: float = 0.0, poison: int = -1) -> None:
        self.domain = domain = domain_of(work)

        @domain.event(part_of="Post")
        class LetterSent:
            number = Integer(required=True)
            sender = String()
            receiver = String()
            street = String()
            city = String()
            text = Text()

        @domain.aggregate
        class Post:
            id = Identifier(identifier=True)

        @domain.event(part_of="Letter")
        class LetterReceived:
            number = Integer(required=True)
            receiver = String()

        @domain.aggregate(schema_name="letters")
        class Letter:
            number = Integer(required=True)
            receiver = String()
            city = String()

        @domain.event_handler(part_of=Letter, stream_category="mail::post")
        class Receiving:
            @handle(LetterSent)
            def on_letter_sent(self, event: Any) -> None:
                time.sleep(pause)
                if event.number == poison:
                    raise ValueError("poison")
                letter = Letter(number=event.number, receiver=event.receiver, city=event.city)
                letter.raise_(LetterReceived(number=event.number, receiver=event.receiver))
                domain.repository_for(Letter).add(letter)

        self.post, self.letter_sent = Post, LetterSent

    def fill(self, events: int, keys: int = KEYS) -> None:
        """Its own messages wait in the stream."""
        broker = self.domain.brokers["default"]
        for number in range(events):
            fields = letter_fields(number, keys)
            post = self.post(id=f"{number}")
            post.raise_(self.letter_sent(**fields))
            broker.publish(self.post.meta_.stream_category, Message.from_domain_object(post._events[-1]).to_dict())


def main() -> None:
    logging.disable(logging.WARNING)
    gate = Gate()
    mail = Mail(gate.work)
    mail.domain.init(traverse=False)
    with mail.domain.domain_context():
        mail.domain.setup_database()
        mail.fill(gate.work["events"])
        gate.wait()
        threading.Thread(target=_report_at_the_end, args=(gate,), daemon=True).start()
        Engine(mail.domain).run()


def _report_at_the_end(gate: Gate) -> None:
    gate.wait_for_the_end()
    gate.report()
    os._exit(0)


if __name__ == "__main__":
    main()
