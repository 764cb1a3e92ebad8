"""How far a group is in each of its streams: one mark a partition, and up to where it is applying again.

A mark moves on by one conditional statement in the transaction of the effects. Who moves it otherwise, in this process
or in another, makes that statement find nothing to change, and what was about to be committed starts anew.
"""

from typing import NamedTuple

from mallbots_platform.database import Database
from mallbots_platform.epochs import AT_THE_START, UNKNOWN, Mark
from mallbots_platform.errors import Conflict
from mallbots_platform.partitions import StreamName


class Place(NamedTuple):
    """Where a group is. Up to `replay_until` it has been before."""

    mark: Mark = AT_THE_START
    replay_until: int = 0

    @property
    def is_replaying(self) -> bool:
        return self.mark.seq < self.replay_until


NOWHERE = Place()


class Marks:
    """Of one group. Methods run in the writer's thread; `read` in a reader's, too."""

    def __init__(self, group: str, database: Database) -> None:
        self._group = group
        self._database = database

    def read(self, stream: StreamName) -> Place:
        for seq, epoch, message_id, replay_until in self._database.run(_READ, (self._group, *stream)):
            return Place(Mark(seq, epoch, message_id), replay_until)
        return NOWHERE

    def advance(self, stream: StreamName, before: Place, mark: Mark, duplicates: int) -> None:
        """Raises Conflict when the mark is not where it was any more."""
        place, moved_from = (self._group, *stream), (before.mark.seq, before.replay_until)
        if not self._database.change(_ADVANCE, (*place, *mark, before.replay_until, duplicates, *moved_from)):
            raise Conflict(f"the mark of {self._group} in {stream.source}.{stream.channel} was moved meanwhile")

    def rewind(self, stream: StreamName, from_seq: int) -> int:
        """Let everything from that number be applied again; how many messages that is. What a replay under way still
        has before it is not forgotten. Nobody else moves the mark until the transaction ends, wherever it is."""
        place = (self._group, *stream)
        self._database.run(_BEGIN, place)
        [(seq,)] = self._database.run(_HOLD + self._database.dialect.lock_to_change, place)
        if from_seq > seq:
            return 0
        self._database.run(_REWIND, (from_seq - 1, UNKNOWN, *place, from_seq - 1, *place))
        return int(seq) - from_seq + 1

    def go_back(self, stream: StreamName, before: Mark, mark: Mark) -> None:
        """To where the past of this group and that of its source part. Raises Conflict when it was moved meanwhile."""
        place = (self._group, *stream)
        if not self._database.change(_GO_BACK, (*mark, mark.seq, mark.seq, *place, before.seq, before.message_id)):
            raise Conflict(f"the mark of {self._group} in {stream.source}.{stream.channel} was moved meanwhile")


_PLACE = "group_name = ? AND source = ? AND channel = ? AND partition = ?"
_READ = f"SELECT applied_seq, epoch, message_id, replay_until FROM inbox WHERE {_PLACE}"
_ADVANCE = """
    INSERT INTO inbox (group_name, source, channel, partition, applied_seq, epoch, message_id, replay_until, duplicates)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (group_name, source, channel, partition) DO UPDATE
    SET applied_seq = excluded.applied_seq, epoch = excluded.epoch, message_id = excluded.message_id,
        duplicates = inbox.duplicates + excluded.duplicates
    WHERE inbox.applied_seq = ? AND inbox.replay_until = ?
"""
_BEGIN = """
    INSERT INTO inbox (group_name, source, channel, partition, applied_seq, replay_until, duplicates)
    VALUES (?, ?, ?, ?, 0, 0, 0) ON CONFLICT DO NOTHING
"""
_HOLD = f"SELECT applied_seq FROM inbox WHERE {_PLACE}"
_REWIND = f"""
    UPDATE inbox SET applied_seq = ?, epoch = ?, message_id = COALESCE(
        (SELECT message_id FROM deliveries WHERE {_PLACE} AND seq = ?), ''
    ), replay_until = CASE WHEN replay_until > applied_seq THEN replay_until ELSE applied_seq END
    WHERE {_PLACE}
"""
_GO_BACK = f"""
    UPDATE inbox SET applied_seq = ?, epoch = ?, message_id = ?,
        replay_until = CASE WHEN replay_until < ? THEN replay_until ELSE ? END
    WHERE {_PLACE} AND applied_seq = ? AND message_id = ?
"""
