from dataclasses import fields

from contexts.stores.contract import CONTRACT

PINNED = {
    ("stores.StoreOpened", 1): ("store_id", "name", "location", "version"),
    ("stores.StoreRebranded", 1): ("store_id", "name", "version"),
    ("stores.StoreParticipationEnabled", 1): ("store_id", "version"),
    ("stores.StoreParticipationDisabled", 1): ("store_id", "version"),
    ("stores.StoreClosed", 1): ("store_id", "version"),
    ("stores.ProductAdded", 1): ("product_id", "store_id", "name", "sku", "price", "currency", "version"),
    ("stores.ProductRebranded", 1): ("product_id", "store_id", "name", "version"),
    ("stores.ProductPriceChanged", 1): ("product_id", "store_id", "price", "currency", "version"),
    ("stores.ProductRemoved", 1): ("product_id", "store_id", "version"),
}


def test_wire_names_versions_and_fields_stay() -> None:
    published = {
        (CONTRACT.wire_name(event), CONTRACT.version(event)): tuple(field.name for field in fields(event))
        for event in CONTRACT.events
    }

    assert published == PINNED


def test_stores_takes_no_commands_by_message() -> None:
    assert CONTRACT.commands == ()
