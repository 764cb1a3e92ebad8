"""Stores as a running process, on both kinds of database."""

import asyncio

from contexts.stores.composition import compose
from contexts.stores.contract import stores_pb2 as pb
from mallbots_platform.errors import RuleViolated
from mallbots_platform.grpc_client import Client
from mallbots_platform.partitions import EVENTS
from tests.support.world import Running, World


async def test_a_taken_sku_takes_nothing_else_with_it(world: World, database_url: str) -> None:
    world.databases["stores"] = database_url
    stores = await world.start(compose(world.settings_of("stores")))
    staff = staff_of(stores)
    store_id = (await staff.OpenStore(pb.OpenStoreRequest(name="Crafts", location="level 1"))).store_id
    skus = ["same" if number % 2 else f"own {number}" for number in range(20)]

    answers = await asyncio.gather(*(add(staff, store_id, sku) for sku in skus))

    assert sorted(sku for sku in answers if sku) == sorted(set(skus))
    shown = (await staff.GetCatalogue(pb.GetCatalogueRequest(store_id=store_id))).products
    assert sorted(product.sku for product in shown) == sorted(set(skus))
    assert len(await said(stores, "stores.ProductAdded")) == len(set(skus))


async def test_a_repeated_call_gets_the_first_answer(world: World) -> None:
    stores = await world.start(compose(world.settings_of("stores")))
    staff = staff_of(stores)
    request = pb.OpenStoreRequest(name="Crafts", location="level 1")

    first = await staff.OpenStore(request, metadata=(("idempotency-key", "k"),))
    again = await staff.OpenStore(request, metadata=(("idempotency-key", "k"),))
    other = await staff.OpenStore(request, metadata=(("idempotency-key", "another"),))

    assert first.store_id == again.store_id != other.store_id
    assert len(await said(stores, "stores.StoreOpened")) == 2


def staff_of(stores: Running) -> Client:
    return stores.process.client("stores", pb.DESCRIPTOR.services_by_name["StoresService"])


async def add(staff: Client, store_id: str, sku: str) -> str:
    """The SKU, or nothing when it was refused."""
    try:
        await staff.AddProduct(pb.AddProductRequest(store_id=store_id, name="Clay", sku=sku, price=500, currency="EUR"))
    except RuleViolated:
        return ""
    return sku


async def said(stores: Running, type: str) -> list[tuple[str]]:
    return await stores.rows("SELECT id FROM outbox WHERE channel = ? AND type = ?", EVENTS, type)
