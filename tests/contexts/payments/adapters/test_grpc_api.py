from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from google.protobuf.message import Message

from contexts.payments.adapters.grpc_api import INVOICE_STATUS, PAYMENT_STATUS, PaymentsApi
from contexts.payments.contract import payments_pb2 as pb
from contexts.payments.domain import InvoiceIsNotPaid, InvoiceIsPaid, InvoiceStatus, PaymentStatus
from mallbots_platform.clock import microseconds
from mallbots_platform.errors import InvalidInput, NotFound
from mallbots_platform.paging import LARGEST_SIZE
from mallbots_platform.validation import LARGEST_AMOUNT
from tests.contexts.payments.desk import HOLD, LIMIT, NOON, Desk, approved, cancelled


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def api(desk: Desk) -> PaymentsApi:
    ids = count(1)
    return PaymentsApi(
        desk.payments, desk.invoices, desk.invoice_list, desk.bank, HOLD, lambda: f"p{next(ids)}", lambda: desk.now
    )


def authorize(api: PaymentsApi, amount: int = 500) -> pb.Payment:
    request = pb.AuthorizePaymentRequest(customer_id="c", amount=amount, currency="EUR")
    return api.AuthorizePayment(request).payment


def list_invoices(api: PaymentsApi, **wanted: Any) -> tuple[list[str], str]:
    page = api.ListInvoices(pb.ListInvoicesRequest(**wanted))
    return [invoice.order_id for invoice in page.invoices], page.next_page_token


def test_a_hold_is_answered_with_all_it_is(api: PaymentsApi) -> None:
    payment = authorize(api, 500)

    assert payment == pb.Payment(
        payment_id="p1",
        customer_id="c",
        amount=500,
        currency="EUR",
        status=pb.PAYMENT_STATUS_AUTHORIZED,
        expires_at=microseconds(NOON + HOLD),
    )
    assert api.GetPayment(pb.GetPaymentRequest(payment_id="p1")).payment == payment


def test_a_declined_hold_is_an_answer_too(api: PaymentsApi) -> None:
    payment = authorize(api, LIMIT + 1)

    assert (payment.status, payment.reason) == (pb.PAYMENT_STATUS_DECLINED, "above the limit of 10000 EUR")


@pytest.mark.parametrize("amount", [1, LIMIT])
def test_the_smallest_and_the_largest_hold(api: PaymentsApi, amount: int) -> None:
    assert authorize(api, amount).status == pb.PAYMENT_STATUS_AUTHORIZED


def test_a_hold_shows_that_it_has_expired(api: PaymentsApi, desk: Desk) -> None:
    authorize(api)

    desk.now += HOLD

    payment = api.GetPayment(pb.GetPaymentRequest(payment_id="p1")).payment
    assert payment.status == pb.PAYMENT_STATUS_EXPIRED


def test_a_confirmed_hold_shows_its_order(api: PaymentsApi, desk: Desk) -> None:
    authorize(api)

    desk.confirms(500, "p1", order_id="o")

    payment = api.GetPayment(pb.GetPaymentRequest(payment_id="p1")).payment
    assert (payment.status, payment.order_id) == (pb.PAYMENT_STATUS_CONFIRMED, "o")


def test_an_invoice_is_answered_with_all_it_is(api: PaymentsApi, desk: Desk) -> None:
    desk.hears(approved(500))

    paid = api.PayInvoice(pb.PayInvoiceRequest(order_id="o")).invoice
    assert paid == pb.Invoice(
        order_id="o", customer_id="c", status=pb.INVOICE_STATUS_PAID, amount=500, paid=500, currency="EUR"
    )
    assert api.GetInvoice(pb.GetInvoiceRequest(order_id="o")).invoice == paid

    refunded = api.RefundInvoice(pb.RefundInvoiceRequest(order_id="o")).invoice
    assert (refunded.status, refunded.paid, refunded.refunded) == (pb.INVOICE_STATUS_REFUNDED, 500, 500)


def test_refusals_of_the_domain_come_through(api: PaymentsApi, desk: Desk) -> None:
    desk.hears(approved(500))

    with pytest.raises(InvoiceIsNotPaid):
        api.RefundInvoice(pb.RefundInvoiceRequest(order_id="o"))
    api.PayInvoice(pb.PayInvoiceRequest(order_id="o"))
    with pytest.raises(InvoiceIsPaid):
        api.PayInvoice(pb.PayInvoiceRequest(order_id="o"))


def test_invoices_are_listed_with_tokens(api: PaymentsApi, desk: Desk) -> None:
    desk.hears(*(approved(order_id=order_id) for order_id in "cab"))

    first, token = list_invoices(api, page_size=2)
    rest, end = list_invoices(api, page_size=2, page_token=token)

    assert (first, rest, end) == (["a", "b"], ["c"], "")
    assert list_invoices(api) == (["a", "b", "c"], "")


def test_a_token_after_the_last_invoice_leads_to_an_empty_page(api: PaymentsApi, desk: Desk) -> None:
    desk.hears(approved(order_id="a"))

    found, token = list_invoices(api, page_size=1)

    assert (found, bool(token)) == (["a"], True)
    assert list_invoices(api, page_size=1, page_token=token) == ([], "")


def test_invoices_are_listed_by_state(api: PaymentsApi, desk: Desk) -> None:
    desk.hears(approved(order_id="a"), approved(order_id="b"), cancelled("b"))

    assert list_invoices(api, status=pb.INVOICE_STATUS_CANCELLED) == (["b"], "")
    assert list_invoices(api, status=pb.INVOICE_STATUS_PAID) == ([], "")
    assert list_invoices(api, status=pb.INVOICE_STATUS_UNSPECIFIED) == (["a", "b"], "")


def test_invoices_are_counted_and_summed(api: PaymentsApi, desk: Desk) -> None:
    desk.hears(approved(500, "a"), approved(700, "b"))
    desk.takes_money("a")

    counted = api.CountInvoices(pb.CountInvoicesRequest())

    assert dict(counted.counts) == {"issued": 1, "paid": 1, "cancelled": 0, "refunded": 0}
    assert list(counted.sums) == [pb.Sums(currency="EUR", paid=500, refunded=0)]


def test_every_state_has_its_name_on_the_wire() -> None:
    assert set(PAYMENT_STATUS) == set(PaymentStatus)
    assert sorted(PAYMENT_STATUS.values()) == [number for number in pb.PaymentStatus.values() if number]
    assert set(INVOICE_STATUS) == set(InvoiceStatus)
    assert sorted(INVOICE_STATUS.values()) == [number for number in pb.InvoiceStatus.values() if number]


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda api: api.GetPayment(pb.GetPaymentRequest(payment_id="x")), "payment"),
        (lambda api: api.GetInvoice(pb.GetInvoiceRequest(order_id="x")), "invoice"),
        (lambda api: api.PayInvoice(pb.PayInvoiceRequest(order_id="x")), "invoice"),
        (lambda api: api.RefundInvoice(pb.RefundInvoiceRequest(order_id="x")), "invoice"),
    ],
)
def test_an_unknown_id_is_not_found(api: PaymentsApi, desk: Desk, call: Callable[[Any], object], kind: str) -> None:
    with pytest.raises(NotFound, match=f"no {kind} has the id 'x'"):
        call(api)

    assert (desk.payments.all(), desk.invoices.all()) == ([], [])


IDS = ["", " ", "a b", "x" * 101, "ä"]
GOOD: dict[str, Message] = {
    "AuthorizePayment": pb.AuthorizePaymentRequest(customer_id="c", amount=500, currency="EUR"),
    "PayInvoice": pb.PayInvoiceRequest(order_id="o"),
    "RefundInvoice": pb.RefundInvoiceRequest(order_id="o"),
    "GetPayment": pb.GetPaymentRequest(payment_id="p1"),
    "GetInvoice": pb.GetInvoiceRequest(order_id="o"),
    "ListInvoices": pb.ListInvoicesRequest(),
}
BAD: dict[tuple[str, str], list[Any]] = {
    ("AuthorizePayment", "customer_id"): IDS,
    ("AuthorizePayment", "amount"): [0, -1, LARGEST_AMOUNT + 1],
    ("AuthorizePayment", "currency"): ["", "eur", "EURO", "€UR"],
    ("PayInvoice", "order_id"): IDS,
    ("RefundInvoice", "order_id"): IDS,
    ("GetPayment", "payment_id"): IDS,
    ("GetInvoice", "order_id"): IDS,
    ("ListInvoices", "page_size"): [-1, LARGEST_SIZE + 1],
    ("ListInvoices", "page_token"): ["=", "a b", "€", "_w"],
    ("ListInvoices", "status"): [5, -1],
}


@pytest.mark.parametrize(("method", "field", "bad"), [(*where, bad) for where, values in BAD.items() for bad in values])
def test_a_wrong_field_is_named_and_nothing_is_kept(
    api: PaymentsApi, desk: Desk, method: str, field: str, bad: Any
) -> None:
    request = type(GOOD[method])()
    request.CopyFrom(GOOD[method])
    setattr(request, field, bad)

    with pytest.raises(InvalidInput) as refusal:
        getattr(api, method)(request)

    assert refusal.value.field == field
    assert (desk.payments.all(), desk.invoices.all(), desk.told) == ([], [], [])


def test_every_field_of_every_request_is_tried() -> None:
    methods = pb.DESCRIPTOR.services_by_name["PaymentsService"].methods

    assert set(BAD) == {(method.name, field.name) for method in methods for field in method.input_type.fields}
