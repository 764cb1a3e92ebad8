"""Whatever a source goes back to, and whatever of its pasts still reaches a group: nothing that it says now is passed
over in silence, and nothing that it does not know any more is taken for something else."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.past_world import Group, Source

NUMBERS = st.integers(0, 7)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["say", "go back", "looks"]), NUMBERS, st.just(0), st.just(0)),
    st.tuples(st.just("is offered"), NUMBERS, NUMBERS, st.integers(1, 8)),
    st.tuples(st.sampled_from(["start again", "back up", "is settled"]), st.just(0), st.just(0), st.just(0)),
)


@settings(max_examples=60)
@given(steps=st.lists(STEPS, max_size=20))
def test_nothing_is_passed_over_or_mistaken(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int, int]]
) -> None:
    asyncio.run(check_nothing_is_lost(tmp_path_factory.mktemp("truth"), steps))


async def check_nothing_is_lost(directory: Path, steps: list[tuple[str, int, int, int]]) -> None:
    source = Source()
    async with Group(f"sqlite:///{directory}/own.db", source) as group:
        for step, number, start, count in steps:
            match step:
                case "say":
                    for _ in range(number):
                        source.say()
                case "start again":
                    source.start_again()
                case "back up":
                    source.back_up()
                case "go back":
                    source.go_back(number)
                case "is offered":
                    stream = source.streams[number % len(source.streams)]
                    await group.is_offered(stream[start : start + count])
                case "looks":
                    await group.looks()
                case "is settled":
                    await group.is_settled()
        await group.is_settled()
        await group.is_offered(source.now.messages)
        await group.looks()

        heard, now = Counter(await group.heard()), {each.id for each in source.now.messages}
        assert {id: heard[id] for id in now} == dict.fromkeys(now, 1)
        assert heard.keys() - now <= await group.lost()
        assert not group.subscription.troubles
