"""How a demo went: what became of whom, what happened to the messages, and whether what must hold does hold."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from mallbots.chaos import Felt
from mallbots.day import Visited
from mallbots.invariants import Invariant, cancelled_from
from mallbots.plan import Scenario
from mallbots.reporting import counted, open_console, plain
from mallbots.totals import CriticalSeconds, Totals
from mallbots_platform import operator_pb2 as pb

FINAL_STATES = ("collected", "cancelled", "rejected")
FOR_THE_TREE = (Scenario.SOME_MISSING, Scenario.PLAIN)


@dataclass(frozen=True, slots=True)
class Report:
    """`replay` is the command that plays it again; `lost` are orders of which a restored database has lost a part."""

    visited: Sequence[Visited]
    states: Mapping[str, int]
    totals: Totals
    invariants: Sequence[Invariant]
    critical: CriticalSeconds
    messages: Sequence[pb.LogEntry]
    left_over: str = ""
    faults: Sequence[Felt] = ()
    replay: str = ""
    lost: Sequence[str] = ()

    @property
    def placed(self) -> int:
        return len(self._orders)

    @property
    def seconds(self) -> float:
        """Until the last order had ended."""
        return max(each.seconds for each in self._orders)

    @property
    def lost_visits(self) -> int:
        return sum(each.is_lost for each in self.visited)

    @property
    def _orders(self) -> list[Visited]:
        return [each for each in self.visited if each.visit.scenario is not Scenario.FORGOTTEN]

    @property
    def is_good(self) -> bool:
        everybody = all(each.as_planned for each in self.visited)
        nothing_set_aside = not (self.totals.parked or self.totals.dead or self.left_over)
        return everybody and nothing_set_aside and all(each.holds for each in self.invariants)

    @property
    def complaint(self) -> str:
        """What is not as it should be, in a few words."""
        surprised = sum(not each.as_planned for each in self.visited)
        broken = sum(not each.holds for each in self.invariants)
        set_aside = self.totals.parked + self.totals.dead
        wrong = {
            f"{counted(surprised, 'visit')} not as planned": surprised,
            f"{counted(broken, 'invariant')} broken": broken,
            f"{counted(set_aside, 'message')} set aside": set_aside,
            "it did not come to rest": self.left_over,
        }
        return ", ".join(text for text, applies in wrong.items() if applies)

    @property
    def flow(self) -> str:
        """An order that is worth a look."""
        collected = [each for each in self.visited if each.ended == "collected"]
        wanted = [each for scenario in FOR_THE_TREE for each in collected if each.visit.scenario is scenario]
        return next((each.order_id for each in (*wanted, *self.visited) if each.order_id), "")

    @property
    def flows(self) -> list[str]:
        """What to look at: the conversations in which an invariant was broken, else an order that is worth it."""
        shown = [entry for each in self.invariants for entry in self.shown_by(each) if entry]
        return list(dict.fromkeys(entry.correlation_id for entry in shown)) or [self.flow] * bool(self.flow)

    def shown_by(self, invariant: Invariant) -> list[pb.LogEntry | None]:
        """The messages that show how it was broken; None for one that is in no log."""
        said = {entry.message_id: entry for entry in self.messages}
        return [said.get(id) for id in invariant.events]

    def cancelled_in(self) -> Counter[str]:
        """In which states orders were when their customers cancelled them."""
        ids = [each.order_id for each in self.visited if each.visit.scenario.name.startswith("CANCELLED")]
        states = (cancelled_from(self.messages, id) for id in ids)
        return Counter(state for state in states if state)


def as_json(report: Report) -> dict[str, Any]:
    """`critical_seconds`: from the commit of a cause to that of its effect. `republished`: after a loss in Redis."""
    return {
        "orders": {"placed": report.placed} | {state: report.states.get(state, 0) for state in _states(report)},
        "scenarios": {
            scenario.value: {
                "visits": len(visits),
                "as_planned": sum(each.as_planned for each in visits),
                "ends_as": scenario.ends_as,
            }
            for scenario, visits in _by_scenario(report).items()
        },
        "cancelled_in": dict(report.cancelled_in()),
        "events": asdict(report.totals),
        "invariants": [asdict(each) for each in report.invariants],
        "critical_seconds": asdict(report.critical),
        "seconds": round(report.seconds, 3),
        "orders_per_second": round(report.placed / report.seconds, 2),
        "surprises": _surprises(report),
        "flow": report.flow,
        **({"faults": [asdict(each) for each in report.faults]} if report.faults else {}),
        **({"lost": {"orders": list(report.lost), "visits": report.lost_visits}} if report.lost_visits else {}),
        **({} if report.is_good else {"replay": report.replay}),
    }


def show(report: Report) -> None:
    console = open_console()
    console.print()
    console.print(_scenarios(report))
    console.print()
    console.print(_invariants(report))
    for text in _shown_by(report):
        console.print(text, soft_wrap=True)
    for surprise in _surprises(report):
        console.print(plain(f"✗ {surprise}", "red"), soft_wrap=True)
    console.print()
    if report.faults:
        console.print(_faults(report))
        console.print()
    if report.lost_visits:
        console.print(
            f"{counted(report.lost_visits, 'visit')} and {counted(len(report.lost), 'order')} left out of all this: a"
            " restored database has lost a part of them, and that was settled"
        )
    told, late = report.totals, report.critical
    console.print(
        f"{counted(report.placed, 'order')} in {report.seconds:.1f} s, {report.placed / report.seconds:.1f} a second · "
        f"{told.published} messages published, {told.applied} times applied, {told.duplicates} duplicates refused, "
        f"{told.parked} parked, {told.dead} dead, {told.republished} republished"
    )
    console.print(
        f"from cause to effect, commit to commit: {late.p50 * 1000:.1f} ms p50, {late.p95 * 1000:.1f} ms p95, "
        f"{late.p99 * 1000:.1f} ms p99"
    )


def _scenarios(report: Report) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("what happened")
    table.add_column("visits", justify="right")
    table.add_column("ended")
    table.add_column("as planned", justify="right")
    for scenario, visits in _by_scenario(report).items():
        planned = sum(each.as_planned for each in visits)
        ended = ", ".join(f"{state or 'surprised'}" for state in sorted({each.ended for each in visits}))
        style = None if planned == len(visits) else "red"
        table.add_row(scenario.value, str(len(visits)), ended, str(planned), style=style)
    return table


def _invariants(report: Report) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("", "invariant", "checked"):
        table.add_column(title)
    for each in report.invariants:
        table.add_row("[green]✓[/]" if each.holds else "[red]✗[/]", each.name, Text(each.detail))
    return table


def _shown_by(report: Report) -> Iterator[Text]:
    """For each broken invariant, a line for each message that shows it."""
    for each in report.invariants:
        if each.events:
            yield Text(f"✗ {each.name}: shown by", style="red")
        for id, entry in zip(each.events, report.shown_by(each), strict=True):
            yield Text(f"  {_place(entry)}" if entry else f"  {id}, which is in no log")


def _place(entry: pb.LogEntry) -> str:
    log = entry.source if entry.channel == "events" else f"{entry.source}.{entry.channel}"
    return f"{entry.type}  {entry.message_id}  of {entry.subject}  {log} {entry.partition}-{entry.sequence}"


def _faults(report: Report) -> Table:
    """Narrow enough for 80 columns."""
    table = Table(box=None, pad_edge=False)
    table.add_column("fault", no_wrap=True)
    for title in ("at", "whole\nafter", "calls\nrepeated", "set\naside", "republished"):
        table.add_column(title, justify="right")
    for each in report.faults:
        counts = (str(number or "") for number in (each.errors, each.parked, each.republished))
        table.add_row(each.name, f"{each.at:.1f} s", f"{each.recovered_after:.1f} s", *counts)
    return table


def _surprises(report: Report) -> list[str]:
    told = [
        each.surprise or f"{each.visit.scenario.value}: {each.order_id} ended as {each.ended}"
        for each in report.visited
        if not each.as_planned
    ]
    return told + ([f"the run did not come to rest: {report.left_over}"] if report.left_over else [])


def _by_scenario(report: Report) -> dict[Scenario, list[Visited]]:
    met = {scenario: [each for each in report.visited if each.visit.scenario is scenario] for scenario in Scenario}
    return {scenario: visits for scenario, visits in met.items() if visits}


def _states(report: Report) -> list[str]:
    return [*FINAL_STATES, *sorted(set(report.states) - set(FINAL_STATES))]
