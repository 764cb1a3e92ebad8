"""Whichever releases take turns at a consumer, however messages arrive: the newest ends as if it had been alone."""

from collections.abc import Callable

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from mallbots_platform.envelope import decode_envelope, encode_envelope
from mallbots_platform.handling import Received
from mallbots_platform.messages import Contract
from tests.platform.test_interleavings import KEYS, Added, Consumer, consumer, entry

NEWEST = 3


def contract_of(release: int) -> Contract:
    as_it_was: Callable[[dict[str, object]], dict[str, object]] = dict
    older = {("source.Added", number): as_it_was for number in range(1, release)}
    return Contract(context="source", events=(Added,), versions={Added: release}, upcasters=older)


def deploy(consumer: Consumer, release: int) -> None:
    """Another program starts over the same database."""
    consumer.source = contract_of(release)
    consumer.restart()
    consumer.change(consumer.inbox.lot.try_kept)


def said_by(release: int, number: int, key: str) -> Received:
    received = entry(number, key)
    envelope = msgspec.structs.replace(decode_envelope(received.raw), dataversion=release)
    return Received(number, encode_envelope(envelope), received.published_at, received.received_at)


RELEASES = st.integers(1, NEWEST)
STEP = st.one_of(
    st.tuples(st.sampled_from(["deliver", "lose the commit"]), st.integers(0, 11), st.integers(1, 12)),
    st.tuples(st.just("deploy"), RELEASES, st.just(0)),
    st.tuples(st.just("retry"), st.just(0), st.just(0)),
)


@settings(max_examples=60)
@given(keys=KEYS, releases=st.lists(RELEASES, min_size=12, max_size=12), steps=st.lists(STEP, max_size=16))
def test_any_turns_of_releases_end_as_the_newest_alone(
    keys: list[str], releases: list[int], steps: list[tuple[str, int, int]]
) -> None:
    entries = [said_by(releases[number], number + 1, key) for number, key in enumerate(keys)]

    with consumer({}) as clean, consumer({}) as tried:
        deploy(clean, NEWEST)
        clean.deliver(entries)
        deploy(tried, 1)
        for what, start, count in steps:
            match what:
                case "deliver":
                    tried.deliver(entries[start : start + count])
                case "lose the commit":
                    tried.deliver_and_lose_the_commit(entries[start : start + count])
                case "deploy":
                    deploy(tried, start)
                case "retry":
                    tried.retry()
        deploy(tried, NEWEST)
        tried.deliver(entries)
        while tried.retry():
            pass

        assert tried.state() == clean.state()
        assert tried.order_per_key(keys) == clean.order_per_key(keys)
        assert tried.database.run("SELECT COALESCE(MAX(attempts), 1) FROM deliveries") == [(1,)]
