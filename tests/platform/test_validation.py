import pytest

from mallbots_platform import validation
from mallbots_platform.errors import InvalidInput


@pytest.mark.parametrize("bad", ["", " ", "a b", "ä", "a\x00", "x" * 101, "a/b"])
def test_an_identifier_refuses(bad: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        validation.identifier(bad, "order_id")

    assert refusal.value.field == "order_id"


@pytest.mark.parametrize("good", ["0192f0c1-7a", "a", "A_b.c:d", "x" * 100])
def test_an_identifier_accepts(good: str) -> None:
    assert validation.identifier(good, "order_id") == good


def test_text_refuses_control_characters() -> None:
    with pytest.raises(InvalidInput, match="name: contains control characters"):
        validation.text("a\nb", "name")


@pytest.mark.parametrize("bad", [-1, 10**12 + 1])
def test_an_amount_has_bounds(bad: int) -> None:
    with pytest.raises(InvalidInput, match="price"):
        validation.amount(bad, "price")


@pytest.mark.parametrize("bad", ["", "eur", "EURO", "ÄÖÜ", "E1R"])
def test_a_currency_is_three_capitals(bad: str) -> None:
    with pytest.raises(InvalidInput, match="three capital letters"):
        validation.currency(bad, "currency")


@pytest.mark.parametrize("bad", ["", "   ", "\t"])
def test_text_is_not_blank(bad: str) -> None:
    with pytest.raises(InvalidInput, match="name: must not be empty"):
        validation.text(bad, "name")


def test_text_has_a_length() -> None:
    assert validation.text("ü" * 500, "name") == "ü" * 500
    with pytest.raises(InvalidInput, match="name: has 501 characters, at most 500 are allowed"):
        validation.text("ü" * 501, "name")


@pytest.mark.parametrize("bad", ["a\x00", "a\u202eb", "\ud800", "\x7f"])
def test_optional_text_is_printable(bad: str) -> None:
    assert validation.optional_text("", "note") == ""
    with pytest.raises(InvalidInput, match="note: contains control characters"):
        validation.optional_text(bad, "note")


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
