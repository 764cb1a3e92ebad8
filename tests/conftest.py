"""The servers that tests share: one of each kind a test worker, started when first wanted."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from mallbots_platform.embedded_redis import EmbeddedRedis
from tests.support.postgres import MISSING, binary, postgres

_numbers = itertools.count()


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
