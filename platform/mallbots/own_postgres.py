"""A PostgreSQL server of our own, where the machine has one: in a scratch directory, on a Unix socket."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import psycopg
from psycopg import sql

from mallbots.reporting import Failed

START_SECONDS, STOP_SECONDS = 30.0, 20.0
OPTIONS = ("listen_addresses=", "fsync=off", "max_connections=200")
UNPRIVILEGED = ("postgres", "nobody")
PUBLIC_PLACES = ("/tmp", "/var/tmp")
MISSING = "PostgreSQL is not installed here (Debian: apt-get install postgresql)"


def postgres_binary(name: str) -> str | None:
    """On the PATH, or where Debian puts it."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(debian[-1]) if debian else None)


class OwnPostgres:
    """Nothing of it outlives `stop`: what its databases hold is not synced, and gone with its directory."""

    def __init__(self) -> None:
        self._user = None if os.getuid() else next(filter(_exists, UNPRIVILEGED), None)  # it refuses to run as root
        place = _reachable_by_others() if self._user else None
        self._scratch = Path(tempfile.mkdtemp(prefix="mallbots-pg-", dir=place))  # short, for a socket's path has to be
        self._running: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        return f"postgresql://mall@/{database}?host={self._scratch}"

    def start(self, databases: Iterable[str] = ()) -> None:
        """Raises Failed."""
        initdb, server = postgres_binary("initdb"), postgres_binary("postgres")
        if not (initdb and server):
            raise Failed(MISSING)
        data = self._scratch / "data"
        data.mkdir()
        as_user = self._unprivileged()
        arguments = ["-U", "mall", "-A", "trust", "-E", "UTF8", "--no-sync"]
        made = subprocess.run([*as_user, initdb, "-D", data, *arguments], capture_output=True, text=True)
        if made.returncode:
            raise Failed(f"PostgreSQL's initdb failed: {made.stderr.strip()}")
        settings = [part for option in OPTIONS for part in ("-c", option)]
        directory = ("-c", f"unix_socket_directories={self._scratch}")
        self._running = subprocess.Popen(
            [*as_user, server, "-D", data, *settings, *directory], stderr=subprocess.DEVNULL
        )
        self._wait_until_ready()
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for database in databases:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))

    def stop(self) -> None:
        if self._running is not None and self._running.poll() is None:
            self._running.send_signal(signal.SIGQUIT)  # what it holds is not wanted any more
            self._running.wait(STOP_SECONDS)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def backends(self, database: str) -> list[int]:
        """The process ids of those that serve a database's connections."""
        with psycopg.connect(self.url("postgres")) as connection:
            rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", (database,)).fetchall()
        return [int(pid) for (pid,) in rows]

    def _unprivileged(self) -> list[str]:
        if os.getuid() != 0:
            return []
        if self._user is None or not shutil.which("setpriv"):
            raise Failed("PostgreSQL does not run as root, and there is nobody else here to run it as")
        for path in (self._scratch, self._scratch / "data"):
            shutil.chown(path, self._user)
        return ["setpriv", f"--reuid={self._user}", f"--regid={pwd.getpwnam(self._user).pw_gid}", "--clear-groups"]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError as error:
                if (self._running and self._running.poll() is not None) or time.monotonic() > deadline:
                    raise Failed(f"PostgreSQL did not start: {error}") from error
            time.sleep(0.05)


def _reachable_by_others() -> str | None:
    """The scratch directory, unless something on the way to it is its owner's only; else one that everybody has."""
    own = Path(tempfile.gettempdir()).resolve()
    for place in (own, *map(Path, PUBLIC_PLACES)):
        if all(path.is_dir() and path.stat().st_mode & stat.S_IXOTH for path in (place, *place.parents)):
            return str(place)
    return None


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
