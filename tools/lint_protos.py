"""Lint every .proto, and refuse what would break clients of the protos as they were last released, with buf.

The released ones are kept as a descriptor image: the generated modules would not do, for they change together with
the .proto. `--release` makes the image anew. buf comes with `npm ci`; where it is missing, nothing is checked.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELEASED = ROOT / "tools" / "released_protos.binpb"
MISSING = "buf is not here: `npm ci` brings it"


def buf() -> str | None:
    """Where it is: among this repository's Node modules, or on the PATH."""
    return shutil.which("buf", path=ROOT / "node_modules" / ".bin") or shutil.which("buf")


def problems(root: Path = ROOT) -> list[str]:
    """One line each, as buf words them; `root` is a tree with a buf.yaml. Raises FileNotFoundError without buf."""
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch, "protos.binpb")
        if unreadable := _buf(root, "build", "-o", str(image)):
            return unreadable
        breaking = ("breaking", str(image), "--against", str(RELEASED), "--config", "buf.yaml")
        return _buf(root, "lint") + _buf(root, *breaking)


def release() -> None:
    _buf(ROOT, "build", "--exclude-source-info", "-o", str(RELEASED))


def main() -> None:
    if not buf():
        print(f"protos are not linted: {MISSING}", file=sys.stderr)
    elif "--release" in sys.argv:
        release()
    elif found := problems():
        sys.exit("\n".join(found))


def _buf(root: Path, *command: str) -> list[str]:
    """What it complains about, with exit code 100. Raises RuntimeError with what it says when it fails otherwise."""
    program = buf()
    if program is None:
        raise FileNotFoundError(MISSING)
    ran = subprocess.run([program, *command], cwd=root, capture_output=True, text=True)
    if ran.returncode not in (0, 100):
        raise RuntimeError(f"buf {command[0]}: {ran.stderr.strip()}")
    return (ran.stdout + ran.stderr).splitlines() if ran.returncode else []


if __name__ == "__main__":
    main()
