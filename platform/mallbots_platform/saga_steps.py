"""The steps of open processes (sagas), by name: whether this program knows them all."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from mallbots_platform.database import Database
from mallbots_platform.errors import CannotStart
from mallbots_platform.sagas import Saga

BETWEEN_NAMES = "\n"


def noted(names: Sequence[str]) -> str:
    """As the row of a process has them."""
    return BETWEEN_NAMES.join(names)


def check_declaration(saga: Saga[Any], others: Iterable[Saga[Any]], participants: Collection[str]) -> None:
    """Raises CannotStart for a name that is taken, and for a participant whose answers nobody would hear."""
    if any(other.name == saga.name for other in others):
        raise CannotStart(f"two sagas are called {saga.name!r}: rename one")
    for step in saga.known.values():
        if step.to not in participants:
            raise CannotStart(
                f"the step {step.name!r} of the saga {saga.name!r} goes to {step.to}: name its contract, too"
            )


def check_steps(database: Database, sagas: Iterable[Saga[Any]]) -> None:
    """Raises CannotStart for a step that an open process has, and that this program could neither run nor undo."""
    here = {saga.name: saga for saga in sagas}
    unknown: Counter[str] = Counter()
    for name, steps, step, count in database.run(_OPEN):
        if name not in here:
            unknown[f"belong to the saga {name!r}"] += count
            continue
        names = here[name].names_of(steps.split(BETWEEN_NAMES) if steps else ())
        for missing in {*names, step} - here[name].known.keys():
            unknown[f"of the saga {name!r} have the step {missing!r}"] += count
    if unknown:
        told = "; ".join(f"{count} open process(es) {what}" for what, count in sorted(unknown.items()))
        raise CannotStart(
            f"{told}, which this program does not know: start the one that began them, or keep what was removed"
            " (a step in `retired`) until they have ended"
        )


def is_open(database: Database, process_id: str) -> bool:
    saga = process_id.partition(":")[0]
    return bool(database.run(_IS_OPEN, (saga, process_id)))


_OPEN = """
    SELECT saga, steps, step, COUNT(*) FROM sagas WHERE state IN ('running', 'compensating')
    GROUP BY saga, steps, step
"""
_IS_OPEN = "SELECT 1 FROM sagas WHERE saga = ? AND id = ? AND state IN ('running', 'compensating')"
