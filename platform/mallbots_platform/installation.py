"""Which installation a process is part of, and whether its Redis belongs to the same one.

The settings say it, else the database, which keeps it; else peers, else Redis. Where nobody knows, it is made up, and
Redis tells who was first. From then on Redis has but a copy, put back whenever it has lost it (see `own_redis.py`).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from redis.exceptions import RedisError

from mallbots_platform.database import Database
from mallbots_platform.errors import CannotStart, Unavailable
from mallbots_platform.ids import new_id
from mallbots_platform.own_redis import LOOK, ForeignRedis
from mallbots_platform.streams import RedisClient
from mallbots_platform.writer import Writer
from telemetry.bundle import Telemetry

LOOK_SECONDS = 2.0
ASK_SECONDS = 0.5
BEGIN_SECONDS = 3.0


class Installation:
    """`id` is empty for as long as nobody knows it; `foreign` is whose Redis it is, where it is another's."""

    def __init__(self, prefix: str, telemetry: Telemetry) -> None:
        self.id = ""
        self.foreign = ""
        self.copy = f"{prefix}.installation"
        self._log = telemetry.log
        self._gauge = telemetry.meter.gauge("mallbots_redis_foreign")
        self._gauge.set(0)

    @property
    def trouble(self) -> str:
        if not self.id:
            return "which installation this is, nobody knows: Redis does not answer, and no peer says it"
        return describe(self.foreign, self.id, self.copy) if self.foreign else ""

    def found(self, whose: str) -> None:
        """Redis belongs to this one. Raises ForeignRedis when that is another."""
        foreign = "" if whose == self.id else whose
        if foreign != self.foreign:
            self._log.warning("redis changed hands", installation=self.id, redis_of=whose)
        self.foreign = foreign
        self._gauge.set(bool(foreign))
        if foreign:
            raise ForeignRedis(self.trouble)


class Lookout:
    """Finds out which installation this is, then keeps looking whose Redis it is. `anybodys` is a client that works in
    whatever Redis it finds, `own` one that does not; `ask_peers` comes to an id, or to nothing."""

    def __init__(
        self,
        installation: Installation,
        writer: Writer,
        anybodys: RedisClient,
        own: RedisClient,
        ask_peers: Callable[[], Awaitable[str]],
        telemetry: Telemetry,
    ) -> None:
        self._installation = installation
        self._writer = writer
        self._anybodys = anybodys
        self._own = own
        self._ask_peers = ask_peers
        self._log = telemetry.log

    async def begin(self) -> None:
        """A first try, before anything is published; it ends in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEGIN_SECONDS):
                await self._look()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._look()
            await asyncio.sleep(LOOK_SECONDS if self._installation.id else ASK_SECONDS)

    async def _look(self) -> None:
        with contextlib.suppress(RedisError, OSError, Unavailable):
            if self._installation.id:
                await self._own.eval(LOOK, 0)
            else:
                await self._identify()

    async def _identify(self) -> None:
        """A peer's word counts more than that of a Redis which may be anybody's."""
        told = await self._ask_peers()
        try:
            decided = await self._decide(told or new_id())
        except (RedisError, OSError):
            decided = ""
        if found := told or decided:
            self._installation.id = await self._writer.run(partial(keep, self._writer.database, found))
            self._log.info("installation found", installation=self._installation.id)

    async def _decide(self, proposed: str) -> str:
        """The first one that was proposed to this Redis."""
        await self._anybodys.set(self._installation.copy, proposed, nx=True)
        return (await self._anybodys.get(self._installation.copy) or b"").decode()


def recorded(database: Database, wanted: str) -> str:
    """What the database says; one that says nothing is told what is wanted, if anything is. Raises CannotStart when it
    says something else."""
    kept = keep(database, wanted) if wanted else kept_in(database)
    if wanted and kept != wanted:
        raise CannotStart(
            f"this database belongs to the installation {kept}, the settings say {wanted}: set MALLBOTS_INSTALLATION to"
            f" {kept}, or use a database of this installation; a copy that is to be its own from now on is told so by"
            f" UPDATE platform_facts SET value = '{wanted}' WHERE name = 'installation'"
        )
    return kept


def keep(database: Database, id: str) -> str:
    """Unless one is kept already; the one that is."""
    database.run("INSERT INTO platform_facts (name, value) VALUES ('installation', ?) ON CONFLICT DO NOTHING", (id,))
    return kept_in(database)


def kept_in(database: Database) -> str:
    """Empty when none is."""
    rows = database.run("SELECT value FROM platform_facts WHERE name = 'installation'")
    return str(rows[0][0]) if rows else ""


def describe(whose: str, ours: str, copy: str) -> str:
    """What is wrong with a Redis that is another's, and what to do."""
    return (
        f"this Redis belongs to the installation {whose}, and this is {ours}: nothing is published or consumed; use"
        f" another Redis, or another MALLBOTS_KEY_PREFIX, or, if {whose} is no more, remove the key {copy} from Redis"
    )
