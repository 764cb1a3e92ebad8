from contexts.payments.application.ports import Invoices
from contexts.payments.domain import Invoice
from mallbots_platform.messages import command


@command
class CancelInvoice:
    order_id: str


def cancel_invoice(command: CancelInvoice, invoices: Invoices) -> Invoice:
    invoice = invoices.get(command.order_id)
    invoice.cancel()
    invoices.save(invoice)
    return invoice
