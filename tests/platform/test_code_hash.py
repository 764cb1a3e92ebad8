"""A hash of what a class does: as long as it does the same, it stays the same, in every process."""

import os
import subprocess
import sys
from types import ModuleType

import pytest

from mallbots.launching import source_roots
from mallbots_platform.code_hash import code_hash
from mallbots_platform.sagas import SagaProcess

TEXT = """
from mallbots_platform.aggregates import Aggregate
from mallbots_platform.messages import event, value

RATE = 3

@event
class Stored:
    thing: str

@value
class Label:
    text: str

    def loud(self) -> str:
        return self.text.upper()

def worth(thing: str) -> int:
    return len(thing) * RATE

def unused() -> int:
    return 1

class Shelf(Aggregate):
    LIMIT = 9
    worth: int = 0
    labels: tuple[Label, ...] = ()

    @property
    def is_full(self) -> bool:
        return self.worth > self.LIMIT

    def apply(self, event: Stored) -> None:
        # a comment
        if event.thing in {"cup", "jug", "pot", "pan", "lid"} and not self.is_full:
            self.worth += (lambda: worth(event.thing))()
"""


def hash_of(text: str) -> str:
    module = ModuleType("shop.shelves")
    exec(compile(text, "shelves.py", "exec"), vars(module))
    return code_hash(module.Shelf)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("self.worth += (", "self.worth -= ("),
        ("len(thing) * RATE", "len(thing) + RATE"),
        ("RATE = 3", "RATE = 4"),
        ("self.text.upper()", "self.text.lower()"),
        ('"lid"}', '"tin"}'),
        ("self.worth > ", "self.worth >= "),
        ("LIMIT = 9", "LIMIT = 8"),
    ],
    ids=["its own code", "a function", "a constant", "a part of its state", "a set", "a property", "of the class"],
)
def test_it_changes_with_what_the_class_does(old: str, new: str) -> None:
    assert old in TEXT
    assert hash_of(TEXT.replace(old, new)) != hash_of(TEXT)


@pytest.mark.parametrize(
    ("old", "new"), [("# a comment", "\n\n"), ("return 1", "return 2")], ids=["a comment", "what nobody calls"]
)
def test_it_stays_where_the_class_does_the_same(old: str, new: str) -> None:
    assert old in TEXT
    assert hash_of(TEXT.replace(old, new)) == hash_of(TEXT)


def test_every_process_comes_to_the_same() -> None:
    told = "from tests.platform.test_code_hash import *; print(hash_of(TEXT), code_hash(SagaProcess))"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((".", *source_roots())), "PYTHONHASHSEED": "random"}

    found = {
        subprocess.run([sys.executable, "-c", told], env=environ, capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    }

    assert found == {f"{hash_of(TEXT)} {code_hash(SagaProcess)}\n"}


def test_code_that_was_run_often_is_the_same() -> None:
    before = code_hash(SagaProcess)

    for _ in range(5000):
        SagaProcess(id="1")._compensate("tired")

    assert code_hash(SagaProcess) == before
