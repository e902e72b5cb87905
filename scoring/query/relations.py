"""Result files as relations of DuckDB: one job's, and those of many jobs under one schema."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow.dataset as ds
from duckdb.sqltypes import DuckDBPyType

_INTEGERS = frozenset({"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint"})
_NUMBERS = _INTEGERS | {"float", "double", "decimal"}

JOB_ID = "job_id"

_NO_JOB = "SELECT NULL::VARCHAR AS job_id, NULL::BIGINT AS _row WHERE false"


@dataclass(frozen=True, kw_only=True)
class JobRelation:
    """The registered result of one job."""

    job_id: str
    name: str
    # Column → its type in DuckDB.
    columns: Mapping[str, DuckDBPyType]


def register_job(connection: duckdb.DuckDBPyConnection, name: str, job_id: str, rows: ds.Dataset) -> JobRelation:
    connection.register(name, rows)
    relation = connection.sql(f"FROM {quoted(name)}")
    columns = dict(zip(relation.columns, relation.types, strict=True))
    return JobRelation(job_id=job_id, name=name, columns=columns)


def union(jobs: Sequence[JobRelation]) -> str:
    """One SELECT over the rows of all jobs, by name; a column that a job lacks is NULL in its rows.

    Columns go by name whatever the case, spelt as in the first job that has them. The types of one column may differ
    between jobs: see `_common`. A column called `job_id` comes behind the job's id, as `job_id_1`.
    """
    if not jobs:
        return _NO_JOB
    spelt: dict[str, str] = {}
    types: dict[str, list[DuckDBPyType]] = {}
    for job in jobs:
        for column, kind in job.columns.items():
            spelt.setdefault(column.lower(), column)
            types.setdefault(column.lower(), []).append(kind)
    if JOB_ID in spelt:
        spelt[JOB_ID] = _free(f"{JOB_ID}_1", spelt)
    wanted = {key: _common(kinds) for key, kinds in types.items()}
    return " UNION ALL BY NAME ".join(_select(job, spelt, wanted) for job in jobs)


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _select(job: JobRelation, spelt: Mapping[str, str], wanted: Mapping[str, str | None]) -> str:
    cells = [f"{text(job.job_id)} AS {JOB_ID}"]
    for column in job.columns:
        key = column.lower()
        cast = f"::{wanted[key]}" if wanted[key] else ""
        cells.append(f"{quoted(column)}{cast} AS {quoted(spelt[key])}")
    return f"SELECT {', '.join(cells)} FROM {quoted(job.name)}"


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
