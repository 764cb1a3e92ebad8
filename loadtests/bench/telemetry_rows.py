"""telemetry: what it takes of the hop, at 100 % sampling, each span exported."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from loadtests.bench.costs import interleaved, least, spans_lost
from loadtests.bench.hop import OURS, run
from loadtests.bench.rows import Row, at_most, of_cost
from loadtests.bench.scale import Scale
from loadtests.bench.stage import Stage

SILENT = replace(OURS, name="ours without spans and metrics", told={"silent": True})


def rows(stage: Stage, scale: Scale) -> Iterator[Row]:
    measured = interleaved(
        scale.rounds,
        {
            "on": partial(run, stage, OURS, scale.events),
            "not exported": partial(run, stage, OURS, scale.events, traced=False),
            "off": partial(run, stage, SILENT, scale.events, traced=False),
        },
    )
    on = least(measured["on"])
    for name, target, note in (
        ("off", at_most(25), "against no attributes, no export and no metrics; ids still travel"),
        ("not exported", None, "against no endpoint set: metrics stay"),
    ):
        without = least(measured[name])
        yield Row(
            group="telemetry",
            name="share of the traced hop" if target else "share of recording and exporting spans",
            figure=100 * (1 - without.cpu_us / on.cpu_us),
            unit="%",
            target=target,
            ours=of_cost(on),
            theirs=of_cost(without),
            note=note,
        )
    yield Row(
        group="telemetry",
        name="spans that did not arrive",
        figure=spans_lost(measured["on"]),
        unit="spans",
        target=at_most(0),
        note=f"of {2 * scale.events * scale.rounds:,}, counted at the receiver",
    )
