from collections.abc import Iterator

import pytest

from tests.support.mall import RunningMall, running_mall


@pytest.fixture(scope="module")
def mall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMall]:
    """All contexts and Redis, for the tests of one module."""
    with running_mall(tmp_path_factory.mktemp("mall")) as running:
        yield running
