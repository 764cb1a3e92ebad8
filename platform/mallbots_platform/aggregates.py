"""Things with an identity that change by rules: event-sourced aggregates, and entities kept as rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self, dataclass_transform


@dataclass_transform(kw_only_default=True, eq_default=False)
@dataclass(kw_only=True, eq=False)
class Recorder:
    """Base of both kinds; every subclass becomes a dataclass with keyword fields.

    `version` counts the changes that were saved; `correlation_id` is the conversation under which the
    thing was created, remembered so that whatever touches it later belongs to the same conversation.
    """

    id: str
    version: int = 0
    correlation_id: str = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclass(kw_only=True, eq=False)(cls)

    @property
    def key(self) -> str:
        """What its published events are ordered by."""
        return self.id

    @property
    def recorded(self) -> tuple[Any, ...]:
        """Events since the last save, oldest first."""
        return tuple(self.__dict__.get("_recorded", ()))

    def _remember(self, event: object) -> None:
        self.__dict__.setdefault("_recorded", []).append(event)

    def saved(self, version: int) -> None:
        """Called by the repository: the recorded events are stored, this is the version they led to."""
        self.version = version
        self.__dict__.pop("_recorded", None)


class Entity(Recorder):
    """Kept as a row: a method changes fields itself and records what happened."""

    def record(self, event: object) -> None:
        self._remember(event)


class Aggregate(Recorder):
    """Kept as its events: a method checks rules and records; only `apply` changes state. How many events are
    `behind_snapshot` is its repository's affair."""

    behind_snapshot = 0

    def record(self, event: object) -> None:
        self.apply(event)
        self._remember(event)

    def apply(self, event: Any) -> None:
        """Change state, for a new and a replayed event alike."""
        raise NotImplementedError(f"{type(self).__name__} needs an apply method")

    @classmethod
    def replay(cls, id: str, events: Iterable[object], version: int = 0) -> Self:
        aggregate = cls(id=id, version=version)
        for event in events:
            aggregate.apply(event)
            aggregate.version += 1
        return aggregate
