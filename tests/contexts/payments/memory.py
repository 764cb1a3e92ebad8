"""The ports of payments in memory, kept to the same suite as the ones in SQL."""

from collections import Counter

from contexts.payments.application.ports import Sums
from contexts.payments.domain import Invoice, InvoiceStatus
from mallbots_platform.testing import MemoryRepository


class MemoryInvoiceList:
    def __init__(self, invoices: MemoryRepository[Invoice]) -> None:
        self.invoices = invoices

    def page(self, after: str, limit: int, status: InvoiceStatus | None = None) -> list[Invoice]:
        in_order = sorted(self.invoices.all(), key=lambda invoice: invoice.id)
        return [each for each in in_order if each.id > after and status in (None, each.status)][:limit]

    def counts(self) -> dict[InvoiceStatus, int]:
        counted = Counter(invoice.status for invoice in self.invoices.all())
        return {status: counted[status] for status in InvoiceStatus}

    def sums(self) -> list[Sums]:
        paid, refunded = Counter[str](), Counter[str]()
        for invoice in self.invoices.all():
            paid[invoice.currency] += invoice.paid
            refunded[invoice.currency] += invoice.refunded
        return [Sums(currency=currency, paid=paid[currency], refunded=refunded[currency]) for currency in paid]
