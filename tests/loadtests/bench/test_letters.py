import json
from itertools import groupby

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from loadtests.bench.letters import letter_fields
from loadtests.bench.mail import LetterSent, Sender
from mallbots_platform.partitions import partition_of


@given(st.integers(min_value=0, max_value=10_000_000))
def test_a_letter_has_300_bytes(number: int) -> None:
    fields = letter_fields(number)

    assert len(json.dumps(fields, separators=(",", ":"))) == 300
    assert len(msgspec.json.encode(LetterSent(**fields))) == 300


def test_numbers_have_no_hole_in_any_partition() -> None:
    sender = Sender()

    letters = sender.write(300) + sender.write(100)

    by_partition = groupby(sorted((name.partition, envelope.sequence) for name, envelope in letters), lambda at: at[0])
    found = {partition: [sequence for _, sequence in places] for partition, places in by_partition}
    assert all(sequences == list(range(1, len(sequences) + 1)) for sequences in found.values())
    assert set(found) == {0, 1, 2, 3}


def test_letters_of_one_receiver_share_a_partition() -> None:
    letters = Sender().write(400)

    assert all(name.partition == partition_of(envelope.subject, 4) for name, envelope in letters)
    assert all((envelope.source, envelope.partition) == (name.source, name.partition) for name, envelope in letters)


def test_each_letter_has_a_trace_of_its_own() -> None:
    letters = Sender().write(100)

    assert len({envelope.trace_id for _, envelope in letters}) == 100
