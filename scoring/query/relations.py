"""Results of many jobs as one relation of DuckDB, whatever columns each of them has."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow.dataset as ds
from duckdb.sqltypes import DuckDBPyType

_INTEGERS = frozenset({"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint"})
_NUMBERS = _INTEGERS | {"float", "double", "decimal"}

FACTS = ("job_id", "slot", "version")
"""Columns in front of a job's own: what is known of all its rows."""

_NO_JOB = (
    "SELECT NULL::VARCHAR AS job_id, NULL::TIMESTAMPTZ AS slot, NULL::BIGINT AS version, NULL::BIGINT AS _row"
    " WHERE false"
)


@dataclass(frozen=True, kw_only=True)
class JobRows:
    """The rows of jobs that have the same columns."""

    rows: ds.Dataset
    # What the columns of FACTS are called in `rows`.
    facts: Sequence[str] = FACTS


@dataclass(frozen=True, kw_only=True)
class Relation:
    """JobRows, registered."""

    name: str
    # One of FACTS → its name here.
    facts: Mapping[str, str]
    # Column of the results → its type in DuckDB.
    columns: Mapping[str, DuckDBPyType]


def declare_jobs(connection: duckdb.DuckDBPyConnection, name: str, jobs: Sequence[JobRows]) -> None:
    """Make the view `name` over the rows of all jobs."""
    relations = [_register(connection, f"{name}:{number}", rows) for number, rows in enumerate(jobs)]
    connection.execute(f"CREATE VIEW {quoted(name)} AS {union(relations)}")


def union(relations: Sequence[Relation]) -> str:
    """One SELECT over all relations, by name; a column that a job lacks is NULL in its rows.

    Columns go by name whatever the case, spelt as in the first relation that has them. The types of one column may
    differ: see `_common`. A column called like one of FACTS comes behind it, as `job_id_1`.
    """
    if not relations:
        return _NO_JOB
    spelt: dict[str, str] = {}
    types: dict[str, list[DuckDBPyType]] = {}
    for relation in relations:
        for column, kind in relation.columns.items():
            spelt.setdefault(column.lower(), column)
            types.setdefault(column.lower(), []).append(kind)
    for fact in set(FACTS) & set(spelt):
        spelt[fact] = _free(f"{fact}_1", spelt)
    wanted = {key: _common(kinds) for key, kinds in types.items()}
    return " UNION ALL BY NAME ".join(_select(relation, spelt, wanted) for relation in relations)


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _register(connection: duckdb.DuckDBPyConnection, name: str, jobs: JobRows) -> Relation:
    connection.register(name, jobs.rows)
    relation = connection.sql(f"FROM {quoted(name)}")
    types = dict(zip(relation.columns, relation.types, strict=True))
    own = {column: kind for column, kind in types.items() if column not in jobs.facts}
    return Relation(name=name, facts=dict(zip(FACTS, jobs.facts, strict=True)), columns=own)


def _select(relation: Relation, spelt: Mapping[str, str], wanted: Mapping[str, str | None]) -> str:
    cells = [f"{quoted(name)} AS {fact}" for fact, name in relation.facts.items()]
    for column in relation.columns:
        key = column.lower()
        cast = f"::{wanted[key]}" if wanted[key] else ""
        cells.append(f"{quoted(column)}{cast} AS {quoted(spelt[key])}")
    return f"SELECT {', '.join(cells)} FROM {quoted(relation.name)}"


def _common(types: Iterable[DuckDBPyType]) -> str | None:
    """The type that holds all of them, by a cast that cannot fail; None where DuckDB finds it.

    Whole numbers get the type that is wide enough, numbers of other kinds DOUBLE, all else is shown as text.
    """
    kinds = [kind for kind in types if kind.id != "null"]
    ids = {kind.id for kind in kinds}
    if all(kind == kinds[0] for kind in kinds) or ids <= _INTEGERS:
        return None
    return "DOUBLE" if ids <= _NUMBERS else "VARCHAR"


def _free(name: str, taken: Iterable[str]) -> str:
    while name in taken:
        name += "_1"
    return name
