import os

import pytest

from mallbots.soak import Memory, Soak, resident_mib, show_memory
from tests.support.stand_in import StandIn, chaos_of


@pytest.mark.parametrize(
    "warm, end, is_flat",
    [
        (60, 60, True),
        (60, 40, True),
        (60, 70, True),
        (60, 70.1, False),
        (0, 4, True),
        (200, 224, True),
        (200, 225, False),
    ],
)
def test_memory_is_flat_up_to_a_tenth_and_some_slack(warm: float, end: float, is_flat: bool) -> None:
    assert Memory("depot", warm, end).is_flat is is_flat


@pytest.mark.parametrize(
    "sizes, warm, end",
    [
        ([60.0], 60, 60),
        ([10.0, 30.0, 50.0, *[60.0] * 17], 60, 60),
        ([*[60.0] * 10, 300.0, *[60.0] * 9], 60, 60),
        ([float(size) for size in range(100)], 45, 94),
        ([*[60.0] * 15, *[90.0] * 5], 60, 90),
    ],
)
def test_the_start_and_a_peak_are_no_growth(sizes: list[float], warm: float, end: float) -> None:
    (found,) = soak({"depot": sizes}).memory()

    assert (found.context, found.warm, found.end) == ("depot", warm, end)


def test_without_a_sample_there_is_nothing_to_tell() -> None:
    assert soak({}).memory() == []


def test_memory_is_that_of_a_living_process() -> None:
    assert 5 < resident_mib(os.getpid()) < 4096
    assert resident_mib(2**22 + 1) == 0.0


def test_who_grows_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    show_memory([Memory("depot", 60.0, 90.0), Memory("stores", 50.0, 50.0)])

    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["depot", "60", "MiB", "90", "MiB"],
        ["stores", "50", "MiB", "50", "MiB"],
    ]


def soak(samples: dict[str, list[float]]) -> Soak:
    running = StandIn(None)
    return Soak(running, chaos_of(1), 60.0, samples)  # type: ignore[arg-type]  # it is not asked anything
