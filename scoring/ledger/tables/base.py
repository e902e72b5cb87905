"""What the tables share: one metadata, and how their rules are written down."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ColumnElement, Index, Integer, MetaData

metadata = MetaData()

SERIAL = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER PRIMARY KEY counts up by itself in SQLite
DOCUMENT = JSON(none_as_null=True)


def one_of(column: str, values: Iterable[str]) -> str:
    """The CHECK that repeats an enum."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


def partial_index(name: str, *columns: Column[Any], where: ColumnElement[bool], unique: bool = False) -> Index:
    """An index over the rows that satisfy `where`.

    `where` must stand in a query as it stands here, and without a bound parameter: neither planner sees through one.
    Hence most of them say IS NULL, and the tables tie each nullable time to the states in which it is set.
    """
    return Index(name, *columns, unique=unique, postgresql_where=where, sqlite_where=where)
