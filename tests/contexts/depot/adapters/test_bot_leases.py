from datetime import UTC, datetime, timedelta
from typing import cast

from contexts.depot.adapters.bot_leases import BotIsSilent, TimerLeases
from mallbots_platform.timers import Timers

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)


class Alarms:
    """Timers that never fire: one a type and key, as the real ones."""

    def __init__(self) -> None:
        self.due: dict[tuple[type, str], tuple[object, datetime]] = {}

    def set(self, timer: object, key: str, due: datetime) -> None:
        self.due[type(timer), key] = (timer, due)

    def cancel(self, timer_type: type, key: str) -> None:
        self.due.pop((timer_type, key), None)


def leases(alarms: Alarms, now: datetime) -> TimerLeases:
    return TimerLeases(cast(Timers, alarms), LEASE, lambda: now)


def test_a_lease_ends_when_a_bot_was_silent_for_its_length() -> None:
    alarms = Alarms()

    leases(alarms, NOON).renew("b")

    assert alarms.due == {(BotIsSilent, "b"): (BotIsSilent(bot_id="b"), NOON + LEASE)}


def test_a_sign_of_life_moves_the_end() -> None:
    alarms = Alarms()
    leases(alarms, NOON).renew("b")

    leases(alarms, NOON + LEASE / 2).renew("b")

    assert alarms.due == {(BotIsSilent, "b"): (BotIsSilent(bot_id="b"), NOON + 1.5 * LEASE)}


def test_every_bot_has_a_lease_of_its_own() -> None:
    alarms = Alarms()
    leases(alarms, NOON).renew("b")
    leases(alarms, NOON).renew("c")

    leases(alarms, NOON).end("b")

    assert list(alarms.due) == [(BotIsSilent, "c")]


def test_a_lease_that_is_over_may_be_ended() -> None:
    alarms = Alarms()

    leases(alarms, NOON).end("b")

    assert alarms.due == {}
