from contexts.payments.application.ports import Payments
from contexts.payments.contract import ReleasePayment


def release_payment(command: ReleasePayment, payments: Payments) -> None:
    payment = payments.get(command.payment_id)
    payment.release(command.order_id, command.customer_id)
    payments.save(payment)
