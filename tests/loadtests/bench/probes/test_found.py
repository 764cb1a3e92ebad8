import sqlite3
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from loadtests.bench.letters import TABLE
from loadtests.bench.probes.found import Found, count, effects_in, numbers_in

LETTERS = 6
WHOLE = [(number, f"key-{number % 2}") for number in range(LETTERS)]
RECEIPTS = range(LETTERS)


def test_a_whole_run_finds_nothing() -> None:
    found = count(LETTERS, WHOLE, RECEIPTS, [])

    assert found == Found()
    assert str(found) == "nothing"


@given(st.permutations(WHOLE))
def test_order_between_keys_is_free(effects: list[tuple[int, str]]) -> None:
    kept = [(effect, key) for key in ("key-0", "key-1") for effect, _ in sorted(effects) if effect % 2 == int(key[-1])]

    assert count(LETTERS, kept, RECEIPTS, []).swapped == 0


def test_what_nobody_has_is_lost() -> None:
    found = count(LETTERS, WHOLE[:4], RECEIPTS, [])

    assert (found.lost, found.stranded) == (2, 0)


def test_what_somebody_still_has_is_stranded() -> None:
    found = count(LETTERS, WHOLE[:4], range(4), [4, 0])

    assert (found.lost, found.stranded, found.wrong) == (1, 1, 1)


def test_an_effect_that_took_place_twice_is_doubled_and_not_swapped() -> None:
    found = count(LETTERS, [*WHOLE, WHOLE[0]], RECEIPTS, [])

    assert (found.doubled, found.swapped) == (1, 0)


def test_an_effect_after_a_later_one_of_its_key_is_swapped() -> None:
    found = count(LETTERS, [WHOLE[2], WHOLE[0], *WHOLE[1:2], *WHOLE[3:]], RECEIPTS, [])

    assert found.swapped == 1


def test_receipts_are_counted_by_themselves() -> None:
    found = count(LETTERS, WHOLE, [0, 1, 2, 3, 4, 4], [])

    assert (found.receipts_lost, found.receipts_doubled, found.lost) == (1, 1, 0)
    assert str(found) == "1 receipts lost, 1 receipts doubled"


def test_a_receipt_in_an_outbox_is_stranded_and_not_lost() -> None:
    found = count(LETTERS, WHOLE, range(4), [], unsent=[5])

    assert (found.receipts_lost, found.receipts_stranded, found.wrong) == (1, 1, 1)


def test_numbers_are_found_in_every_form_of_message() -> None:
    messages = [b'{"data":{"number":7}}', b'\x89BIN{"number": 8, "receiver": "x"}', b"no letter"]

    assert numbers_in(messages) == [7, 8]


def test_effects_are_read_in_the_order_in_which_they_took_place(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "receiver.db") as database:
        database.execute(TABLE)
        database.executemany("INSERT INTO letters (number, receiver) VALUES (?, ?)", [(5, "a"), (3, "b")])
    database.close()

    assert effects_in(tmp_path / "receiver.db") == [(5, "a"), (3, "b")]
    assert effects_in(tmp_path / "absent.db") == []
