"""The other contexts, as a process reaches them: by a channel each, kept until its address changes."""

from collections.abc import Iterable

import grpc

from mallbots_platform.endpoints import addresses
from mallbots_platform.grpc_client import Client, client_for, open_channel
from mallbots_platform.operator_api import SERVICE
from mallbots_platform.settings import Settings
from telemetry.bundle import Telemetry


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

    def _channel(self, name: str, address: str) -> grpc.aio.Channel:
        known = self._channels.get(name)
        if known is None or known[0] != address:
            self._channels[name] = known = (address, open_channel(address, self._telemetry))
        return known[1]
