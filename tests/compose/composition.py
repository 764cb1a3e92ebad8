"""docker-compose.yml as Compose sees it where no variable is set."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::?-([^}]*))?\}")
_SIZES = {"m": 1, "g": 1024}


def text() -> str:
    return FILE.read_text(encoding="utf-8")


def variables() -> dict[str, str]:
    """With their defaults."""
    return dict(_VARIABLE.findall(text()))


def load() -> dict[str, Any]:
    composed: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(lambda found: found[2] or "", text()))
    return composed


def services(profile: str = "") -> dict[str, dict[str, Any]]:
    """Those of a profile; all, if none is said."""
    found: dict[str, dict[str, Any]] = load()["services"]
    return {name: each for name, each in found.items() if not profile or profile in each["profiles"]}


def mebibytes(size: str) -> int:
    return int(size[:-1]) * _SIZES[size[-1]]
