"""A PostgreSQL server of our own, in a scratch directory, on a Unix socket."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MISSING = "PostgreSQL is not installed here (Debian: apt-get install postgresql)"


def binary(name: str) -> str | None:
    """On the PATH, or where Debian puts it."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(debian[-1]) if debian else None)


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a running server, without a database's name."""
    with tempfile.TemporaryDirectory(prefix="mallbots-pg-") as scratch:
        data = Path(scratch, "data")
        data.mkdir()
        as_user = _unprivileged(Path(scratch))
        initdb, server = binary("initdb"), binary("postgres")
        assert initdb and server
        subprocess.run(
            [*as_user, initdb, "-D", data, "-U", "mall", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        options = ("-c", "listen_addresses=", "-c", f"unix_socket_directories={scratch}", "-c", "fsync=off")
        running = subprocess.Popen(
            [*as_user, server, "-D", data, *options, "-c", "max_connections=200"], stderr=subprocess.DEVNULL
        )
        try:
            _wait_until_ready(Path(scratch), running)
            yield f"postgresql://mall@/{{name}}?host={scratch}"
        finally:
            running.send_signal(signal.SIGQUIT)  # what it holds is not wanted any more
            running.wait(20)


def _unprivileged(scratch: Path) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return []
    shutil.chown(scratch, "postgres")
    shutil.chown(scratch / "data", "postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _wait_until_ready(scratch: Path, running: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    ready = binary("pg_isready")
    assert ready
    while subprocess.run([ready, "-q", "-h", scratch]).returncode:
        if running.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("PostgreSQL did not start")
        time.sleep(0.05)
