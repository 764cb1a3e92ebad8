from itertools import pairwise

import pytest

from loadtests.bench.made_day import DAY_SECONDS, RESTARTS, Series, live, series_in, values

EVERY, SAMPLES = 60.0, 1_440
EXPOSED = """\
# TYPE depot_seconds histogram
depot_seconds_bucket{step="a",le="0.1"} 3.0
depot_seconds_bucket{step="a",le="1.0"} 7.0
depot_seconds_bucket{step="a",le="+Inf"} 8.0
depot_seconds_count{step="a"} 8.0
depot_seconds_sum{step="a"} 6.5
depot_seconds_created{step="a"} 1.7e+09
# TYPE jobs counter
jobs_total 5.0
# TYPE bots gauge
bots 1.0
# TYPE age_seconds gauge
age_seconds 2.5
# EOF
"""


@pytest.fixture(scope="module")
def day() -> dict[str, list[float]]:
    """Values by the name of the series and its bound, where it has one."""
    life = live("depot", SAMPLES, EVERY)
    return {name_of(each): list(values(each, life, 0, SAMPLES)) for each in series_in([EXPOSED], job="mall")}


def name_of(series: Series) -> str:
    labels = dict(series.labels)
    return labels["__name__"] + labels.get("le", "")


def test_buckets_contain_those_below(day: dict[str, list[float]]) -> None:
    bounds = [day[f"depot_seconds_bucket{bound}"] for bound in ("0.1", "1.0", "+Inf")]

    assert all(low <= middle <= high for low, middle, high in zip(*bounds, strict=True))
    assert day["depot_seconds_bucket+Inf"] == day["depot_seconds_count"]
    assert day["depot_seconds_count"][-1] > 1_000


def test_the_mean_stays_what_it_was(day: dict[str, list[float]]) -> None:
    assert day["depot_seconds_sum"][-1] / day["depot_seconds_count"][-1] == pytest.approx(6.5 / 8, rel=0.01)


def test_counters_of_a_process_fall_together_and_to_nothing(day: dict[str, list[float]]) -> None:
    names = ("jobs_total", "depot_seconds_count", "depot_seconds_sum")
    falls = [{at for at, (before, after) in enumerate(pairwise(day[name])) if after < before} for name in names]

    assert falls[0] == falls[1] == falls[2] and len(falls[0]) == RESTARTS
    assert all(day["jobs_total"][at + 1] == 0 for at in falls[0])


def test_what_is_counted_is_a_whole_number(day: dict[str, list[float]]) -> None:
    assert all(value.is_integer() for value in day["jobs_total"])


def test_there_is_more_to_do_by_day_than_by_night(day: dict[str, list[float]]) -> None:
    done = live("depot", SAMPLES, EVERY).done
    grown = [max(0.0, after - before) for before, after in pairwise(done)]

    assert sum(grown[540:900]) > 3 * sum(grown[:360])
    assert sum(grown) == pytest.approx(DAY_SECONDS / 60, rel=0.1)


def test_gauges_wander_about_what_they_were(day: dict[str, list[float]]) -> None:
    assert set(day["bots"]) == {1.0}
    assert 1.5 <= min(day["age_seconds"]) < max(day["age_seconds"]) <= 3.5


def test_a_target_is_up_and_says_since_when_it_counts(day: dict[str, list[float]]) -> None:
    assert set(day["up"]) == {1.0}
    assert set(day["depot_seconds_created"]) == {1.7e9}


def test_the_same_name_lives_the_same_day() -> None:
    assert live("depot", 100, EVERY) == live("depot", 100, EVERY)
    assert live("depot", 100, EVERY) != live("stores", 100, EVERY)


def test_parts_of_a_day_fit_together() -> None:
    life = live("depot", 100, EVERY)
    [jobs] = [each for each in series_in([EXPOSED]) if name_of(each) == "jobs_total"]

    assert values(jobs, life, 0, 60) + values(jobs, life, 60, 100) == values(jobs, life, 0, 100)


def test_a_series_that_went_away_is_kept_as_it_was_last() -> None:
    looks = ("# TYPE a gauge\na 1.0\n# EOF\n", "# TYPE a gauge\na 2.0\n# EOF\n", "# TYPE b gauge\nb 3.0\n# EOF\n")

    seen = {name_of(each): each.value for each in series_in(looks)}

    assert (seen["a"], seen["b"]) == (2.0, 3.0)
