from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mallbots_platform.errors import InvalidInput
from mallbots_platform.paging import DEFAULT_SIZE, LARGEST_SIZE, Page
from mallbots_platform.validation import first_garbling

printable = st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from("\u200c\u200d\u3000"), max_size=40)


@dataclass
class Request:
    page_size: int = 0
    page_token: str = ""


def test_without_wishes_it_is_the_first_page_of_usual_size() -> None:
    assert Page.of(Request()) == Page("", DEFAULT_SIZE)


@pytest.mark.parametrize("size", [1, 7, LARGEST_SIZE])
def test_a_size_may_be_asked_for(size: int) -> None:
    assert Page.of(Request(page_size=size)).size == size


@pytest.mark.parametrize("size", [-1, LARGEST_SIZE + 1, -(2**31), 2**31 - 1])
def test_a_size_out_of_bounds_is_refused(size: int) -> None:
    with pytest.raises(InvalidInput, match=f"page_size: is {size}, must be between 0 and {LARGEST_SIZE}"):
        Page.of(Request(page_size=size))


@given(printable)
def test_a_token_leads_to_where_its_page_ended(last_id: str) -> None:
    token = Page("", 10).next_token(last_id, full=True)

    assert Page.of(Request(page_token=token)).after == last_id
    assert token.isascii() and "=" not in token


def test_after_a_page_that_is_not_full_there_is_none() -> None:
    assert Page("", 10).next_token("last", full=False) == ""


@pytest.mark.parametrize("token", ["!", "a", "YQ==YQ", "ü", "AA", "_w", "a b", "YQ\n", "\x00"])
def test_a_token_that_no_list_has_returned_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput, match="page_token: is none that a list has returned"):
        Page.of(Request(page_token=token))


@given(st.text(max_size=30))
def test_no_token_breaks_a_list(token: str) -> None:
    try:
        page = Page.of(Request(page_token=token))
    except InvalidInput:
        return
    assert not first_garbling(page.after)
