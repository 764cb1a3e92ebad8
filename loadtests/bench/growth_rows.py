"""growth: the hop, and loading an aggregate, with a long history in the store against an empty one."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from loadtests.bench import hop, inner
from loadtests.bench.costs import Cost, interleaved, least
from loadtests.bench.mail import Sender
from loadtests.bench.rows import Row, at_most, of_cost
from loadtests.bench.scale import Scale
from loadtests.bench.stage import Stage

GROWTH = at_most(1.15)
AT_ONCE = 20_000
LOADS = 2_000
FEW = 5_000
LOAD_TURNS = 3  # a turn is over in a fraction of a second, so whatever disturbs it disturbs all of it


class Grown:
    """A consumer's store that has a history, and streams that have it too. Nothing else may empty Redis meanwhile."""

    def __init__(self, stage: Stage, history: int) -> None:
        self._stage = stage
        self._place: Path = stage.empty()
        self._sender = Sender()
        self._sent = 0
        while self._sent < history:
            self.consume(min(AT_ONCE, history - self._sent), traced=False)

    def consume(self, events: int, *, traced: bool = True) -> Cost:
        """What the next events cost, in a process that has just started."""
        hop.send(self._stage, self._sender, events)
        self._sent += events
        return hop.consume(self._stage, hop.OURS, self._place, events, so_far=self._sent, traced=traced)


def rows(stage: Stage, scale: Scale) -> Iterator[Row]:
    for history in scale.history:
        yield from _hop(stage, scale, history)
        yield _rehydration(stage, scale, history)


def _hop(stage: Stage, scale: Scale, history: int) -> Iterator[Row]:
    """Not interleaved: both would need the same streams. The empty store comes before and after."""
    empty = [hop.run(stage, hop.OURS, scale.events)]
    grown_store = Grown(stage, history)
    grown = [grown_store.consume(scale.events) for _ in range(scale.rounds)]
    empty += [hop.run(stage, hop.OURS, scale.events) for _ in range(scale.rounds - 1)]
    ours, theirs = least(grown), least(empty)
    yield Row(
        group="growth",
        name=f"hop after {history:,} events",
        figure=ours.cpu_us / theirs.cpu_us,
        target=GROWTH,
        ours=of_cost(ours),
        theirs=of_cost(theirs),
        note="CPU, against an empty store",
    )
    yield Row(
        group="growth",
        name=f"memory after {history:,} events",
        figure=ours.peak_mib / theirs.peak_mib,
        target=GROWTH,
        ours={"mib": ours.peak_mib},
        theirs={"mib": theirs.peak_mib},
        note="peak of a process under full load, with all telemetry",
    )


def _rehydration(stage: Stage, scale: Scale, history: int) -> Row:
    contenders = {"grown": partial(_load, stage, history), "empty": partial(_load, stage, FEW)}
    measured = interleaved(LOAD_TURNS * scale.rounds, contenders)
    grown, empty = least(measured["grown"]), least(measured["empty"])
    return Row(
        group="growth",
        name=f"loading an aggregate among {history:,} events",
        figure=grown.cpu_us / empty.cpu_us,
        target=GROWTH,
        ours=of_cost(grown),
        theirs=of_cost(empty),
        note=f"50 events each, against a store of {FEW:,}",
    )


def _load(stage: Stage, history: int) -> Cost:
    return inner.run(stage, "appender", LOADS, {"changes": 0, "loads": LOADS, "history": history})
