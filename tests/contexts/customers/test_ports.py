"""One suite for every implementation of the ports: what the fakes of the other tests do, SQL does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete

from contexts.customers.adapters import SqlCustomerList, metadata
from contexts.customers.adapters import customers as customers_table
from contexts.customers.application import CustomerList, Customers
from contexts.customers.contract import CONTRACT
from contexts.customers.domain import Customer
from mallbots_platform.codec import Codec
from mallbots_platform.database import Database
from mallbots_platform.errors import AlreadyExists, Conflict, NotFound
from mallbots_platform.outbox import Outbox
from mallbots_platform.rows import Rows
from mallbots_platform.testing import MemoryRepository
from mallbots_platform.writer import Writer
from telemetry.metrics import Meter
from telemetry.tracing import Tracer
from tests.conftest import new_database
from tests.contexts.customers.memory import MemoryCustomerList
from tests.support.names import NAMES

Ports = tuple[Customers, CustomerList]


@pytest.fixture(scope="module")
def postgresql(postgres_url: str) -> Iterator[Database]:
    yield from opened(new_database(postgres_url))


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    yield from opened(f"sqlite:///{tmp_path / 'customers.db'}")


def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    database.create(metadata)
    yield database
    database.close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def ports(request: pytest.FixtureRequest) -> Ports:
    if request.param == "memory":
        kept: MemoryRepository[Customer] = MemoryRepository("customer")
        return kept, MemoryCustomerList(kept)
    database: Database = request.getfixturevalue(request.param)
    database.execute(delete(customers_table))
    outbox = Outbox("customers", 4, Writer(database, Meter("customers")), Codec(CONTRACT), Tracer())
    rows = Rows(Customer, customers_table, database, outbox)
    return rows, SqlCustomerList(rows)


def customer(id: str = "c") -> Customer:
    return Customer.register(id, "Ada Lovelace", "+49 30 5550199")


def state_of(customer: Customer) -> tuple[str, str, bool, int]:
    return customer.name, customer.sms_number, customer.enabled, customer.version


def test_a_customer_is_kept_as_it_is(ports: Ports) -> None:
    customers, _ = ports
    ada = customer()
    customers.add(ada)

    ada.disable()
    ada.change_sms_number("110")
    customers.save(ada)

    assert customers.get("c").id == "c"
    assert state_of(customers.get("c"))[:3] == ("Ada Lovelace", "110", False)


def test_a_name_is_kept_as_it_is_written(ports: Ports) -> None:
    customers, _ = ports
    for number, name in enumerate(NAMES.values()):
        customers.add(Customer.register(str(number), name, "110"))

    assert [customers.get(str(number)).name for number in range(len(NAMES))] == list(NAMES.values())


def test_a_customer_never_added_is_not_found(ports: Ports) -> None:
    customers, _ = ports

    with pytest.raises(NotFound, match="no customer has the id 'c'"):
        customers.get("c")


def test_a_customer_is_added_only_once(ports: Ports) -> None:
    customers, _ = ports
    customers.add(customer())

    with pytest.raises(AlreadyExists, match="a customer with the id 'c' exists already"):
        customers.add(customer())


def test_a_change_of_an_old_copy_is_a_conflict(ports: Ports) -> None:
    customers, _ = ports
    customers.add(customer())
    mine, theirs = customers.get("c"), customers.get("c")
    theirs.disable()
    customers.save(theirs)

    mine.change_sms_number("110")
    with pytest.raises(Conflict, match="customer c has moved on"):
        customers.save(mine)

    assert state_of(customers.get("c")) == ("Ada Lovelace", "+49 30 5550199", False, 2)


def test_every_change_raises_the_version(ports: Ports) -> None:
    customers, _ = ports
    ada = customer()
    customers.add(ada)

    versions = [customers.get("c").version]
    for change in (ada.disable, ada.enable, ada.disable):
        change()
        customers.save(ada)
        versions.append(customers.get("c").version)

    assert versions == [1, 2, 3, 4]


def test_customers_are_listed_page_by_page(ports: Ports) -> None:
    customers, customer_list = ports
    for customer_id in "cabd":
        customers.add(customer(customer_id))

    assert [each.id for each in customer_list.page("", 2)] == ["a", "b"]
    assert [each.id for each in customer_list.page("b", 3)] == ["c", "d"]
    assert list(customer_list.page("d", 2)) == []
