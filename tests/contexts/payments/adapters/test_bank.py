import pytest

from contexts.payments.adapters.bank import CautiousBank


@pytest.mark.parametrize(("amount", "objection"), [(0, ""), (1000, ""), (1001, "above the limit of 1000 CHF")])
def test_a_cautious_bank_objects_above_its_limit(amount: int, objection: str) -> None:
    bank = CautiousBank(declines_above=1000)

    assert bank.objection("c", amount, "CHF") == objection


def test_a_bank_that_declines_everything() -> None:
    bank = CautiousBank(declines_above=1000)

    bank.declines_above = 0

    assert bank.objection("c", 1, "EUR") == "above the limit of 0 EUR"
