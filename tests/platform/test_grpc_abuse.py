"""Random and hostile calls: each gets a status that blames the caller, nothing is stored, and everything serves on."""

import asyncio
import random
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from mallbots_platform.grpc_client import open_channel
from mallbots_platform.operator_api import SERVICE as OPERATOR
from tests.conftest import new_database
from tests.support.echo import METHODS, Echo, Note
from tests.support.world import World

Code = grpc.StatusCode
HARMLESS = {Code.OK, Code.INVALID_ARGUMENT, Code.NOT_FOUND, Code.FAILED_PRECONDITION, Code.RESOURCE_EXHAUSTED}
KEY_FIELD = "idempotency-key"


@pytest.fixture
def echo(tmp_path: Path) -> Echo:
    return Echo(f"sqlite:///{tmp_path / 'echo.db'}")


async def status_of(call: Any, request: bytes, **options: Any) -> tuple[grpc.StatusCode, str]:
    try:
        await call(request, timeout=20, **options)
    except grpc.aio.AioRpcError as error:
        return error.code(), error.details() or ""
    return Code.OK, ""


async def serves(echo: Echo) -> bool:
    return bool((await echo.client.Look(Note(number=1))).number == 2)


async def test_random_bytes_never_look_like_a_bug(echo: Echo) -> None:
    echo.api.finish.set()
    dice = random.Random(1)

    for number in range(300):
        raw = dice.randbytes(dice.choice([0, 1, 2, 8, 60, 900]))
        code, _ = await status_of(echo.raw(METHODS[number % 3]), raw)
        assert code in (Code.OK, Code.INVALID_ARGUMENT), raw

    assert await serves(echo)
    assert "call failed" not in echo.parts.logged.getvalue()


@pytest.mark.parametrize(
    "key", ["a b", " ", "a/b", "a" * 101, "a" * 4000, "x,y", '"', "{}", "%00", "%C3%BC", "'; DROP TABLE requests; --"]
)
@pytest.mark.parametrize("name", [KEY_FIELD, "correlation-id"])
async def test_odd_metadata_is_refused_by_its_name(echo: Echo, name: str, key: str) -> None:
    code, details = await status_of(echo.raw("Change"), b"", metadata=((name, key),))

    assert code is Code.INVALID_ARGUMENT
    assert details.startswith(f"{name}: ")
    assert echo.api.begun == 0


@pytest.mark.parametrize("metadata", [((KEY_FIELD, "a" * 10_000),), (("x-large", "a" * 60_000),)])
async def test_metadata_that_is_too_large_is_refused(echo: Echo, metadata: Any) -> None:
    code, _ = await status_of(echo.raw("Change"), b"", metadata=metadata)

    assert code in (Code.RESOURCE_EXHAUSTED, Code.INVALID_ARGUMENT)
    assert await echo.parts.published() == []
    assert await serves(echo)


async def test_binary_metadata_is_no_key(echo: Echo) -> None:
    metadata = ((f"{KEY_FIELD}-bin", b"\x00\xff"), ("traceparent-bin", b"\xff" * 55), ("correlation-id-bin", b""))

    for _ in range(2):
        assert (await status_of(echo.raw("Change"), b"", metadata=metadata))[0] is Code.OK

    assert len(await echo.parts.published()) == 2


async def test_of_two_keys_one_counts(echo: Echo) -> None:
    metadata = ((KEY_FIELD, "one"), (KEY_FIELD, "two"))

    for _ in range(2):
        assert (await status_of(echo.raw("Change"), b"", metadata=metadata))[0] is Code.OK

    assert len(await echo.parts.published()) == 1


async def test_odd_trace_metadata_is_left_alone(echo: Echo) -> None:
    dice = random.Random(2)
    printable = [chr(code) for code in range(0x20, 0x7F)]

    for _ in range(60):
        text = "".join(dice.choices(printable, k=dice.choice([1, 55, 55, 300])))
        metadata = (("traceparent", text), ("tracestate", text), ("baggage", text))
        assert (await status_of(echo.raw("Change"), b"", metadata=metadata))[0] is Code.OK

    assert len(await echo.parts.published()) == 60


async def test_odd_keys_of_the_right_kind_are_keys(echo: Echo) -> None:
    for key in ("0", "-", "A_b.c:d", "a" * 100):
        metadata = ((KEY_FIELD, key),)
        assert (await status_of(echo.raw("Change"), b"", metadata=metadata))[0] is Code.OK
        assert (await status_of(echo.raw("Change"), b"", metadata=metadata))[0] is Code.OK

    assert len(await echo.parts.published()) == 4


async def test_a_caller_without_patience_harms_nobody(echo: Echo) -> None:
    raw = Note(text="x").SerializeToString()
    impatient = [asyncio.ensure_future(echo.raw("Wait")(raw, timeout=0.001)) for _ in range(50)]
    cancelled = [asyncio.ensure_future(echo.raw("Change")(raw)) for _ in range(50)]
    for call in cancelled:
        call.cancel()

    outcomes = await asyncio.gather(*impatient, *cancelled, return_exceptions=True)

    told = {outcome.code() for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)}
    assert told <= {Code.DEADLINE_EXCEEDED, Code.CANCELLED}
    assert await serves(echo)
    assert "call failed" not in echo.parts.logged.getvalue()


NOISE = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
    b"\x16\x03\x01\x02\x00\x01",
    bytes(range(256)) * 40,
    b"",
]


async def test_what_speaks_no_grpc_is_cut_off(echo: Echo) -> None:
    host, _, port = echo.address.rpartition(":")

    def make_noise() -> None:
        for noise in NOISE * 4:
            with socket.create_connection((host, int(port)), 10) as connection:
                connection.sendall(noise)

    await asyncio.to_thread(make_noise)

    assert await serves(echo)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_no_question_breaks_the_operator_service(
    world: World, database: str, request: pytest.FixtureRequest
) -> None:
    if database == "postgresql":
        world.databases["listener"] = new_database(request.getfixturevalue("postgres_url"))
    teller, listener = await world.teller(), await world.listener()
    await teller.say("one")
    assert await listener.hears("one")
    dice = random.Random(3)

    async with AsyncExitStack() as stack:
        channel: Any = await stack.enter_async_context(open_channel(listener.process.endpoint.operator))
        for method in OPERATOR.methods:
            call = channel.unary_unary(f"/{OPERATOR.full_name}/{method.name}")
            for _ in range(15):
                request_type = GetMessageClass(method.input_type)
                raw = dice.randbytes(40) if dice.random() < 0.2 else hostile(request_type, dice).SerializeToString()
                code, details = await status_of(call, raw)
                assert code in HARMLESS, (method.name, raw, details)

    await teller.say("two")
    assert await listener.until(lambda found: found[-1] == "two")
    assert listener.process.troubles == []


TEXTS = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "k",
    "listener",
    "dead",
    "ü" * 300,
    "x" * 5000,
    "'; --",
    "%s ? %",
    "\U0001f600",
    "\\",
]
VALUES: dict[int, list[Any]] = {
    FieldDescriptor.CPPTYPE_STRING: TEXTS,
    FieldDescriptor.CPPTYPE_INT32: [0, 1, -1, 2**31 - 1, -(2**31)],
    FieldDescriptor.CPPTYPE_INT64: [0, 1, 2, -1, 2**63 - 1, -(2**63)],
    FieldDescriptor.CPPTYPE_DOUBLE: [0.0, -1.0, 1e308, float("nan"), float("inf")],
    FieldDescriptor.CPPTYPE_BOOL: [False, True],
}


def hostile(kind: Any, dice: random.Random) -> Message:
    """A message of the right kind, with values that nobody expects."""
    message: Message = kind()
    for field in kind.DESCRIPTOR.fields:
        if dice.random() < 0.3:
            continue
        values = VALUES[field.cpp_type]
        if field.is_repeated:
            getattr(message, field.name).extend(dice.choices(values, k=3))
        else:
            setattr(message, field.name, dice.choice(values))
    return message
