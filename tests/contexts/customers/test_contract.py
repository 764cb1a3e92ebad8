from dataclasses import fields

from contexts.customers.contract import CONTRACT

PINNED = {
    ("customers.CustomerRegistered", 1): ("customer_id", "name", "sms_number", "version"),
    ("customers.CustomerSmsNumberChanged", 1): ("customer_id", "sms_number", "version"),
    ("customers.CustomerEnabled", 1): ("customer_id", "version"),
    ("customers.CustomerDisabled", 1): ("customer_id", "version"),
    ("customers.AuthorizeCustomer", 1): ("customer_id", "order_id"),
}


def test_wire_names_versions_and_fields_stay() -> None:
    said = {
        (CONTRACT.wire_name(message), CONTRACT.version(message)): tuple(field.name for field in fields(message))
        for message in (*CONTRACT.events, *CONTRACT.commands)
    }

    assert said == PINNED
