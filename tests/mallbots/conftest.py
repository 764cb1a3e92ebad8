from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mallbots.directories import endpoints_directory
from mallbots_platform.embedded_redis import EmbeddedRedis
from mallbots_platform.settings import Settings
from telemetry.facts import nobody_listens
from tests.support.world import World


class KeptWorld(World):
    """Its directory is laid out as that of a run, so that the command finds its processes."""

    def settings_of(self, context: str, **changes: Any) -> Settings:
        settings = super().settings_of(context, **{"installation": "of-the-run"} | changes)
        return replace(settings, endpoints=str(endpoints_directory(self.directory)))


@pytest.fixture
def world(tmp_path: Path, redis_server: EmbeddedRedis) -> World:
    return KeptWorld(tmp_path, redis_server)


@pytest.fixture(autouse=True)
def contexts_print_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """They run in one process with the command, and their lines would stand among its own."""
    monkeypatch.setattr("telemetry.bundle.open_facts", lambda service, log: nobody_listens)
