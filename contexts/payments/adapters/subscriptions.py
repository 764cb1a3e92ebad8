"""What payments does when something happens to an order."""

from contexts.ordering.contract import OrderAdjusted, OrderApproved, OrderCancelled
from contexts.payments.application.adjust_invoice import AdjustInvoice, adjust_invoice
from contexts.payments.application.cancel_invoice import CancelInvoice, cancel_invoice
from contexts.payments.application.issue_invoice import IssueInvoice, issue_invoice
from contexts.payments.application.ports import Invoices
from contexts.payments.application.refund_invoice import RefundInvoice, refund_invoice


class Reactions:
    def __init__(self, invoices: Invoices) -> None:
        self.invoices = invoices

    def on_order_approved(self, event: OrderApproved) -> None:
        command = IssueInvoice(
            order_id=event.order_id, customer_id=event.customer_id, amount=event.total, currency=event.currency
        )
        issue_invoice(command, self.invoices)

    def on_order_adjusted(self, event: OrderAdjusted) -> None:
        """Before there is an invoice there is nothing to adjust: the approval will carry the total of its moment."""
        invoice = self.invoices.find(event.order_id)
        if invoice is not None and not invoice.is_over:
            adjust_invoice(AdjustInvoice(order_id=event.order_id, amount=event.total), self.invoices)

    def on_order_cancelled(self, event: OrderCancelled) -> None:
        invoice = self.invoices.find(event.order_id)
        if invoice is None or invoice.is_over:
            return
        if invoice.is_paid:
            refund_invoice(RefundInvoice(order_id=event.order_id), self.invoices)
        else:
            cancel_invoice(CancelInvoice(order_id=event.order_id), self.invoices)
