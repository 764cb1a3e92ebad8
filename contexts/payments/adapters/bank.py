"""A bank that knows one rule, and a bad day on which it says no to everybody."""

from collections.abc import Callable

DECLINING_BANK = "declining-bank"


class CautiousBank:
    """Declines amounts above a limit, in minor units of any currency."""

    def __init__(self, declines_above: int, has_a_bad_day: Callable[[], object] = lambda: False) -> None:
        self.declines_above = declines_above
        self.has_a_bad_day = has_a_bad_day

    def objection(self, customer_id: str, amount: int, currency: str) -> str:
        if self.has_a_bad_day():
            return "the bank declines everything at the moment"
        return f"above the limit of {self.declines_above} {currency}" if amount > self.declines_above else ""
