"""Generate Python and stubs beside every .proto; `--check` writes nothing and fails when something is stale."""

import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
SOURCE_ROOTS = (ROOT / "platform", ROOT)


def protos(source_root: Path) -> list[Path]:
    below = source_root if source_root.name == "platform" else source_root / "contexts"
    return sorted(below.rglob("*.proto"))


def generate(source_root: Path, out: Path) -> None:
    names = [str(proto.relative_to(source_root)) for proto in protos(source_root)]
    if not names:
        return
    include = str(files("grpc_tools").joinpath("_proto"))
    plugin = f"--plugin=protoc-gen-mypy={Path(sys.executable).parent / 'protoc-gen-mypy'}"
    arguments = ["protoc", f"-I{source_root}", f"-I{include}", plugin, f"--python_out={out}", f"--mypy_out=quiet:{out}"]
    if protoc.main([*arguments, *names]) != 0:
        sys.exit("protoc refused a .proto: see above")


def stale() -> list[str]:
    found = []
    for source_root in SOURCE_ROOTS:
        with tempfile.TemporaryDirectory() as scratch:
            generate(source_root, Path(scratch))
            for made in sorted(Path(scratch).rglob("*_pb2.py*")):
                kept = source_root / made.relative_to(scratch)
                if not kept.exists() or kept.read_text() != made.read_text():
                    found.append(str(kept.relative_to(ROOT)))
    return found


def main() -> None:
    if "--check" in sys.argv:
        if found := stale():
            sys.exit("stale, run `make proto`: " + ", ".join(found))
        return
    for source_root in SOURCE_ROOTS:
        generate(source_root, source_root)


if __name__ == "__main__":
    main()
