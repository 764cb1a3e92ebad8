import pytest

from dashboards.objectives import OBJECTIVES, WINDOWS, Objective, burns
from telemetry.registry import METRICS

every_objective = pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.name)


def test_there_is_a_promise_on_checkout_on_effects_and_on_waiting() -> None:
    assert {each.name: each.target for each in OBJECTIVES} == {
        "checkout-availability": 0.999,
        "critical-time": 0.99,
        "time-to-ready": 0.99,
    }


def test_budgets_are_watched_over_these_windows() -> None:
    assert [(each.short, each.long, each.factor, each.severity) for each in WINDOWS] == [
        ("5m", "1h", 14.4, "page"),
        ("30m", "6h", 6, "page"),
        ("2h", "1d", 3, "ticket"),
        ("6h", "3d", 1, "ticket"),
    ]


@every_objective
def test_an_alert_needs_both_of_its_windows(objective: Objective) -> None:
    paging = burns(objective, "page")

    assert paging.count(" and ") == 2
    assert f"> 14.4 * {objective.allowed:g}" in paging
    assert f"> 6 * {objective.allowed:g}" in paging


@pytest.mark.parametrize(
    ("metric", "bound"), [("mallbots_event_critical_seconds", 1.0), ("mallbots_order_ready_seconds", 60.0)]
)
def test_buckets_have_the_promised_bound_exactly(metric: str, bound: float) -> None:
    [promise] = [objective for objective in OBJECTIVES if metric in objective.total]

    assert bound in METRICS[metric].buckets
    assert f'le="{bound}"' in promise.bad
