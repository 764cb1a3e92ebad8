"""A store of the mall: opened, taking part or not, closed for good."""

from typing import Self

from contexts.stores.domain.errors import StoreDoesNotParticipate, StoreIsClosed, StoreParticipatesAlready
from contexts.stores.domain.events import (
    StoreClosed,
    StoreEvent,
    StoreOpened,
    StoreParticipationDisabled,
    StoreParticipationEnabled,
    StoreRebranded,
)
from mallbots_platform.aggregates import Aggregate


class Store(Aggregate):
    name: str = ""
    location: str = ""
    is_open: bool = False
    participates: bool = False

    @classmethod
    def open(cls, store_id: str, name: str, location: str) -> Self:
        store = cls(id=store_id)
        store.record(StoreOpened(name=name, location=location))
        return store

    def rebrand(self, name: str) -> None:
        self.must_be_open()
        self.record(StoreRebranded(name=name))

    def enable_participation(self) -> None:
        self.must_be_open()
        if self.participates:
            raise StoreParticipatesAlready(self.id)
        self.record(StoreParticipationEnabled())

    def disable_participation(self) -> None:
        self.must_be_open()
        if not self.participates:
            raise StoreDoesNotParticipate(self.id)
        self.record(StoreParticipationDisabled())

    def close(self) -> None:
        self.must_be_open()
        if self.participates:
            self.record(StoreParticipationDisabled())
        self.record(StoreClosed())

    def must_be_open(self) -> None:
        if not self.is_open:
            raise StoreIsClosed(self.id)

    def apply(self, event: StoreEvent) -> None:
        match event:
            case StoreOpened(name=name, location=location):
                self.name, self.location, self.is_open = name, location, True
            case StoreRebranded(name=name):
                self.name = name
            case StoreParticipationEnabled():
                self.participates = True
            case StoreParticipationDisabled():
                self.participates = False
            case StoreClosed():
                self.is_open = False
