from dataclasses import fields

from contexts.payments.contract import CONTRACT

PINNED = {
    ("payments.PaymentAuthorized", 1): ("payment_id", "customer_id", "amount", "currency"),
    ("payments.PaymentDeclined", 1): ("payment_id", "customer_id", "amount", "currency", "reason"),
    ("payments.PaymentReleased", 1): ("payment_id", "order_id"),
    ("payments.InvoiceIssued", 1): ("order_id", "customer_id", "amount", "currency"),
    ("payments.InvoiceAdjusted", 1): ("order_id", "amount", "refunded", "currency"),
    ("payments.InvoicePaid", 1): ("order_id", "amount", "currency"),
    ("payments.InvoiceCancelled", 1): ("order_id",),
    ("payments.InvoiceRefunded", 1): ("order_id", "amount", "currency"),
    ("payments.ConfirmPayment", 1): ("payment_id", "order_id", "customer_id", "amount", "currency"),
    ("payments.ReleasePayment", 1): ("payment_id", "order_id", "customer_id"),
}


def test_wire_names_versions_and_fields_stay() -> None:
    said = {
        (CONTRACT.wire_name(message), CONTRACT.version(message)): tuple(field.name for field in fields(message))
        for message in (*CONTRACT.events, *CONTRACT.commands)
    }

    assert said == PINNED
