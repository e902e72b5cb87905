"""What becomes of the cells that a cast could not take as they are."""

import pyarrow as pa

from scoring.core.columns import ColumnSpec, Dtype, RejectCode, WarningCode
from scoring.data.arrays import Mask, one_value
from scoring.data.cast import Cast
from scoring.data.faults import Faults


def settle(cast: Cast, cells: pa.Array, spec: ColumnSpec, dtype: Dtype, faults: Faults) -> None:
    """Reject cells that are no `dtype`, or beyond it; reject or count whole numbers that it rounds."""

    def reject(rows: Mask, code: RejectCode, words: str) -> None:
        faults.add(rows, spec.name, code, lambda row: f"{faults.shown(one_value(cells, row))} {words}")

    reject(cast.bad, RejectCode.BAD_VALUE, f"is no {dtype}")
    reject(cast.wide, RejectCode.OUT_OF_RANGE, f"does not fit into {dtype}")
    if cast.inexact is not None:
        words = f"is not exact in {dtype}; --lossy round takes it rounded"
        reject(cast.inexact.refused(spec.lossy), RejectCode.OUT_OF_RANGE, words)
        faults.note(cast.inexact.rows, spec.name, WarningCode.ROUNDED)
