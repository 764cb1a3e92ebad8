"""Who runs in a data directory: what was announced there, and is that process still the same one."""

import os
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from redis.exceptions import RedisError

from mallbots.directories import endpoints_directory, redis_address, redis_directory
from mallbots_platform.endpoints import Endpoint, read_endpoints
from mallbots_platform.grpc_client import open_channel
from mallbots_platform.streams import open_redis


def live_endpoints(data: Path) -> dict[str, Endpoint]:
    """Where the processes that run now listen."""
    known = read_endpoints(endpoints_directory(data))
    return {context: endpoint for context, endpoint in known.items() if is_running(endpoint.pid, context)}


async def left_running(data: Path) -> dict[str, int]:
    """Process ids by name; of an earlier run that was killed, when nobody else has the directory."""
    redis = await _redis_process(data)
    left = {context: endpoint.pid for context, endpoint in live_endpoints(data).items()}
    return left | ({"redis": redis} if redis else {})


async def is_serving(address: str) -> bool:
    """What the health service at that address says."""
    channel = open_channel(address)
    try:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=1.0)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
    except grpc.aio.AioRpcError:
        return False
    finally:
        await channel.close(None)


def is_running(pid: int, context: str) -> bool:
    """Whether a process id still means that context: after a reboot it may be anybody's."""
    if pid == os.getpid():
        return True
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
        return f"contexts.{context}" in command.replace("\0", " ").split()
    except OSError:
        return not Path("/proc/self").exists() and _exists(pid)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def _redis_process(data: Path) -> int:
    """Of the server that keeps its data here: a second one would spoil it. 0 when there is none."""
    address = redis_address(data)
    if not address.exists():
        return 0
    client = open_redis(address.read_text())
    try:
        settings = await client.config_get("dir")
        kept_in = {os.fsdecode(name): os.fsdecode(value) for name, value in settings.items()}["dir"]
        if not Path(kept_in).samefile(redis_directory(data)):
            return 0
        return int((await client.info("server"))["process_id"])
    except (RedisError, OSError, KeyError):
        return 0
    finally:
        await client.aclose()
