"""Whose turn it is: the preferred one's, and the other one keeps a fifth of the time, whatever comes."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from mallbots_platform.turns import LEAST_SHARE, Turns

LONGEST = 0.1


class Took(NamedTuple):
    """One that had its turn, and who wanted one then."""

    first_waits: bool
    second_waits: bool
    is_seconds: bool
    seconds: float


Wish = tuple[bool, bool, float]


def for_a_while(who: tuple[bool, bool], seconds: float, times: int) -> list[Wish]:
    return [(*who, seconds)] * times


WHO = st.sampled_from([(True, True), (True, False), (False, True)])
WHILES = st.builds(for_a_while, WHO, st.floats(0.001, LONGEST) | st.just(LONGEST), st.integers(1, 20))
WISHES = st.lists(WHILES, max_size=8).map(lambda whiles: [wish for each in whiles for wish in each])


def played(wishes: list[Wish]) -> list[Took]:
    turns, done = Turns(), []
    for first_waits, second_waits, seconds in wishes:
        is_seconds = turns.is_seconds(first_waits, second_waits)
        if is_seconds:
            turns.second_took(seconds, first_waits)
        else:
            turns.first_took(seconds, second_waits)
        done.append(Took(first_waits, second_waits, is_seconds, seconds))
    return done


@given(WISHES)
def test_nobody_waits_while_there_is_time(wishes: list[Wish]) -> None:
    for took in played(wishes):
        assert took.second_waits if took.is_seconds else took.first_waits


@given(WISHES)
def test_whoever_waits_has_a_fifth_of_the_time(wishes: list[Wish]) -> None:
    """Of any time throughout which it waits, but for what one piece takes."""
    done = played(wishes)
    for begin in range(len(done)):
        all_seconds = seconds = 0.0
        for took in done[begin:]:
            if not took.second_waits:
                break
            all_seconds += took.seconds
            seconds += took.seconds * took.is_seconds
            assert seconds >= LEAST_SHARE * all_seconds - LONGEST


@given(WISHES)
def test_no_more_than_that_while_others_wait(wishes: list[Wish]) -> None:
    done = played(wishes)
    for begin in range(len(done)):
        all_seconds = seconds = 0.0
        for took in done[begin:]:
            if not took.first_waits:
                break
            all_seconds += took.seconds
            seconds += took.seconds * took.is_seconds
            assert seconds <= LEAST_SHARE * all_seconds + LONGEST
