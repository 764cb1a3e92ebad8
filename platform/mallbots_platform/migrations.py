"""From one shape of the tables to the next: numbered steps, each once, under a lock, in a transaction of its own.

Expand first, contract later: a step adds what the newer program needs in a way with which the older one can live, and
says which is the oldest that can. What would take long, such as filling a new column of a large table, is a step's
`online` part: it runs while the process serves, in pieces, and goes on after a restart where it was.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import MetaData, Table

from mallbots_platform.clock import now_us
from mallbots_platform.crash_points import reached
from mallbots_platform.database import Database
from mallbots_platform.errors import CannotStart
from mallbots_platform.tables import differences

PLATFORM = "platform"
FIRST = 1

Piece = Callable[[Database, str, int], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A step to `number`; tables as they are first made are number 1, whoever makes them.

    `oldest` is the oldest program, by the number of its last step, that can live with what it does. `statements` are
    for both databases, `sqlite` and `postgresql` for one; `creates` are tables that it adds.
    `online(database, cursor, rows)` deals with about so many rows behind a cursor, empty at first, and answers the
    cursor behind them, or None when none is left.
    """

    number: int
    name: str
    oldest: int = FIRST
    creates: tuple[Table, ...] = ()
    statements: tuple[str, ...] = ()
    sqlite: tuple[str, ...] = ()
    postgresql: tuple[str, ...] = ()
    online: Piece | None = None


def bring_up_to_date(database: Database, owner: str, metadata: MetaData, migrations: Sequence[Migration] = ()) -> None:
    """Make the tables of `owner` what `metadata` says, whatever other processes do the same.

    Raises CannotStart when a newer program has changed them in a way that this one cannot live with, and when they
    are not as described.
    """
    _check_numbers(owner, migrations)
    database.patiently(partial(_create, database, owner, metadata, migrations))
    _refuse_newer(database, owner, migrations)
    known = _known(database, owner)
    for migration in migrations:
        if migration.number not in known:
            database.patiently(partial(_step, database, owner, migration))
    if found := differences(database, metadata):
        raise CannotStart(f"this database is not what this program expects: {'; '.join(found)}")


def number_of(migrations: Sequence[Migration]) -> int:
    """By which a program is known: that of its last step."""
    return migrations[-1].number if migrations else FIRST


def _create(database: Database, owner: str, metadata: MetaData, migrations: Sequence[Migration]) -> None:
    """All tables as they are today, where there is none yet: then no step is left to be done."""
    with database.alone():
        database.do(_MAKE_NOTES)
        if not _known(database, owner) and not database.table_names() & metadata.tables.keys():
            metadata.create_all(database.connection)
            _note(database, owner, migrations, finished_at=now_us())


def _step(database: Database, owner: str, migration: Migration) -> None:
    """Unless another process was faster."""
    with database.alone():
        if migration.number in _known(database, owner):
            return
        for table in migration.creates:
            table.create(database.connection, checkfirst=True)
        for statement in (*migration.statements, *getattr(migration, database.kind)):
            database.do(statement)
        _note(database, owner, [migration], finished_at=0 if migration.online else now_us())
        reached("migration: step")


def _known(database: Database, owner: str) -> set[int]:
    return {number for (number,) in database.run(_KNOWN, (owner,))}


def _note(database: Database, owner: str, migrations: Iterable[Migration], finished_at: int) -> None:
    at = now_us()
    rows = [(owner, each.number, each.name, each.oldest, at, finished_at) for each in migrations]
    database.run_many(_NOTE, rows)


def _refuse_newer(database: Database, owner: str, migrations: Sequence[Migration]) -> None:
    mine = number_of(migrations)
    for number, name, oldest in database.run(_NEWER, (owner, mine)):
        raise CannotStart(
            f"a newer program has changed this database ({owner} {number}, {name!r}) in a way with which programs from"
            f" {oldest} on can live, and this is {mine}: start a newer one, or restore a copy from before"
        )


def _check_numbers(owner: str, migrations: Sequence[Migration]) -> None:
    numbers = [each.number for each in migrations]
    if numbers != list(range(FIRST + 1, FIRST + 1 + len(numbers))):
        raise ValueError(f"the migrations of {owner} are numbered {numbers}, must be 2, 3, 4 and so on")


_MAKE_NOTES = """
    CREATE TABLE IF NOT EXISTS platform_migrations (
        owner TEXT NOT NULL, number BIGINT NOT NULL, name TEXT NOT NULL, oldest BIGINT NOT NULL,
        done_at BIGINT NOT NULL, finished_at BIGINT NOT NULL, progress TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (owner, number)
    )
"""
_KNOWN = "SELECT number FROM platform_migrations WHERE owner = ?"
_NOTE = """
    INSERT INTO platform_migrations (owner, number, name, oldest, done_at, finished_at) VALUES (?, ?, ?, ?, ?, ?)
"""
_NEWER = "SELECT number, name, oldest FROM platform_migrations WHERE owner = ? AND oldest > ? ORDER BY number DESC"
