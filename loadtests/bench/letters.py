"""The letters themselves, as plain values. Only the standard library: peers in their own environments read this too."""

import json
from typing import Any

KEYS = 200
PAYLOAD_BYTES = 300
TABLE = "CREATE TABLE IF NOT EXISTS letters (position INTEGER PRIMARY KEY, number INTEGER, receiver TEXT, city TEXT)"
INSERT = "INSERT INTO letters (number, receiver, city) VALUES (?, ?, ?)"
Fields = dict[str, Any]


def letter_fields(number: int, keys: int = KEYS) -> Fields:
    """One whose JSON has 300 bytes; `receiver` is its key."""
    fields: Fields = {
        "number": number,
        "sender": "sender-1",
        "receiver": f"receiver-{number % keys:05d}",
        "street": "Long Lane 7",
        "city": "Depot",
        "text": "",
    }
    used = len(json.dumps(fields, separators=(",", ":")))
    return fields | {"text": "x" * (PAYLOAD_BYTES - used)}
