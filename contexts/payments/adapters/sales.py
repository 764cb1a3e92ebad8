"""What was paid, as a metric: counted when it is committed, and only then."""

from typing import Any

from mallbots_platform.outbox import Draft
from mallbots_platform.writer import Writer
from telemetry.metrics import Meter


class Sales:
    def __init__(self, writer: Writer, meter: Meter) -> None:
        self.writer = writer
        self.meter = meter

    def on_invoice_paid(self, paid: Any, draft: Draft) -> None:
        """`paid` is an InvoicePaid about to be published."""
        sold = self.meter.counter("mallbots_sales_minor_total", currency=paid.currency)
        self.writer.after_commit(lambda: sold.inc(paid.amount))
