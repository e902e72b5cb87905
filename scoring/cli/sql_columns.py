"""Columns of an answer that a format cannot take: shown as text, or named in the refusal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

from scoring.core.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from scoring.query.engine import Rows


@contextmanager
def readable(rows: "Rows", form: str) -> Iterator["Rows"]:
    """The rows with times that only Arrow can say as text, but for Parquet.

    form: csv, parquet, or a name of what is written through Python. UsageError where it cannot take a column.
    """
    import pyarrow as pa

    from scoring.query.far_times import far_times_as_text

    seen: list[pa.RecordBatch] = []
    batches = _noted(rows.batches if form == "parquet" else far_times_as_text(rows.batches), seen)
    try:
        yield replace(rows, batches=batches)
    except (pa.ArrowException, OverflowError) as error:
        raise UsageError(
            "the answer cannot be written",
            expected=f"columns of types that {form} has",
            got=f"{_culprit(rows.schema, seen, form)}: {error}",
            remedy='cast it: "column"::varchar',
        ) from error


def _noted(batches: Iterator["pa.RecordBatch"], seen: list["pa.RecordBatch"]) -> Iterator["pa.RecordBatch"]:
    for batch in batches:
        seen[:] = [batch]
        yield batch


def _culprit(schema: "pa.Schema", seen: list["pa.RecordBatch"], form: str) -> str:
    """The first column that cannot be written alone, as `name type`; all of them where each can."""
    import pyarrow as pa

    from scoring.data.export import write_csv, write_json_lines, write_parquet

    write = {"csv": write_csv, "parquet": write_parquet}.get(form, write_json_lines)
    for place, field in enumerate(schema):
        alone = [batch.select([place]) for batch in seen]
        try:
            write(BytesIO(), pa.schema([field]), alone)
        except (pa.ArrowException, OverflowError):
            return f"{field.name} {field.type}"
    return ", ".join(f"{field.name} {field.type}" for field in schema)
