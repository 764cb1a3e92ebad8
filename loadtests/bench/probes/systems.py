"""The systems that are probed: how each is filled, started, and asked what it still holds."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis

from loadtests.bench.contenders import clean_environ
from loadtests.bench.mail import RECEIVER, SENDER, streams
from loadtests.bench.peers import FASTSTREAM, PROTEAN
from loadtests.bench.probes.found import numbers_in, parked_in
from loadtests.bench.stage import ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """`filler` publishes the letters and, where `filler_stays`, goes on serving; `consumer` applies them."""

    name: str
    filler: str
    consumer: str
    reads: Sequence[str]
    writes: Sequence[str]
    dead: Sequence[str] = ()
    python: Path = field(default_factory=lambda: Path(sys.executable))
    filler_stays: bool = False
    group: str = ""
    outbox: str = ""
    letters_share: float = 1.0

    def launch(self, module: str, work: Mapping[str, Any], log: Path) -> "subprocess.Popen[bytes]":
        with log.open("ab") as said:
            return subprocess.Popen(
                [self.python, "-m", module, json.dumps(work)],
                cwd=ROOT,
                env=clean_environ({}),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def create_group(self, redis: "Redis") -> None:
        """Where it does not begin at the first message by itself."""
        if self.group:
            redis.xgroup_create(self.reads[0], self.group, "0", mkstream=True)

    def receipts(self, redis: "Redis") -> list[int]:
        return numbers_in(message for stream in self.writes for message in _messages(redis, stream))

    def held(self, redis: "Redis", database: Path) -> list[int]:
        """Letters that are pending, not yet delivered, dead or parked."""
        kept = [number for stream in self.dead for number in numbers_in(_messages(redis, stream))]
        for stream in self.reads:
            kept += _not_acknowledged(redis, stream)
        return kept + parked_in(database)


def _messages(redis: "Redis", stream: str) -> list[bytes]:
    entries: Any = redis.xrange(stream)
    return [b" ".join(fields.values()) for _, fields in entries]


def _not_acknowledged(redis: "Redis", stream: str) -> list[int]:
    """Of the first group; of a stream without a group nothing is held for anybody."""
    groups: Any = redis.xinfo_groups(stream) if redis.exists(stream) else []
    if not groups:
        return []
    pending: Any = redis.xpending_range(stream, groups[0]["name"], "-", "+", 100_000)
    ids = {entry["message_id"] for entry in pending}
    entries: Any = redis.xrange(stream)
    later = [fields for id, fields in entries if id in ids or _key(id) > _key(groups[0]["last-delivered-id"])]
    return numbers_in(b" ".join(fields.values()) for fields in later)


def _key(id: bytes) -> tuple[int, int]:
    first, _, second = id.partition(b"-")
    return int(first), int(second)


OURS = System(
    name="ours",
    filler="loadtests.bench.probes.our_sender",
    consumer="loadtests.bench.probes.our_consumer",
    reads=[stream.key for stream in streams(SENDER)],
    writes=[stream.key for stream in streams(RECEIVER)],
    filler_stays=True,
)
FASTSTREAM_APP = System(
    name="FastStream",
    filler="loadtests.bench.probes.faststream_filler",
    consumer="loadtests.bench.probes.faststream_app",
    reads=["letters"],
    writes=["receipts"],
    python=FASTSTREAM.python,
    group="receiver",
)
PROTEAN_APP = System(
    name="Protean",
    filler="loadtests.bench.probes.protean_filler",
    consumer="loadtests.bench.probes.protean_app",
    reads=["mail::post"],
    writes=["mail::letter"],
    dead=["mail::post:dlq"],
    outbox="SELECT data FROM outbox WHERE status <> 'published'",
    python=PROTEAN.python,
    letters_share=0.2,
)
SYSTEMS = {"faststream": FASTSTREAM_APP, "protean": PROTEAN_APP}
