"""Entities as plain rows under an optimistic lock, and the statements that read models share."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import JSON, ColumnElement, Executable, Numeric, Row, Table, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_replace  # SQLite's compiler takes it too

from mallbots_platform.aggregates import Entity
from mallbots_platform.database import Database
from mallbots_platform.errors import AlreadyExists, Conflict, NotFound
from mallbots_platform.outbox import Outbox
from mallbots_platform.unwritable import refuse_numbers_that_are_none

E = TypeVar("E", bound=Entity)
_WITHOUT_NUMBERS = {str, bytes, int, bool, type(None)}


class Rows(Generic[E]):
    """The repository of one kind of entity; the table's columns are named as the entity's fields."""

    def __init__(self, kind: type[E], table: Table, database: Database, outbox: Outbox) -> None:
        self._type = kind
        self._kind = "".join(f" {c.lower()}" if c.isupper() else c for c in kind.__name__).strip()
        self._table = table
        self._has_numbers = any(isinstance(column.type, (Numeric, JSON)) for column in table.columns)
        self._names = [f"{column.name}" for column in table.columns]
        self._database = database
        self._outbox = outbox

    def get(self, id: str) -> E:
        """Raises NotFound."""
        found = self.find(id)
        if found is None:
            raise NotFound(self._kind, id)
        return found

    def find(self, id: str) -> E | None:
        return self.first(self._table.c.id == id)

    def first(self, *where: ColumnElement[bool], order_by: Sequence[Any] = ()) -> E | None:
        found = self.all(*where, order_by=order_by, limit=1)
        return found[0] if found else None

    def all(self, *where: ColumnElement[bool], order_by: Sequence[Any] = (), limit: int | None = None) -> list[E]:
        statement = select(self._table).where(*where).order_by(*order_by).limit(limit)
        return [self._entity(row) for row in self._database.execute(statement)]

    def add(self, entity: E) -> None:
        """Raises AlreadyExists."""
        if self.find(entity.id) is not None:
            raise AlreadyExists(self._kind, entity.id)
        self._publish(entity)
        try:
            self._database.execute(insert(self._table).values(self._values(entity)))
        except Exception as error:
            if self._database.is_duplicate(error):
                raise Conflict(f"{self._kind} {entity.id} collides with another") from error
            raise
        entity.saved(entity.version)

    def save(self, entity: E) -> None:
        """Store the row and publish what was recorded. Raises Conflict when the row has moved on meanwhile."""
        before = entity.version
        self._publish(entity)
        mine = (self._table.c.id == entity.id) & (self._table.c.version == before)
        if self._database.execute(update(self._table).where(mine).values(self._values(entity))).rowcount != 1:
            entity.version = before
            raise Conflict(f"{self._kind} {entity.id} has moved on since it was read")
        entity.saved(entity.version)

    def delete(self, entity: E) -> None:
        self._database.execute(delete(self._table).where(self._table.c.id == entity.id))

    def _publish(self, entity: E) -> None:
        before = entity.version
        self._outbox.record_events(entity, [before + 1] * len(entity.recorded))
        entity.version = before + 1

    def _values(self, entity: E) -> dict[str, Any]:
        values: dict[str, Any] = msgspec.to_builtins(entity)
        if self._has_numbers:
            refuse_numbers_that_are_none(entity)
        return values

    def _entity(self, row: Row[Any]) -> E:
        return msgspec.convert(dict(zip(self._names, row, strict=True)), self._type, strict=False)


def upsert(table: Table, values: Mapping[str, Any], only_newer: str | None = None) -> Executable:
    """Insert a row or replace it; with `only_newer`, naming a version column, an older copy changes nothing."""
    if not all(type(value) in _WITHOUT_NUMBERS for value in values.values()):
        refuse_numbers_that_are_none(values)
    statement = insert_or_replace(table).values(dict(values))
    keys = [column.name for column in table.primary_key]
    changes = {name: statement.excluded[name] for name in values if name not in keys}
    newer = table.c[only_newer] <= statement.excluded[only_newer] if only_newer else None
    return statement.on_conflict_do_update(index_elements=keys, set_=changes, where=newer)
