from dataclasses import fields

from contexts.baskets.contract import CONTRACT, Item

PINNED = {
    ("baskets.BasketStarted", 1): ("basket_id", "customer_id"),
    ("baskets.BasketCheckedOut", 1): ("basket_id", "customer_id", "payment_id", "items", "total", "currency"),
    ("baskets.BasketCancelled", 1): ("basket_id",),
    ("baskets.BasketAbandoned", 1): ("basket_id",),
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


def test_baskets_takes_no_commands_by_message() -> None:
    assert CONTRACT.commands == ()
