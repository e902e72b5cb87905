"""Rows that are rejected after the split: by the prepare function, by the model, or for what it answered."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from scoring.core.chunks import WarningCount
from scoring.core.columns import ColumnSpec
from scoring.data.arrays import Ints, keep_rows, number_array, one_batch, values_of
from scoring.data.faults import Fault, shown_rows
from scoring.data.rejects import Reject, reject_batch


@dataclass(frozen=True, kw_only=True)
class LateRows:
    """The rows of a chunk on their way through the model."""

    # Those that are left; columns are slots.
    batch: pa.RecordBatch
    # [n] position of each of them in the job's input.
    rows: Ints
    # Those that are not; where each stood in which file is not known yet.
    rejects: tuple[Reject, ...] = ()
    # Of the rows that were handed to the model.
    warnings: tuple[WarningCount, ...] = ()

    def without(self, faults: Sequence[Fault], columns: Sequence[ColumnSpec]) -> "LateRows":
        """These rows without the ones at fault, which count as rejects.

        faults: one per row, in row order. columns: those that `raw` shows.
        """
        if not faults:
            return self
        dropped = np.zeros(self.batch.num_rows, np.bool_)
        dropped[[fault.row for fault in faults]] = True
        return replace(
            self,
            batch=keep_rows(self.batch, dropped),
            rows=self.rows[~dropped],
            rejects=(*self.rejects, *self._rejects(faults, columns)),
        )

    def _rejects(self, faults: Sequence[Fault], columns: Sequence[ColumnSpec]) -> Iterator[Reject]:
        raws = shown_rows(self.batch, columns, (fault.row for fault in faults))
        for fault, raw in zip(faults, raws, strict=True):
            yield Reject(
                row=int(self.rows[fault.row]),
                file="",
                line=None,
                column=fault.column,
                code=fault.code,
                reason=fault.reason,
                raw=raw,
            )


def merged(early: pa.RecordBatch | None, late: Sequence[Reject]) -> pa.RecordBatch | None:
    """All rejects of a chunk in the order of their rows; early: those of the split."""
    if not late:
        return early
    batches = [reject_batch(late)] if early is None else [early, reject_batch(late)]
    rejects = one_batch(pa.Table.from_batches(batches))
    order = np.argsort(values_of(rejects.column("_row")), kind="stable")
    return rejects.take(number_array(order))
