from functools import partial

from loadtests.bench.costs import Cost, interleaved, least, spans_lost, spread, times_as_fast


def cost(cpu_seconds: float, events: int = 1_000, lost: int = 0) -> Cost:
    return Cost(events=events, cpu_seconds=cpu_seconds, wall_seconds=2 * cpu_seconds, spans_lost=lost)


def test_a_cost_is_told_per_event() -> None:
    run = cost(0.05)

    assert run.cpu_us == 50
    assert run.per_cpu_second == 20_000
    assert run.per_second == 10_000


def test_the_least_disturbed_run_counts() -> None:
    assert least([cost(0.3), cost(0.1), cost(0.2)]) == cost(0.1)


def test_runs_of_different_length_are_compared_per_event() -> None:
    assert least([cost(0.1, events=100), cost(0.2, events=1_000)]).events == 1_000


def test_twice_the_events_of_a_second_is_a_ratio_of_two() -> None:
    ours, theirs = [cost(0.5), cost(0.1)], [cost(0.2), cost(0.9)]

    assert times_as_fast(ours, theirs) == 2


def test_the_spread_is_taken_round_by_round() -> None:
    ours, theirs = [cost(0.1), cost(0.2)], [cost(0.1), cost(0.8)]

    assert spread(ours, theirs) == (1, 4)


def test_spans_lost_in_any_run_count() -> None:
    assert spans_lost([cost(0.1), cost(0.2, lost=3), cost(0.3, lost=1)]) == 4


def test_contenders_take_turns() -> None:
    turns: list[str] = []

    def run(name: str) -> Cost:
        turns.append(name)
        return cost(len(turns))

    measured = interleaved(2, {"ours": partial(run, "ours"), "bare": partial(run, "bare")})

    assert turns == ["ours", "bare", "ours", "bare"]
    assert [each.cpu_seconds for each in measured["bare"]] == [2, 4]
