from contexts.payments.application.ports import Invoices
from contexts.payments.domain import Invoice
from mallbots_platform.messages import command


@command
class IssueInvoice:
    order_id: str
    customer_id: str
    amount: int
    currency: str


def issue_invoice(command: IssueInvoice, invoices: Invoices) -> None:
    invoices.add(Invoice.issue(command.order_id, command.customer_id, command.amount, command.currency))
