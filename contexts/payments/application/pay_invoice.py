from contexts.payments.application.ports import Invoices
from contexts.payments.domain import Invoice
from mallbots_platform.messages import command


@command
class PayInvoice:
    order_id: str


def pay_invoice(command: PayInvoice, invoices: Invoices) -> Invoice:
    invoice = invoices.get(command.order_id)
    invoice.pay()
    invoices.save(invoice)
    return invoice
