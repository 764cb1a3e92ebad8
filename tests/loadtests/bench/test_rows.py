import json

import pytest

from loadtests.bench.costs import Cost
from loadtests.bench.hop_rows import against
from loadtests.bench.rows import Row, Skipped, as_json, at_least, at_most


@pytest.mark.parametrize(
    ("target", "figure", "holds"),
    [
        (at_least(0.4), 0.4, True),
        (at_least(0.4), 0.39, False),
        (at_most(60), 60, True),
        (at_most(60), 60.1, False),
        (None, 1, None),
    ],
)
def test_a_target_holds_up_to_its_bound(target: object, figure: float, holds: bool | None) -> None:
    row = Row(group="hop", name="x", figure=figure, target=target)  # type: ignore[arg-type] # parametrized

    assert row.holds is holds


def test_a_row_of_json_is_complete() -> None:
    ours = [Cost(events=10, cpu_seconds=0.001, wall_seconds=0.01, peak_mib=90)]
    theirs = [Cost(events=10, cpu_seconds=0.0005, wall_seconds=0.005)]

    told = json.loads(json.dumps(as_json(against("hop", "bare", ours, theirs, at_least(0.4), "a note"))))

    assert told == {
        "row": "hop: against bare",
        "figure": 0.5,
        "unit": "x",
        "target": "≥ 0.4",
        "holds": True,
        "ours": {"cpu_us": 100.0, "per_second": 1000.0, "peak_mib": 90.0},
        "theirs": {"cpu_us": 50.0, "per_second": 2000.0},
        "spread": [0.5, 0.5],
        "note": "a note",
    }


def test_what_was_skipped_says_why() -> None:
    assert as_json(Skipped("peers", "Protean", "not installed")) == {
        "row": "peers: Protean",
        "skipped": "not installed",
    }
