"""Which installation a data directory holds: found out once, kept in a file, told to every process of a run."""

import os
import re
import sqlite3
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from mallbots.directories import contexts_with_data, database_url, installation_file
from mallbots.reporting import Failed
from mallbots_platform.database import Database
from mallbots_platform.errors import PlatformError
from mallbots_platform.ids import new_id
from mallbots_platform.installation import kept_in
from mallbots_platform.partitions import DEFAULT_PREFIX
from mallbots_platform.settings import PREFIX
from mallbots_platform.streams import open_redis

VARIABLE, KEY_PREFIX = f"{PREFIX}INSTALLATION", f"{PREFIX}KEY_PREFIX"
_AN_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)


def installation_of(data: Path) -> str:
    """As its file says, else its databases, else the environment; else a new one. Raises Failed when the environment
    says another than what is there."""
    there, wanted = installation_in(data), os.environ.get(VARIABLE, "")
    if there and wanted not in ("", there):
        raise Failed(
            f"{data} holds the installation {there}, {VARIABLE} says {wanted}: unset it, or choose another --data"
        )
    return _kept(data, there or wanted or new_id())


def installation_in(data: Path) -> str:
    """Empty when it holds none yet."""
    file = installation_file(data)
    said = file.read_text(errors="replace").strip() if file.exists() else ""
    if _AN_ID.fullmatch(said):
        return said
    return next(filter(None, (_said_by(database_url(data, context)) for context in contexts_with_data(data))), "")


async def installation_of_redis(url: str, prefix: str) -> str:
    """The one that it belongs to; empty when it belongs to none. Raises RedisError when it does not answer."""
    client = open_redis(url, prefix=prefix)
    try:
        return (await client.get(client.key("installation")) or b"").decode(errors="replace")
    finally:
        await client.aclose()


def key_prefix() -> str:
    return os.environ.get(KEY_PREFIX) or DEFAULT_PREFIX


def _kept(data: Path, installation: str) -> str:
    """Whoever looks sees all of it, or nothing."""
    file = installation_file(data)
    scratch = file.with_suffix(f".{os.getpid()}")
    scratch.write_text(f"{installation}\n")
    scratch.replace(file)
    return installation


def _said_by(url: str) -> str:
    database = Database(url)
    try:
        return kept_in(database)
    except (PlatformError, SQLAlchemyError, sqlite3.Error, OSError, ValueError):
        return ""
    finally:
        database.close()
