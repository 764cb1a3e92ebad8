from pathlib import Path

import pytest

from mallbots.last_words import last_words


@pytest.mark.parametrize(
    "written, words",
    [
        ("", "it said nothing"),
        ("\n  \n", "it said nothing"),
        ("starting\nno room left\n\n", "no room left"),
        ("stores cannot start: set it back to 4\n", "set it back to 4"),
        ("stores cannot start: the database is away\n(more about it)\n", "the database is away"),
        ('Traceback (most recent call last):\n  File "x.py"\nValueError: odd\n(see the manual)\n', "ValueError: odd"),
        ("Traceback (most recent call last):\nKeyError: 1\n\nTraceback (most recent call last):\n  a\nB: c\n", "B: c"),
        ("Traceback (most recent call last):\n", "Traceback (most recent call last):"),
    ],
)
def test_the_last_words_tell_the_reason(tmp_path: Path, written: str, words: str) -> None:
    log = tmp_path / "stores.log"
    log.write_text(f"Traceback (most recent call last):\nOldError: of an earlier run\n{written}")

    assert last_words(log, len(log.read_text()) - len(written)) == words
