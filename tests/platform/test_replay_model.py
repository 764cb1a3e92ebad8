"""Any number of replays, of any range, at any time, with deaths in between: a projection ends as its source tells it,
and what is applied again passes over nothing."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.past_world import STREAM, Group, Source

NUMBERS = st.integers(0, 9)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["say", "make anew", "apply from"]), NUMBERS, st.just(0)),
    st.tuples(st.just("is offered"), NUMBERS, st.integers(1, 6)),
    st.tuples(st.sampled_from(["looks", "dies"]), st.just(0), st.just(0)),
)


@settings(max_examples=40)
@given(steps=st.lists(STEPS, max_size=20), ends_anew=st.booleans())
def test_replays_pass_over_nothing_and_forget_nothing(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]], ends_anew: bool
) -> None:
    asyncio.run(check_all_is_heard(tmp_path_factory.mktemp("replay"), steps, ends_anew))


async def check_all_is_heard(directory: Path, steps: list[tuple[str, int, int]], ends_anew: bool) -> None:
    source, url = Source(), f"sqlite:///{directory}/own.db"
    async with AsyncExitStack() as stack:
        group, first = await stack.enter_async_context(Group(url, source)), dict[int, Any]()
        seen = [group.parts.spans]
        for step, number, count in steps:
            match step:
                case "say":
                    for _ in range(number):
                        source.say()
                case "make anew":
                    await group.subscription.replay("source", 1, with_effects=False)
                case "apply from":
                    await group.subscription.replay("source", number + 1, with_effects=True)
                case "is offered":
                    await group.is_offered(source.now.messages[number : number + count])
                case "looks":
                    await group.looks()
                case "dies":
                    await stack.aclose()
                    group = await stack.enter_async_context(Group(url, source))
                    seen.append(group.parts.spans)
            first = await deliveries(group) | first
        if ends_anew:
            await group.subscription.replay("source", 1, with_effects=False)
        await group.looks()
        await group.is_offered(source.now.messages)
        await group.looks()

        numbers = [seq for (seq,) in await group.parts.rows("SELECT seq FROM heard ORDER BY position")]
        everything = list(range(1, len(source.now.messages) + 1))
        assert sorted(set(numbers)) == everything
        assert all(after <= before + 1 for before, after in pairwise(numbers))
        assert numbers == everything or not ends_anew
        assert first.items() <= (await deliveries(group)).items()
        assert group.subscription.inbox.lot.keys(STREAM) == set()
        traces = Counter(span.trace_id_hex for spans in seen for span in spans.named("process source.Said"))
        assert all(traces[each.trace_id] == 1 for each in source.now.messages)


async def deliveries(group: Group) -> dict[int, Any]:
    return {seq: rest for seq, *rest in await group.parts.rows("SELECT seq, message_id, committed_at FROM deliveries")}
