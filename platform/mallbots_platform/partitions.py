"""Where a message goes: its partition by its key, its stream by source, partition and channel."""

from typing import NamedTuple
from zlib import crc32

EVENTS = "events"
DEFAULT_PREFIX = "mall"


class StreamName(NamedTuple):
    """One partition of one channel of one context."""

    source: str
    channel: str
    partition: int

    @property
    def key(self) -> str:
        """In Redis, where nobody has set another prefix. The platform asks its client, which knows the one that is."""
        return self.key_under(DEFAULT_PREFIX)

    def key_under(self, prefix: str) -> str:
        """The Redis key; the braces keep everything of a partition in one cluster slot."""
        return f"{{{prefix}.{self.source}.{self.partition}}}:{self.channel}"


def partition_of(key: str, partitions: int) -> int:
    """Stable over processes, machines and versions of Python."""
    return crc32(key.encode()) % partitions


def commands_for(participant: str) -> str:
    return f"commands.{participant}"


def replies_for(owner: str) -> str:
    return f"replies.{owner}"
