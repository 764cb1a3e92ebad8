"""Customers as a running process, on both kinds of database."""

from contexts.customers.composition import compose
from contexts.customers.contract import CONTRACT, AuthorizeCustomer
from contexts.customers.contract import customers_pb2 as pb
from contexts.ordering import contract as ordering
from mallbots_platform.partitions import EVENTS, commands_for, replies_for
from mallbots_platform.process import open_process
from tests.support.world import Running, World, eventually


async def test_customers_answers_the_order_process_the_same_again(world: World, database_url: str) -> None:
    world.databases["customers"] = database_url
    customers = await world.start(compose(world.settings_of("customers")))
    orders = await world.start(open_process(ordering.CONTRACT, world.settings_of("ordering")))
    orders.process.codec.know(CONTRACT)
    staff = customers.process.client("customers", pb.DESCRIPTOR.services_by_name["CustomersService"])
    ada = (await staff.RegisterCustomer(pb.RegisterCustomerRequest(name="Ada", sms_number="110"))).customer_id

    await ask(orders, ada, ada)
    allowed = await replies(customers, 2)
    await staff.DisableCustomer(pb.DisableCustomerRequest(customer_id=ada))
    await ask(orders, ada, "nobody")

    assert allowed == ["platform.Accepted", "platform.Accepted"]
    assert (await replies(customers, 4))[2:] == ["platform.Refused", "platform.Refused"]
    told = await customers.rows("SELECT type FROM outbox WHERE channel = ? ORDER BY seq", EVENTS)
    assert told == [("customers.CustomerRegistered",), ("customers.CustomerDisabled",)]


async def ask(orders: Running, *customer_ids: str) -> None:
    def work() -> None:
        for customer_id in customer_ids:
            command = AuthorizeCustomer(customer_id=customer_id, order_id="o")
            orders.process.outbox.record(command, key="o", channel=commands_for("customers"))

    await orders.process.change(work)


async def replies(customers: Running, count: int) -> list[str]:
    """Their types, once there are so many."""

    async def types() -> list[str]:
        rows = await customers.rows("SELECT type FROM outbox WHERE channel = ? ORDER BY seq", replies_for("ordering"))
        return [type for (type,) in rows] if len(rows) >= count else []

    found: list[str] = await eventually(types)
    return found
