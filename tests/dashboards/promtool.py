"""Prometheus' own tool, which knows best whether a rule does what it should."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

MISSING = "promtool is not to be found: install Prometheus, for Debian the package `prometheus`"


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Its verdict; the test is skipped where it is missing."""
    found = shutil.which("promtool")
    if not found:
        pytest.skip(MISSING)
    return subprocess.run([found, *map(str, arguments)], capture_output=True, text=True, timeout=100, check=False)


def run_story(folder: Path, rules: list[Path], story: dict[str, Any]) -> str:
    """What `promtool test rules` finds wrong; empty when all is as told."""
    path = folder / "story.test.yml"
    path.write_text(
        yaml.safe_dump(
            {"rule_files": [str(each) for each in rules], "evaluation_interval": story["interval"], "tests": [story]}
        )
    )
    told = promtool("test", "rules", path)
    return "" if told.returncode == 0 else told.stdout + told.stderr
