"""Whatever is sent to whichever method that reflection tells of: it is refused politely, and everything goes on."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from contexts.depot.contract import depot_pb2
from contexts.ordering.contract import ordering_pb2
from contexts.stores.contract import stores_pb2
from mallbots.directories import CONTEXTS
from tests.support.mall import RunningMall, open_day
from tests.support.stranger import Stranger

MESSAGES_PER_METHOD = 40
AT_ONCE = 16
NEVER = {
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.DATA_LOSS,
}
TEXTS = (
    *("", " ", "\0", "a\0b", "\n", "\t", "x" * 101, "x" * 501, "y" * 100_000, "../../secret", "%s%n{0}${x}", "NaN"),
    *("'; DROP TABLE orders; --", "\u202eright to left", "e\u0301" * 40, "\U0001f469\u200d\U0001f680" * 9, "\ufeff"),
    *(
        "\u0000\uffff",
        "null",
        "-1",
        "EUR",
        "eur",
        "a:b",
        "{mall.ordering.0}:events",
        "<script>",
        "0" * 100,
        "\x7f\x1b[2J",
    ),
)
WHOLE = (0, 1, -1, 7, 2**31 - 1, -(2**31), 10**6)
LONG = (*WHOLE, 10**12, 10**12 + 1, 2**53, 2**63 - 1, -(2**63))
FLOATS = (0.0, -0.0, 1e308, -1e308, float("nan"), float("inf"))
BYTES = (b"", b"\0", b"\xff\xfe", b"z" * 10_000)
METADATA = (
    (),
    (("idempotency-key", "again"),),
    (("idempotency-key", " "),),
    (("idempotency-key", "k" * 101),),
    (("idempotency-key", "'; --"),),
    (("correlation-id", "c" * 3000),),
    (("correlation-id", "a b"),),
    (("traceparent", "00-zz-zz-zz"),),
    (("traceparent", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"), ("tracestate", "=,=,,"), ("baggage", ";;=%")),
    (("idempotency-key-bin", b"\x00\xff"),),
)


@pytest.mark.parametrize("kind, contexts", [("grpc", CONTEXTS), ("operator", ("ordering", "depot"))])
async def test_hostile_messages_do_no_harm(mall: RunningMall, kind: str, contexts: tuple[str, ...]) -> None:
    async with mall.clients() as clients, open_day(clients) as day:
        await day.visit()
    ids = await known_ids(mall)

    answers = [answer for context in contexts for answer in await attack(mall.services[context][kind], ids, context)]

    assert len(answers) >= len(contexts) * 7 * MESSAGES_PER_METHOD
    assert {code for _, code in answers} >= {grpc.StatusCode.INVALID_ARGUMENT}
    assert sorted({(name, code.name) for name, code in answers if code in NEVER}) == []
    async with mall.clients() as clients, open_day(clients) as day:
        await day.visit()


async def attack(address: str, ids: list[str], seed: str) -> list[tuple[str, grpc.StatusCode]]:
    """Each method's name with each status it answered."""
    methods = await asyncio.to_thread(methods_at, address)
    dice, gate = random.Random(seed), asyncio.Semaphore(AT_ONCE)
    async with grpc.aio.insecure_channel(address) as channel:

        async def send(method: MethodDescriptor, message: bytes) -> tuple[str, grpc.StatusCode]:
            path = f"/{method.containing_service.full_name}/{method.name}"
            async with gate:
                return path, await status_of(channel, path, message, dice.choice(METADATA))

        sent = [send(method, message) for method in methods for message in hostile(method, dice, ids)]
        return list(await asyncio.gather(*sent))


async def status_of(channel: Any, path: str, message: bytes, metadata: Any) -> grpc.StatusCode:
    """As a stream of one, which suits every kind of method; one that answers without end is left after the first."""
    call: Any = channel.stream_stream(path)(iter([message]), timeout=60.0, metadata=metadata)
    try:
        async for _ in call:
            call.cancel()
            return grpc.StatusCode.OK
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode(await call.code())


def methods_at(address: str) -> list[MethodDescriptor]:
    """Of every service that reflection names, gRPC's own included."""
    stranger = Stranger(address)
    services = [stranger.pool.FindServiceByName(name) for name in stranger.services]
    stranger.channel.close()
    return [method for service in services for method in service.methods]


def hostile(method: MethodDescriptor, dice: random.Random, ids: list[str]) -> Iterator[bytes]:
    yield b""
    yield b"\xff" * 20
    yield b"\x0a\xff\xff\xff\xff\x0f"
    yield b"\0" * (1 << 20)
    for _ in range(MESSAGES_PER_METHOD // 4):
        yield dice.randbytes(dice.randrange(1, 200))
    for _ in range(MESSAGES_PER_METHOD):
        message = GetMessageClass(method.input_type)()
        fill(message, dice, ids)
        yield message.SerializeToString()


def fill(message: Message, dice: random.Random, ids: list[str]) -> None:
    for field in message.DESCRIPTOR.fields:
        if dice.random() < 0.1:
            continue
        if field.message_type:
            fill(getattr(message, field.name), dice, ids)
        elif field.is_repeated:
            getattr(message, field.name).extend(value(field, dice, ids) for _ in range(dice.choice((0, 1, 3, 1001))))
        else:
            setattr(message, field.name, value(field, dice, ids))


def value(field: Any, dice: random.Random, ids: list[str]) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            if field.type == FieldDescriptor.TYPE_BYTES:
                return dice.choice(BYTES)
            return dice.choice(ids) if dice.random() < 0.5 else dice.choice(TEXTS)
        case FieldDescriptor.CPPTYPE_INT64:
            return dice.choice(LONG)
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return dice.choice(FLOATS)
        case FieldDescriptor.CPPTYPE_BOOL:
            return dice.random() < 0.5
        case FieldDescriptor.CPPTYPE_INT32 | FieldDescriptor.CPPTYPE_ENUM:
            return dice.choice(WHOLE)
    raise AssertionError(f"{field.full_name}: teach this test to make one")


async def known_ids(mall: RunningMall) -> list[str]:
    """Of things that are there, so that a message gets past the first check."""
    async with mall.clients() as clients:
        bot, *_ = (await clients.depot.ListBots(depot_pb2.ListBotsRequest())).bots
        lists = await clients.depot.ListShoppingLists(depot_pb2.ListShoppingListsRequest())
        order, *_ = (await clients.ordering.ListOrders(ordering_pb2.ListOrdersRequest())).orders
        store, *_ = (await clients.stores.ListStores(stores_pb2.ListStoresRequest())).stores
    shopping = lists.shopping_lists[0]
    items = [item.product_id for stop in shopping.stops for item in stop.items]
    return [bot.bot_id, shopping.shopping_list_id, order.order_id, order.customer_id, store.store_id, *items]
