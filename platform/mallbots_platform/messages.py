"""Events and commands as plain frozen dataclasses, and the contract that gives them their wire names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast, dataclass_transform

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
C = TypeVar("C", bound=type)


@dataclass_transform(kw_only_default=True, frozen_default=True)
def event(cls: C) -> C:
    """A fact in the past tense; identity, time and cause travel in its envelope."""
    return _message(cls)


@dataclass_transform(kw_only_default=True, frozen_default=True)
def command(cls: C) -> C:
    """A request in the imperative, addressed to one context."""
    return _message(cls)


@dataclass_transform(kw_only_default=True, frozen_default=True)
def value(cls: C) -> C:
    """A part of a message or of a state, equal when its fields are."""
    return _message(cls)


def _message(cls: C) -> C:
    return cast(C, dataclass(frozen=True, slots=True, kw_only=True)(cls))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a context says to the others: its events, the commands it takes, and how old versions are read.

    The wire name of a message is `<context>.<class name>`; its version is 1 unless `versions` says otherwise.
    `upcasters[wire name, version]` turns the payload of that version, as plain JSON values, into the next one's.
    """

    context: str
    events: tuple[type, ...] = ()
    commands: tuple[type, ...] = ()
    versions: Mapping[type, int] = field(default_factory=dict)
    upcasters: Mapping[tuple[str, int], Upcaster] = field(default_factory=dict)

    def wire_name(self, message_type: type) -> str:
        return f"{self.context}.{message_type.__name__}"

    def version(self, message_type: type) -> int:
        return self.versions.get(message_type, 1)

    def later(self, releases: int) -> "Contract":
        """As a program that is so many releases later would have it, to see what becomes of this one beside it: each
        version is higher, and what was said before is read as it is."""
        kinds = (*self.events, *self.commands) if releases else ()
        versions = {kind: self.version(kind) + releases for kind in kinds}
        as_it_was = {
            (self.wire_name(kind), self.version(kind) + number): cast(Upcaster, dict)
            for kind in kinds
            for number in range(releases)
        }
        return replace(self, versions={**self.versions, **versions}, upcasters={**self.upcasters, **as_it_was})


@event
class Accepted:
    """A participant's reply: the command was carried out; `values` feed the saga's data."""

    values: dict[str, str] = field(default_factory=dict)


@event
class Refused:
    """A participant's reply: a rule forbids it, or there is no such thing. `code` names the refusal's class, `reason`
    is for people."""

    code: str
    reason: str
    not_found: bool = False
