from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message

from contexts.customers.adapters import CustomersApi, sms_number
from contexts.customers.contract import customers_pb2 as pb
from contexts.customers.domain import Customer, CustomerIsDisabled, CustomerIsEnabled
from mallbots_platform.errors import InvalidInput, NotFound
from mallbots_platform.paging import LARGEST_SIZE
from mallbots_platform.testing import MemoryRepository
from mallbots_platform.validation import LONGEST_TEXT
from tests.contexts.customers.memory import MemoryCustomerList
from tests.support.names import NAMES

Customers = MemoryRepository[Customer]


@pytest.fixture
def customers() -> Customers:
    return MemoryRepository("customer")


@pytest.fixture
def api(customers: Customers) -> CustomersApi:
    return CustomersApi(customers, MemoryCustomerList(customers), lambda: "c")


def register(api: CustomersApi) -> None:
    api.RegisterCustomer(pb.RegisterCustomerRequest(name="Ada", sms_number="110"))


def get(api: CustomersApi, customer_id: str = "c") -> pb.Customer:
    return api.GetCustomer(pb.GetCustomerRequest(customer_id=customer_id)).customer


def test_a_registered_customer_is_shown(api: CustomersApi) -> None:
    answer = api.RegisterCustomer(pb.RegisterCustomerRequest(name="Ada", sms_number="+49 30 555-0199"))

    assert answer.customer_id == "c"
    assert get(api) == pb.Customer(customer_id="c", name="Ada", sms_number="+49 30 555-0199", enabled=True, version=1)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_customer_has_the_name_that_was_given(api: CustomersApi, name: str) -> None:
    api.RegisterCustomer(pb.RegisterCustomerRequest(name=name, sms_number="110"))

    assert get(api).name == name


def test_a_customer_changes_call_by_call(api: CustomersApi) -> None:
    register(api)

    api.ChangeSmsNumber(pb.ChangeSmsNumberRequest(customer_id="c", sms_number="112"))
    assert (get(api).sms_number, get(api).version) == ("112", 2)

    api.DisableCustomer(pb.DisableCustomerRequest(customer_id="c"))
    assert not get(api).enabled

    api.EnableCustomer(pb.EnableCustomerRequest(customer_id="c"))
    assert get(api).enabled


def test_refusals_of_the_domain_come_through(api: CustomersApi) -> None:
    register(api)

    with pytest.raises(CustomerIsEnabled):
        api.EnableCustomer(pb.EnableCustomerRequest(customer_id="c"))
    api.DisableCustomer(pb.DisableCustomerRequest(customer_id="c"))
    with pytest.raises(CustomerIsDisabled):
        api.DisableCustomer(pb.DisableCustomerRequest(customer_id="c"))


def test_customers_are_listed_with_tokens(api: CustomersApi, customers: Customers) -> None:
    for customer_id in "cab":
        customers.add(Customer.register(customer_id, "Ada", "110"))

    first = api.ListCustomers(pb.ListCustomersRequest(page_size=2))
    rest = api.ListCustomers(pb.ListCustomersRequest(page_size=2, page_token=first.next_page_token))

    assert [customer.customer_id for customer in first.customers] == ["a", "b"]
    assert ([customer.customer_id for customer in rest.customers], rest.next_page_token) == (["c"], "")


@pytest.mark.parametrize("number", ["110", "+49 30 555-0199", "0" * 15, "1 2-3"])
def test_a_telephone_number_is_kept_as_it_is_written(number: str) -> None:
    assert sms_number(number, "sms_number") == number


@pytest.mark.parametrize(
    "call",
    [
        lambda api: api.ChangeSmsNumber(pb.ChangeSmsNumberRequest(customer_id="x", sms_number="110")),
        lambda api: api.EnableCustomer(pb.EnableCustomerRequest(customer_id="x")),
        lambda api: api.DisableCustomer(pb.DisableCustomerRequest(customer_id="x")),
        lambda api: get(api, "x"),
    ],
)
def test_an_unknown_id_is_not_found(
    api: CustomersApi, customers: Customers, call: Callable[[CustomersApi], object]
) -> None:
    with pytest.raises(NotFound, match="no customer has the id 'x'"):
        call(api)

    assert customers.all() == []


WRONG_ID = ["", " ", "a b", "x" * 101, "ä"]
WRONG: dict[str, list[Any]] = {
    "customer_id": WRONG_ID,
    "name": ["", " ", "a\nb", "x" * (LONGEST_TEXT + 1)],
    "sms_number": ["", "12", "0" * 16, "call me", "++49 30", "49 (30) 55", "١٢٣", "110\n", "+", "- 110"],
    "page_size": [-1, LARGEST_SIZE + 1],
    "page_token": ["=", "a b", "€", "_w"],
}
GOOD: dict[str, Message] = {
    "RegisterCustomer": pb.RegisterCustomerRequest(name="Bob", sms_number="112"),
    "ChangeSmsNumber": pb.ChangeSmsNumberRequest(customer_id="c", sms_number="112"),
    "EnableCustomer": pb.EnableCustomerRequest(customer_id="c"),
    "DisableCustomer": pb.DisableCustomerRequest(customer_id="c"),
    "GetCustomer": pb.GetCustomerRequest(customer_id="c"),
    "ListCustomers": pb.ListCustomersRequest(),
}
METHODS = pb.DESCRIPTOR.services_by_name["CustomersService"].methods
FIELDS = [(method.name, field.name) for method in METHODS for field in method.input_type.fields]


@pytest.mark.parametrize(
    ("method", "field", "wrong"), [(method, field, wrong) for method, field in FIELDS for wrong in WRONG[field]]
)
def test_a_wrong_field_is_named_and_nothing_changes(
    api: CustomersApi, customers: Customers, method: str, field: str, wrong: Any
) -> None:
    register(api)
    published = list(customers.published)
    request = type(GOOD[method])()
    request.CopyFrom(GOOD[method])
    setattr(request, field, wrong)

    with pytest.raises(InvalidInput) as refusal:
        getattr(api, method)(request)

    assert refusal.value.field == field
    assert (len(customers.all()), customers.published) == (1, published)
