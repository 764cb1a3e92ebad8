"""What became of all messages, from the databases of all contexts; and how long effects took."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mallbots.operators import Operators
from mallbots_platform import operator_pb2 as pb


@dataclass(frozen=True, slots=True)
class Totals:
    published: int = 0
    applied: int = 0
    duplicates: int = 0
    parked: int = 0
    dead: int = 0
    republished: int = 0


async def totals(operators: Operators) -> Totals:
    answers = (await operators.ask("GetTotals", pb.GetTotalsRequest())).values()
    return Totals(**{name: sum(getattr(answer, name) for answer in answers) for name in Totals.__slots__})


@dataclass(frozen=True, slots=True)
class CriticalSeconds:
    """From the commit of a cause to the commit of its effect."""

    p50: float
    p95: float
    p99: float


def critical_seconds(deliveries: Iterable[pb.Delivery]) -> CriticalSeconds:
    times = sorted(each.critical_us for each in deliveries if each.outcome == "applied")
    return CriticalSeconds(*(round(_percentile(times, percent) / 1e6, 6) for percent in (50, 95, 99)))


def _percentile(ordered: Sequence[int], percent: int) -> int:
    """The nearest rank; 0 of nothing."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0
