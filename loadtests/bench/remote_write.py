"""Hands samples to a running Prometheus, in the form of its remote write protocol: protobuf, framed as Snappy."""

import struct
import urllib.error
import urllib.request
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache

from dashboards.prometheus import Refused
from loadtests.bench.made_day import Labels
from telemetry.otlp import delimited, varint

HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
LONGEST_SECONDS = 120.0
_DOUBLE_BYTES, _BEFORE_VALUE = 8, 3


def write(address: str, written: Iterable[bytes]) -> None:
    """`written` are whole `time_series`. Raises Refused when Prometheus does not take them all."""
    data = b"".join(written)
    if data:
        _send(address, framed(data))


def time_series(labels: Labels, times: Sequence[int], values: "array[float]") -> bytes:
    """A field of a WriteRequest; nothing, where there is no value. `times` are in milliseconds, one for each."""
    if not values:
        return b""
    named = b"".join(_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in labels)
    return _field(1, named + samples(tuple(times), values))


def samples(times: tuple[int, ...], values: "array[float]") -> bytes:
    """All have the same length, so each byte of all doubles goes to its places at once."""
    pattern, length = _without_values(times)
    filled, doubles = bytearray(pattern), values.tobytes()
    for place in range(_DOUBLE_BYTES):
        filled[_BEFORE_VALUE + place :: length] = doubles[place::_DOUBLE_BYTES]
    return bytes(filled)


def framed(data: bytes) -> bytes:
    """As Snappy that compresses nothing: one literal."""
    return varint(len(data)) + b"\xfc" + struct.pack("<I", len(data) - 1) + data


def _send(address: str, body: bytes) -> None:
    request = urllib.request.Request(f"http://{address}/api/v1/write", body, HEADERS)
    try:
        urllib.request.urlopen(request, timeout=LONGEST_SECONDS).close()
    except urllib.error.HTTPError as error:
        raise Refused(error.read().decode()) from None
    except OSError as error:
        raise Refused(str(error)) from error


@lru_cache(maxsize=8)
def _without_values(times: tuple[int, ...]) -> tuple[bytes, int]:
    """The samples, with nothing where the values go, and the length of each."""
    written = [_field(2, b"\x09" + bytes(_DOUBLE_BYTES) + b"\x10" + varint(time)) for time in times]
    [length] = {len(each) for each in written}
    return b"".join(written), length


def _field(number: int, content: bytes) -> bytes:
    return delimited(varint(number << 3 | 2), content)
