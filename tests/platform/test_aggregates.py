import pytest

from mallbots_platform.aggregates import Aggregate, Entity
from mallbots_platform.messages import event


@event
class LampSwitched:
    on: bool


class Lamp(Aggregate):
    on: bool = False

    def switch(self) -> None:
        self.record(LampSwitched(on=not self.on))

    def apply(self, event: LampSwitched) -> None:
        self.on = event.on


class Note(Entity):
    text: str

    def change(self, text: str) -> None:
        self.text = text
        self.record(LampSwitched(on=True))


def test_recording_applies_and_remembers() -> None:
    lamp = Lamp(id="1")

    lamp.switch()

    assert lamp.on
    assert lamp.recorded == (LampSwitched(on=True),)


def test_replay_counts_versions_and_records_nothing() -> None:
    lamp = Lamp.replay("1", [LampSwitched(on=True), LampSwitched(on=False)])

    assert (lamp.version, lamp.on, lamp.recorded) == (2, False, ())


def test_saving_empties_what_was_recorded() -> None:
    lamp = Lamp(id="1")
    lamp.switch()

    lamp.saved(version=1)

    assert (lamp.version, lamp.recorded) == (1, ())


def test_an_entity_changes_its_own_fields() -> None:
    note = Note(id="1", text="old")

    note.change("new")

    assert note.text == "new"
    assert note.recorded == (LampSwitched(on=True),)


def test_an_aggregate_without_apply_says_so() -> None:
    class Nameless(Aggregate):
        pass

    with pytest.raises(NotImplementedError, match="Nameless needs an apply method"):
        Nameless(id="1").record(object())


def test_events_are_ordered_by_the_id_unless_said_otherwise() -> None:
    class Seat(Entity):
        train: str

        @property
        def key(self) -> str:
            return self.train

    assert Lamp(id="1").key == "1"
    assert Seat(id="1", train="ICE 5").key == "ICE 5"


def test_two_aggregates_are_never_the_same() -> None:
    assert Lamp(id="1") != Lamp(id="1")
    assert len({Lamp(id="1"), Lamp(id="1")}) == 2


def test_a_replay_may_go_on_from_a_version() -> None:
    assert Lamp.replay("1", [LampSwitched(on=True)], version=7).version == 8
