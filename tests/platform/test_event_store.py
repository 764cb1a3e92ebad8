"""Event-sourced aggregates in a database: the lock, snapshots, old versions, and what is published with them."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mallbots_platform.aggregates import Aggregate
from mallbots_platform.causes import Cause
from mallbots_platform.errors import AlreadyExists, Conflict, NewerVersion
from mallbots_platform.event_store import EventSourced
from mallbots_platform.messages import Contract, event, value
from mallbots_platform.writer import CONFLICT_RETRIES
from tests.support.parts import KINDS, Parts, both, empty_database


@event
class Deposited:
    amount: int
    note: str = ""


@event
class Withdrawn:
    amount: int


@value
class Entry:
    amount: int
    note: str


class Account(Aggregate):
    balance: int = 0
    entries: tuple[Entry, ...] = ()

    def deposit(self, amount: int, note: str = "") -> None:
        self.record(Deposited(amount=amount, note=note))

    def withdraw(self, amount: int) -> None:
        self.record(Withdrawn(amount=amount))

    def apply(self, event: Deposited | Withdrawn) -> None:
        match event:
            case Deposited(amount=amount, note=note):
                self.balance += amount
                self.entries = (*self.entries, Entry(amount=amount, note=note))
            case Withdrawn(amount=amount):
                self.balance -= amount


@event
class BalanceChanged:
    account: str
    balance: int


BANK = Contract(context="bank", events=(BalanceChanged,))
ACCOUNT_EVENTS = (Deposited, Withdrawn)


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return empty_database(request, tmp_path)


@pytest.fixture
def parts(database_url: str) -> Parts:
    return Parts(database_url, BANK)


def accounts_in(parts: Parts, events: Any = ACCOUNT_EVENTS, snapshot_every: int = 100) -> EventSourced[Account]:
    parts.outbox.publish(lambda account, event: [BalanceChanged(account=account.id, balance=account.balance)])
    return EventSourced(Account, events, parts.database, parts.outbox, parts.meter, snapshot_every)


def deposit(accounts: EventSourced[Account], id: str, *amounts: int) -> Callable[[], None]:
    def work() -> None:
        account = accounts.find(id) or Account(id=id)
        for amount in amounts:
            account.deposit(amount)
        accounts.save(account)

    return work


async def test_events_are_stored_with_versions_and_names(parts: Parts) -> None:
    accounts = accounts_in(parts)

    await parts.change(deposit(accounts, "1", 5, 7), Cause("call-1", "conversation"))

    rows = await parts.rows("SELECT stream_id, version, type, data_version, data, correlation_id FROM events")
    assert rows == [
        ("Account-1", 1, "Account.Deposited", 1, '{"amount":5,"note":""}', "conversation"),
        ("Account-1", 2, "Account.Deposited", 1, '{"amount":7,"note":""}', "conversation"),
    ]


async def test_every_saved_event_is_published_once(parts: Parts) -> None:
    accounts = accounts_in(parts)

    await parts.change(deposit(accounts, "1", 5, 7), Cause("call-1", "conversation"))

    published = await parts.published()
    assert [(e.type, e.subject, e.causationid, e.correlationid) for e in published] == [
        ("bank.BalanceChanged", "1", "call-1", "conversation")
    ] * 2


async def test_a_failing_piece_stores_and_publishes_nothing(parts: Parts) -> None:
    accounts = accounts_in(parts, snapshot_every=1)

    def deposit_and_fail() -> None:
        deposit(accounts, "1", 5)()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await parts.change(deposit_and_fail)

    for table in ("events", "snapshots", "outbox", "outbox_heads"):
        assert await parts.rows(f"SELECT * FROM {table}") == []


async def test_not_finding_creates_nothing(parts: Parts) -> None:
    accounts = accounts_in(parts)

    assert await parts.change(lambda: accounts.find("unknown")) is None

    assert await parts.rows("SELECT * FROM events") == []


async def test_adding_what_recorded_nothing_stores_nothing(parts: Parts) -> None:
    accounts = accounts_in(parts)

    await parts.change(lambda: accounts.add(Account(id="1")))

    assert await parts.change(lambda: accounts.find("1")) is None


async def test_a_conflict_is_retried_from_a_fresh_load(parts: Parts) -> None:
    accounts = accounts_in(parts)
    await parts.change(deposit(accounts, "1", 5))
    seen: list[int] = []

    def work() -> None:
        account = accounts.get("1")
        seen.append(account.version)
        if len(seen) < 3:
            account.version = 0
        account.deposit(1)
        accounts.save(account)

    await parts.change(work)

    assert (await parts.change(lambda: accounts.get("1"))).balance == 6
    assert seen == [1, 1, 1]
    assert parts.measured("mallbots_event_store_conflicts_total") == 2


async def test_a_lasting_conflict_reaches_the_caller(parts: Parts) -> None:
    accounts = accounts_in(parts)
    await parts.change(deposit(accounts, "1", 5))
    stale = await parts.change(lambda: accounts.get("1"))
    await parts.change(deposit(accounts, "1", 5))
    tries: list[int] = []

    def save_stale() -> None:
        tries.append(1)
        stale.deposit(1)
        accounts.save(stale)

    with pytest.raises(Conflict, match="account 1 has moved on since it was read"):
        await parts.change(save_stale)
    assert len(tries) == 1 + CONFLICT_RETRIES
    assert await parts.rows("SELECT MAX(version) FROM events") == [(2,)]
    assert len(await parts.published()) == 2


async def test_two_processes_lose_no_change(parts: Parts) -> None:
    other = Parts(parts.url, BANK)
    async with other:
        mine, others = accounts_in(parts), accounts_in(other)
        await parts.change(deposit(mine, "1", 0))

        changes = [both(parts.change(deposit(mine, "1", 1)), other.change(deposit(others, "1", 1))) for _ in range(25)]
        outcomes = [outcome for pair in await asyncio.gather(*changes) for outcome in pair]

        account = await parts.change(lambda: mine.get("1"))
    done = outcomes.count(None)
    assert (account.balance, account.version) == (done, done + 1)
    assert all(outcome is None or isinstance(outcome, Conflict) for outcome in outcomes)
    assert done >= 25


async def test_two_processes_cannot_create_the_same(parts: Parts) -> None:
    async with AsyncExitStack() as stack:
        others = [await stack.enter_async_context(Parts(parts.url, BANK)) for _ in range(3)]

        def add(accounts: EventSourced[Account]) -> Callable[[], None]:
            def work() -> None:
                account = Account(id="1")
                account.deposit(1)
                accounts.add(account)

            return work

        everyone = [each.change(add(accounts_in(each))) for each in (parts, *others)]
        outcomes = await asyncio.gather(*everyone, return_exceptions=True)

    assert outcomes.count(None) == 1
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [AlreadyExists] * 3
    assert len(await parts.published()) == 1


async def test_a_snapshot_is_taken_every_so_many_events(parts: Parts) -> None:
    accounts = accounts_in(parts, snapshot_every=3)

    for _ in range(8):
        await parts.change(deposit(accounts, "1", 1))

    assert await parts.rows("SELECT stream_id, version FROM snapshots") == [("Account-1", 6)]
    loaded = await parts.change(lambda: accounts.get("1"))
    assert (loaded.balance, loaded.version) == (8, 8)


async def test_one_save_may_jump_over_a_snapshot(parts: Parts) -> None:
    accounts = accounts_in(parts, snapshot_every=3)

    await parts.change(deposit(accounts, "1", 1, 1, 1, 1))

    assert await parts.rows("SELECT version FROM snapshots") == [(4,)]


async def test_after_a_snapshot_only_later_events_are_read(parts: Parts) -> None:
    accounts = accounts_in(parts, snapshot_every=3)
    await parts.change(deposit(accounts, "1", 1, 1, 1, 1))
    await parts.change(deposit(accounts, "1", 1))
    before = parts.measured("mallbots_rehydrate_events_sum")

    await parts.change(lambda: accounts.get("1"))

    assert parts.measured("mallbots_rehydrate_events_sum") - before == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_snapshot_and_later_events_equal_a_full_replay(parts: Parts) -> None:
    amounts = st.lists(st.lists(st.integers(-5, 5), min_size=1, max_size=4), min_size=1, max_size=8)
    plain, snapshotting = accounts_in(parts), accounts_in(parts, snapshot_every=3)
    numbers = iter(range(10**6))

    def follow(accounts: EventSourced[Account], saves: list[list[int]]) -> Account:
        account = Account(id=str(next(numbers)))
        for save in saves:
            for amount in save:
                account.withdraw(-amount) if amount < 0 else account.deposit(amount, note=f"note {amount} ü")
            accounts.save(account)
            account = accounts.get(account.id)
        return account

    @settings(max_examples=40)
    @given(amounts)
    def check(saves: list[list[int]]) -> None:
        one, other = follow(plain, saves), follow(snapshotting, saves)
        assert (one.balance, one.entries, one.version) == (other.balance, other.entries, other.version)

    await parts.change(check)
    assert await parts.rows("SELECT COUNT(*) > 10 FROM snapshots") == [(1,)]


async def test_a_snapshot_remembers_the_conversation(parts: Parts) -> None:
    accounts = accounts_in(parts, snapshot_every=1)
    await parts.change(deposit(accounts, "1", 1), Cause("call", "conversation"))

    await parts.change(deposit(accounts, "1", 1), Cause("later call"))

    assert (await parts.change(lambda: accounts.get("1"))).correlation_id == "conversation"
    assert [each.correlationid for each in await parts.published()] == ["conversation"] * 2


async def test_a_snapshot_of_another_shape_is_ignored(parts: Parts) -> None:
    class NewAccount(Account):
        currency: str = "EUR"

    NewAccount.__name__ = "Account"
    accounts = accounts_in(parts, snapshot_every=1)
    newer = EventSourced(NewAccount, ACCOUNT_EVENTS, parts.database, parts.outbox, parts.meter)
    await parts.change(deposit(accounts, "1", 5))
    await parts.change(lambda: parts.database.run("""UPDATE events SET data = '{"amount":7}'"""))

    from_snapshot, replayed = await parts.change(lambda: (accounts.get("1"), newer.get("1")))

    assert (from_snapshot.balance, replayed.balance, replayed.currency) == (5, 7, "EUR")


def upcast(payload: dict[str, Any]) -> dict[str, Any]:
    return {"amount": payload["cents"]}


async def test_old_versions_of_stored_events_are_read(parts: Parts) -> None:
    history = Contract(
        context="Account",
        events=ACCOUNT_EVENTS,
        versions={Deposited: 2},
        upcasters={("Account.Deposited", 1): upcast},
    )
    accounts = accounts_in(parts, history)
    await parts.change(deposit(accounts, "1", 5))
    older = """UPDATE events SET data_version = 1, data = '{"cents":7}'"""
    await parts.change(lambda: parts.database.run(older))

    await parts.change(deposit(accounts, "1", 1))

    assert (await parts.change(lambda: accounts.get("1"))).balance == 8
    assert await parts.rows("SELECT version, data_version FROM events ORDER BY version") == [(1, 1), (2, 2)]


async def test_an_unknown_stored_event_is_never_skipped(parts: Parts) -> None:
    await parts.change(deposit(accounts_in(parts), "1", 5))

    with pytest.raises(NewerVersion, match=r"Account\.Deposited is not known here"):
        await parts.change(lambda: accounts_in(parts, (Withdrawn,)).get("1"))


def account_with(bonus: int) -> type[Account]:
    """The same class of another program, which makes something else of the same events."""

    class Generous(Account):
        def apply(self, event: Deposited | Withdrawn) -> None:
            super().apply(event)
            self.balance += bonus

    Generous.__name__ = "Account"
    return Generous


async def test_a_snapshot_whose_apply_was_corrected_is_made_anew(parts: Parts) -> None:
    wrong, right = (
        EventSourced(account_with(bonus), ACCOUNT_EVENTS, parts.database, parts.outbox, parts.meter, snapshot_every=2)
        for bonus in (1, 0)
    )

    def open_account() -> None:
        account = wrong._type(id="1")
        account.deposit(5)
        account.deposit(5)
        wrong.save(account)

    await parts.change(open_account)
    assert (await parts.change(lambda: wrong.get("1"))).balance == 12

    assert (await parts.change(lambda: right.get("1"))).balance == 10
    await parts.change(deposit(right, "1", 1))
    before = parts.measured("mallbots_rehydrate_events_sum")
    assert (await parts.change(lambda: right.get("1"))).balance == 11
    assert parts.measured("mallbots_rehydrate_events_sum") == before


async def test_a_snapshot_of_later_events_is_passed_by(parts: Parts) -> None:
    """It may be that of a program that was rolled back."""
    later = Contract(context="Account", events=ACCOUNT_EVENTS, versions={Deposited: 2})
    await parts.change(deposit(accounts_in(parts, later, snapshot_every=2), "1", 5, 5))
    await parts.change(lambda: parts.database.run("UPDATE events SET data_version = 1"))
    await parts.change(lambda: parts.database.run("""UPDATE snapshots SET state = '{"surprise":1}'"""))

    assert (await parts.change(lambda: accounts_in(parts).get("1"))).balance == 10
