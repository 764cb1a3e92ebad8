from datetime import datetime

from contexts.payments.application.ports import Bank, Payments
from contexts.payments.domain import Payment
from mallbots_platform.messages import command


@command
class AuthorizePayment:
    payment_id: str
    customer_id: str
    amount: int
    currency: str
    expires_at: datetime


def authorize_payment(command: AuthorizePayment, payments: Payments, bank: Bank) -> Payment:
    payment = Payment.authorize(
        command.payment_id,
        command.customer_id,
        command.amount,
        command.currency,
        command.expires_at,
        declined=bank.objection(command.customer_id, command.amount, command.currency),
    )
    payments.add(payment)
    return payment
