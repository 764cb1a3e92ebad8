import time
from typing import Any, cast

from pytest import MonkeyPatch, approx, fixture

from loadtests.instructions import Instructions
from loadtests.shapes import arrivals, shape_of
from loadtests.swarm.arrivals import bring
from loadtests.swarm.goods import Goods
from loadtests.swarm.here import Here


class Clock:
    """Time passes when somebody sleeps, and only then."""

    def __init__(self) -> None:
        self.now = 0.0
        self.on_sleep: Any = lambda: None

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.on_sleep()


@fixture
def clock(monkeypatch: MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("loadtests.swarm.arrivals.time", clock)
    return clock


def a_mall(users: int) -> Here:
    told = Instructions(addresses={}, shape="steady", seconds=20, rate=5, users=users, seed=1)
    return Here(told, cast(Any, None), Goods([]), cast(Any, None))


def due() -> list[float]:
    return list(arrivals(shape_of("steady", 20), 5, seed=1))


def test_customers_come_when_they_are_due(clock: Clock) -> None:
    here, came = a_mall(users=1000), []

    bring(here, 0.0, lambda: came.append(clock.now))

    assert came == approx(due())
    assert list(here.due) == approx(due())


def test_they_come_whether_or_not_others_are_done(clock: Clock) -> None:
    here = a_mall(users=1000)
    stuck = []

    def come_in() -> None:
        here.due.popleft()
        here.visitors += 1
        stuck.append(clock.now)

    bring(here, 0.0, come_in)

    assert len(stuck) == len(due())


def test_who_waits_outside_is_still_due_when_due(clock: Clock) -> None:
    here, late = a_mall(users=1), []

    def come_in() -> None:
        late.append(clock.now - here.due.popleft())
        here.visitors = 1

    def leave() -> None:
        if clock.now > 10:
            here.visitors = 0

    clock.on_sleep = leave
    bring(here, 0.0, come_in)

    assert late[0] == approx(0, abs=0.02)
    assert late[1] == approx(10 - due()[1], abs=0.1)


def test_nobody_comes_when_the_doors_are_closed(clock: Clock) -> None:
    here, came = a_mall(users=1), []

    def come_in() -> None:
        came.append(here.due[-1])

    def close() -> None:
        here.is_closing = clock.now > 15

    clock.on_sleep = close
    bring(here, 0.0, come_in)

    assert len(came) == 1


def test_real_time_is_kept(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.swarm.arrivals.arrivals", lambda *told: [0.05, 0.1])
    here, came = a_mall(users=10), []
    began = time.perf_counter()

    bring(here, began, lambda: came.append(time.perf_counter() - began))

    assert all(at >= wanted for at, wanted in zip(came, [0.05, 0.1], strict=True))
