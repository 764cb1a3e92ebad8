"""hop: ours, with every guarantee and all telemetry, against what one writes by hand."""

from collections.abc import Iterator, Sequence
from functools import partial

from loadtests.bench.costs import Cost, interleaved, least, spans_lost, spread, times_as_fast
from loadtests.bench.hop import BARE, OURS, STOCK, run
from loadtests.bench.rows import Row, Target, at_least, at_most, of_cost
from loadtests.bench.scale import Scale
from loadtests.bench.stage import Stage


def rows(stage: Stage, scale: Scale) -> Iterator[Row]:
    measured = interleaved(
        scale.rounds,
        {
            "ours": partial(run, stage, OURS, scale.events),
            "bare": partial(run, stage, BARE, scale.events, traced=False),
            "stock": partial(run, stage, STOCK, scale.events),
        },
    )
    ours = measured["ours"]
    yield against("hop", BARE.name, ours, measured["bare"], at_least(0.4), "no telemetry at all")
    yield against("hop", STOCK.name, ours, measured["stock"], at_least(1.8), "two spans an event")
    yield Row(
        group="hop",
        name="spans of ours that did not arrive",
        figure=spans_lost(ours),
        unit="spans",
        target=at_most(0),
        note=f"of {2 * scale.events * scale.rounds:,}, counted at the receiver",
    )


def against(
    group: str, name: str, ours: Sequence[Cost], theirs: Sequence[Cost], target: Target | None, note: str = ""
) -> Row:
    """How many times as many events we get out of a second of CPU."""
    return Row(
        group=group,
        name=f"against {name}",
        figure=times_as_fast(ours, theirs),
        target=target,
        ours=of_cost(least(ours)),
        theirs=of_cost(least(theirs)),
        spread=spread(ours, theirs),
        note=note,
    )
