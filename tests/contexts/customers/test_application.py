from collections.abc import Callable

import pytest

from contexts.customers import contract, domain
from contexts.customers.application import (
    ChangeSmsNumber,
    DisableCustomer,
    EnableCustomer,
    RegisterCustomer,
    authorize_customer,
    change_sms_number,
    disable_customer,
    enable_customer,
    published_events,
    register_customer,
)
from contexts.customers.contract import AuthorizeCustomer
from contexts.customers.domain import Customer, CustomerIsDisabled
from mallbots_platform.errors import AlreadyExists, NotFound
from mallbots_platform.testing import MemoryRepository

Customers = MemoryRepository[Customer]


@pytest.fixture
def customers() -> Customers:
    return MemoryRepository("customer")


def register(customers: Customers) -> None:
    register_customer(RegisterCustomer(customer_id="c", name="Ada", sms_number="110"), customers)


def change_number(customers: Customers) -> None:
    change_sms_number(ChangeSmsNumber(customer_id="c", sms_number="112"), customers)


def enable(customers: Customers) -> None:
    enable_customer(EnableCustomer(customer_id="c"), customers)


def disable(customers: Customers) -> None:
    disable_customer(DisableCustomer(customer_id="c"), customers)


def authorize(customers: Customers) -> None:
    authorize_customer(AuthorizeCustomer(customer_id="c", order_id="o"), customers)


def test_a_registered_customer_is_kept(customers: Customers) -> None:
    register(customers)

    kept = customers.get("c")
    assert (kept.name, kept.sms_number, kept.enabled, kept.version) == ("Ada", "110", True, 1)


def test_a_customer_registers_only_once(customers: Customers) -> None:
    register(customers)

    with pytest.raises(AlreadyExists):
        register(customers)


def test_changes_are_kept_and_published(customers: Customers) -> None:
    register(customers)

    change_number(customers)
    disable(customers)
    enable(customers)

    kept = customers.get("c")
    assert (kept.sms_number, kept.enabled, kept.version) == ("112", True, 4)
    assert customers.published[1:] == [
        domain.SmsNumberChanged(sms_number="112"),
        domain.Disabled(),
        domain.Enabled(),
    ]


def test_an_enabled_customer_is_authorized(customers: Customers) -> None:
    register(customers)

    authorize(customers)

    assert customers.get("c").version == 1


def test_a_disabled_customer_is_not_authorized(customers: Customers) -> None:
    register(customers)
    disable(customers)

    with pytest.raises(CustomerIsDisabled):
        authorize(customers)


@pytest.mark.parametrize("use_case", [change_number, enable, disable, authorize])
def test_an_unknown_customer_is_not_found(customers: Customers, use_case: Callable[[Customers], None]) -> None:
    with pytest.raises(NotFound, match="no customer has the id 'c'"):
        use_case(customers)


@pytest.mark.parametrize(
    ("own", "published"),
    [
        (
            domain.Registered(name="Ada", sms_number="110"),
            contract.CustomerRegistered(customer_id="c", name="Ada", sms_number="110", version=3),
        ),
        (
            domain.SmsNumberChanged(sms_number="112"),
            contract.CustomerSmsNumberChanged(customer_id="c", sms_number="112", version=3),
        ),
        (domain.Enabled(), contract.CustomerEnabled(customer_id="c", version=3)),
        (domain.Disabled(), contract.CustomerDisabled(customer_id="c", version=3)),
    ],
)
def test_what_a_customer_publishes(own: object, published: object) -> None:
    customer = Customer(id="c", version=3, name="Ada", sms_number="110")

    assert list(published_events(customer, own)) == [published]
