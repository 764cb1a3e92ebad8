from dataclasses import fields

from contexts.ordering.contract import CONTRACT, Item

PINNED = {
    ("ordering.OrderCreated", 1): ("order_id", "customer_id", "payment_id", "items", "total", "currency"),
    ("ordering.OrderApproved", 1): (
        "order_id",
        "customer_id",
        "shopping_list_id",
        "payment_id",
        "total",
        "currency",
    ),
    ("ordering.OrderRejected", 1): ("order_id", "customer_id", "reason"),
    ("ordering.OrderAdjusted", 1): ("order_id", "customer_id", "items", "total", "currency"),
    ("ordering.OrderReadied", 1): ("order_id", "customer_id"),
    ("ordering.OrderPaid", 1): ("order_id", "customer_id"),
    ("ordering.OrderCompleted", 1): ("order_id", "customer_id", "total", "currency"),
    ("ordering.OrderCollected", 1): ("order_id", "customer_id"),
    ("ordering.OrderCancelled", 1): ("order_id", "customer_id", "reason"),
}


def test_wire_names_versions_and_fields_stay() -> None:
    published = {
        (CONTRACT.wire_name(event), CONTRACT.version(event)): tuple(field.name for field in fields(event))
        for event in CONTRACT.events
    }

    assert published == PINNED


def test_the_fields_of_an_item_stay() -> None:
    names = tuple(field.name for field in fields(Item))

    assert names == ("product_id", "store_id", "name", "store_name", "quantity", "price")


def test_ordering_takes_no_commands_by_message() -> None:
    assert CONTRACT.commands == ()
