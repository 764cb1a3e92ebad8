from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mallbots_platform.clock import from_rfc3339, microseconds, now, now_us, rfc3339
from mallbots_platform.ids import new_id

YEAR_2200 = 7_258_118_400_000_000


@given(st.integers(0, YEAR_2200))
def test_a_time_is_written_and_read_to_the_microsecond(us: int) -> None:
    text = rfc3339(us)

    assert from_rfc3339(text) == us
    assert datetime.fromisoformat(text).utcoffset() == timedelta()
    assert len(text) == len("2026-11-24T08:30:00.000123Z")


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_795_509_000_000_123, "2026-11-24T08:30:00.000123Z"),
        (999_999, "1970-01-01T00:00:00.999999Z"),
    ],
)
def test_times_are_written_as_cloudevents_does(us: int, text: str) -> None:
    assert rfc3339(us) == text


def test_a_moment_is_the_same_in_every_zone() -> None:
    there = datetime(2026, 11, 24, 10, 30, tzinfo=timezone(timedelta(hours=2)))

    assert microseconds(there) == microseconds(datetime(2026, 11, 24, 8, 30, tzinfo=UTC))


def test_now_is_aware_and_one() -> None:
    before = now_us()

    assert now().tzinfo is UTC
    assert before <= microseconds(now()) + 1 <= now_us() + 2


def test_ids_sort_by_the_time_they_were_made_at() -> None:
    ids = [new_id() for _ in range(1000)]

    assert sorted(ids) == ids
    assert len(set(ids)) == 1000
    assert {len(id) for id in ids} == {36}
