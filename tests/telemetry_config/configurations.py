"""The configuration files as the programs read them."""

import re
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "telemetry" / "config"
PROVISIONING = ROOT / "dashboards" / "provisioning"
_ENVIRONMENT = re.compile(r"\$\{env:(\w+)(?::-([^}]*))?\}")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def collector(*names: str) -> dict[str, Any]:
    """Several files as one, as the Collector merges them: maps are joined, a later list replaces an earlier one."""
    merged: dict[str, Any] = reduce(_merge, (read(CONFIG / name) for name in names), {})
    return merged


def _merge(earlier: Any, later: Any) -> Any:
    if not (isinstance(earlier, dict) and isinstance(later, dict)):
        return later
    return earlier | {key: _merge(earlier.get(key), value) for key, value in later.items()}


def variables_in(path: Path) -> set[str]:
    return {name for name, _ in _ENVIRONMENT.findall(path.read_text(encoding="utf-8"))}


def with_defaults(text: str) -> str:
    """As it is where no variable of the environment is set."""
    return _ENVIRONMENT.sub(lambda found: found[2] or "", text)
