"""What can be done with customers, and what the other contexts get to know of it."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from contexts.customers import contract, domain
from contexts.customers.contract import AuthorizeCustomer
from contexts.customers.domain import Customer
from mallbots_platform.messages import command


class Customers(Protocol):
    def get(self, id: str) -> Customer: ...
    def add(self, thing: Customer) -> None: ...
    def save(self, thing: Customer) -> None: ...


class CustomerList(Protocol):
    def page(self, after: str, limit: int) -> Sequence[Customer]:
        """Customers by id, from behind `after`."""


@command
class RegisterCustomer:
    customer_id: str
    name: str
    sms_number: str


@command
class ChangeSmsNumber:
    customer_id: str
    sms_number: str


@command
class EnableCustomer:
    customer_id: str


@command
class DisableCustomer:
    customer_id: str


def register_customer(command: RegisterCustomer, customers: Customers) -> None:
    customers.add(Customer.register(command.customer_id, command.name, command.sms_number))


def change_sms_number(command: ChangeSmsNumber, customers: Customers) -> None:
    customer = customers.get(command.customer_id)
    customer.change_sms_number(command.sms_number)
    customers.save(customer)


def enable_customer(command: EnableCustomer, customers: Customers) -> None:
    customer = customers.get(command.customer_id)
    customer.enable()
    customers.save(customer)


def disable_customer(command: DisableCustomer, customers: Customers) -> None:
    customer = customers.get(command.customer_id)
    customer.disable()
    customers.save(customer)


def authorize_customer(command: AuthorizeCustomer, customers: Customers) -> None:
    customers.get(command.customer_id).must_be_enabled()


def published_events(customer: Customer, event: object) -> Iterator[object]:
    match event:
        case domain.Registered(name=name, sms_number=sms_number):
            yield contract.CustomerRegistered(
                customer_id=customer.id, name=name, sms_number=sms_number, version=customer.version
            )
        case domain.SmsNumberChanged(sms_number=sms_number):
            yield contract.CustomerSmsNumberChanged(
                customer_id=customer.id, sms_number=sms_number, version=customer.version
            )
        case domain.Enabled():
            yield contract.CustomerEnabled(customer_id=customer.id, version=customer.version)
        case domain.Disabled():
            yield contract.CustomerDisabled(customer_id=customer.id, version=customer.version)
