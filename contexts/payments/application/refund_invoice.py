from contexts.payments.application.ports import Invoices
from contexts.payments.domain import Invoice
from mallbots_platform.messages import command


@command
class RefundInvoice:
    order_id: str


def refund_invoice(command: RefundInvoice, invoices: Invoices) -> Invoice:
    invoice = invoices.get(command.order_id)
    invoice.refund()
    invoices.save(invoice)
    return invoice
