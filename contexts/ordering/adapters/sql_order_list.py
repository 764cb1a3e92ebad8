"""The list of orders as a table, written with each change."""

from sqlalchemy import BigInteger, Column, Index, MetaData, String, Table, func, select

from contexts.ordering.application.ports import OrderSummary
from contexts.ordering.domain import Order, Status
from mallbots_platform.database import Database
from mallbots_platform.rows import upsert

metadata = MetaData()

orders = Table(
    "orders",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("customer_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Index("orders_by_status", "status", "order_id"),
)


class SqlOrderList:
    def __init__(self, database: Database) -> None:
        self.database = database

    def show(self, order: Order) -> None:
        values = {
            "order_id": order.id,
            "customer_id": order.customer_id,
            "status": order.status.value,
            "total": order.total,
            "currency": order.currency,
        }
        self.database.execute(upsert(orders, values))

    def orders(self, after: str, limit: int, status: Status | None = None) -> list[OrderSummary]:
        statement = select(orders).where(orders.c.order_id > after).order_by(orders.c.order_id).limit(limit)
        if status is not None:
            statement = statement.where(orders.c.status == status.value)
        return [
            OrderSummary(
                order_id=row.order_id,
                customer_id=row.customer_id,
                status=Status(row.status),
                total=row.total,
                currency=row.currency,
            )
            for row in self.database.execute(statement)
        ]

    def counts(self) -> dict[Status, int]:
        counted = self.database.execute(select(orders.c.status, func.count().label("number")).group_by(orders.c.status))
        return dict.fromkeys(Status, 0) | {Status(row.status): row.number for row in counted}
