from collections.abc import Callable
from datetime import datetime

from contexts.payments.application.ports import Payments
from contexts.payments.contract import ConfirmPayment


def confirm_payment(command: ConfirmPayment, payments: Payments, now: Callable[[], datetime]) -> None:
    payment = payments.get(command.payment_id)
    payment.confirm(command.order_id, command.customer_id, command.amount, command.currency, now())
    payments.save(payment)
