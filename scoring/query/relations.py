"""Results of many jobs as one relation of DuckDB.

Jobs with the same columns share one data set, whose fragments say which job they are of: a condition on the job, its
slot or its model version takes the files of other jobs out before any is opened.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import and_

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
from duckdb.sqltypes import DuckDBPyType
from pyarrow.fs import LocalFileSystem

_INTEGERS = frozenset({"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint"})
_NUMBERS = _INTEGERS | {"float", "double", "decimal"}

FACTS = pa.schema([("job_id", pa.string()), ("slot", pa.timestamp("us", "UTC")), ("version", pa.int64())])
"""Columns in front of a job's own: what is known of all its rows."""

_NO_JOB = (
    "SELECT NULL::VARCHAR AS job_id, NULL::TIMESTAMPTZ AS slot, NULL::BIGINT AS version, NULL::BIGINT AS _row"
    " WHERE false"
)


@dataclass(frozen=True, kw_only=True)
class JobRows:
    """The result of one job, as files that nobody has opened yet."""

    job_id: str
    # None without a schedule.
    slot: datetime | None = None
    # Of the model.
    version: int
    # Paths of Parquet files, in input order.
    files: Sequence[str]
    # Their columns.
    schema: pa.Schema


@dataclass(frozen=True, kw_only=True)
class Relation:
    """Registered results of jobs that have the same columns."""

    name: str
    # Column of FACTS → its name in the relation, where a column of the results may have the same one.
    facts: Mapping[str, str]
    # Column of the results → its type in DuckDB.
    columns: Mapping[str, DuckDBPyType]


def declare_jobs(connection: duckdb.DuckDBPyConnection, name: str, jobs: Sequence[JobRows]) -> None:
    """Make the view `name` over the rows of all jobs. No file is opened."""
    alike: dict[bytes, list[JobRows]] = {}
    for job in jobs:
        alike.setdefault(job.schema.serialize().to_pybytes(), []).append(job)
    relations = [
        _register(connection, f"{name}:{number}", same_columns) for number, same_columns in enumerate(alike.values())
    ]
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


def _register(connection: duckdb.DuckDBPyConnection, name: str, jobs: Sequence[JobRows]) -> Relation:
    columns = jobs[0].schema
    taken = {column.lower() for column in columns.names}
    facts = {fact: _free(fact, taken) for fact in FACTS.names}
    connection.register(name, _dataset(jobs, columns, tuple(facts.values())))
    relation = connection.sql(f"FROM {quoted(name)}")
    types = dict(zip(relation.columns, relation.types, strict=True))
    own = {column: kind for column, kind in types.items() if column not in facts.values()}
    return Relation(name=name, facts=facts, columns=own)


def _dataset(jobs: Sequence[JobRows], columns: pa.Schema, facts: Sequence[str]) -> ds.FileSystemDataset:
    disk, parquet = LocalFileSystem(), ds.ParquetFileFormat()
    fragments = [
        parquet.make_fragment(file, disk, partition_expression=known)
        for job in jobs
        for known in (_known(job, facts),)
        for file in job.files
    ]
    front = [field.with_name(name) for field, name in zip(FACTS, facts, strict=True)]
    return ds.FileSystemDataset(fragments, pa.schema([*front, *columns]), parquet, disk)


def _known(job: JobRows, facts: Sequence[str]) -> ds.Expression:
    """What holds for every row of the job."""
    values = zip(facts, FACTS.types, (job.job_id, job.slot, job.version), strict=True)
    return reduce(and_, [_equals(ds.field(name), pa.scalar(value, kind)) for name, kind, value in values])


def _equals(column: ds.Expression, value: pa.Scalar) -> ds.Expression:
    return column == value if value.is_valid else column.is_null()


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
