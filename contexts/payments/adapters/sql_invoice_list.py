"""Payments and invoices as tables."""

from sqlalchemy import BigInteger, Column, Index, MetaData, String, Table, func, select

from contexts.payments.application.ports import Sums
from contexts.payments.domain import Invoice, InvoiceStatus
from mallbots_platform.database import Database
from mallbots_platform.rows import Rows

metadata = MetaData()

payments = Table(
    "payments",
    metadata,
    Column("id", String, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("customer_id", String, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("expires_at", String, nullable=False),
    Column("status", String, nullable=False),
    Column("order_id", String, nullable=False),
    Column("reason", String, nullable=False),
)

invoices = Table(
    "invoices",
    metadata,
    Column("id", String, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("customer_id", String, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("status", String, nullable=False),
    Column("paid", BigInteger, nullable=False),
    Column("refunded", BigInteger, nullable=False),
    Index("invoices_by_status", "status", "id"),
)


class SqlInvoiceList:
    def __init__(self, rows: Rows[Invoice], database: Database) -> None:
        self.rows = rows
        self.database = database

    def page(self, after: str, limit: int, status: InvoiceStatus | None = None) -> list[Invoice]:
        wanted = [invoices.c.id > after]
        if status is not None:
            wanted.append(invoices.c.status == status.value)
        return self.rows.all(*wanted, order_by=(invoices.c.id,), limit=limit)

    def counts(self) -> dict[InvoiceStatus, int]:
        number = func.count().label("number")
        counted = self.database.execute(select(invoices.c.status, number).group_by(invoices.c.status))
        return dict.fromkeys(InvoiceStatus, 0) | {InvoiceStatus(row.status): row.number for row in counted}

    def sums(self) -> list[Sums]:
        paid, refunded = func.sum(invoices.c.paid).label("paid"), func.sum(invoices.c.refunded).label("refunded")
        found = self.database.execute(select(invoices.c.currency, paid, refunded).group_by(invoices.c.currency))
        return [Sums(currency=row.currency, paid=int(row.paid), refunded=int(row.refunded)) for row in found]
