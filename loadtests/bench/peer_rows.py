"""peers: the same work in FastStream and in Protean, beside what they do not promise; probe: the same failures."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from loadtests.bench.contenders import CannotMeasure, Contender
from loadtests.bench.costs import interleaved
from loadtests.bench.hop import OURS, run
from loadtests.bench.hop_rows import against
from loadtests.bench.peers import FASTSTREAM, PEERS, PROTEAN, Peer
from loadtests.bench.probes.found import Found
from loadtests.bench.probes.scenarios import SCENARIOS, probe
from loadtests.bench.probes.systems import OURS as OURS_PROBED
from loadtests.bench.probes.systems import SYSTEMS, System
from loadtests.bench.rows import Row, Skipped, Target, at_least, at_most
from loadtests.bench.scale import Scale
from loadtests.bench.stage import Stage

ONE_BY_ONE = Contender(
    name="FastStream, one by one",
    module="loadtests.bench.consumers.faststream_consumer",
    reads=("letters",),
    writes=("receipts",),
    python=FASTSTREAM.python,
    told={"batch": 0},
    fills=True,
)
IN_BATCHES = replace(ONE_BY_ONE, name="FastStream, batches of 100", told={"batch": 100})
DOMAIN = replace(
    ONE_BY_ONE,
    name="Protean",
    module="loadtests.bench.consumers.protean_consumer",
    reads=("mail::post",),
    writes=("mail::letter",),
    python=PROTEAN.python,
)


@dataclass(frozen=True, slots=True)
class Measured:
    """How much of the work a peer gets, what is promised, and what stands beside its figure."""

    peer: Peer
    contender: Contender
    share: float
    target: Target | None
    note: str
    traced: bool = True


MEASURED = (
    Measured(
        *(FASTSTREAM, ONE_BY_ONE, 0.2, at_least(8)),
        "no outbox, no inbox: a crash between commit, publish and ack loses or doubles; no order per key",
    ),
    Measured(
        *(FASTSTREAM, IN_BATCHES, 1.0, at_least(2.5)),
        "as above, a whole batch at a time, and one trace for all of a batch",
    ),
    Measured(
        *(PROTEAN, DOMAIN, 0.04, None),
        "outbox; effects after a crash in doubt; its event store in memory, its telemetry off",
        traced=False,
    ),
)


def rows(stage: Stage, scale: Scale) -> Iterator[Row | Skipped]:
    missing = {peer.name: peer.missing for peer in PEERS}
    there = [each for each in MEASURED if not missing[each.peer.name]]
    runs = {
        each.contender.name: partial(run, stage, each.contender, round(scale.events * each.share), traced=each.traced)
        for each in there
    }
    ours = {"ours": partial(run, stage, OURS, scale.events)} if there else {}
    measured = interleaved(scale.rounds, ours | runs)
    for each in MEASURED:
        name = each.contender.name
        if each in there:
            yield against("peers", name, measured["ours"], measured[name], each.target, each.note)
        else:
            yield Skipped("peers", name, missing[each.peer.name])


def probed(stage: Stage, scale: Scale) -> Iterator[Row | Skipped]:
    """The same failures for all."""
    for system, missing in ((OURS_PROBED, ""), *((SYSTEMS[peer.name], peer.missing) for peer in PEERS)):
        if missing:
            yield Skipped("probe", system.name, missing)
            continue
        letters = round(scale.probed * system.letters_share)
        for scenario in SCENARIOS:
            try:
                found = probe(stage, system, scenario, letters)
            except CannotMeasure as reason:
                name = f"{system.name}: {scenario}"
                yield Skipped("probe", name, str(reason), failed=system is OURS_PROBED)
            else:
                yield _probe_row(system, scenario, letters, found)


def _probe_row(system: System, scenario: str, letters: int, found: Found) -> Row:
    return Row(
        group="probe",
        name=f"{system.name}: {scenario}",
        figure=found.wrong,
        unit=f"of {letters}",
        target=at_most(0) if system is OURS_PROBED else None,
        ours=found.as_numbers if system is OURS_PROBED else {},
        theirs={} if system is OURS_PROBED else found.as_numbers,
        note=str(found),
    )
