"""One suite for every implementation of the ports: what the fakes of the other tests do, SQL does."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete

from contexts.payments.adapters.sql_invoice_list import SqlInvoiceList, invoices, metadata, payments
from contexts.payments.application.ports import InvoiceList, Invoices, Payments, Sums
from contexts.payments.contract import CONTRACT
from contexts.payments.domain import Invoice, InvoiceStatus, Payment, PaymentStatus
from mallbots_platform.codec import Codec
from mallbots_platform.database import Database
from mallbots_platform.errors import AlreadyExists, Conflict, NotFound
from mallbots_platform.outbox import Outbox
from mallbots_platform.rows import Rows
from mallbots_platform.testing import MemoryRepository
from mallbots_platform.writer import Writer
from telemetry.metrics import Meter
from telemetry.tracing import Tracer
from tests.conftest import new_database
from tests.contexts.payments.memory import MemoryInvoiceList

Ports = tuple[Payments, Invoices, InvoiceList]
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def postgresql(postgres_url: str) -> Iterator[Database]:
    yield from opened(new_database(postgres_url))


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    yield from opened(f"sqlite:///{tmp_path / 'context.db'}")


def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    database.create(metadata)
    yield database
    database.close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def ports(request: pytest.FixtureRequest) -> Ports:
    if request.param == "memory":
        kept: MemoryRepository[Invoice] = MemoryRepository("invoice")
        return MemoryRepository[Payment]("payment"), kept, MemoryInvoiceList(kept)
    database: Database = request.getfixturevalue(request.param)
    for table in metadata.sorted_tables:
        database.execute(delete(table))
    return in_sql(database)


def in_sql(database: Database) -> Ports:
    outbox = Outbox("payments", 4, Writer(database, Meter("payments")), Codec(CONTRACT), Tracer())
    bills = Rows(Invoice, invoices, database, outbox)
    return Rows(Payment, payments, database, outbox), bills, SqlInvoiceList(bills, database)


def hold(id: str = "p", expires_at: datetime = NOON) -> Payment:
    return Payment.authorize(id, "c", 10**12, "EUR", expires_at)


def invoice(id: str = "o", currency: str = "EUR", paid: int = 0, refunded: int = 0) -> Invoice:
    return Invoice(id=id, customer_id="c", amount=500, currency=currency, paid=paid, refunded=refunded)


def fields_of(thing: Payment | Invoice) -> dict[str, object]:
    """Not the correlation: that is the outbox's affair."""
    return {name: value for name, value in vars(thing).items() if name not in ("_recorded", "correlation_id")}


@pytest.mark.parametrize("expires_at", [NOON, NOON.replace(microsecond=1), NOON.replace(microsecond=500_000)])
def test_a_payment_is_kept_as_it_is(ports: Ports, expires_at: datetime) -> None:
    payments, _, _ = ports
    payment = hold(expires_at=expires_at)

    payments.add(payment)
    payment.confirm("o", "c", 500, "EUR", NOON.replace(hour=11))
    payments.save(payment)

    kept = payments.get("p")
    assert fields_of(kept) == fields_of(payment)
    assert (kept.status, kept.version) == (PaymentStatus.CONFIRMED, 2)


def test_an_invoice_is_kept_as_it_is(ports: Ports) -> None:
    _, invoices, _ = ports
    bill = Invoice.issue("o", "c", 10**12, "EUR")

    invoices.add(bill)
    bill.pay()
    invoices.save(bill)

    kept = invoices.get("o")
    assert fields_of(kept) == fields_of(bill)
    assert (kept.status, kept.paid, kept.version) == (InvoiceStatus.PAID, 10**12, 2)


def test_what_was_never_added_is_not_found(ports: Ports) -> None:
    payments, invoices, _ = ports

    with pytest.raises(NotFound, match="no payment has the id 'p'"):
        payments.get("p")
    with pytest.raises(NotFound, match="no invoice has the id 'o'"):
        invoices.get("o")
    assert invoices.find("o") is None


def test_nothing_is_added_twice(ports: Ports) -> None:
    payments, invoices, _ = ports
    payments.add(hold())
    invoices.add(invoice())

    with pytest.raises(AlreadyExists, match="a payment with the id 'p' exists already"):
        payments.add(hold())
    with pytest.raises(AlreadyExists, match="an invoice with the id 'o' exists already"):
        invoices.add(invoice())


def test_a_change_of_an_old_copy_is_a_conflict(ports: Ports) -> None:
    _, invoices, _ = ports
    invoices.add(invoice())
    mine, theirs = invoices.get("o"), invoices.get("o")
    theirs.cancel()
    invoices.save(theirs)

    mine.pay()
    with pytest.raises(Conflict, match="invoice o has moved on"):
        invoices.save(mine)

    assert invoices.get("o").status is InvoiceStatus.CANCELLED


def test_invoices_are_listed_page_by_page(ports: Ports) -> None:
    _, invoices, invoice_list = ports
    for order_id in "cabd":
        invoices.add(invoice(order_id))

    assert [each.id for each in invoice_list.page("", 2)] == ["a", "b"]
    assert [each.id for each in invoice_list.page("b", 3)] == ["c", "d"]
    assert list(invoice_list.page("d", 2)) == []


def test_invoices_of_one_state_fill_their_pages(ports: Ports) -> None:
    _, invoices, invoice_list = ports
    for order_id in "abcd":
        bill = invoice(order_id)
        if order_id in "bd":
            bill.cancel()
        invoices.add(bill)

    assert [each.id for each in invoice_list.page("", 2, InvoiceStatus.CANCELLED)] == ["b", "d"]
    assert [each.id for each in invoice_list.page("a", 1, InvoiceStatus.ISSUED)] == ["c"]
    assert list(invoice_list.page("", 9, InvoiceStatus.PAID)) == []


def test_every_state_is_counted(ports: Ports) -> None:
    _, invoices, invoice_list = ports
    empty = dict.fromkeys(InvoiceStatus, 0)
    assert invoice_list.counts() == empty

    for order_id in "ab":
        invoices.add(invoice(order_id))

    assert invoice_list.counts() == empty | {InvoiceStatus.ISSUED: 2}


def test_sums_are_by_currency(ports: Ports) -> None:
    _, invoices, invoice_list = ports
    assert list(invoice_list.sums()) == []

    invoices.add(invoice("a", paid=10**12, refunded=100))
    invoices.add(invoice("b", paid=10**12))
    invoices.add(invoice("c", currency="CHF", paid=300, refunded=300))

    sums = sorted(invoice_list.sums(), key=lambda each: each.currency)
    assert sums == [
        Sums(currency="CHF", paid=300, refunded=300),
        Sums(currency="EUR", paid=2 * 10**12, refunded=100),
    ]
    assert {type(money) for each in sums for money in (each.paid, each.refunded)} == {int}
