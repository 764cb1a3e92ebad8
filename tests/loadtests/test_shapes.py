from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx, mark

from loadtests.shapes import KINDS, STEPS, Phase, Shape, arrivals, shape_of


@mark.parametrize("name", KINDS)
def test_a_shape_lasts_as_long_as_wanted(name: str) -> None:
    shape = shape_of(name, 100)

    assert shape.seconds == approx(100)
    assert shape.windows[0].begin == 0
    assert all(before.end == approx(after.begin) for before, after in pairwise(shape.windows))


@mark.parametrize("name", KINDS)
def test_a_shape_reaches_its_highest_load(name: str) -> None:
    shape = shape_of(name, 100)

    levels = [shape.level(at / 10) for at in range(1000)]

    assert max(levels) == approx(1)
    assert min(levels) > 0


def test_the_load_changes_evenly_within_a_phase() -> None:
    shape = Shape("hill", (Phase("up", 10, 0, 1), Phase("down", 10, 1, 0.5)))

    assert [shape.level(at) for at in (0, 5, 10, 15)] == [0, 0.5, 1, 0.75]
    assert shape.level(20) == 0


def test_a_ramp_rises_step_by_step() -> None:
    shape = shape_of("ramp", 80)

    levels = [shape.level(window.begin) for window in shape.windows]

    assert levels == [step / STEPS for step in range(1, STEPS + 1)]
    assert all(window.judged for window in shape.windows)


def test_a_spike_is_not_held_against_the_mall() -> None:
    windows = {window.name: window for window in shape_of("spike", 100).windows}

    assert {name for name, window in windows.items() if window.judged} == {"before", "after"}


def test_the_same_seed_brings_the_same_customers() -> None:
    shape = shape_of("steady", 60)

    assert list(arrivals(shape, 5, seed=1)) == list(arrivals(shape, 5, seed=1))
    assert list(arrivals(shape, 5, seed=1)) != list(arrivals(shape, 5, seed=2))


def test_as_many_customers_come_as_the_shape_says() -> None:
    shape = Shape("half", (Phase("low", 500, 0.2, 0.2), Phase("high", 500, 1, 1)))

    come = list(arrivals(shape, 10, seed=1))

    assert sum(at < 500 for at in come) == approx(1000, rel=0.15)
    assert sum(at >= 500 for at in come) == approx(5000, rel=0.15)


@given(rate=st.floats(0.1, 50), seconds=st.floats(5, 100), seed=st.integers(0, 1000), name=st.sampled_from([*KINDS]))
def test_customers_come_one_after_the_other(rate: float, seconds: float, seed: int, name: str) -> None:
    come = list(arrivals(shape_of(name, seconds), rate, seed))

    assert come == sorted(come)
    assert all(0 < at < seconds * 1.000001 for at in come)
