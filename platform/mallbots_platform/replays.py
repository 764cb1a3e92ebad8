"""Applying again what was applied: of projections, which begin empty; all else has effects that would come twice."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Table

from mallbots_platform.crash_points import reached
from mallbots_platform.database import Database
from mallbots_platform.errors import RuleViolated
from mallbots_platform.handling import Route
from mallbots_platform.marks import Marks
from mallbots_platform.partitions import EVENTS, StreamName


class WouldComeAgain(RuleViolated):
    """What is to be replayed is no projection."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """`streams` are applied again, `messages` in all; `emptied` are the tables that are made anew."""

    streams: tuple[StreamName, ...]
    messages: int
    emptied: tuple[str, ...] = ()


class Replays:
    """Of one group. Methods run in the writer's thread; `effects` in a reader's, too."""

    def __init__(self, group: str, routes: Mapping[StreamName, Route], marks: Marks, database: Database) -> None:
        self._group = group
        self._routes = routes
        self._marks = marks
        self._database = database

    def begin(self, source: str, from_seq: int, *, with_effects: bool) -> Replayed:
        """Of all sources where none is named. Raises WouldComeAgain, with what would."""
        streams = [stream for stream in list(self._routes) if source in ("", stream.source)]
        if with_effects:
            return Replayed(tuple(streams), self._rewind(streams, from_seq))
        if not all(self._routes[stream].projects for stream in streams):
            raise WouldComeAgain(self._refusal(streams, from_seq))
        if from_seq > 1:
            raise WouldComeAgain(
                f"{self._group} makes its tables anew, from the start: --from start, or --again-with-effects to apply"
                f" messages over what is there"
            )
        tables = self._tables(streams)
        streams = [stream for stream, route in dict(self._routes).items() if tables & set(route.projects)]
        messages = self._rewind(streams, 1)
        for table in tables:
            self._database.execute(table.delete())
        reached("replay: begun")
        return Replayed(tuple(streams), messages, tuple(sorted(table.name for table in tables)))

    def effects(self, streams: Iterable[StreamName], from_seq: int) -> Counter[str]:
        """How many messages, replies, commands, timers and jobs would come again."""
        found: Counter[str] = Counter()
        for stream in streams:
            place = (self._group, *stream, from_seq, self._marks.read(stream).mark.seq)
            [(applied,)] = self._database.run(_APPLIED, place)
            found["messages"] += applied
            for channel, count in self._database.run(_SAID, place):
                found[_KINDS.get(channel.partition(".")[0], "messages said")] += count
            [(timers,)] = self._database.run(_TIMERS, place * 2)
            found["timers"] += timers
        return found

    def _rewind(self, streams: Iterable[StreamName], from_seq: int) -> int:
        return sum(self._marks.rewind(stream, from_seq) for stream in streams)

    def _tables(self, streams: Iterable[StreamName]) -> set[Table]:
        """Also those that others of the group's sources fill together with them."""
        tables = {table for stream in streams for table in self._routes[stream].projects}
        while True:
            beside = {
                t for route in list(self._routes.values()) if tables & set(route.projects) for t in route.projects
            }
            if beside <= tables:
                return tables
            tables |= beside

    def _refusal(self, streams: Iterable[StreamName], from_seq: int) -> str:
        found = self.effects(streams, from_seq)
        messages = found.pop("messages", 0)
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(found.items()) if count)
        with_them = f", and with them {told}" if told else ""
        return (
            f"{self._group} is no projection: {messages} messages would be applied again{with_them};"
            " --again-with-effects, if that is what you want"
        )


_KINDS = {EVENTS: "events", "commands": "commands", "replies": "replies", "jobs": "jobs"}
_AGAIN = """
    FROM deliveries d WHERE d.group_name = ? AND d.source = ? AND d.channel = ? AND d.partition = ?
        AND d.seq BETWEEN ? AND ? AND d.outcome = 'applied'
"""
_APPLIED = f"SELECT COUNT(*) {_AGAIN}"
_SAID = f"SELECT channel, COUNT(*) FROM outbox WHERE causation_id IN (SELECT d.message_id {_AGAIN}) GROUP BY channel"
_TIMERS = f"""
    SELECT (SELECT COUNT(*) FROM timers WHERE causation_id IN (SELECT d.message_id {_AGAIN}))
        + (SELECT COUNT(*) FROM requests WHERE causation_id IN (SELECT d.message_id {_AGAIN}))
"""
