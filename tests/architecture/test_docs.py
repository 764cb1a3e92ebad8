"""What the documents promise must be there: the tests that they name, and the files that they link to."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.mutations import MUTATIONS, Mutation
from tools.prove import contradictions, promises

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
GUARANTEES = ROOT / "docs" / "guarantees.md"
TEST = re.compile(r"\b(tests/[\w/.-]+\.py)(?:::(\w+))?")
LINK = re.compile(r"\]\(<?([^)\s>]+)>?\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_tests_a_document_names_exist(document: Path) -> None:
    missing = [test for test in TEST.findall(document.read_text()) if not exists(*test)]

    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_links_of_a_document_resolve(document: Path) -> None:
    dead = [link for link in links(document.read_text()) if not (document.parent / link).exists()]

    assert not dead


def test_every_guarantee_names_its_test() -> None:
    promises = list(rows(GUARANTEES.read_text()))

    unproved = [row for row in promises if not any(name for _, name in TEST.findall(row[-1]))]

    assert promises
    assert not unproved


def test_every_guarantee_has_a_patch_that_breaks_it() -> None:
    assert contradictions(promises()) == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.promise}: {mutation.name}")
def test_a_patch_fits_the_code_of_today(mutation: Mutation) -> None:
    assert (ROOT / mutation.file).read_text().count(mutation.old) == 1


def test_a_test_that_is_not_there_is_missed() -> None:
    here = Path(__file__).relative_to(ROOT)

    assert exists(str(here), "exists") is False
    assert exists(str(here), "test_a_test_that_is_not_there_is_missed")
    assert exists(str(here), "")
    assert not exists("tests/architecture/test_nothing.py", "")
    assert not exists(str(here), "test_nothing")


def test_links_are_found_where_they_lead_to_files() -> None:
    text = "[a](b/c.md) [d](https://e.org) ![f](g.png) [h](#i) [j](k.md#l)"

    assert links(text) == ["b/c.md", "g.png", "k.md"]


def test_rows_are_those_of_promises() -> None:
    text = "| promise | test |\n|---|:--|\n| it holds | `tests/a.py::test_b` |\n\ntext | with a bar\n"

    assert list(rows(text)) == [["it holds", "`tests/a.py::test_b`"]]


def exists(file: str, test: str) -> bool:
    path = ROOT / file
    if not path.is_file():
        return False
    functions = {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }
    return not test or test in functions


def links(text: str) -> list[str]:
    """Relative ones, without their anchors."""
    found = (
        link.partition("#")[0] for link in LINK.findall(text) if "://" not in link and not link.startswith("mailto:")
    )
    return [link for link in found if link]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of each table, headings left out."""
    lines = [line.strip() for line in text.splitlines()]
    rules = {number for number, line in enumerate(lines) if re.fullmatch(r"\|[\s:|-]+\|", line)}
    for number, line in enumerate(lines):
        if line.startswith("|") and number not in rules and number + 1 not in rules:
            yield [cell.strip() for cell in line.strip("|").split("|")]
