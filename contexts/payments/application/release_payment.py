from contexts.payments.application.ports import Payments
from contexts.payments.contract import ReleasePayment
from mallbots_platform.errors import NotFound


def release_payment(command: ReleasePayment, payments: Payments) -> None:
    """Raises NotFound where nothing is held for that order."""
    payment = payments.get(command.payment_id)
    if not payment.may_serve(command.order_id, command.customer_id):
        raise NotFound("payment of order", command.order_id)
    payment.release(command.order_id, command.customer_id)
    payments.save(payment)
