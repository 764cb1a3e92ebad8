"""What must not be in the repository: addresses of this or that machine, and packages where none should be."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REGISTRIES = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("npmjs", "org"),
    ("npmjs", "com"),
    ("yarnpkg", "com"),
    ("crates", "io"),
    ("proxy", "golang", "org"),
    ("deb", "debian", "org"),
    ("maven", "org"),
)
HOST = re.compile("|".join(r"\.".join(parts) for parts in REGISTRIES))
MACHINE_PATH = re.compile(r"(?<![\w.~$}-])/(work|root|home)/\w")


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Those that git knows, and those that it would add."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def test_no_file_names_a_package_registry(files: list[Path]) -> None:
    named = [found for path in files for found in matches(HOST, path)]

    assert not named


def test_no_file_names_a_place_on_a_machine(files: list[Path]) -> None:
    named = [found for path in files for found in matches(MACHINE_PATH, path)]

    assert not named


def test_hosts_and_places_would_be_noticed() -> None:
    for parts in REGISTRIES:
        assert HOST.search(f"https://files.{'.'.join(parts)}/simple")
    for place in ("work", "root", "home"):
        assert MACHINE_PATH.search(f"see /{place}/somebody")
    assert not MACHINE_PATH.search("https://example.org/home/page")


def test_the_lock_file_holds_versions_and_hashes_only() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()

    odd = [
        line
        for line in lines
        if not re.match(r"(\w[\w.\-\[\]]*==\S+( ; .+)? \\|    --hash=sha256:\w{64}( \\)?)$", line)
    ]

    assert lines
    assert not odd


def test_platform_is_no_package(files: list[Path]) -> None:
    names = {str(path.relative_to(ROOT)) for path in files}

    assert "platform/__init__.py" not in names
    assert "platform/mallbots/__init__.py" in names


def test_the_platform_asks_its_client_for_keys(files: list[Path]) -> None:
    """Whoever builds a key alone leaves the prefix out that is set."""
    built = re.compile(r"(\bstream|StreamName\([^)]*\))\.key\b|\{\{mall\b")

    assert [
        path.name for path in files if path.parent.name == "mallbots_platform" and built.search(path.read_text())
    ] == []


def test_tests_are_no_packages(files: list[Path]) -> None:
    packages = [path for path in files if path.name == "__init__.py" and (ROOT / "tests") in path.parents]

    assert not packages


def test_nobody_ignores_an_error_without_a_reason(files: list[Path]) -> None:
    ignores = re.compile(r"# (noqa|type: ignore)(?!(: [A-Z]+\d+(, [A-Z]+\d+)*|\[[\w-]+(, ?[\w-]+)*\])\s+\S)")

    written = [path for path in files if path.suffix == ".py" and "_pb2" not in path.name]

    bare = [found for path in written for found in matches(ignores, path)]

    assert not bare


def matches(pattern: re.Pattern[str], path: Path) -> list[str]:
    """`file:line` of each; bytes that are no text match nothing."""
    lines = path.read_bytes().decode(errors="ignore").splitlines()
    return [f"{path.relative_to(ROOT)}:{number}" for number, line in enumerate(lines, 1) if pattern.search(line)]
