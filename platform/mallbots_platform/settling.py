"""What a group has applied, and its source does not know any more: what that is, and how the group goes on."""

from dataclasses import dataclass
from functools import partial

from mallbots_platform.clock import now_us
from mallbots_platform.crash_points import reached
from mallbots_platform.epochs import Epochs, Mark
from mallbots_platform.inbox import Inbox
from mallbots_platform.partitions import StreamName
from mallbots_platform.readers import Readers
from mallbots_platform.source_log import SourceLog
from mallbots_platform.writer import Writer


@dataclass(frozen=True, slots=True)
class Parting:
    """Up to `agreed` both sides have the same messages; then the group has its own up to its mark, and the source
    others up to `head`."""

    stream: StreamName
    mark: Mark
    agreed: Mark
    head: int


class Settling:
    def __init__(self, group: str, inbox: Inbox, source_log: SourceLog, writer: Writer, readers: Readers) -> None:
        self._group = group
        self._inbox = inbox
        self._source_log = source_log
        self._writer = writer
        self._database = writer.database
        self._readers = readers

    async def parting(self, stream: StreamName) -> Parting:
        """Where they part, found by halves, for before it all ids are the same, and behind it none. Raises Unavailable
        when the source does not answer."""
        mark = (await self._readers.run(partial(self._inbox.marks.read, stream))).mark
        epochs = await self._epochs(stream, 0)
        low, high = 0, min(mark.seq, epochs.head)
        while low < high:
            middle = (low + high + 1) // 2
            if await self._agree(stream, middle):
                low = middle
            else:
                high = middle - 1
        return Parting(stream, mark, Mark(low, epochs.at(low), await self._own_id(stream, low)), epochs.head)

    async def go_on(self, parting: Parting) -> int:
        """Go back to where they part, and on from there; how many messages are noted as lost."""
        return await self._writer.run(partial(self._go_back, parting))

    def _go_back(self, parting: Parting) -> int:
        place = (self._group, *parting.stream, parting.agreed.seq)
        self._inbox.marks.go_back(parting.stream, parting.mark, parting.agreed)
        lost = self._database.change(_NOTE_LOST, (now_us(), *place))
        for table in ("deliveries", "parked"):
            self._database.run(f"DELETE FROM {table} WHERE {_BEHIND}", place)
        self._inbox.load_lost()
        reached("lost: settled")
        return lost

    async def _agree(self, stream: StreamName, seq: int) -> bool:
        """What is not known any more, on either side, is taken to be the same."""
        own, theirs = await self._own_id(stream, seq), (await self._epochs(stream, seq)).at_mark
        return not own or not theirs or own == theirs

    async def _own_id(self, stream: StreamName, seq: int) -> str:
        rows = await self._readers.run(lambda: self._database.run(_OWN_ID, (self._group, *stream, seq)))
        return str(rows[0][0]) if rows else ""

    async def _epochs(self, stream: StreamName, seq: int) -> Epochs:
        return (await self._source_log.read(stream, seq, 1)).epochs


_BEHIND = "group_name = ? AND source = ? AND channel = ? AND partition = ? AND seq > ?"
_OWN_ID = """
    SELECT message_id FROM deliveries WHERE group_name = ? AND source = ? AND channel = ? AND partition = ? AND seq = ?
"""
_NOTE_LOST = f"""
    INSERT INTO lost (group_name, source, channel, partition, seq, message_id, type, key, correlation_id, outcome,
                      settled_at)
    SELECT group_name, source, channel, partition, seq, message_id, type, key, correlation_id, outcome, ?
    FROM deliveries WHERE {_BEHIND} ON CONFLICT DO NOTHING
"""
