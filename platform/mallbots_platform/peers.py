"""The other contexts, as a process reaches them: by a channel each, kept until its address changes."""

import asyncio
from collections.abc import Iterable

import grpc

from mallbots_platform import operator_pb2 as pb
from mallbots_platform.endpoints import addresses, read_endpoints
from mallbots_platform.errors import PlatformError
from mallbots_platform.grpc_client import Client, client_for, open_channel
from mallbots_platform.operator_api import SERVICE
from mallbots_platform.settings import Settings
from telemetry.bundle import Telemetry

STATUS_SECONDS = 1.0


class Peers:
    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self._settings = settings
        self._telemetry = telemetry
        self._channels: dict[str, tuple[str, grpc.aio.Channel]] = {}

    @property
    def channels(self) -> Iterable[grpc.aio.Channel]:
        return [channel for _, channel in self._channels.values()]

    def api(self, context: str) -> grpc.aio.Channel:
        """Raises Unavailable when nobody knows where it listens."""
        return self._channel(f"grpc:{context}", addresses(self._settings, context).grpc)

    async def operator(self, context: str) -> Client:
        """A client of its operator service. Raises Unavailable as `api` does."""
        return client_for(self._channel(f"operator:{context}", addresses(self._settings, context).operator), SERVICE)

    async def installation(self, contexts: Iterable[str]) -> str:
        """What those of them that run, and others that have announced themselves, say that it is; empty where nobody
        says anything, or they do not agree."""
        announced = read_endpoints(self._settings.endpoints) if self._settings.endpoints else ()
        asked = {*contexts, *announced} - {self._settings.context}
        told = set(await asyncio.gather(*map(self._installation_of, asked))) - {""}
        return told.pop() if len(told) == 1 else ""

    async def _installation_of(self, context: str) -> str:
        try:
            operator = await self.operator(context)
            status = await operator.GetStatus(pb.GetStatusRequest(), timeout=STATUS_SECONDS)
        except PlatformError:
            return ""
        return str(status.installation) if status.context == context else ""

    def _channel(self, name: str, address: str) -> grpc.aio.Channel:
        known = self._channels.get(name)
        if known is None or known[0] != address:
            self._channels[name] = known = (address, open_channel(address, self._telemetry))
        return known[1]
