"""Whether a dashboard's JSON is what Grafana's own types say: no field that they do not know, none of another type."""

import enum
import sys
import typing
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any

from dashboards.grafana import models, register_default_plugins

register_default_plugins()
_FREE = (object, Any)


def problems(dashboard: dict[str, Any]) -> list[str]:
    """Reads it into Grafana's types, writes it again, and compares; then looks at each value's type."""
    read = models.Dashboard.from_json(dashboard)
    written = _plain(read)
    return [*_differences(dashboard, written, "dashboard"), *_wrong_types(read, "dashboard")]


def _plain(value: Any) -> Any:
    if hasattr(value, "to_json"):
        return _plain(value.to_json())
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.value if isinstance(value, enum.Enum) else value


def _differences(given: Any, known: Any, where: str) -> Iterator[str]:
    """What was given and got lost on the way through Grafana's types."""
    if isinstance(given, dict) and isinstance(known, dict):
        yield from (f"{where} has a field {key} that Grafana does not know" for key in given.keys() - known.keys())
        for key in given.keys() & known.keys():
            yield from _differences(given[key], known[key], f"{where}.{key}")
    elif isinstance(given, list) and isinstance(known, list) and len(given) == len(known):
        for place, (left, right) in enumerate(zip(given, known, strict=True)):
            yield from _differences(left, right, f"{where}[{place}]")
    elif given != known:
        yield f"{where} is {given!r}, Grafana reads {known!r}"


def _wrong_types(value: Any, where: str) -> Iterator[str]:
    hints = _hints(type(value))
    for name, inner in vars(value).items():
        if name in hints:
            yield from _unlike(inner, hints[name], f"{where}.{name}")


def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind, vars(sys.modules[kind.__module__]))


def _unlike(value: Any, hint: Any, where: str) -> Iterator[str]:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in _FREE:  # a plugin's own
        yield from _wrong_types(value, where) if hasattr(value, "to_json") else ()
        return
    if origin in (typing.Union, UnionType):
        tries = [list(_unlike(value, each, where)) for each in inner]
        yield from min(tries, key=len)
    elif origin is list and isinstance(value, list):
        for place, each in enumerate(value):
            yield from _unlike(each, inner[0], f"{where}[{place}]")
    elif origin is dict and isinstance(value, dict):
        for key, each in value.items():
            yield from _unlike(each, inner[1], f"{where}.{key}")
    elif origin is typing.Literal:
        if value not in inner:
            yield f"{where} is {value!r}, must be one of {inner}"
    else:
        yield from _of_class(value, origin or hint, where)


def _of_class(value: Any, kind: Any, where: str) -> Iterator[str]:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return
    if kind in (int, float) and isinstance(value, bool):
        yield f"{where} is {value!r}, must be a number"
    elif issubclass(kind, enum.Enum) and value in [member.value for member in kind]:
        return
    elif isinstance(value, dict) and hasattr(kind, "from_json"):  # the reader left it as it was
        read = kind.from_json(value)
        yield from (*_differences(value, _plain(read), where), *_wrong_types(read, where))
    elif not isinstance(value, kind):
        yield f"{where} is {value!r}, must be {'nothing' if kind is NoneType else kind.__name__}"
    elif hasattr(value, "to_json"):
        yield from _wrong_types(value, where)
