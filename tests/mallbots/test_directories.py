from pathlib import Path

import pytest

from mallbots.directories import (
    VARIABLE,
    contexts_with_data,
    data_directory,
    database_url,
    endpoints_directory,
    log_file,
    redis_address,
    redis_directory,
)
from mallbots_platform.database import Database


def test_the_directory_is_what_was_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "from-the-environment")

    assert data_directory(Path("wanted")) == tmp_path / "wanted"
    assert data_directory(None) == tmp_path / "from-the-environment"
    monkeypatch.delenv(VARIABLE)
    assert data_directory(None) == tmp_path / ".mallbots"


def test_each_thing_has_a_place_of_its_own(tmp_path: Path) -> None:
    places = [
        endpoints_directory(tmp_path),
        redis_directory(tmp_path),
        redis_address(tmp_path),
        log_file(tmp_path, "depot"),
        log_file(tmp_path, "stores"),
        Path(database_url(tmp_path, "depot").removeprefix("sqlite:///")),
    ]

    assert len(set(places)) == len(places)
    assert all(tmp_path in place.parents for place in places)


def test_the_contexts_are_those_with_a_database(tmp_path: Path) -> None:
    for context in ("stores", "depot"):
        Database(database_url(tmp_path, context)).close()
        (tmp_path / f"{context}.db").touch()
    (tmp_path / "redis.address").touch()

    assert contexts_with_data(tmp_path) == ["depot", "stores"]
    assert contexts_with_data(tmp_path / "nowhere") == []
