from contexts.payments.application.ports import Invoices
from contexts.payments.domain import Invoice
from mallbots_platform.messages import command


@command
class AdjustInvoice:
    order_id: str
    amount: int


def adjust_invoice(command: AdjustInvoice, invoices: Invoices) -> Invoice:
    invoice = invoices.get(command.order_id)
    invoice.adjust(command.amount)
    invoices.save(invoice)
    return invoice
