"""What a process serves: its own calls, operators' questions, its metrics and pages."""

import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from mallbots_platform import operator_pb2 as pb
from mallbots_platform import schema
from mallbots_platform.endpoints import Endpoint, previous_address
from mallbots_platform.errors import CannotStart, Unavailable
from mallbots_platform.grpc_server import GrpcServer
from mallbots_platform.health import Health
from mallbots_platform.operator_api import SERVICE, OperatorApi
from mallbots_platform.operator_queries import OperatorQueries
from mallbots_platform.passed_over import PassedOver
from mallbots_platform.source_partitions import SourcePartitions
from telemetry.metrics import MetricsServer, serve_metrics

if TYPE_CHECKING:
    from mallbots_platform.process import Process

A = TypeVar("A")


class Serving:
    """`passed_over` may still be added to."""

    def __init__(self, process: "Process", health: Health, passed_over: Mapping[str, PassedOver]) -> None:
        self._process = process
        self._health = health
        self._passed_over = passed_over
        self._operators = GrpcServer(process.telemetry.untraced(), process.calls)

    async def listen(self, partitions: SourcePartitions) -> Endpoint:
        """Where, in the end. Raises CannotStart, Unavailable."""
        process = self._process
        self._operators.add(self._operator_api(partitions), SERVICE)
        operator = await self._bind(self._operators, "operator")
        metrics = await self._at("metrics", self._serve_metrics)
        process.closing.append(_async(metrics.close))
        return Endpoint(await self._bind(process.api, "grpc"), operator, metrics.address, os.getpid())

    async def stop(self, calls_seconds: float) -> None:
        """Calls end, within that time; operators may ask on."""
        await self._process.api.stop(calls_seconds)

    async def stop_operators(self) -> None:
        await self._operators.stop(0.2)

    async def _serve_metrics(self, address: str) -> MetricsServer:
        health = self._health
        try:
            return serve_metrics(self._process.meter, address, health.healthy, health.live, health.ready)
        except OSError as error:
            raise CannotStart(f"metrics cannot be served on {address}: {error.strerror}") from error

    async def _bind(self, server: GrpcServer, kind: str) -> str:
        self._process.closing.append(partial(server.stop, 0.0))
        return await self._at(kind, server.start)

    async def _at(self, kind: str, listen: Callable[[str], Awaitable[A]]) -> A:
        """Where the settings say; where any port will do, at the one it had before, unless somebody else is faster."""
        settings = self._process.settings
        address: str = getattr(settings, f"{kind}_address")
        if address.endswith(":0") and settings.endpoints:
            if before := previous_address(settings.endpoints, self._process.context, kind):
                with contextlib.suppress(Unavailable, CannotStart):
                    return await listen(before)
        return await listen(address)

    def _operator_api(self, partitions: SourcePartitions) -> OperatorApi:
        process = self._process
        return OperatorApi(
            OperatorQueries(process.context, process.database),
            *(process.readers, process.writer, process.subscriptions, process.queues, process.lag),
            partial(self._status, partitions),
            *(process.faults, process.relay.aside, process.outbox, process.timers, self._passed_over),
        )

    def _status(self, partitions: SourcePartitions) -> pb.GetStatusResponse:
        process = self._process
        return pb.GetStatusResponse(
            context=process.context,
            version=str(schema.VERSION),
            troubles=process.troubles,
            partitions=process.settings.partitions,
            installation=process.installation.id,
            database="sqlite" if process.database.url.startswith("sqlite") else "postgresql",
            passed_over=[
                pb.PassedOver(group=group, **kind._asdict(), messages=number)
                for group, each in self._passed_over.items()
                for kind, number in each.counts.items()
            ],
            subscriptions=[
                pb.Subscription(
                    group=group,
                    source=route.source,
                    channel=route.channel,
                    partitions=partitions.of(route.source),
                )
                for group, routes in process.routes.items()
                for route in routes
            ],
        )


def _async(close: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    async def closed() -> None:
        close()

    return closed
