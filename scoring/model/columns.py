"""Outputs → the columns of a part file (CONTRACT section 6), and back."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scoring.core.binding import Binding, Layout, OutputBinding
from scoring.model.arrays import to_arrow, to_numpy
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


def outputs_of(batch: pa.RecordBatch, bound: Iterable[OutputBinding]) -> dict[str, NDArray[Any]]:
    """Some outputs as Model.predict gave them, from the columns of a part file: [n], or [n, width] in rows."""
    return {output.output: _values(output, [batch.column(name) for name in output.columns]) for output in bound}


def _values(bound: OutputBinding, columns: list[pa.Array]) -> NDArray[Any]:
    match bound.layout:
        case Layout.SCALAR:
            return _plain(columns[0])
        case Layout.WIDE:
            return np.stack([_plain(column) for column in columns], axis=1)
        case Layout.LIST:
            return _plain(columns[0].flatten()).reshape(-1, bound.width)


def _plain(column: pa.Array) -> NDArray[Any]:
    return np.array(column.to_pylist(), object) if pa.types.is_string(column.type) else to_numpy(column)


def _columns(bound: OutputBinding, values: NDArray[Any]) -> list[pa.Array]:
    match bound.layout:
        case Layout.SCALAR:
            return [to_arrow(values)]
        case Layout.WIDE:
            # One transposition instead of a strided copy per column.
            return [to_arrow(column) for column in np.ascontiguousarray(values.T)]
        case Layout.LIST:
            return [pa.FixedSizeListArray.from_arrays(to_arrow(values.ravel()), bound.width)]
