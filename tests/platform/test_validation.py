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
