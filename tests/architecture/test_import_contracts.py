"""Each import contract is broken on purpose, for one that matches nothing would be kept for ever.

The tree is the project's own, copied, and so are the contracts.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
PLANTS = {
    "layers": {
        "telemetry/planted.py": "mallbots_platform.errors",
        "platform/mallbots_platform/planted.py": "contexts.stores.contract",
        "contexts/customers/contract/planted.py": "mallbots.plan",
    },
    "hexagon": {
        "contexts/ordering/domain/planted.py": "contexts.ordering.application.ports",
        "contexts/ordering/application/planted.py": "contexts.ordering.adapters.grpc_api",
        "contexts/ordering/adapters/planted.py": "contexts.ordering.composition",
        "contexts/ordering/contract/planted.py": "contexts.ordering.domain.order",
        "contexts/customers/contract/planted.py": "contexts.customers.application",
    },
    "independence": {
        "contexts/ordering/application/planted.py": "contexts.depot.domain.bot",
        "contexts/baskets/adapters/planted.py": "contexts.stores.application.ports",
        "contexts/customers/contract/planted.py": "contexts.payments.adapters.bank",
    },
    "pure-domain": {
        "contexts/ordering/domain/planted.py": "grpc",
        "contexts/stores/domain/planted.py": "sqlalchemy",
        "contexts/depot/domain/planted.py": "contexts.depot.contract",
        "contexts/baskets/domain/planted.py": "opentelemetry",
        "contexts/customers/domain.py": "redis",
    },
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("tree")
    for package in ("contexts", "telemetry", "platform"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    yield root
    shutil.rmtree(root)


def test_every_contract_has_its_violations() -> None:
    assert {contract["id"] for contract in CONTRACTS} == set(PLANTS)


def test_the_project_keeps_every_contract(tree: Path) -> None:
    said = lint(tree)

    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken" in said


@pytest.mark.parametrize("contract", PLANTS)
def test_planted_imports_break_their_contract(tree: Path, contract: str) -> None:
    with planted(tree, PLANTS[contract]):
        said = lint(tree, contract)

    assert "Contracts: 0 kept, 1 broken" in said
    missed = [path for path, target in PLANTS[contract].items() if f"{module(path)} -> {target}" not in said]
    assert not missed, said


def test_a_stray_module_in_a_context_is_refused(tree: Path) -> None:
    with planted(tree, {"contexts/payments/helpers.py": "json"}):
        said = lint(tree, "hexagon")

    assert "contexts.payments.helpers" in said


@contextmanager
def planted(tree: Path, imports: Mapping[str, str]) -> Iterator[None]:
    """Into new modules, or at the end of those that are there."""
    before = {tree / path: (tree / path).read_text() if (tree / path).exists() else None for path in imports}
    for path, target in imports.items():
        with (tree / path).open("a") as file:
            file.write(f"import {target}\n")
    try:
        yield
    finally:
        for file_path, text in before.items():
            file_path.write_text(text) if text is not None else file_path.unlink()


def lint(tree: Path, *contracts: str) -> str:
    command = Path(sys.executable).with_name("lint-imports")
    chosen = [part for contract in contracts for part in ("--contract", contract)]
    ran = subprocess.run(
        [command, "--no-cache", "--no-logo", *chosen],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": f"{tree}:{tree / 'platform'}", "COLUMNS": "300"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    return ran.stdout + ran.stderr


def module(path: str) -> str:
    return path.removeprefix("platform/").removesuffix(".py").replace("/", ".")
