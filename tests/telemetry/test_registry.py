"""The names in the source are those of the registry, and those of the registry are in the source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import contexts
import mallbots
import mallbots_platform
import telemetry
from telemetry.registry import LOGS, METRICS

LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}
LOOKS_LIKE_A_METRIC = re.compile(r"(mallbots|messaging|rpc)(_[a-z]+)+")
SOURCES = (contexts, mallbots, mallbots_platform, telemetry)


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """All but the generated ones, and but the registry."""
    for package in SOURCES:
        for path in Path(str(package.__file__)).parent.rglob("*.py"):
            if path.name != "registry.py" and "_pb2" not in path.name:
                yield path, ast.parse(path.read_text())


def constants(tree: ast.AST) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def logged(tree: ast.AST) -> set[str]:
    """First arguments of `….log.warning("…")` and the like."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    said = [
        call.args[0]
        for call in calls
        if call.args and call.func.attr in LOG_METHODS and ast.unparse(call.func.value).endswith("log")  # type: ignore[attr-defined]  # an Attribute, as chosen above
    ]
    return {each.value for each in said if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def test_the_source_names_every_metric_and_no_other() -> None:
    said = {text for _, tree in modules() for text in constants(tree) if LOOKS_LIKE_A_METRIC.fullmatch(text)}

    assert said - {package.__name__ for package in SOURCES} == METRICS.keys()


def test_the_source_logs_every_line_and_no_other() -> None:
    said = {text for _, tree in modules() for text in logged(tree)}

    assert said == LOGS.keys()
