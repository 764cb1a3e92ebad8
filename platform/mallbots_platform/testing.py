"""What tests of contexts are told with."""

from typing import TypeVar

from mallbots_platform.aggregates import Aggregate

A = TypeVar("A", bound=Aggregate)


def given(aggregate_type: type[A], *events: object, id: str = "1") -> A:
    """An aggregate to which these events have happened."""
    return aggregate_type.replay(id, events, version=0)
