"""A bank that knows one rule."""


class CautiousBank:
    """Declines amounts above a limit, in minor units of any currency."""

    def __init__(self, declines_above: int) -> None:
        self.declines_above = declines_above

    def objection(self, customer_id: str, amount: int, currency: str) -> str:
        return f"above the limit of {self.declines_above} {currency}" if amount > self.declines_above else ""
