import shutil
from pathlib import Path

import pytest

from tools import generate_protos, lint_protos

ROOT = Path(__file__).resolve().parents[2]
ORDERING = "contexts/ordering/contract/ordering.proto"


@pytest.fixture
def protos(tmp_path: Path) -> Path:
    """A copy of all of them, to be changed."""
    if not lint_protos.buf():
        pytest.skip(lint_protos.MISSING)
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    for source_root in generate_protos.SOURCE_ROOTS:
        for proto in generate_protos.protos(source_root):
            copy = tmp_path / proto.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(proto, copy)
    return tmp_path


@pytest.mark.parametrize("source_root", generate_protos.SOURCE_ROOTS, ids=lambda root: root.name)
def test_generated_code_is_current(tmp_path: Path, source_root: Path) -> None:
    generate_protos.generate(source_root, tmp_path)

    folders = {proto.parent for proto in generate_protos.protos(source_root)}
    kept = {path.relative_to(source_root): path.read_text() for each in folders for path in each.glob("*_pb2.py*")}
    made = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*_pb2.py*")}
    assert made
    assert kept == made, "run `make proto`"


def test_protos_are_clean_and_break_no_client(protos: Path) -> None:
    assert lint_protos.problems(protos) == []


def test_a_badly_named_field_is_refused(protos: Path) -> None:
    rewrite(protos / ORDERING, "string reason = 9;", "string reason = 9;\n  string giftWrapping = 11;")

    found = lint_protos.problems(protos)

    assert len(found) == 1 and "giftWrapping" in found[0]


@pytest.mark.parametrize(
    "before, after, told",
    [
        ("int64 total = 7;", "int64 total = 17;", '"7"'),
        ("int64 total = 7;", "string total = 7;", "type"),
        ("  rpc HandOver(HandOverRequest) returns (HandOverResponse);\n", "", '"HandOver"'),
        ("ORDER_STATUS_PAID = 4;", "ORDER_STATUS_BOUGHT = 4;", '"4"'),
    ],
)
def test_a_breaking_change_is_refused(protos: Path, before: str, after: str, told: str) -> None:
    rewrite(protos / ORDERING, before, after)

    found = lint_protos.problems(protos)

    assert any(told in line for line in found), found


def test_an_addition_breaks_nobody(protos: Path) -> None:
    rewrite(protos / ORDERING, "string reason = 9;", "string reason = 9;\n  string gift_wrapping = 11;")

    assert lint_protos.problems(protos) == []


def test_a_proto_that_is_none_is_told(protos: Path) -> None:
    (protos / ORDERING).write_text("syntax = ")

    found = lint_protos.problems(protos)

    assert found and ORDERING in found[0]


def rewrite(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))
