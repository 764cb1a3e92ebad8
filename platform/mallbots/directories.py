"""Where a run keeps its things: one data directory, with a fixed place for each."""

import os
from pathlib import Path

CONTEXTS = ("stores", "customers", "baskets", "ordering", "payments", "depot")
VARIABLE = "MALLBOTS_DATA"


def data_directory(wanted: Path | None) -> Path:
    """What was asked for, else `$MALLBOTS_DATA`, else `.mallbots` here."""
    return (wanted or Path(os.environ.get(VARIABLE, ".mallbots"))).absolute()


def endpoints_directory(data: Path) -> Path:
    return data / "run"


def database_file(data: Path, context: str) -> Path:
    return data / f"{context}.db"


def database_url(data: Path, context: str) -> str:
    return f"sqlite:///{database_file(data, context)}"


def log_file(data: Path, context: str) -> Path:
    return data / "logs" / f"{context}.log"


def redis_directory(data: Path) -> Path:
    return data / "redis"


def redis_address(data: Path) -> Path:
    """A file with the URL of the Redis server of this run."""
    return data / "redis.address"


def installation_file(data: Path) -> Path:
    return data / "installation"


def contexts_with_data(data: Path) -> list[str]:
    """Those that have a database here, running or not."""
    return sorted(path.stem for path in data.glob("*.db"))
