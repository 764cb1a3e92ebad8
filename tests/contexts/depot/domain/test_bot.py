from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from contexts.depot.domain import Bot, BotHasAShoppingList, BotHasNoShoppingList, BotIsOffline, BotStatus
from contexts.depot.domain.bot import BrokeDown, WentOffline, WentOnline
from mallbots_platform.errors import RuleViolated

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)


def offline() -> Bot:
    return Bot.register("b", "Robbie")


def idle() -> Bot:
    bot = offline()
    bot.go_online(NOON)
    return known(bot)


def active() -> Bot:
    bot = idle()
    bot.take("l")
    return known(bot)


def known(bot: Bot) -> Bot:
    bot.saved(version=1)
    return bot


def go_online(bot: Bot) -> None:
    bot.go_online(LATER)


def take(bot: Bot) -> None:
    bot.take("another")


def be_free(bot: Bot) -> None:
    bot.be_free(LATER)


def break_down(bot: Bot) -> None:
    bot.break_down()


def fields_of(bot: Bot) -> dict[str, object]:
    return {name: value for name, value in vars(bot).items() if name != "_recorded"}


def test_a_registered_bot_is_offline_and_says_nothing() -> None:
    bot = Bot.register("b", "Robbie")

    assert (bot.name, bot.status, bot.shopping_list_id, bot.idle_since) == ("Robbie", BotStatus.OFFLINE, "", None)
    assert bot.recorded == ()


def test_a_bot_that_comes_online_is_idle_from_then_on() -> None:
    bot = offline()

    bot.go_online(NOON)

    assert bot.recorded == (WentOnline(),)
    assert (bot.is_online, bot.status, bot.idle_since) == (True, BotStatus.IDLE, NOON)


@pytest.mark.parametrize("make", [idle, active])
def test_coming_online_again_changes_nothing(make: Callable[[], Bot]) -> None:
    bot = make()
    before = fields_of(bot)

    bot.go_online(LATER)

    assert (fields_of(bot), bot.recorded) == (before, ())


def test_an_idle_bot_goes_offline() -> None:
    bot = idle()

    bot.go_offline()

    assert bot.recorded == (WentOffline(),)
    assert (bot.is_online, bot.idle_since) == (False, None)


def test_a_bot_with_a_list_is_not_idle() -> None:
    bot = idle()

    bot.take("l")

    assert (bot.status, bot.shopping_list_id, bot.idle_since) == (BotStatus.ACTIVE, "l", None)
    assert bot.recorded == ()


def test_a_freed_bot_is_idle_from_then_on() -> None:
    bot = active()

    bot.be_free(LATER)

    assert (bot.status, bot.shopping_list_id, bot.idle_since) == (BotStatus.IDLE, "", LATER)


@pytest.mark.parametrize(("make", "left"), [(idle, ""), (active, "l")])
def test_a_broken_bot_leaves_the_list_it_had(make: Callable[[], Bot], left: str) -> None:
    bot = make()

    assert bot.break_down() == left

    assert bot.recorded == (BrokeDown(shopping_list_id=left),)
    assert (bot.is_online, bot.shopping_list_id, bot.idle_since) == (False, "", None)


Change = Callable[[Bot], None]
Outcome = BotStatus | type[RuleViolated]
STATES = {BotStatus.OFFLINE: offline, BotStatus.IDLE: idle, BotStatus.ACTIVE: active}
MATRIX: dict[Change, dict[BotStatus, Outcome]] = {
    go_online: {
        BotStatus.OFFLINE: BotStatus.IDLE,
        BotStatus.IDLE: BotStatus.IDLE,
        BotStatus.ACTIVE: BotStatus.ACTIVE,
    },
    Bot.go_offline: {
        BotStatus.OFFLINE: BotIsOffline,
        BotStatus.IDLE: BotStatus.OFFLINE,
        BotStatus.ACTIVE: BotHasAShoppingList,
    },
    take: {
        BotStatus.OFFLINE: BotIsOffline,
        BotStatus.IDLE: BotStatus.ACTIVE,
        BotStatus.ACTIVE: BotHasAShoppingList,
    },
    be_free: {
        BotStatus.OFFLINE: BotHasNoShoppingList,
        BotStatus.IDLE: BotHasNoShoppingList,
        BotStatus.ACTIVE: BotStatus.IDLE,
    },
    break_down: {
        BotStatus.OFFLINE: BotIsOffline,
        BotStatus.IDLE: BotStatus.OFFLINE,
        BotStatus.ACTIVE: BotStatus.OFFLINE,
    },
    Bot.must_be_online: {
        BotStatus.OFFLINE: BotIsOffline,
        BotStatus.IDLE: BotStatus.IDLE,
        BotStatus.ACTIVE: BotStatus.ACTIVE,
    },
}
CELLS = [(state, change, outcomes[state]) for change, outcomes in MATRIX.items() for state in BotStatus]


@pytest.mark.parametrize(("state", "change", "outcome"), [cell for cell in CELLS if isinstance(cell[2], BotStatus)])
def test_what_is_allowed_in_each_state(state: BotStatus, change: Change, outcome: BotStatus) -> None:
    bot = STATES[state]()

    change(bot)

    assert bot.status is outcome


@pytest.mark.parametrize(("state", "change", "refusal"), [cell for cell in CELLS if isinstance(cell[2], type)])
def test_what_is_refused_changes_nothing(state: BotStatus, change: Change, refusal: type[RuleViolated]) -> None:
    bot = STATES[state]()
    before = fields_of(bot)

    with pytest.raises(refusal, match="bot b "):
        change(bot)

    assert (fields_of(bot), bot.recorded) == (before, ())
