"""Cells of text that are larger than what is read."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.columns import RejectCode
from scoring.core.limits import MAX_CELL_BYTES
from scoring.data.arrays import Ints, Mask, null_mask, values_of
from scoring.data.faults import Faults


def text_bytes(texts: pa.Array) -> Ints:
    """Bytes of each text of a string, large_string or string_view array; 0 where it is null."""
    lengths = values_of(pc.binary_length(_plain(texts))).astype(np.int64)
    nulls = null_mask(texts)
    return lengths if nulls is None else np.where(nulls, 0, lengths)


def too_large(texts: pa.Array) -> Mask | None:
    """True for the texts beyond the limit; None where none is."""
    if texts.nbytes <= MAX_CELL_BYTES:
        return None
    large: Mask = text_bytes(texts) > MAX_CELL_BYTES
    return large if large.any() else None


def too_large_reason(bytes: int) -> str:
    return f"the cell takes {bytes:,} bytes; at most {MAX_CELL_BYTES:,} are read"


def reject_too_large(texts: pa.StringArray, column: str, faults: Faults) -> pa.StringArray:
    """The cells as they are; the rows of those beyond the limit are added to `faults`."""
    large = too_large(texts)
    if large is not None:
        sizes = text_bytes(texts)
        faults.add(large, column, RejectCode.CELL_TOO_LARGE, lambda row: too_large_reason(sizes[row]))
    return texts


def _plain(texts: pa.Array) -> pa.Array:
    # There is no length of views; as a copy they are as large as the views together, which the words of a file may be.
    return pc.cast(texts.view(pa.binary_view()), pa.large_binary()) if pa.types.is_string_view(texts.type) else texts
