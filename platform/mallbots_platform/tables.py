"""How tables that are there differ from their description."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, MetaData, inspect
from sqlalchemy.types import JSON, Boolean, Float, Integer, LargeBinary, Numeric, String, TypeEngine

from mallbots_platform.database import Database

_KINDS: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (Boolean, "truth"),
    (Integer, "whole number"),
    (Float, "number"),
    (Numeric, "number"),
    (JSON, "JSON"),
    (String, "text"),
    (LargeBinary, "bytes"),
)


def differences(database: Database, metadata: MetaData) -> list[str]:
    """Each names a table and a column. One that is there and not described is none, as long as it may be left out."""
    inspector = inspect(database.connection)
    found = inspector.get_multi_columns(filter_names=list(metadata.tables))
    there = {name: {column["name"]: column for column in columns} for (_, name), columns in found.items()}
    return [
        difference
        for name, table in metadata.tables.items()
        for difference in _differences(name, list(table.columns), there.get(name, {}))
    ]


def _differences(table: str, described: list[Column[Any]], there: dict[str, Any]) -> Iterator[str]:
    if not there:
        yield f"the table {table} is missing"
        return
    for column in described:
        place, found = f"column {column.name} of {table}", there.get(column.name)
        if found is None:
            yield f"{place} is missing"
        elif (wanted := _kind(column.type)) != (is_there := _kind(found["type"])):
            yield f"{place} holds {is_there}, not {wanted}"
        elif not column.primary_key and bool(column.nullable) != bool(found["nullable"]):
            yield f"{place} {'must' if column.nullable else 'need'} not be {'filled' if column.nullable else 'empty'}"
    for name in there.keys() - {column.name for column in described}:
        if not there[name]["nullable"] and there[name].get("default") is None:
            yield f"column {name} of {table} has to be filled, and is not known here"


def _kind(type: TypeEngine[Any]) -> str:
    return next((name for kind, name in _KINDS if isinstance(type, kind)), str(type))
