"""Whatever is tried again and kills, beside what does not, in any order and with deaths of other reasons between: every
loop ends, nobody innocent is set aside, nothing is lost and nothing done twice."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mallbots_platform.timers_aside import AT_NO_TIME
from tests.support.deadly_world import Life

LIMIT = 4
NUMBERS = range(1, 9)
DEATHS = st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=2)


@settings(max_examples=25, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # many lives each: no time to shrink
@given(
    parked=st.sets(st.sampled_from(NUMBERS)),
    timers=st.sets(st.sampled_from(NUMBERS)),
    deadly=st.sets(st.integers(1, 108).filter(lambda number: number % 100 in NUMBERS), max_size=3),
    deaths=DEATHS,
    keys=st.integers(1, 8),
)
def test_only_who_kills_is_set_aside(
    tmp_path_factory: pytest.TempPathFactory,
    parked: set[int],
    timers: set[int],
    deadly: set[int],
    deaths: list[tuple[int, bool]],
    keys: int,
) -> None:
    asyncio.run(check_lives(tmp_path_factory.mktemp("deadly"), sorted(parked), sorted(timers), deadly, deaths, keys))


async def check_lives(
    directory: Path, parked: list[int], timers: list[int], deadly: set[int], deaths: list[tuple[int, bool]], keys: int
) -> None:
    """Timers have numbers from 101 on."""
    url, awake = f"sqlite:///{directory}/own.db", [100 + number for number in timers]
    async with Life(url) as first:
        await first.parts.change(lambda: first.park(parked, lambda number: f"key {number % keys}"))
        await first.parts.change(lambda: first.set_timers(awake))
    lives = [*deaths, *[None] * (LIMIT + 2) * (len(deadly) + 1)]
    for last in lives:
        async with Life(url, deadly, last, LIMIT) as life:
            if await life.live():
                break
    else:
        raise AssertionError("who kills is tried for ever")

    async with Life(url) as after:
        rows = after.parts.rows
        heard = [seq for (seq,) in await rows("SELECT seq FROM heard ORDER BY seq")]
        woken = [number for (number,) in await rows("SELECT number FROM woken ORDER BY number")]
        dead = {seq for (seq,) in await rows("SELECT seq FROM parked WHERE group_name = 'own' AND state = 'dead'")}
        behind = {seq for (seq,) in await rows("SELECT seq FROM parked WHERE state = 'queued'")}
        aside = {int(key) for (key,) in await rows("SELECT key FROM parked WHERE group_name = 'own.timers'")}
        left = {int(key) for (key,) in await rows(f"SELECT key FROM timers WHERE due_at = {AT_NO_TIME}")}

    assert dead <= deadly
    assert {number for number in behind if not any(is_behind(number, each, keys) for each in dead)} == set()
    assert heard == [number for number in parked if number not in dead | behind]
    assert aside == left == set(awake) & deadly
    assert woken == [number for number in awake if number not in deadly]


def is_behind(number: int, killer: int, keys: int) -> bool:
    return number > killer and number % keys == killer % keys
