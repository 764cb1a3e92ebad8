from collections.abc import Callable
from datetime import datetime, timedelta

from contexts.payments.application.authorize_payment import AuthorizePayment, authorize_payment
from contexts.payments.application.pay_invoice import PayInvoice, pay_invoice
from contexts.payments.application.ports import Bank, InvoiceList, Invoices, Payments
from contexts.payments.application.refund_invoice import RefundInvoice, refund_invoice
from contexts.payments.contract import payments_pb2 as pb
from contexts.payments.domain import Invoice, InvoiceStatus, Payment, PaymentStatus
from mallbots_platform.clock import microseconds
from mallbots_platform.errors import InvalidInput
from mallbots_platform.grpc_server import read, write
from mallbots_platform.paging import Page
from mallbots_platform.validation import amount, currency, identifier

PAYMENT_STATUS = {
    PaymentStatus.AUTHORIZED: pb.PAYMENT_STATUS_AUTHORIZED,
    PaymentStatus.DECLINED: pb.PAYMENT_STATUS_DECLINED,
    PaymentStatus.CONFIRMED: pb.PAYMENT_STATUS_CONFIRMED,
    PaymentStatus.RELEASED: pb.PAYMENT_STATUS_RELEASED,
    PaymentStatus.EXPIRED: pb.PAYMENT_STATUS_EXPIRED,
}
INVOICE_STATUS = {
    InvoiceStatus.ISSUED: pb.INVOICE_STATUS_ISSUED,
    InvoiceStatus.PAID: pb.INVOICE_STATUS_PAID,
    InvoiceStatus.CANCELLED: pb.INVOICE_STATUS_CANCELLED,
    InvoiceStatus.REFUNDED: pb.INVOICE_STATUS_REFUNDED,
}


class PaymentsApi:
    def __init__(
        self,
        payments: Payments,
        invoices: Invoices,
        invoice_list: InvoiceList,
        bank: Bank,
        hold: timedelta,
        new_id: Callable[[], str],
        now: Callable[[], datetime],
    ) -> None:
        self.payments = payments
        self.invoices = invoices
        self.invoice_list = invoice_list
        self.bank = bank
        self.hold = hold
        self.new_id = new_id
        self.now = now

    @write
    def AuthorizePayment(self, request: pb.AuthorizePaymentRequest) -> pb.AuthorizePaymentResponse:
        command = AuthorizePayment(
            payment_id=self.new_id(),
            customer_id=identifier(request.customer_id, "customer_id"),
            amount=amount(request.amount, "amount", least=1),
            currency=currency(request.currency, "currency"),
            expires_at=self.now() + self.hold,
        )
        payment = authorize_payment(command, self.payments, self.bank)
        return pb.AuthorizePaymentResponse(payment=self._payment(payment))

    @write
    def PayInvoice(self, request: pb.PayInvoiceRequest) -> pb.PayInvoiceResponse:
        command = PayInvoice(order_id=identifier(request.order_id, "order_id"))
        return pb.PayInvoiceResponse(invoice=_invoice(pay_invoice(command, self.invoices)))

    @write
    def RefundInvoice(self, request: pb.RefundInvoiceRequest) -> pb.RefundInvoiceResponse:
        command = RefundInvoice(order_id=identifier(request.order_id, "order_id"))
        return pb.RefundInvoiceResponse(invoice=_invoice(refund_invoice(command, self.invoices)))

    @read
    def GetPayment(self, request: pb.GetPaymentRequest) -> pb.GetPaymentResponse:
        payment = self.payments.get(identifier(request.payment_id, "payment_id"))
        return pb.GetPaymentResponse(payment=self._payment(payment))

    @read
    def GetInvoice(self, request: pb.GetInvoiceRequest) -> pb.GetInvoiceResponse:
        invoice = self.invoices.get(identifier(request.order_id, "order_id"))
        return pb.GetInvoiceResponse(invoice=_invoice(invoice))

    @read
    def ListInvoices(self, request: pb.ListInvoicesRequest) -> pb.ListInvoicesResponse:
        page = Page.of(request)
        invoices = self.invoice_list.page(page.after, page.size, _status(request.status))
        token = page.next_token(invoices[-1].id if invoices else "", full=len(invoices) == page.size)
        return pb.ListInvoicesResponse(invoices=map(_invoice, invoices), next_page_token=token)

    @read
    def CountInvoices(self, request: pb.CountInvoicesRequest) -> pb.CountInvoicesResponse:
        counts = {status.value: count for status, count in self.invoice_list.counts().items()}
        sums = [
            pb.Sums(currency=each.currency, paid=each.paid, refunded=each.refunded) for each in self.invoice_list.sums()
        ]
        return pb.CountInvoicesResponse(counts=counts, sums=sums)

    def _payment(self, payment: Payment) -> pb.Payment:
        return pb.Payment(
            payment_id=payment.id,
            customer_id=payment.customer_id,
            amount=payment.amount,
            currency=payment.currency,
            status=PAYMENT_STATUS[payment.status_at(self.now())],
            order_id=payment.order_id,
            reason=payment.reason,
            expires_at=microseconds(payment.expires_at),
        )


def _status(wanted: int) -> InvoiceStatus | None:
    if wanted == pb.INVOICE_STATUS_UNSPECIFIED:
        return None
    found = next((status for status, name in INVOICE_STATUS.items() if name == wanted), None)
    if found is None:
        raise InvalidInput("status", f"{wanted} is no status of an invoice")
    return found


def _invoice(invoice: Invoice) -> pb.Invoice:
    return pb.Invoice(
        order_id=invoice.id,
        customer_id=invoice.customer_id,
        status=INVOICE_STATUS[invoice.status],
        amount=invoice.amount,
        paid=invoice.paid,
        refunded=invoice.refunded,
        currency=invoice.currency,
    )
