"""What tests of contexts are told with: aggregates to which things happened, repositories in memory."""

import copy
from typing import Generic, TypeVar

from mallbots_platform.aggregates import Aggregate, Recorder
from mallbots_platform.errors import AlreadyExists, Conflict, NotFound

A = TypeVar("A", bound=Aggregate)
R = TypeVar("R", bound=Recorder)


def given(aggregate_type: type[A], *events: object, id: str = "1") -> A:
    """An aggregate to which these events have happened."""
    return aggregate_type.replay(id, events)


class MemoryRepository(Generic[R]):
    """Keeps copies, as a database would; `published` lists every recorded event that was saved."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.published: list[object] = []
        self._kept: dict[str, R] = {}

    def find(self, id: str) -> R | None:
        return copy.deepcopy(self._kept.get(id))

    def get(self, id: str) -> R:
        found = self.find(id)
        if found is None:
            raise NotFound(self.kind, id)
        return found

    def add(self, thing: R) -> None:
        if thing.id in self._kept:
            raise AlreadyExists(self.kind, thing.id)
        self._keep(thing)

    def save(self, thing: R) -> None:
        kept = self._kept.get(thing.id)
        if _is_changed(thing) and (kept is None or kept.version != thing.version):
            raise Conflict(f"{self.kind} {thing.id} has moved on")
        self._keep(thing)

    def _keep(self, thing: R) -> None:
        if not _is_changed(thing):
            return
        self.published.extend(thing.recorded)
        thing.correlation_id = thing.correlation_id or thing.key
        thing.saved(thing.version + (len(thing.recorded) if isinstance(thing, Aggregate) else 1))
        self._kept[thing.id] = copy.deepcopy(thing)

    def all(self) -> list[R]:
        return [copy.deepcopy(thing) for thing in self._kept.values()]


def _is_changed(thing: Recorder) -> bool:
    """An aggregate is its events; whether an entity's fields have changed is not looked into."""
    return bool(thing.recorded) or not isinstance(thing, Aggregate)
