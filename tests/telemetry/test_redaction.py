"""What is a secret, or tells of a person, is nobody's business: not by its name, and not by its looks."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.redaction import HIDDEN, is_hidden, redact, redact_all, redact_text
from telemetry.registry import METRICS, SPANS

HIDDEN_KEYS = [
    *("password", "db_password", "PASSWD", "passphrase", "secret", "client_secret", "token", "access_token"),
    *("authorization", "Authorization", "http.request.header.authorization", "api_key", "apikey", "private_key"),
    *("cookie", "set-cookie", "credentials", "email", "e_mail", "customer_email", "user.email", "phone"),
    *("phone_number", "mobile", "sms", "sms_number", "customer_sms_number", "address", "home_address", "street"),
    *("birthday", "iban", "card", "card_number", "name", "full_name", "customer_name", "user.full_name", "recipient"),
]
SHOWN_KEYS = [
    *("order_id", "customer_id", "event_id", "trace_id", "type", "group", "stream", "reason", "partition", "saga"),
    *("grpc_address", "operator_address", "metrics_address", "server_address", "server.address", "client.address"),
    *("network.peer.address", "messaging.destination.name", "rpc.system.name", "messaging.consumer.group.name"),
    *("error.type", "emails_sent", "smsc", "filename", "username_hash", "namespace"),
]
SECRETS = [
    ("postgresql://mall:hunter2@db/ordering", "hunter2"),
    ("redis://:hunter2@localhost:6379/0", "hunter2"),
    ("http://user:p@ss@host/x", "p@ss"),
    ("Authorization: Bearer eyJhbGciOi.J9.abc-_", "eyJhbGciOi"),
    ("Basic aHVudGVyMg==", "aHVudGVyMg"),
    ("password=hunter2 and more", "hunter2"),
    ("password: hunter2", "hunter2"),
    ('{"password": "hunter 2"}', "hunter 2"),
    ("{'api_key': 'hunter2', 'x': 1}", "hunter2"),
    ("client_secret=hunter2&grant=x", "hunter2"),
    ("access-token = hunter2", "hunter2"),
    ("mail to bob.smith+mall@example.co.uk, please", "bob.smith"),
    ("<bob@example.org>", "bob@example"),
    ("call +43 664 555 12 34", "664 555"),
    ("call +436645551234 now", "6645551234"),
    ("+1-202-555-0173", "555-0173"),
]
HARMLESS = [
    "01a21326-e37c-7123-87f4-470d992c0ae6",
    "fulfil-order:01a21326:do:authorize-customer:1",
    "2026-11-25T14:40:42.755365Z",
    "127.0.0.1:36173",
    "http://127.0.0.1:4318/v1/traces",
    "entry 7 came after 5",
    "{mall.ordering.0}:events",
    "1 + 2 = 3",
    "a tokeniser and a basic rule",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03",
]


@pytest.mark.parametrize("key", HIDDEN_KEYS)
def test_a_value_is_hidden_by_its_key(key: str) -> None:
    assert redact(key, "anything") == HIDDEN
    assert redact(key, 4711) == HIDDEN
    assert redact(key, ["a", "b"]) == HIDDEN


@pytest.mark.parametrize("key", SHOWN_KEYS)
def test_other_keys_are_shown(key: str) -> None:
    assert redact(key, "anything") == "anything"


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_need_not_be_hidden(nothing: str | None) -> None:
    assert redact("password", nothing) == nothing


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_secrets_in_a_text_are_hidden(text: str, secret: str) -> None:
    shown = redact_text(text)

    assert secret not in shown
    assert HIDDEN in shown
    assert redact_text(shown) == shown


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_texts_are_left_alone(text: str) -> None:
    assert redact_text(text) == text


def test_the_rest_of_a_text_stays_readable() -> None:
    text = "cannot reach postgresql://mall:hunter2@db/ordering as bob@example.org"

    assert redact_text(text) == f"cannot reach postgresql://{HIDDEN}@db/ordering as {HIDDEN}"


class Customer:
    def __repr__(self) -> str:
        return "Customer('bob@example.org')"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": {"password": "x", "b": ["bob@example.org"]}}, {"a": {"password": HIDDEN, "b": [HIDDEN]}}),
        ({"bob@example.org": 1, 7: 2}, {HIDDEN: 1, "7": 2}),
        (("bob@example.org", 1, None), [HIDDEN, 1, None]),
        ({"bob@example.org"}, [HIDDEN]),
        (b"bob@example.org \xff", b"*** \xff"),
        (ValueError("to bob@example.org"), f"ValueError('to {HIDDEN}')"),
        (Customer(), f"Customer('{HIDDEN}')"),
        (datetime(2026, 1, 2, tzinfo=UTC), "datetime.datetime(2026, 1, 2, 0, 0, tzinfo=datetime.timezone.utc)"),
        (1.5, 1.5),
        (True, True),
    ],
)
def test_what_lies_inside_is_hidden_too(value: Any, shown: Any) -> None:
    assert redact("value", value) == shown


def test_each_value_has_its_own_key() -> None:
    assert redact_all({"sms_number": "0664 555", "order_id": "7"}) == {"sms_number": HIDDEN, "order_id": "7"}
    assert redact_all(None) == {}


@given(st.text(max_size=60))
def test_an_address_is_found_anywhere(text: str) -> None:
    assert "bob@example.org" not in redact_text(f"{text} bob@example.org {text}")


@settings(max_examples=40)
@given(
    st.recursive(
        st.text() | st.integers() | st.binary(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_anything_can_be_redacted(value: Any) -> None:
    once = redact("value", value)

    assert redact("value", once) == once


def test_nothing_declared_would_be_hidden() -> None:
    attributes = {attribute for shape in SPANS for attribute in shape.attributes}
    labels = {label for metric in METRICS.values() for label in metric.labels}

    assert [key for key in attributes | labels if is_hidden(key)] == []
