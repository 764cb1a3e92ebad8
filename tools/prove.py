"""Is every promise of docs/guarantees.md worth its row? Break its mechanism, and see its test turn red.

Each mutation is a patch to a scratch copy of the sources. A test that stays green proves nothing, and fails this.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.mutations import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parent.parent
GUARANTEES = ROOT / "docs" / "guarantees.md"
COPIED = ("platform", "contexts", "telemetry", "tests", "tools", "docs", "pyproject.toml", "README.md", "Makefile")
ROW = re.compile(r"^\| `([a-z-]+)` \|.*\| (.+) \|$")
TEST = re.compile(r"`(tests/[\w/]+\.py::\w+)`")
TIMEOUT_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Proof:
    promise: str
    mutation: str
    test: str
    turned_red: bool
    seconds: float
    said: str = ""


def promises() -> dict[str, list[str]]:
    """The named tests of each row."""
    rows = (ROW.match(line) for line in GUARANTEES.read_text().splitlines())
    return {row[1]: TEST.findall(row[2]) for row in rows if row}


def contradictions(rows: dict[str, list[str]]) -> list[str]:
    """Rows without a test or a mutation, mutations without a row."""
    mutated = {mutation.promise for mutation in MUTATIONS}
    return [
        *(f"{row} names no test" for row, tests in rows.items() if not tests),
        *(f"{row} has no mutation in tools/mutations.py" for row in rows if row not in mutated),
        *(f"{promise} has a mutation and no row in docs/guarantees.md" for promise in sorted(mutated - rows.keys())),
    ]


@contextmanager
def scratch_copy() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mallbots-prove-") as scratch:
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, Path(scratch, name), ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, scratch)
        yield Path(scratch)


def run_tests(copy: Path, tests: list[str], *options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *tests]
    environ = os.environ | {"PYTHONPATH": f"{copy}{os.pathsep}{copy / 'platform'}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=copy, env=environ, capture_output=True, text=True, timeout=TIMEOUT_SECONDS * 4)
    return done.returncode, done.stdout[-2000:] + done.stderr[-500:]


def prove(mutation: Mutation, tests: list[str]) -> Proof:
    """Red means that pytest ran the test and the test failed; an error on the way to it is none."""
    started = time.monotonic()
    with scratch_copy() as copy:
        path = copy / mutation.file
        source = path.read_text()
        if source.count(mutation.old) != 1:
            return Proof(mutation.promise, mutation.name, "", False, 0.0, f"the patch does not fit {mutation.file}")
        path.write_text(source.replace(mutation.old, mutation.new))
        code, said = run_tests(copy, tests, "-x", f"--timeout={TIMEOUT_SECONDS}")
    red = code == 1 and "failed" in said
    seconds = round(time.monotonic() - started, 1)
    return Proof(mutation.promise, mutation.name, tests[0], red, seconds, "" if red else said)


def show(proof: Proof) -> None:
    verdict = "red, as it must be" if proof.turned_red else "STAYED GREEN"
    print(f"{proof.promise:<24} {proof.mutation:<58} {verdict:<20} {proof.seconds:>6.1f} s", flush=True)
    if proof.said:
        print(proof.said, file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="promises, separated by commas")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    options = parser.parse_args()
    rows = promises()
    if wrong := contradictions(rows):
        print("\n".join(wrong), file=sys.stderr)
        return 2
    wanted = [m for m in MUTATIONS if not options.only or m.promise in options.only.split(",")]
    tests = sorted({test for mutation in wanted for test in rows[mutation.promise]})
    with scratch_copy() as copy:
        code, said = run_tests(copy, tests, "-n", "2")
    if code:
        print(f"the tests must be green before anything is broken:\n{said}", file=sys.stderr)
        return 1
    print(f"{len(tests)} tests of {len(rows)} promises are green; now {len(wanted)} mutations", file=sys.stderr)
    with ThreadPoolExecutor(2) as pool:
        proofs = []
        for proof in pool.map(lambda mutation: prove(mutation, rows[mutation.promise]), wanted):
            proofs.append(proof)
            if not options.json:
                show(proof)
    green = [proof for proof in proofs if not proof.turned_red]
    if options.json:
        print(json.dumps({"proofs": [asdict(proof) for proof in proofs], "holds": not green}))
    else:
        print(f"{len(proofs) - len(green)} passed, {len(green)} failed")
    return 1 if green else 0


if __name__ == "__main__":
    sys.exit(main())
