"""What this context once said, and its database does not know any more: it is kept until somebody has settled it.

A stream that goes beyond its log, or says something else under the same numbers, may hold the only copies of commits
that were lost: with a restored backup, or a replica that lacked them.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

from mallbots_platform.clock import now_us
from mallbots_platform.crash_points import reached
from mallbots_platform.envelope import Envelope, decode_envelope, encode_envelope
from mallbots_platform.errors import InvalidInput
from mallbots_platform.outbox import Outbox
from mallbots_platform.partitions import EVENTS, StreamName
from mallbots_platform.readers import Readers
from mallbots_platform.receiving import RawEntry
from mallbots_platform.streams import RedisClient, sequence_of
from mallbots_platform.writer import Writer

PAGE = 500
GIVEN_UP, TAKEN_BACK = "given up", "taken back"
COUNT = "SELECT COUNT(*) FROM aside WHERE settled_at = 0"


class Aside:
    """`messages`: how many wait to be settled."""

    def __init__(self, redis: RedisClient, writer: Writer, readers: Readers) -> None:
        self.messages = 0
        self._redis = redis
        self._writer = writer
        self._database = writer.database
        self._readers = readers

    @property
    def trouble(self) -> str:
        if not self.messages:
            return ""
        return f"messages that this context said and its database has lost: {self.messages}; see `mallbots lost list`"

    async def look(self) -> None:
        [(self.messages,)] = await self._readers.run(partial(self._database.run, COUNT))

    async def give_up(self) -> int:
        """What was lost stays lost; how many messages."""
        settled = await self._writer.run(partial(self._settle, GIVEN_UP))
        await self.look()
        return settled

    async def take_back(self, outbox: Outbox) -> int:
        """Say the events again, under new numbers and by their own ids; how many. Not commands, replies and jobs:
        whoever sent them asks again, or does not know of them any more."""
        taken = await self._writer.run(partial(self._say_again, outbox))
        await self.look()
        return taken

    def _say_again(self, outbox: Outbox) -> int:
        envelopes = [decode_envelope(text) for (text,) in self._database.run(_EVENTS, (EVENTS,))]
        for envelope in envelopes:
            outbox.say_again(envelope)
        self._database.run(_SETTLE + " AND channel = ?", (now_us(), TAKEN_BACK, EVENTS))
        return len(envelopes)

    def _settle(self, outcome: str) -> int:
        return self._database.change(_SETTLE, (now_us(), outcome))

    async def differs(self, stream: StreamName) -> bool:
        """Whether the last entry is one that this context said, and not what its log has under that number."""
        entries = await self._redis.xrevrange(self._redis.key_of(stream), count=1)
        logged = await self._logged(stream, entries)
        return any(logged.get(said.sequence, "") != said.id for said in _said(stream, entries))

    async def keep(self, stream: StreamName) -> int:
        """Copy what the stream has and the log has not, from its end back to where both say the same; how many."""
        upper, kept = "+", 0
        while entries := await self._redis.xrevrange(self._redis.key_of(stream), max=upper, count=PAGE):
            logged = await self._logged(stream, entries)
            lost = [said for said in _said(stream, entries) if logged.get(said.sequence) != said.id]
            await self._writer.run(partial(self._database.run_many, _KEEP, [_row(said) for said in lost]))
            kept += len(lost)
            if len(lost) < len(entries):
                break
            upper = f"({entries[-1][0].decode()}"
        await self.look()
        reached("aside: kept")
        return kept

    async def _logged(self, stream: StreamName, entries: list[RawEntry]) -> dict[int, str]:
        """The ids of the log in the range of numbers of these entries, which come from the end."""
        if not entries:
            return {}
        least, most = sequence_of(entries[-1][0]), sequence_of(entries[0][0])
        place = (stream.channel, stream.partition, least, most)
        return dict(await self._readers.run(lambda: self._database.run(_LOGGED, place)))


def _said(stream: StreamName, entries: Iterable[RawEntry]) -> list[Envelope]:
    """Envelopes of this very stream, each under its own number; everything else was never said here."""
    found = []
    for entry_id, fields in entries:
        try:
            envelope = decode_envelope(fields.get(b"e", b""))
        except InvalidInput:
            continue
        if (envelope.source, envelope.channel, envelope.partition, envelope.sequence) == (
            *stream,
            sequence_of(entry_id),
        ):
            found.append(envelope)
    return found


def _row(said: Envelope) -> tuple[Any, ...]:
    place, text = (said.channel, said.partition, said.sequence), encode_envelope(said).decode()
    return (*place, said.id, said.type, said.subject, said.correlationid, said.epoch, now_us(), 0, "", text)


_LOGGED = "SELECT seq, id FROM outbox WHERE channel = ? AND partition = ? AND seq BETWEEN ? AND ?"
_KEEP = """
    INSERT INTO aside (channel, partition, seq, id, type, key, correlation_id, epoch, found_at, settled_at, outcome,
                       envelope)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_EVENTS = "SELECT envelope FROM aside WHERE settled_at = 0 AND channel = ? ORDER BY partition, seq"
_SETTLE = "UPDATE aside SET settled_at = ?, outcome = ? WHERE settled_at = 0"
