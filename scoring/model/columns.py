"""Outputs → the columns of a part file (CONTRACT section 6)."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scoring.core.binding import Binding, Layout, OutputBinding
from scoring.model.arrays import to_arrow
from scoring.model.bind import ROW


def part_batch(
    rows: NDArray[np.int64], batch: pa.RecordBatch, outputs: dict[str, NDArray[Any]], binding: Binding
) -> pa.RecordBatch:
    """``_row``, carried columns, then the outputs in the model's order.

    rows: int64 [n], position of each row in the job's input; batch: the clean rows; outputs: as Model.predict gives.
    """
    names = [ROW, *(name for name, _ in binding.carried)]
    columns = [to_arrow(rows), *(batch.column(slot) for _, slot in binding.carried)]
    for bound in binding.outputs:
        names += bound.columns
        columns += _columns(bound, outputs[bound.output])
    return pa.RecordBatch.from_arrays(columns, names=names)


def _columns(bound: OutputBinding, values: NDArray[Any]) -> list[pa.Array]:
    match bound.layout:
        case Layout.SCALAR:
            return [to_arrow(values)]
        case Layout.WIDE:
            # One transposition instead of a strided copy per column.
            return [to_arrow(column) for column in np.ascontiguousarray(values.T)]
        case Layout.LIST:
            return [pa.FixedSizeListArray.from_arrays(to_arrow(values.ravel()), bound.width)]
