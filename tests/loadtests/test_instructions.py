from msgspec import DecodeError
from msgspec.structs import replace
from pytest import mark, raises

from loadtests.instructions import Instructions, as_argument, from_argument

TOLD = Instructions(
    addresses={"stores": "127.0.0.1:50051"}, shape="steady", seconds=60, rate=3, users=90, seed=1, page="127.0.0.1:8089"
)


def test_instructions_survive_the_command_line() -> None:
    assert from_argument(as_argument(TOLD)) == TOLD


def test_instructions_must_be_whole() -> None:
    with raises(DecodeError):
        from_argument('{"shape": "steady"}')


@mark.parametrize(("rate", "robots", "clerks"), [(1, 3, 1), (9, 6, 1), (30, 13, 3), (500, 40, 34)])
def test_there_are_enough_people_for_the_load(rate: float, robots: int, clerks: int) -> None:
    told = replace(TOLD, rate=rate)

    assert (told.is_open, told.robots, told.clerks) == (True, robots, clerks)


def test_people_who_come_again_need_some_too() -> None:
    told = replace(TOLD, rate=0, users=30)

    assert (told.is_open, told.robots, told.clerks) == (False, 13, 3)
