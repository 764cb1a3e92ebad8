"""append: the event store with 50 changes a commit against one."""

from collections.abc import Iterator
from functools import partial

from loadtests.bench.costs import Cost, interleaved, least
from loadtests.bench.inner import run
from loadtests.bench.rows import Row, at_least, of_cost
from loadtests.bench.scale import Scale
from loadtests.bench.stage import Stage

AT_ONCE = 50


def rows(stage: Stage, scale: Scale) -> Iterator[Row]:
    changes = scale.events // AT_ONCE * AT_ONCE
    measured = interleaved(
        scale.rounds,
        {
            "together": partial(append, stage, changes, AT_ONCE),
            "alone": partial(append, stage, changes // 5, 1),
        },
    )
    together = max(measured["together"], key=lambda cost: cost.per_second)
    alone = max(measured["alone"], key=lambda cost: cost.per_second)
    cpu = least(measured["alone"]).cpu_us / least(measured["together"]).cpu_us
    yield Row(
        group="append",
        name=f"{AT_ONCE} changes a commit against 1",
        figure=together.per_second / alone.per_second,
        target=at_least(5),
        ours=of_cost(together),
        theirs=of_cost(alone),
        note=f"changes a second, synchronous=FULL; by CPU {cpu:.1f} x",
    )


def append(stage: Stage, changes: int, at_once: int) -> Cost:
    return run(stage, "appender", changes, {"changes": changes, "at_once": at_once, "history": 0})
