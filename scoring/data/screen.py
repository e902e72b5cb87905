"""The one place where a row is judged fit for the model: nulls, infinities, types.

It is used while CSV is split, while Parquet is copied, and when a referenced Parquet chunk is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.chunks import WarningCount
from scoring.core.columns import ColumnSpec, Dtype, NullAction, RejectCode, WarningCode
from scoring.core.options import CsvDialect
from scoring.data.arrays import ARROW_TYPES, keep_rows, null_mask, number_array, one_value, text_array, values_of
from scoring.data.cast import cast_cells, fill_value
from scoring.data.convert import converted
from scoring.data.faults import Fault, Faults
from scoring.data.screen_lists import list_column
from scoring.data.settle import settle
from scoring.data.warnings import NOTED, Notes


@dataclass(frozen=True, kw_only=True)
class Screened:
    """Clean rows, and what became of the others."""

    # Columns are the slots in the order of the specs; features typed as asked, without nulls.
    batch: pa.RecordBatch
    # In row order.
    faults: tuple[Fault, ...]
    # Of the rows of `batch`.
    notes: Notes

    @property
    def warnings(self) -> tuple[WarningCount, ...]:
        return self.notes.counts()


def screen(
    batch: pa.RecordBatch,
    columns: Sequence[ColumnSpec],
    dialect: CsvDialect | None = None,
    faults: Faults | None = None,
) -> Screened:
    """Type and judge each column.

    batch: one column per slot. Text in a number column is CSV text, read as `dialect` says.
    faults: what is known of the rows already, and whether reasons may show values; added to.
    """
    faults = faults or Faults(batch.num_rows)
    arrays = [_column(batch.column(spec.slot), spec, faults, dialect) for spec in columns]
    clean = pa.RecordBatch.from_arrays(arrays, names=[spec.slot for spec in columns])
    return Screened(
        batch=keep_rows(clean, faults.dropped),
        faults=tuple(sorted(faults.found, key=lambda fault: fault.row)),
        notes=faults.notes,
    )


def _column(array: pa.Array, spec: ColumnSpec, faults: Faults, dialect: CsvDialect | None) -> pa.Array:
    if spec.dtype is None:
        return array
    cells = array
    if spec.conversion is not None:
        array, cells = converted(array, spec, faults, dialect)
    if spec.list_size is not None:
        return list_column(array, spec, faults)
    if spec.dtype is Dtype.STRING:
        return _text_column(array, spec, faults)
    if array.type != ARROW_TYPES[spec.dtype]:
        cast = cast_cells(array, spec.dtype, dialect)
        settle(cast, cells, spec, spec.dtype, faults)
        array = cast.array
    return _number_column(array, cells, spec, faults)


def _number_column(array: pa.Array, cells: pa.Array, spec: ColumnSpec, faults: Faults) -> pa.Array:
    values = values_of(array)
    nulls = null_mask(array)
    if values.dtype.kind == "f" and not (finite := np.isfinite(values)).all():
        empty = np.isnan(values) if nulls is None else np.isnan(values) | nulls
        faults.add(
            ~finite & ~empty,
            spec.name,
            RejectCode.OUT_OF_RANGE,
            lambda row: f"{faults.shown(one_value(cells, row))} is infinite as {spec.dtype}",
        )
        nulls = empty
    if nulls is None or spec.nulls is NullAction.KEEP:
        return array
    if spec.nulls is NullAction.REJECT:
        faults.add(nulls, spec.name, RejectCode.NULL_VALUE, lambda row: "no value, and nulls are rejected")
        return number_array(values)
    filled = values.copy()
    filled[nulls] = np.nan if spec.nulls is NullAction.NAN else fill_value(spec)
    faults.note(nulls, spec.name, NOTED[spec.nulls])
    return number_array(filled)


def _text_column(array: pa.Array, spec: ColumnSpec, faults: Faults) -> pa.Array:
    plain = pa.types.is_string(array.type)
    coded = pa.types.is_dictionary(array.type) and array.type.value_type == pa.string()
    # One type for all batches of a file: a dictionary that is filled here and as it was there would not join.
    if not plain and (not coded or spec.nulls is NullAction.FILL or array.dictionary.null_count):
        array = pc.cast(array, pa.string())
    nulls = null_mask(array)
    if nulls is None or spec.nulls is NullAction.KEEP:
        return array
    if spec.nulls is NullAction.FILL:
        faults.note(nulls, spec.name, WarningCode.NULL_FILLED)
        return pc.fill_null(array, text_array([spec.fill or ""])[0])
    faults.add(nulls, spec.name, RejectCode.NULL_VALUE, lambda row: "no value, and nulls are rejected")
    return array
