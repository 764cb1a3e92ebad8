"""The servers that tests share: one of each kind a test worker, started when first wanted."""

import asyncio
import inspect
import itertools
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from sqlalchemy import create_engine, text

from mallbots_platform.embedded_redis import EmbeddedRedis
from tests.support.postgres import MISSING, binary, postgres
from tests.support.world import World

_numbers = itertools.count()
hypothesis.settings.register_profile("mallbots", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("mallbots")
# Who starts the suite with `nohup`, or in the background, would have every process under test ignore these.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: a test waits for other processes for a good part of its time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + cores // 2


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test may be a coroutine. It gets an event loop of its own, in which its async fixtures are entered."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(_entered(pyfuncitem.obj, {name: pyfuncitem.funcargs[name] for name in names}))
    return True


async def _entered(story: Any, arguments: Mapping[str, Any]) -> None:
    async with AsyncExitStack() as stack:
        for argument in arguments.values():
            if isinstance(argument, AbstractAsyncContextManager):
                await stack.enter_async_context(argument)
        await story(**arguments)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    if not binary("postgres"):
        pytest.skip(MISSING)
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'context.db'}"
    return new_database(request.getfixturevalue("postgres_url"))


@pytest.fixture
def world(tmp_path: Path, redis_server: EmbeddedRedis) -> World:
    """Two small contexts over the real platform, on SQLite and an empty Redis."""
    return World(tmp_path, redis_server)


def new_database(postgres_url: str) -> str:
    name = f"context_{next(_numbers)}"
    engine = create_engine(
        postgres_url.format(name="postgres").replace("postgresql", "postgresql+psycopg", 1),
        isolation_level="AUTOCOMMIT",
    )
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return postgres_url.format(name=name)
