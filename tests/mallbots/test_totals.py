import pytest

from mallbots.totals import CriticalSeconds, critical_seconds
from mallbots_platform import operator_pb2 as pb


@pytest.mark.parametrize(
    "milliseconds, expected",
    [
        ([], (0, 0, 0)),
        ([4], (0.004, 0.004, 0.004)),
        ([3, 1, 2], (0.002, 0.003, 0.003)),
        (list(range(1, 101)), (0.050, 0.095, 0.099)),
        (list(range(1, 201)), (0.100, 0.190, 0.198)),
    ],
)
def test_percentiles_are_nearest_ranks(milliseconds: list[int], expected: tuple[float, float, float]) -> None:
    deliveries = [pb.Delivery(outcome="applied", critical_us=1000 * each) for each in milliseconds]

    assert critical_seconds(deliveries) == CriticalSeconds(*expected)


def test_only_what_was_applied_counts() -> None:
    outcomes = ("ignored", "parked", "dead", "applied")
    deliveries = [pb.Delivery(outcome=outcome, critical_us=10**number) for number, outcome in enumerate(outcomes)]

    assert critical_seconds(deliveries) == CriticalSeconds(0.001, 0.001, 0.001)
