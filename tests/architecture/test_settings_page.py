"""The page of settings names each variable that is read, and says what the code does when it is not set."""

import re
from pathlib import Path

from mallbots_platform.settings import Settings
from tools import settings_page

ROOT = Path(__file__).parents[2]
SOURCES = ("platform", "telemetry", "contexts", "loadtests")
PREFIX_ONLY = "MALLBOTS_"
NAMED = re.compile(r"MALLBOTS_[A-Z_]*")
OF_A_CONTEXT = re.compile(r'settings\.number\("(\w+)", ([\d_]+)\)')


def test_the_page_is_current() -> None:
    """`make settings` writes it."""
    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page()


def test_every_field_has_its_meaning() -> None:
    assert settings_page.MEANINGS.keys() == set(Settings.__dataclass_fields__) - {"context", "environ"}


def test_every_variable_that_the_code_reads_is_there() -> None:
    texts = [path.read_text() for source in SOURCES for path in (ROOT / source).rglob("*.py")]
    named = {name for text in texts for name in NAMED.findall(text)} - {PREFIX_ONLY}

    assert named - set(NAMED.findall(settings_page.page())) <= {"MALLBOTS_LOGS"}  # that is the Collector's


def test_settings_of_a_context_have_the_defaults_of_the_code() -> None:
    read = {
        (f"{path.parent.name.upper()}_{name}", default.replace("_", ""))
        for path in (ROOT / "contexts").glob("*/composition.py")
        for name, default in OF_A_CONTEXT.findall(path.read_text())
    }

    assert read == {(name, default) for name, default, _ in settings_page.CONTEXTS}
