"""Result files as relations of DuckDB: those of one job, and those of many, whatever columns each of them has."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa
from duckdb.sqltypes import DuckDBPyType

_INTEGERS = frozenset({"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint"})
_NUMBERS = _INTEGERS | {"float", "double", "decimal"}

# DuckDB's own number of a file in the list: a join on it keeps files closed however many the wanted jobs have, one on
# paths only up to 50. A column of the results that has this name hides it.
_INDEX = "file_index"

FACTS = pa.schema([("job_id", pa.string()), ("slot", pa.timestamp("us", "UTC")), ("version", pa.int64())])
"""Columns in front of a job's own: what is known of all its rows."""

_NO_JOB = (
    "SELECT NULL::VARCHAR AS job_id, NULL::TIMESTAMPTZ AS slot, NULL::BIGINT AS version, NULL::BIGINT AS _row"
    " WHERE false"
)


@dataclass(frozen=True, kw_only=True)
class FileRows:
    """Rows in Parquet files that nobody has opened yet."""

    # Paths, in the order of the rows.
    files: Sequence[str]
    # Path of a file with their columns whose rows do not count: the only one that is opened to plan a query.
    template: str

    @property
    def paths(self) -> list[str]:
        return [self.template, *self.files]


@dataclass(frozen=True, kw_only=True)
class JobRows:
    """The result of one job."""

    job_id: str
    # None without a schedule.
    slot: datetime | None
    # Of the model.
    version: int
    rows: FileRows


@dataclass(frozen=True, kw_only=True)
class Relation:
    """The rows of jobs that have the same columns, joined with what is known of each."""

    # What stands behind FROM.
    source: str
    # Column of the results → its type in DuckDB.
    columns: Mapping[str, DuckDBPyType]


def declare_job(connection: duckdb.DuckDBPyConnection, name: str, rows: FileRows) -> None:
    """Make the view `name` over the rows of one job."""
    place = _place(_columns(connection, rows))
    source = f"{_read([rows], place)} WHERE {place} <> {text(rows.template)}"
    connection.execute(f"CREATE VIEW {quoted(name)} AS SELECT * EXCLUDE ({place}) FROM {source}")


def declare_jobs(connection: duckdb.DuckDBPyConnection, name: str, jobs: Sequence[JobRows]) -> None:
    """Make the view `name` over the rows of all jobs.

    A condition on a fact of the job meets a small table of files first: DuckDB opens those that are left.
    """
    alike: dict[str, list[JobRows]] = {}
    for job in jobs:
        alike.setdefault(job.rows.template, []).append(job)
    relations = [_relation(connection, f"{name}:{number}", group) for number, group in enumerate(alike.values())]
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
    for fact in set(FACTS.names) & set(spelt):
        spelt[fact] = _free(f"{fact}_1", spelt)
    wanted = {key: _common(kinds) for key, kinds in types.items()}
    return " UNION ALL BY NAME ".join(_select(relation, spelt, wanted) for relation in relations)


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _relation(connection: duckdb.DuckDBPyConnection, name: str, jobs: Sequence[JobRows]) -> Relation:
    columns = _columns(connection, jobs[0].rows)
    place = _place(columns) if _INDEX in map(str.lower, columns) else _INDEX
    connection.register(name, _facts(jobs, place))
    source = f"{_read([job.rows for job in jobs], place)} r JOIN {quoted(name)} f ON f.{place} = r.{place}"
    return Relation(source=source, columns=columns)


def _columns(connection: duckdb.DuckDBPyConnection, rows: FileRows) -> dict[str, DuckDBPyType]:
    described = connection.sql(f"FROM read_parquet({text(rows.template)})")
    return dict(zip(described.columns, described.types, strict=True))


def _place(columns: Iterable[str]) -> str:
    """A name for the column that tells the file of a row."""
    return _free("file", [column.lower() for column in columns])


def _facts(jobs: Sequence[JobRows], place: str) -> pa.Table:
    """One row for each file: what tells it in the column `place`, which is its number or its path, and FACTS."""
    files = enumerate(((job, file) for job in jobs for file in job.rows.files), start=1)
    numbered = place == _INDEX
    rows = [(number if numbered else file, job.job_id, job.slot, job.version) for number, (job, file) in files]
    schema = pa.schema([(place, pa.uint64() if numbered else pa.string()), *FACTS])
    cells = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.table([pa.array(cell, field.type) for cell, field in zip(cells, schema, strict=True)], schema=schema)


def _select(relation: Relation, spelt: Mapping[str, str], wanted: Mapping[str, str | None]) -> str:
    cells = [f"f.{fact} AS {fact}" for fact in FACTS.names]
    for column in relation.columns:
        key = column.lower()
        cast = f"::{wanted[key]}" if wanted[key] else ""
        cells.append(f"r.{quoted(column)}{cast} AS {quoted(spelt[key])}")
    return f"SELECT {', '.join(cells)} FROM {relation.source}"


def _read(rows: Sequence[FileRows], place: str) -> str:
    """All files behind their template, which has no place in any table of facts."""
    paths = [rows[0].template, *(file for each in rows for file in each.files)]
    named = "" if place == _INDEX else f", filename = {text(place)}"
    return f"read_parquet([{', '.join(map(text, paths))}]{named})"


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
