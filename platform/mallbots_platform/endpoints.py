"""Where the processes of one machine listen: each announces itself as a file in a directory they share."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mallbots_platform.errors import Unavailable
from mallbots_platform.settings import Settings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Addresses are `host:port`."""

    grpc: str
    operator: str
    metrics: str
    pid: int


def announce(directory: str | Path, context: str, endpoint: Endpoint) -> None:
    """Readers see the old announcement or the new one, never half of it."""
    path = Path(directory, f"{context}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}")
    scratch.write_bytes(msgspec.json.encode(endpoint))
    scratch.replace(path)


def read_endpoints(directory: str | Path) -> dict[str, Endpoint]:
    """By context; empty when nobody has announced anything that can be read."""
    found = {path.stem: _announced(path) for path in sorted(Path(directory).glob("*.json"))}
    return {context: endpoint for context, endpoint in found.items() if endpoint is not None}


def addresses(settings: Settings, context: str) -> Endpoint:
    """Where another context is found. Raises Unavailable when it has not announced itself."""
    if not settings.endpoints:
        grpc, operator = (text.format(context=context) for text in (settings.peer_grpc, settings.peer_operator))
        return Endpoint(grpc, operator, "", 0)
    found = _announced(Path(settings.endpoints, f"{context}.json"))
    if found is None:
        raise Unavailable(f"{context} has not been started yet")
    return found


def _announced(path: Path) -> Endpoint | None:
    """None for a file that is not there, or is no announcement, such as one that a full disk has cut."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Endpoint)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def previous_address(directory: str | Path, context: str, kind: str) -> str:
    """Where a process of this context listened before, if that address is free; else nothing."""
    before = read_endpoints(directory).get(context)
    address: str = getattr(before, kind) if before else ""
    return address if address and _is_free(address) else ""


def _is_free(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except (OSError, ValueError, OverflowError):
            return False
    return True
