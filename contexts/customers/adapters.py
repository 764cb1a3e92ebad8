"""Customers' gRPC API, and its rows."""

import re
from collections.abc import Callable

from sqlalchemy import Boolean, Column, Integer, MetaData, String, Table

from contexts.customers.application import (
    ChangeSmsNumber,
    CustomerList,
    Customers,
    DisableCustomer,
    EnableCustomer,
    RegisterCustomer,
    change_sms_number,
    disable_customer,
    enable_customer,
    register_customer,
)
from contexts.customers.contract import customers_pb2 as pb
from contexts.customers.domain import Customer
from mallbots_platform.errors import InvalidInput
from mallbots_platform.grpc_server import read, write
from mallbots_platform.paging import Page
from mallbots_platform.rows import Rows
from mallbots_platform.validation import identifier, text

metadata = MetaData()

customers = Table(
    "customers",
    metadata,
    Column("id", String, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("correlation_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("sms_number", String, nullable=False),
    Column("enabled", Boolean, nullable=False),
)


class SqlCustomerList:
    def __init__(self, rows: Rows[Customer]) -> None:
        self.rows = rows

    def page(self, after: str, limit: int) -> list[Customer]:
        return self.rows.all(customers.c.id > after, order_by=(customers.c.id,), limit=limit)


class CustomersApi:
    def __init__(self, customers: Customers, customer_list: CustomerList, new_id: Callable[[], str]) -> None:
        self.customers = customers
        self.customer_list = customer_list
        self.new_id = new_id

    @write
    def RegisterCustomer(self, request: pb.RegisterCustomerRequest) -> pb.RegisterCustomerResponse:
        command = RegisterCustomer(
            customer_id=self.new_id(),
            name=text(request.name, "name"),
            sms_number=sms_number(request.sms_number, "sms_number"),
        )
        register_customer(command, self.customers)
        return pb.RegisterCustomerResponse(customer_id=command.customer_id)

    @write
    def ChangeSmsNumber(self, request: pb.ChangeSmsNumberRequest) -> pb.ChangeSmsNumberResponse:
        command = ChangeSmsNumber(
            customer_id=identifier(request.customer_id, "customer_id"),
            sms_number=sms_number(request.sms_number, "sms_number"),
        )
        change_sms_number(command, self.customers)
        return pb.ChangeSmsNumberResponse()

    @write
    def EnableCustomer(self, request: pb.EnableCustomerRequest) -> pb.EnableCustomerResponse:
        command = EnableCustomer(customer_id=identifier(request.customer_id, "customer_id"))
        enable_customer(command, self.customers)
        return pb.EnableCustomerResponse()

    @write
    def DisableCustomer(self, request: pb.DisableCustomerRequest) -> pb.DisableCustomerResponse:
        command = DisableCustomer(customer_id=identifier(request.customer_id, "customer_id"))
        disable_customer(command, self.customers)
        return pb.DisableCustomerResponse()

    @read
    def GetCustomer(self, request: pb.GetCustomerRequest) -> pb.GetCustomerResponse:
        customer = self.customers.get(identifier(request.customer_id, "customer_id"))
        return pb.GetCustomerResponse(customer=_customer(customer))

    @read
    def ListCustomers(self, request: pb.ListCustomersRequest) -> pb.ListCustomersResponse:
        page = Page.of(request)
        listed = self.customer_list.page(page.after, page.size)
        token = page.next_token(listed[-1].id if listed else "", full=len(listed) == page.size)
        return pb.ListCustomersResponse(customers=map(_customer, listed), next_page_token=token)


def sms_number(value: str, field: str) -> str:
    """As people write it: digits, spaces and hyphens, with a + in front if need be; 3 to 15 digits (E.164)."""
    if not _SMS_NUMBER.fullmatch(value) or not 3 <= sum(map(str.isdigit, value)) <= 15:
        raise InvalidInput(field, "must be a telephone number of 3 to 15 digits, such as +49 30 5550199")
    return value


_SMS_NUMBER = re.compile(r"\+?[0-9][0-9 -]{0,30}")


def _customer(customer: Customer) -> pb.Customer:
    return pb.Customer(
        customer_id=customer.id,
        name=customer.name,
        sms_number=customer.sms_number,
        enabled=customer.enabled,
        version=customer.version,
    )
