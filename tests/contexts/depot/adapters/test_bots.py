"""One suite for every implementation of the port: what the fake of the other tests does, SQL does."""

from datetime import UTC, datetime, timedelta

import pytest

from contexts.depot.domain import Bot, BotStatus
from mallbots_platform.errors import AlreadyExists, Conflict, NotFound
from tests.contexts.depot.adapters.ports import Ports, fields_of

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def bot(id: str = "b", idle_since: datetime | None = None) -> Bot:
    status = BotStatus.IDLE if idle_since else BotStatus.OFFLINE
    return Bot(id=id, name="Robbie", status=status, idle_since=idle_since)


@pytest.mark.parametrize("idle_since", [None, NOON, NOON.replace(microsecond=1), NOON.replace(microsecond=500_000)])
def test_a_bot_is_kept_as_it_is(ports: Ports, idle_since: datetime | None) -> None:
    robbie = bot(idle_since=idle_since)
    ports.bots.add(robbie)
    assert fields_of(ports.bots.get("b")) == fields_of(robbie)

    robbie.go_online(NOON)
    robbie.take("l")
    ports.bots.save(robbie)

    assert fields_of(ports.bots.get("b")) == fields_of(robbie)


def test_a_bot_never_added_is_not_found(ports: Ports) -> None:
    with pytest.raises(NotFound, match="no bot has the id 'b'"):
        ports.bots.get("b")


def test_a_bot_is_added_only_once(ports: Ports) -> None:
    ports.bots.add(bot())

    with pytest.raises(AlreadyExists, match="a bot with the id 'b' exists already"):
        ports.bots.add(bot())


def test_one_bot_cannot_be_given_two_lists(ports: Ports) -> None:
    ports.bots.add(bot(idle_since=NOON))
    mine, theirs = ports.bots.get("b"), ports.bots.get("b")
    theirs.take("theirs")
    ports.bots.save(theirs)

    mine.take("mine")
    with pytest.raises(Conflict, match="bot b has moved on"):
        ports.bots.save(mine)

    assert ports.bots.get("b").shopping_list_id == "theirs"


@pytest.mark.parametrize("moments", [(1, 0, 2), (2, 0, 1), (500_000, 0, 999_999), (1_000_001, 1_000_000, 2_000_000)])
def test_the_longest_idle_bot_comes_first(ports: Ports, moments: tuple[int, int, int]) -> None:
    assert ports.bots.longest_idle() is None
    ports.bots.add(bot("offline"))

    for bot_id, microseconds in zip("abc", moments, strict=True):
        ports.bots.add(bot(bot_id, NOON + timedelta(microseconds=microseconds)))

    longest = ports.bots.longest_idle()
    assert longest and longest.id == "b"


def test_of_two_bots_idle_since_the_same_moment_the_first_goes(ports: Ports) -> None:
    ports.bots.add(bot("b", NOON))
    ports.bots.add(bot("a", NOON))

    longest = ports.bots.longest_idle()
    assert longest and longest.id == "a"


def test_bots_are_listed_page_by_page(ports: Ports) -> None:
    for bot_id in "cabd":
        ports.bots.add(bot(bot_id))

    assert [each.id for each in ports.bots.page("", 3)] == ["a", "b", "c"]
    assert [each.id for each in ports.bots.page("c", 3)] == ["d"]


def test_every_state_of_a_bot_is_counted(ports: Ports) -> None:
    empty = dict.fromkeys(BotStatus, 0)
    assert ports.bots.counts() == empty

    ports.bots.add(bot("a"))
    ports.bots.add(bot("b", NOON))

    assert ports.bots.counts() == empty | {BotStatus.OFFLINE: 1, BotStatus.IDLE: 1}
