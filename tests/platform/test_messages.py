import dataclasses
from typing import Any

import pytest

from mallbots_platform import errors
from mallbots_platform.messages import Contract, command, event, value


@value
class Price:
    amount: int


@event
class PriceRaised:
    price: Price


@command
class RaisePrice:
    by: int = 1


@pytest.mark.parametrize("message", [Price(amount=1), PriceRaised(price=Price(amount=1)), RaisePrice()])
def test_a_message_is_frozen_and_equal_by_its_fields(message: Any) -> None:
    assert dataclasses.replace(message) == message
    assert hash(dataclasses.replace(message)) == hash(message)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(message, dataclasses.fields(message)[0].name, None)
    assert not hasattr(message, "__dict__")


def test_fields_are_given_by_name() -> None:
    anything: Any = Price

    with pytest.raises(TypeError):
        anything(1)


def test_a_contract_names_its_messages() -> None:
    contract = Contract(context="stores", events=(PriceRaised,), commands=(RaisePrice,), versions={PriceRaised: 2})

    assert contract.wire_name(PriceRaised) == "stores.PriceRaised"
    assert (contract.version(PriceRaised), contract.version(RaisePrice)) == (2, 1)


def test_errors_are_sentences() -> None:
    assert str(errors.NotFound("store", "s-1")) == "no store has the id 's-1'"
    assert str(errors.AlreadyExists("store", "s-1")) == "a store with the id 's-1' exists already"
    assert str(errors.InvalidInput("name", "must not be empty")) == "name: must not be empty"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("it is odd, ü"), "it is odd, ü"),
        (ValueError(), "ValueError()"),
        (ValueError("a\x00b"), "a\\x00b"),
        (ValueError("a\ud800b"), "a\\ud800b"),
        (ValueError("x" * 5000), "x" * 2000),
    ],
)
def test_the_words_of_an_error_can_be_kept_by_any_database(error: Exception, words: str) -> None:
    assert errors.words_of(error) == words
