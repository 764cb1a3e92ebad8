from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import text

from contexts.stores.domain import Store, StoreDoesNotParticipate, StoreIsClosed, StoreParticipatesAlready
from contexts.stores.domain.events import (
    StoreClosed,
    StoreOpened,
    StoreParticipationDisabled,
    StoreParticipationEnabled,
    StoreRebranded,
)
from mallbots_platform.errors import RuleViolated
from mallbots_platform.testing import given

OPENED = StoreOpened(name="Crafts", location="level 1")


def test_a_store_opens_without_taking_part() -> None:
    store = Store.open("1", "Crafts", "level 1")

    assert store.recorded == (OPENED,)
    assert store.is_open
    assert not store.participates


def test_a_store_takes_a_new_name() -> None:
    store = given(Store, OPENED)

    store.rebrand("Fine Crafts")

    assert store.recorded == (StoreRebranded(name="Fine Crafts"),)
    assert (store.name, store.location) == ("Fine Crafts", "level 1")


def test_a_store_starts_and_stops_taking_part() -> None:
    store = given(Store, OPENED)

    store.enable_participation()
    store.disable_participation()

    assert store.recorded == (StoreParticipationEnabled(), StoreParticipationDisabled())


def test_a_store_cannot_take_part_twice() -> None:
    store = given(Store, OPENED, StoreParticipationEnabled())

    with pytest.raises(StoreParticipatesAlready):
        store.enable_participation()


def test_a_store_that_takes_no_part_cannot_stop() -> None:
    store = given(Store, OPENED)

    with pytest.raises(StoreDoesNotParticipate):
        store.disable_participation()


def test_closing_ends_participation_first() -> None:
    store = given(Store, OPENED, StoreParticipationEnabled())

    store.close()

    assert store.recorded == (StoreParticipationDisabled(), StoreClosed())


def test_closing_a_store_that_takes_no_part_says_only_that() -> None:
    store = given(Store, OPENED)

    store.close()

    assert store.recorded == (StoreClosed(),)


def test_a_closed_store_accepts_nothing() -> None:
    store = given(Store, OPENED, StoreClosed())

    changes: list[Callable[[], None]] = [
        lambda: store.rebrand("Fine Crafts"),
        store.enable_participation,
        store.disable_participation,
        store.close,
        store.must_be_open,
    ]
    for change in changes:
        with pytest.raises(StoreIsClosed, match="store 1 is closed"):
            change()
    assert store.recorded == ()


class StoreModel(RuleBasedStateMachine):
    """Whatever is asked in whatever order: refused or done as three plain variables say, and kept by its events."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store.open("1", "Crafts", "level 1")
        self.name, self.is_open, self.participates = "Crafts", True, False

    @rule(name=text(min_size=1))
    def rebrand(self, name: str) -> None:
        with self.refused_unless(self.is_open):
            self.store.rebrand(name)
            self.name = name

    @rule()
    def enable_participation(self) -> None:
        with self.refused_unless(self.is_open and not self.participates):
            self.store.enable_participation()
            self.participates = True

    @rule()
    def disable_participation(self) -> None:
        with self.refused_unless(self.is_open and self.participates):
            self.store.disable_participation()
            self.participates = False

    @precondition(lambda self: len(self.store.recorded) > 3)
    @rule()
    def close(self) -> None:
        with self.refused_unless(self.is_open):
            self.store.close()
            self.is_open = self.participates = False

    @invariant()
    def state_is_as_expected(self) -> None:
        assert _state(self.store) == (self.name, "level 1", self.is_open, self.participates)

    @invariant()
    def its_events_lead_to_the_same_state(self) -> None:
        assert _state(Store.replay("1", self.store.recorded)) == _state(self.store)

    def refused_unless(self, allowed: bool) -> AbstractContextManager[object]:
        return nullcontext() if allowed else pytest.raises(RuleViolated)


def _state(store: Store) -> tuple[str, str, bool, bool]:
    return (store.name, store.location, store.is_open, store.participates)


TestStoreModel = StoreModel.TestCase
TestStoreModel.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
