from dataclasses import replace
from typing import Any

from pytest import mark

from loadtests.shapes import KINDS
from loadtests.wanted import MOST_USERS, Wanted, filled_in, problem_with

STEADY = Wanted(shape="steady")


@mark.parametrize("name", KINDS)
def test_a_shape_knows_what_suits_it(name: str) -> None:
    whole = filled_in(Wanted(shape=name))

    assert (whole.seconds, whole.rate) == (KINDS[name].seconds, KINDS[name].rate)
    assert problem_with(Wanted(shape=name)) == ""


def test_customers_who_come_again_have_no_rate() -> None:
    whole = filled_in(replace(STEADY, users=7))

    assert (whole.users, whole.rate) == (7, 0)


def test_a_rate_has_room_for_its_customers() -> None:
    assert filled_in(replace(STEADY, rate=10)).users == 300
    assert filled_in(replace(STEADY, rate=500)).users == MOST_USERS
    assert filled_in(replace(STEADY, rate=10, users=20)).users == 20


@mark.parametrize(
    ("changes", "named"),
    [
        ({"shape": "wave"}, "--shape"),
        ({"seconds": 1}, "--seconds"),
        ({"seconds": 1e9}, "--seconds"),
        ({"seconds": float("nan")}, "--seconds"),
        ({"rate": -1}, "--rate"),
        ({"rate": 501}, "--rate"),
        ({"rate": float("inf")}, "--rate"),
        ({"users": -1}, "--users"),
        ({"users": 2001}, "--users"),
        ({"rate": 400, "seconds": 1000}, "more than 50000"),
        ({"fault": "slow-handler", "seconds": 30}, "--seconds"),
    ],
)
def test_what_is_too_much_is_refused(changes: dict[str, Any], named: str) -> None:
    assert named in problem_with(replace(STEADY, **changes))


def test_a_fault_needs_time_to_come_and_go() -> None:
    assert problem_with(replace(STEADY, fault="slow-handler")) == ""
