"""Load goes to this machine and nowhere else; in a network of containers, to those that are named."""

import ipaddress
import os
import socket

from mallbots.reporting import Failed

VARIABLE = "MALLBOTS_LOAD_HOSTS"


def must_be_loopback(address: str) -> str:
    """`host:port` as it is. Raises Failed when it is another machine's, and none of `$MALLBOTS_LOAD_HOSTS`."""
    host = address.rpartition(":")[0].strip("[]")
    named = os.environ.get(VARIABLE, "").split(",")
    if not _is_loopback(host) and (not host or host not in named):
        raise Failed(f"{address or 'nothing'} is no address of this machine's loopback: load goes nowhere else")
    return address


def is_free(address: str) -> bool:
    """Whether one can listen at `host:port`. Raises Failed when that is no place of this machine's loopback."""
    host, _, port = must_be_loopback(address).rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise Failed(f"{address!r} must be host:port")
    try:
        with socket.create_server((host, int(port))):
            return True
    except OSError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
