"""What a process says on the address of its metrics."""

import re
import urllib.error
import urllib.request

import msgspec

PATIENCE_SECONDS = 3.0
_SAMPLE = re.compile(r"^(\w+)(?:\{[^}]*\})? ([\d.eE+-]+)", re.M)


def page(address: str, name: str) -> bytes:
    """Raises OSError where nobody answers; a page that tells of trouble is an answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{address}/{name}", timeout=PATIENCE_SECONDS) as response:
            return bytes(response.read())
    except urllib.error.HTTPError as told:
        return told.read()


def complaints(address: str, name: str) -> list[str]:
    """Of `/livez`, `/readyz` or `/healthz`; empty when all is well. Raises OSError."""
    told: dict[str, list[str]] = msgspec.json.decode(page(address, name))
    return told["troubles"]


def totals(address: str, *metrics: str) -> dict[str, int]:
    """What counters have come to since the process was started, all labels together; only those above 0. Raises
    OSError."""
    found = dict.fromkeys(metrics, 0.0)
    for metric, value in _SAMPLE.findall(page(address, "metrics").decode()):
        if metric in found:
            found[metric] += float(value)
    return {metric: round(value) for metric, value in found.items() if value}
