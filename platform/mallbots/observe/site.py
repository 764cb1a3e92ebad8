"""Where the programs of one run are: the folder of each, and the address at which each listens."""

import importlib.util
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mallbots.reporting import Failed

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Site:
    """`found` are the programs that are there, by name; `ports` those of what listens, such as `collector.grpc`."""

    data: Path
    redis_url: str
    found: Mapping[str, str]
    ports: Mapping[str, int]

    def folder(self, program: str) -> Path:
        return self.data / "observe" / program

    def address(self, what: str) -> str:
        return f"{HOST}:{self.ports[what]}"

    def url(self, what: str) -> str:
        """Also of what is not there: then nobody answers."""
        return f"http://{self.address(what)}" if what in self.ports else f"http://{HOST}:9"


def choose_ports(wanted: Mapping[str, int]) -> dict[str, int]:
    """For each the port it wants, so that links stay as they are; another one where that is taken, or it is 0."""
    chosen: dict[str, int] = {}
    for what, port in wanted.items():
        chosen[what] = _free_port(port, chosen.values())
    return chosen


def _free_port(wanted: int, taken: Iterable[int]) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, 0 if wanted in taken else wanted))
        except OSError:
            probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    return _free_port(0, taken) if port in taken else port


def config_file(name: str) -> Path:
    """Of `telemetry/config`."""
    return _folder("telemetry") / "config" / name


def dashboards() -> Path:
    return _folder("dashboards")


def _folder(package: str) -> Path:
    """Found without importing it. Raises Failed."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise Failed(f"the folder {package}/ is not to be found: run this in a checkout of the repository")
    return Path(spec.origin).parent
