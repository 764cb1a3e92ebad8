from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from loadtests.charts import HEIGHT, MOST_DOTS, WIDTH, Band, Chart, Curve, Limit, draw, rounded_up, thinned


@mark.parametrize(("value", "expected"), [(0, 1), (0.03, 0.05), (1, 1), (1.1, 2), (4.2, 5), (60, 100), (100, 100)])
def test_a_scale_ends_at_a_round_number(value: float, expected: float) -> None:
    assert rounded_up(value) == expected


@given(st.floats(1e-6, 1e9))
def test_a_scale_has_room_but_not_too_much(value: float) -> None:
    assert value * 0.998 <= rounded_up(value) <= value * 5.001


def test_a_chart_may_be_empty() -> None:
    assert draw(Chart("Calls", "a second", 0.0, [Curve("all", "a", [])])).startswith("<figure>")


def test_what_never_came_about_stands_at_the_top() -> None:
    drawn = draw(Chart("checkout", "seconds", 10, [Curve("", "a", [(5, float("inf")), (6, 0.5)], dots=True)]))

    assert "<title>never</title>" in drawn
    assert drawn.count("<circle") == 2


def test_nothing_is_drawn_outside_the_picture() -> None:
    outside = [(-5.0, -1.0), (500.0, 1e9)]
    drawn = draw(
        Chart("x", "", 10, [Curve("", "a", outside)], [Limit("p99", 1.0)], [Band("fault", -5, 500)], [("step", 700)])
    )

    for word in drawn.split('points="')[1].split('"')[0].split():
        x, y = (float(part) for part in word.split(","))
        assert 0 <= x <= WIDTH and 0 <= y <= HEIGHT


def test_many_dots_are_thinned_but_not_the_slow() -> None:
    points = [(float(at), 9.0 if at % 1000 == 0 else 0.1) for at in range(20_000)]

    kept = thinned(points, limit=1.0)

    assert len(kept) <= MOST_DOTS
    assert [point for point in points if point[1] > 1.0] == [point for point in kept if point[1] > 1.0]


def test_few_dots_are_all_drawn() -> None:
    points = [(float(at), 0.1) for at in range(100)]

    assert thinned(points, limit=1.0) == points
