from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from contexts.ordering.contract import ordering_pb2
from mallbots.actors import mall as calling
from mallbots.actors.mall import Mall
from mallbots.directories import CONTEXTS
from mallbots_platform.errors import Conflict, RuleViolated, Unavailable


@asynccontextmanager
async def nobodys_mall() -> AsyncIterator[Mall]:
    """At addresses where nobody listens."""
    mall = Mall({context: "127.0.0.1:1" for context in CONTEXTS})
    try:
        yield mall
    finally:
        await mall.close()


class Service:
    """Fails with each of the errors in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.metadata: list[dict[str, str]] = []

    async def __call__(self, request: object, metadata: Any = ()) -> str:
        self.metadata.append(dict(metadata))
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def test_a_change_is_sent_again_with_the_same_key() -> None:
    service = Service(Unavailable("away"), Conflict("moved"))

    async with nobodys_mall() as mall:
        answer = await mall.change(service, ordering_pb2.HandOverRequest(), about="order-1")

    assert answer == "done"
    assert len(service.metadata) == 3
    assert len({sent["idempotency-key"] for sent in service.metadata}) == 1
    assert {sent["correlation-id"] for sent in service.metadata} == {"order-1"}
    assert mall.unanswered == 2


async def test_two_changes_have_two_keys() -> None:
    service = Service()

    async with nobodys_mall() as mall:
        await mall.change(service, ordering_pb2.HandOverRequest())
        await mall.change(service, ordering_pb2.HandOverRequest())

    first, second = service.metadata
    assert first["idempotency-key"] != second["idempotency-key"]
    assert "correlation-id" not in first


async def test_a_refusal_is_for_the_caller() -> None:
    service = Service(RuleViolated("the order is cancelled"))

    async with nobodys_mall() as mall:
        with pytest.raises(RuleViolated):
            await mall.change(service, ordering_pb2.HandOverRequest())

    assert len(service.metadata) == 1


async def test_patience_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.0)
    service = Service(*[Unavailable("away")] * 3)

    async with nobodys_mall() as mall:
        with pytest.raises(Unavailable):
            await mall.look(service, ordering_pb2.GetOrderRequest())

    assert len(service.metadata) == 1
