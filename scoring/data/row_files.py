"""Parquet files as data sets that nobody has opened yet: the rows of one job, or those of many.

Jobs with the same columns share one data set, whose fragments say which job they are of: a condition on the job, its
slot or its model version takes the files of other jobs out before any is opened.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import and_
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow.fs import LocalFileSystem

from scoring.data.common_types import common_types

FACTS = pa.schema([("job_id", pa.string()), ("slot", pa.timestamp("us", "UTC")), ("version", pa.int64())])
"""What is known of all rows of a job: columns in front of its own."""


@dataclass(frozen=True, kw_only=True)
class RowFiles:
    """Files with rows of one job, in input order; they stand, but have not been opened."""

    files: Sequence[Path]
    schema: pa.Schema


@dataclass(frozen=True, kw_only=True)
class JobFiles:
    """The result of one job."""

    job_id: str
    # None without a schedule.
    slot: datetime | None
    # Of the model.
    version: int
    rows: RowFiles


@dataclass(frozen=True, kw_only=True)
class AlikeRows:
    """The rows of jobs that have the same columns."""

    rows: ds.Dataset
    # Names of the columns of FACTS, which stand first: a column of the jobs may be called like one of them.
    facts: Sequence[str]


def one_job(rows: RowFiles) -> ds.Dataset:
    """The rows in input order, in types that SQL knows."""
    disk, parquet = LocalFileSystem(), ds.ParquetFileFormat()
    fragments = [parquet.make_fragment(str(file), disk) for file in rows.files]
    return ds.FileSystemDataset(fragments, common_types(rows.schema), parquet, disk)


def many_jobs(jobs: Iterable[JobFiles]) -> Iterator[AlikeRows]:
    """All rows of all jobs, one data set for each set of columns, in types that SQL knows."""
    alike: dict[bytes, list[JobFiles]] = {}
    for job in jobs:
        alike.setdefault(job.rows.schema.serialize().to_pybytes(), []).append(job)
    yield from map(_alike, alike.values())


def _alike(jobs: Sequence[JobFiles]) -> AlikeRows:
    columns = common_types(jobs[0].rows.schema)
    facts = _free_names(columns)
    disk, parquet = LocalFileSystem(), ds.ParquetFileFormat()
    fragments = [
        parquet.make_fragment(str(file), disk, partition_expression=known)
        for job in jobs
        for known in (_known(job, facts),)
        for file in job.rows.files
    ]
    front = [field.with_name(name) for field, name in zip(FACTS, facts, strict=True)]
    rows = ds.FileSystemDataset(fragments, pa.schema([*front, *columns]), parquet, disk)
    return AlikeRows(rows=rows, facts=facts)


def _free_names(columns: pa.Schema) -> list[str]:
    taken = {name.lower() for name in columns.names}
    names = []
    for fact in FACTS.names:
        name = fact
        while name in taken:
            name += "_1"
        names.append(name)
        taken.add(name)
    return names


def _known(job: JobFiles, names: Sequence[str]) -> ds.Expression:
    """What holds for every row of the job."""
    values = zip(names, FACTS.types, (job.job_id, job.slot, job.version), strict=True)
    return reduce(and_, [_equals(ds.field(name), pa.scalar(value, kind)) for name, kind, value in values])


def _equals(column: ds.Expression, value: pa.Scalar) -> ds.Expression:
    return column == value if value.is_valid else column.is_null()
