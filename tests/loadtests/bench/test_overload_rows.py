"""A siege in miniature, and what a row makes of one."""

import pytest

from loadtests.bench.overload_rows import TIMES, Asked, Siege, Work, besiege, works
from loadtests.bench.stage import open_stage

ANSWERED, LATE, REFUSED = Asked(0.5, 0.01, "OK"), Asked(0.7, 0.3, "OK"), Asked(0.9, 0.001, "RESOURCE_EXHAUSTED")


def a_siege(after: list[Asked]) -> Siege:
    busy, full, too_much = [ANSWERED] * 90, [ANSWERED] * 100 + [LATE] * 10, [ANSWERED] * 85 + [REFUSED] * 200 + [LATE]
    return Siege(100.0, 1.0, [[ANSWERED] * 30, busy, full, too_much, after])


def test_what_is_late_or_refused_is_not_answered() -> None:
    siege = a_siege(after=[])

    assert (siege.best, siege.under_siege) == (100, 85)


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ([ANSWERED], 0.0),
        ([REFUSED._replace(due=0.2), ANSWERED], 0.2),
        ([ANSWERED._replace(due=0.3, took=0.1), ANSWERED], 0.3),
    ],
)
def test_it_is_over_when_all_are_answered_as_before(after: list[Asked], seconds: float) -> None:
    assert a_siege(after).over_after == seconds


@pytest.mark.timeout(180)
@pytest.mark.parametrize("work", works(), ids=lambda work: work.name)
def test_calls_come_at_multiples_of_what_can_be_done(work: Work) -> None:
    with open_stage() as stage:
        siege = besiege(stage, work, 0.3)

    assert siege.capacity > 0
    assert len(siege.phases) == len(TIMES)
    asked = [len(phase) / (siege.capacity * siege.seconds) for phase in siege.phases]
    assert all(0 < share <= times + 0.1 for times, share in zip(TIMES, asked, strict=True))
    assert siege.goodput(0) > 0
