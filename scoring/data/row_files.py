"""Parquet files with rows of one job, for engines that open them themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scoring.core.chunks import MAX_CHUNK_ROWS
from scoring.data.common_types import common_types


@dataclass(frozen=True, kw_only=True)
class RowFiles:
    """Files with rows of one job, in input order; they stand, but have not been opened."""

    files: Sequence[Path]
    schema: pa.Schema


def write_template(schema: pa.Schema, folder: Path) -> Path:
    """A file in `folder` with the columns, in types that SQL knows, and no value; one for each schema.

    Whoever plans a query looks at the first of many files: at this one instead of a job's. Its rows, all of them NULL,
    are as many as a part may have, for they are taken for the others' number too.
    """
    path = folder / f"{abs(hash(schema.serialize().to_pybytes())):x}.parquet"
    if not path.exists():
        columns = [pa.field(field.name, field.type) for field in common_types(schema)]
        nothing = [pa.nulls(MAX_CHUNK_ROWS, field.type) for field in columns]
        pq.write_table(pa.table(nothing, schema=pa.schema(columns)), path)
    return path
