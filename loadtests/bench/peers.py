"""The peers, each in an environment of its own: `python -m loadtests.bench.peers --install` makes them."""

import argparse
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.bench.stage import ROOT

CACHE = ROOT / ".bench"
INSTALL = "python -m loadtests.bench.peers --install"
COMMON = ("redis[hiredis]==8.1.0", "uvloop==0.23.0")


@dataclass(frozen=True, slots=True)
class Peer:
    """`marker` is a module that is there when its environment is complete."""

    name: str
    requirements: tuple[str, ...]
    marker: str

    @property
    def directory(self) -> Path:
        return CACHE / self.name

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    @property
    def missing(self) -> str:
        """Why it cannot be measured; empty when it can."""
        if not self.python.exists():
            return f"not installed: {INSTALL}"
        ran = subprocess.run([self.python, "-c", f"import {self.marker}"], capture_output=True, text=True)
        return "" if ran.returncode == 0 else f"its environment is broken: {ran.stderr.strip().splitlines()[-1]}"


FASTSTREAM = Peer(
    "faststream",
    (
        "faststream[redis,otel,prometheus]==0.7.8",
        "opentelemetry-sdk==1.45.2",
        "opentelemetry-exporter-otlp-proto-http==1.45.2",
        *COMMON,
    ),
    "faststream.redis.opentelemetry",
)
PROTEAN = Peer("protean", ("protean[sqlite,redis]==0.18.0", *COMMON), "protean.server")
PEERS = (FASTSTREAM, PROTEAN)


def install(peers: Sequence[Peer]) -> bool:
    """Whether all of them are there now; says why not."""
    CACHE.mkdir(exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")
    return all([_install(peer) for peer in peers])


def _install(peer: Peer) -> bool:
    if not peer.missing:
        print(f"bench: {peer.name} is there")
        return True
    print(f"bench: installing {peer.name}", flush=True)
    venv.create(peer.directory, with_pip=True, clear=True)
    command: list[str | Path] = [
        peer.python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        *peer.requirements,
    ]
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode or peer.missing:
        print(f"bench: {peer.name} cannot be installed: {ran.stderr.strip()[-300:] or peer.missing}", file=sys.stderr)
        return False
    return True


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench.peers", description=__doc__)
    parser.add_argument("--install", action="store_true", help=f"into {CACHE.name}/")
    if parser.parse_args(arguments).install:
        return 0 if install(PEERS) else 1
    for peer in PEERS:
        print(f"{peer.name}: {peer.missing or 'ready'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
