import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mallbots_platform import validation
from mallbots_platform.errors import InvalidInput
from tests.support.names import NAMES

NOTHING_TO_SEE = [
    "\u3000",
    "\u00a0",
    "\u200b",
    "\u200d\u200c",
    "\ufe0f",
    "\u2800",
    "\u3164\u3164",
    "\ufeff",
    "\U000e0067",
]
CONTROLS = ("Cc", "Cs", "Zl", "Zp")
GARBLING = {
    "a line's end": "\n",
    "a null": "\x00",
    "an escape": "\x1b",
    "delete": "\x7f",
    "a C1 control sequence": "\x9b",
    "a line separator": "\u2028",
    "a paragraph separator": "\u2029",
    "half of a pair": "\ud800",
    "an embedding": "\u202a",
    "an override": "\u202e",
    "an isolate": "\u2066",
    "the end of an isolate": "\u2069",
}


@pytest.mark.parametrize("bad", ["", " ", "a b", "ä", "a\x00", "x" * 101, "a/b"])
def test_an_identifier_refuses(bad: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        validation.identifier(bad, "order_id")

    assert refusal.value.field == "order_id"


@pytest.mark.parametrize("good", ["0192f0c1-7a", "a", "A_b.c:d", "x" * 100])
def test_an_identifier_accepts(good: str) -> None:
    assert validation.identifier(good, "order_id") == good


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_taken_as_it_is_written(name: str) -> None:
    assert validation.text(name, "name") == name


@pytest.mark.parametrize("bad", GARBLING.values(), ids=GARBLING)
def test_what_garbles_its_surroundings_is_refused(bad: str) -> None:
    assert validation.optional_text("", "note") == ""
    with pytest.raises(InvalidInput) as refusal:
        validation.text(f"a{bad}b", "note")

    assert str(refusal.value) == f"note: contains the control character U+{ord(bad):04X}"


def test_no_character_is_refused_but_those() -> None:
    refused = {chr(code) for code in range(sys.maxunicode + 1) if validation.first_garbling(f"a{chr(code)}")}

    isolates_and_embeddings = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
    controls = {chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in CONTROLS}
    assert refused == controls | isolates_and_embeddings


@given(st.text(min_size=1, max_size=50))
def test_what_is_accepted_is_shown_on_one_line(name: str) -> None:
    try:
        validation.text(name, "name")
    except InvalidInput:
        return
    assert len(name.splitlines()) == 1
    assert name.encode().decode() == name


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S"]), min_size=1, max_size=50))
def test_what_people_write_with_is_accepted(name: str) -> None:
    assert validation.text(f"x{name}", "name") == f"x{name}"


@pytest.mark.parametrize("bad", [-1, 10**12 + 1])
def test_an_amount_has_bounds(bad: int) -> None:
    with pytest.raises(InvalidInput, match="price"):
        validation.amount(bad, "price")


@pytest.mark.parametrize("bad", ["", "eur", "EURO", "ÄÖÜ", "E1R"])
def test_a_currency_is_three_capitals(bad: str) -> None:
    with pytest.raises(InvalidInput, match="three capital letters"):
        validation.currency(bad, "currency")


@pytest.mark.parametrize("bad", ["", "   ", "\t", *NOTHING_TO_SEE])
def test_text_is_not_blank(bad: str) -> None:
    with pytest.raises(InvalidInput, match="name: must not be empty"):
        validation.text(bad, "name")


def test_text_has_a_length() -> None:
    assert validation.text("ü" * 500, "name") == "ü" * 500
    with pytest.raises(InvalidInput, match="name: has 501 characters, at most 500 are allowed"):
        validation.text("ü" * 501, "name")


@pytest.mark.parametrize("bad", [0, -1, 10_001])
def test_a_quantity_has_bounds(bad: int) -> None:
    assert validation.quantity(10_000, "quantity") == 10_000
    with pytest.raises(InvalidInput, match=f"quantity: is {bad}, must be between 1 and 10000"):
        validation.quantity(bad, "quantity")


def test_an_amount_may_have_a_least() -> None:
    assert validation.amount(1, "price", least=1) == 1
    with pytest.raises(InvalidInput, match="price: is 0, must be between 1 and"):
        validation.amount(0, "price", least=1)


@pytest.mark.parametrize("good", ["EUR", "JPY"])
def test_a_currency_is_accepted(good: str) -> None:
    assert validation.currency(good, "currency") == good
