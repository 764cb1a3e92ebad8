"""What a class does, as a hash: another one where its code is another, or what that calls; comments do not count."""

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from types import CodeType, FunctionType, ModuleType
from typing import Any, get_args, get_type_hints

_SIMPLE = (str, bytes, int, float, Decimal, type(None))


def code_hash(kind: type) -> str:
    """Of its functions, those of its bases, and all functions, classes and constants that these name. What an
    application imports from elsewhere is left out: only what has the same package at its top is its own code."""
    texts: set[str] = set()
    waiting, seen, package = [kind], {id(kind)}, _package(kind)
    while waiting:
        thing = waiting.pop()
        texts.add(_text(thing))
        named = [each for each in _named_by(thing) if id(each) not in seen and _package(each) == package]
        seen.update(map(id, named))
        waiting += named
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()[:16]


def _package(thing: Any) -> str:
    is_code = isinstance(thing, type | FunctionType)
    return str(thing.__module__).partition(".")[0] if is_code else ""


def _text(thing: Any) -> str:
    """Also the constants that a function finds in its module, and a class has."""
    name = f"{thing.__module__}.{thing.__qualname__}"
    if isinstance(thing, FunctionType):
        constants = _constants({each: thing.__globals__.get(each) for each in _names(thing.__code__)})
        closed_over = [_told(each) for each in _closed_over(thing)]
        return f"{name} {_code(thing.__code__)} {_told(thing.__defaults__)} {closed_over} {constants}"
    return f"{name} {_constants(vars(thing))}"


def _code(code: CodeType) -> str:
    return f"{code.co_code.hex()} {code.co_names} {_told(code.co_consts)}"


def _constants(values: Any) -> str:
    found = {name: _told(value) for name, value in values.items() if name[:2] != "__"}
    return str(sorted((name, told) for name, told in found.items() if told))


def _told(value: Any) -> str:
    """Empty for what is no constant. Sets have another order in each process."""
    if isinstance(value, CodeType):
        return _code(value)
    if isinstance(value, frozenset):
        return str(sorted(map(_told, value)))
    if isinstance(value, tuple):
        return str([_told(each) for each in value])
    return repr(value) if isinstance(value, _SIMPLE) else ""


def _names(code: CodeType) -> set[str]:
    nested = [const for const in code.co_consts if isinstance(const, CodeType)]
    return {*code.co_names}.union(*map(_names, nested))


def _named_by(thing: Any) -> Iterator[Any]:
    if isinstance(thing, FunctionType):
        yield from _called_by(thing)
        return
    yield from thing.__bases__
    for member in vars(thing).values():
        yield from (member, *(getattr(member, part, None) for part in ("__func__", "fget", "fset")))
    try:
        hints = [*get_type_hints(thing).values()]
    except (NameError, TypeError):  # of names that are there only for those who check types
        return
    while hints:
        hint = hints.pop()
        hints += get_args(hint)
        yield hint


def _called_by(function: FunctionType) -> Iterator[Any]:
    names = _names(function.__code__)
    for found in (function.__globals__[name] for name in names if name in function.__globals__):
        yield found
        if isinstance(found, ModuleType):
            yield from (getattr(found, name, None) for name in names)
    yield from _closed_over(function)


def _closed_over(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue
