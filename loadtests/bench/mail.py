"""The work of a hop: a letter of 300 bytes comes in, a row is written, a receipt goes out."""

import random

import msgspec

from loadtests.bench.letters import letter_fields
from mallbots_platform.clock import now_us, rfc3339
from mallbots_platform.envelope import Envelope
from mallbots_platform.ids import new_id
from mallbots_platform.messages import Contract, event
from mallbots_platform.partitions import EVENTS, StreamName, partition_of

PARTITIONS = 4


@event
class LetterSent:
    number: int
    sender: str
    receiver: str
    street: str
    city: str
    text: str


@event
class LetterReceived:
    number: int
    receiver: str


SENDER = Contract(context="sender", events=(LetterSent,))
RECEIVER = Contract(context="receiver", events=(LetterReceived,))


class Sender:
    """Writes letters as its outbox would have them: numbered without a hole per partition, each with its own trace."""

    def __init__(self) -> None:
        self._last = dict.fromkeys(range(PARTITIONS), 0)
        self._written = 0

    def write(self, count: int) -> list[tuple[StreamName, Envelope]]:
        letters = [LetterSent(**letter_fields(number)) for number in range(self._written, self._written + count)]
        self._written += count
        return [self._addressed(each) for each in letters]

    def _addressed(self, sent: LetterSent) -> tuple[StreamName, Envelope]:
        partition = partition_of(sent.receiver, PARTITIONS)
        self._last[partition] += 1
        return StreamName(SENDER.context, EVENTS, partition), _envelope(sent, partition, self._last[partition])


def _envelope(sent: LetterSent, partition: int, sequence: int) -> Envelope:
    """It begins a conversation of its own, as an order does: the ids of those lie side by side in an index."""
    id = new_id()
    return Envelope(
        id=id,
        type=SENDER.wire_name(LetterSent),
        source=SENDER.context,
        subject=sent.receiver,
        time=rfc3339(now_us()),
        dataversion=1,
        channel=EVENTS,
        partition=partition,
        sequence=sequence,
        correlationid=id,
        causationid="",
        traceparent=f"00-{id.replace('-', '')}-{random.getrandbits(64) | 1:016x}-03",
        data=msgspec.Raw(msgspec.json.encode(sent)),
    )


def streams(contract: Contract) -> list[StreamName]:
    return [StreamName(contract.context, EVENTS, partition) for partition in range(PARTITIONS)]
