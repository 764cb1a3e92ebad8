"""What JSON has no words for: an encoder writes a number that is none as null, and its reader finds nothing there."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from mallbots_platform.errors import InvalidInput

NULL = b"null"


def refuse_unwritable(message: object, encoded: bytes) -> None:
    """Raises InvalidInput with the path to what was written as null and is a number. Without a null there is none."""
    if NULL in encoded:
        refuse_numbers_that_are_none(message)


def refuse_numbers_that_are_none(value: object) -> None:
    """Raises InvalidInput with the path to the first one. A database would keep it as NULL, or not at all."""
    for path, number in numbers_that_are_none(value):
        raise InvalidInput(f"{type(value).__name__}{path}", f"is {number}, which is no number")


def numbers_that_are_none(value: object, path: str = "") -> Iterator[tuple[str, float]]:
    """NaN and the infinite ones, each with where it lies."""
    if isinstance(value, float):
        if not math.isfinite(value):
            yield path, value
        return
    for name, part in _parts(value):
        yield from numbers_that_are_none(part, f"{path}{name}")


def _parts(value: object) -> Iterator[tuple[str, Any]]:
    if is_dataclass(value):
        yield from ((f".{field.name}", getattr(value, field.name)) for field in fields(value))
    elif isinstance(value, Mapping):
        yield from ((f"[{key!r}]", part) for key, part in value.items())
    elif isinstance(value, list | tuple | set | frozenset):
        yield from ((f"[{number}]", part) for number, part in enumerate(value))
