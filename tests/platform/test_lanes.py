"""What waits for the writer: whatever comes, leaves and is given back, all is served once, or had left."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mallbots_platform import lane
from mallbots_platform.lanes import Lanes


@dataclass
class Work:
    number: int
    catches_up: bool
    has_left: bool = False

    def is_waited_for(self, now: float) -> bool:
        return not self.has_left


@dataclass
class Writer:
    """Takes groups, begins some of each, and gives the others back."""

    lanes: Lanes[Work] = field(default_factory=Lanes)
    came: list[Work] = field(default_factory=list)
    served: list[Work] = field(default_factory=list)

    def put(self, catches_up: bool) -> None:
        self.came.append(Work(len(self.came), catches_up))
        self.lanes.put(self.came[-1])

    def leave(self, number: int) -> None:
        waiting = [work for work in self.came if work not in self.served]
        if waiting:
            waiting[number % len(waiting)].has_left = True

    def serve(self, most: int, begun: int) -> None:
        if any(work not in self.served and not work.has_left for work in self.came):
            taken = self.lanes.take(most)
            self.lanes.give_back(taken[begun:])
            self.served += taken[:begun]
            self.lanes.took(len(taken[:begun]), 0.01 * begun)


PUTS = st.tuples(st.just("put"), st.booleans())
SERVES = st.tuples(st.just("serve"), st.integers(1, 5), st.integers(1, 3))
LEAVES = st.tuples(st.just("leave"), st.integers(0, 20))


def finished(steps: list[tuple[str, ...]]) -> Writer:
    writer = Writer()
    for name, *told in steps:
        getattr(writer, name)(*told)
    writer.lanes.close()
    while taken := writer.lanes.take(3):
        writer.served += taken
        writer.lanes.took(len(taken), 0.01)
    return writer


@given(st.lists(PUTS | SERVES | LEAVES, max_size=60))
def test_all_are_served_once_or_have_left(steps: list[tuple[str, ...]]) -> None:
    writer = finished(steps)

    assert sorted(work.number for work in writer.served) == [
        work.number for work in writer.came if work in writer.served or not work.has_left
    ]
    assert writer.lanes.qsize() == 0
    assert writer.lanes.expected_seconds == 0


@given(st.lists(PUTS | SERVES, max_size=60))
def test_each_lane_is_in_order_while_nobody_leaves(steps: list[tuple[str, ...]]) -> None:
    writer = finished(steps)

    for catches_up in (False, True):
        served = [work.number for work in writer.served if work.catches_up == catches_up]
        assert served == sorted(served)


def test_whoever_came_last_goes_first_while_others_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "IMPATIENT_SECONDS", 600.0)
    writer = Writer()
    for _ in range(200):
        writer.put(catches_up=False)
    writer.leave(0)
    writer.serve(1, 1)

    for _ in range(100):
        writer.serve(1, 1)

    numbers = [work.number for work in writer.served[1:]]
    oldest, newest = [n for n in numbers if n < 100], [n for n in numbers if n >= 100]
    assert newest == sorted(newest, reverse=True)
    assert oldest == sorted(oldest)
    assert 15 <= len(oldest) <= 25


def test_what_comes_now_is_expected_to_wait_for_those_before_it() -> None:
    writer = Writer()
    for _ in range(4):
        writer.put(catches_up=False)

    writer.serve(2, 2)
    assert round(writer.lanes.expected_seconds, 6) == 0.02

    writer.put(catches_up=True)
    writer.serve(2, 2)
    assert writer.lanes.expected_seconds == 0
