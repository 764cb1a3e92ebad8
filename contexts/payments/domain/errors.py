"""What the rules of holds and invoices forbid."""

from mallbots_platform.errors import RuleViolated


class PaymentIsDeclined(RuleViolated):
    def __init__(self, payment_id: str, reason: str) -> None:
        super().__init__(f"payment {payment_id} was declined: {reason}")


class PaymentIsExpired(RuleViolated):
    def __init__(self, payment_id: str) -> None:
        super().__init__(f"the hold of payment {payment_id} has expired")


class PaymentIsReleased(RuleViolated):
    def __init__(self, payment_id: str) -> None:
        super().__init__(f"payment {payment_id} was released")


class PaymentIsAnothers(RuleViolated):
    def __init__(self, payment_id: str) -> None:
        super().__init__(f"payment {payment_id} is another customer's")


class PaymentIsTooSmall(RuleViolated):
    def __init__(self, payment_id: str, held: str, wanted: str) -> None:
        super().__init__(f"payment {payment_id} holds {held}, the order costs {wanted}")


class PaymentIsUsed(RuleViolated):
    def __init__(self, payment_id: str) -> None:
        super().__init__(f"payment {payment_id} serves another order")


class AmountIsHigher(RuleViolated):
    def __init__(self, amount: int, current: int) -> None:
        super().__init__(f"{amount} is more than the {current} that were invoiced")


class InvoiceIsPaid(RuleViolated):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"the invoice of order {order_id} is paid")


class InvoiceIsNotPaid(RuleViolated):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"the invoice of order {order_id} is not paid")


class InvoiceIsCancelled(RuleViolated):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"the invoice of order {order_id} is cancelled")


class InvoiceIsRefunded(RuleViolated):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"the invoice of order {order_id} is refunded")
