from collections.abc import Iterator
from pathlib import Path

import pytest

from mallbots_platform.database import Database
from tests.conftest import new_database
from tests.contexts.depot.adapters.ports import Ports, in_memory, in_sql, opened


@pytest.fixture(scope="session")
def postgresql(postgres_url: str) -> Iterator[Database]:
    yield from opened(new_database(postgres_url))


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    yield from opened(f"sqlite:///{tmp_path / 'depot.db'}")


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def ports(request: pytest.FixtureRequest) -> Ports:
    return in_memory() if request.param == "memory" else in_sql(request.getfixturevalue(request.param))
