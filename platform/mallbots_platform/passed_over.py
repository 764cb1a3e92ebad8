"""What a group let go by before it listened to it: counted at each start, and heard when an operator says so.

A message that nobody handles is passed over, and its delivery says so. Where a later program handles its type, it has
never been applied: to hear it now is no second time. It goes the way of what is set aside, in the order of its key.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from mallbots_platform.database import Database
from mallbots_platform.envelope import decode_envelope, text_of
from mallbots_platform.handling import Received, Route
from mallbots_platform.parking import ParkingLot
from mallbots_platform.partitions import StreamName
from mallbots_platform.readers import Readers
from mallbots_platform.source_log import SourceLog
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry

PAGE = 200


class Kind(NamedTuple):
    """What somebody listens to."""

    source: str
    channel: str
    type: str


class Missed(NamedTuple):
    """A message that was let go by."""

    seq: int
    message_id: str


class PassedOver:
    """Of one group. `counts` are how many of each kind there were, as far as that was looked up."""

    def __init__(
        self,
        group: str,
        routes: Iterable[Route],
        lot: ParkingLot,
        source_log: SourceLog,
        writer: Writer,
        readers: Readers,
        telemetry: Telemetry,
    ) -> None:
        self.counts: dict[Kind, int] = {}
        self._group = group
        self._kinds = {Kind(each.source, each.channel, type): each for each in routes for type in each.handlers}
        self._lot = lot
        self._source_log = source_log
        self._writer = writer
        self._database: Database = writer.database
        self._readers = readers
        self._log = telemetry.log

    @property
    def projected(self) -> set[str]:
        """Sources of which something was passed over that belongs into a projection: that is made anew as a whole."""
        return {kind.source for kind in self.counts if self._kinds[kind].projects}

    async def look(self) -> None:
        """Since it was looked for the last time; said once a start."""
        found, until = await self._readers.run(self._count)
        await self._writer.run(partial(self._note, found, until))
        self.counts = {kind: number for kind, number in found.items() if number}
        for kind, number in self.counts.items():
            self._log.warning(
                "messages passed over",
                group=self._group,
                type=kind.type,
                messages=number,
                advice=f"hear them with `mallbots replay {self._group} --passed-over`",
            )

    async def leave(self) -> int:
        """Say no more of them; how many."""
        left, self.counts = sum(self.counts.values()), {}
        await self._writer.run(partial(self._database.run, _LEAVE, (self._group,)))
        return left

    async def hear(self, streams: Iterable[StreamName]) -> tuple[int, int]:
        """How many are applied now, and how many their source has not any more. Raises Unavailable."""
        heard = gone = 0
        for stream in streams:
            after = 0
            while missed := await self._readers.run(partial(self._missed, stream, after)):
                said = await self._said(stream, missed)
                heard += await self._writer.run(partial(self._set_aside, stream, said))
                gone, after = gone + len(missed) - len(said), missed[-1].seq
        await self.leave()
        return heard, gone

    def _count(self) -> tuple[dict[Kind, int], int]:
        """Also up to which delivery that is."""
        [(until,)] = self._database.run("SELECT COALESCE(MAX(position), 0) FROM deliveries")
        known = {Kind(*kind): told for *kind, told in _rows(self._database.run(_KNOWN, (self._group,)))}
        counted = {kind: known.get(kind, (0, 0)) for kind in self._kinds}
        found = {kind: number for kind, (number, _) in counted.items()}
        for after in {to for _, to in counted.values()}:
            for *kind, number in self._database.run(_IGNORED, (self._group, after, until)):
                if counted.get(Kind(*kind), (0, -1))[1] == after:
                    found[Kind(*kind)] += number
        return found, int(until)

    def _note(self, found: Mapping[Kind, int], until: int) -> None:
        self._database.run_many(_NOTE, [(self._group, *kind, number, until, 0) for kind, number in found.items()])

    def _missed(self, stream: StreamName, after: int) -> list[Missed]:
        """A page of them, that nobody has heard or left since."""
        left = {
            Kind(source, channel, type): position
            for source, channel, type, position in self._database.run(_LEFT, (self._group,))
        }
        found: list[Missed] = []
        while len(found) < PAGE:
            rows = self._database.run(_PASSED, (self._group, *stream, after, PAGE))
            for seq, message_id, type, position in rows:
                kind = Kind(stream.source, stream.channel, type)
                if kind in self._kinds and position > left.get(kind, 0) and not self._kinds[kind].projects:
                    found.append(Missed(seq, message_id))
            if len(rows) < PAGE:
                break
            after = rows[-1][0]
        return found

    async def _said(self, stream: StreamName, missed: list[Missed]) -> list[Received]:
        """What the source's log has of these, in their order."""
        wanted, found = set(missed), list[Received]()
        after, last = missed[0].seq - 1, missed[-1].seq
        while after < last:
            page = await self._source_log.read(stream, after, PAGE)
            if not page.messages:
                break
            found += [each for each in page.messages if Missed(each.seq, decode_envelope(each.raw).id) in wanted]
            after = page.messages[-1].seq
        return found

    def _set_aside(self, stream: StreamName, said: list[Received]) -> int:
        """For its first attempt, in one transaction with the note that it was not passed over in the end: so it is
        heard once, however often somebody wants that. How many."""
        keys, heard = self._lot.keys(stream), 0
        for each in said:
            envelope = decode_envelope(each.raw)
            place = (self._group, *stream, each.seq, envelope.id)
            if self._database.change(_NOT_PASSED, place):
                self._lot.hear(stream, each.seq, envelope, text_of(each.raw), behind=envelope.subject in keys)
                keys.add(envelope.subject)
                heard += 1
        return heard


def _rows(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for source, channel, type, number, counted_to in rows:
        yield source, channel, type, (number, counted_to)


_KNOWN = "SELECT source, channel, type, passed_over, counted_to FROM listened WHERE group_name = ?"
_LEFT = "SELECT source, channel, type, left_to FROM listened WHERE group_name = ?"
_IGNORED = """
    SELECT source, channel, type, COUNT(*) FROM deliveries
    WHERE group_name = ? AND outcome = 'ignored' AND position > ? AND position <= ? GROUP BY source, channel, type
"""
_NOTE = """
    INSERT INTO listened (group_name, source, channel, type, passed_over, counted_to, left_to)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (group_name, source, channel, type) DO UPDATE
    SET passed_over = excluded.passed_over, counted_to = excluded.counted_to
"""
_LEAVE = "UPDATE listened SET passed_over = 0, left_to = counted_to WHERE group_name = ?"
_PASSED = """
    SELECT seq, message_id, type, position FROM deliveries
    WHERE group_name = ? AND source = ? AND channel = ? AND partition = ? AND seq > ? AND outcome = 'ignored'
    ORDER BY seq LIMIT ?
"""
_NOT_PASSED = """
    UPDATE deliveries SET outcome = 'parked', attempts = 0, error = 'it was passed over before'
    WHERE group_name = ? AND source = ? AND channel = ? AND partition = ? AND seq = ? AND message_id = ?
        AND outcome = 'ignored'
"""
