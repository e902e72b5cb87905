"""What is read from an input: column, type, and what a null does. Types come from the model, never from the data."""

from dataclasses import dataclass
from enum import StrEnum

from scoring.core.conversions import Conversion


class Dtype(StrEnum):
    """Element types that tensors and columns share; the values are numpy's and Arrow's names alike."""

    FLOAT16 = "float16"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    BOOL = "bool"
    STRING = "string"

    @property
    def is_float(self) -> bool:
        return self in (Dtype.FLOAT16, Dtype.FLOAT32, Dtype.FLOAT64)

    @property
    def is_integer(self) -> bool:
        return self.value.startswith(("int", "uint"))

    @property
    def bytes(self) -> int | None:
        """Of one element; None for text, which has no width."""
        return None if self is Dtype.STRING else {"64": 8, "32": 4, "16": 2}.get(self.value[-2:], 1)


EXACT_BITS = {Dtype.FLOAT16: 11, Dtype.FLOAT32: 24, Dtype.FLOAT64: 53}
"""Every whole number of so many bits is exact in the type."""


class NullAction(StrEnum):
    """What becomes of a null in a column that feeds the model."""

    NAN = "nan"
    REJECT = "reject"
    FILL = "fill"
    KEEP = "keep"  # a carried column: nulls travel to the output


class Lossy(StrEnum):
    """``--lossy``: what becomes of whole numbers that a float tensor does not hold exactly.

    Without it they are rounded up to 2^53 and rejected beyond.
    """

    ROUND = "round"
    REJECT = "reject"


class NanOutput(StrEnum):
    """``--nan-output``: what becomes of rows for which the model answers NaN or infinity."""

    KEEP = "keep"
    REJECT = "reject"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class ColumnSpec:
    """One column to read. A file column that is both a feature and carried has two specs."""

    # Name in the input file.
    name: str
    # Name in chunk files and clean batches; unique within a job: "x.<name>" for features, "c.<name>" for carried ones.
    slot: str
    # Type that the tensor wants; None for a carried column, which keeps the file's type (CSV: string).
    dtype: Dtype | None
    # Elements per row of a list column, over all its axes; None for a scalar column.
    list_size: int | None = None
    # Sizes of these axes, outermost first, where lists stand in lists; empty: one axis.
    list_dims: tuple[int, ...] = ()
    nulls: NullAction = NullAction.KEEP
    # With FILL: the value, as text; parsed as `dtype`.
    fill: str | None = None
    # What is done to the cells before they are cast to `dtype`; None: nothing.
    conversion: Conversion | None = None
    lossy: Lossy | None = None


class RejectCode(StrEnum):
    """Why a row was not scored (CONTRACT: error codes, level row)."""

    BAD_VALUE = "bad_value"
    NULL_VALUE = "null_value"
    OUT_OF_RANGE = "out_of_range"
    SHORT_ROW = "short_row"
    LONG_ROW = "long_row"
    CELL_TOO_LARGE = "cell_too_large"
    BAD_ENCODING = "bad_encoding"
    MODEL_REFUSED = "model_refused"
    NAN_OUTPUT = "nan_output"


class WarningCode(StrEnum):
    """What was decided about a value of a row that went to the model."""

    NULL_AS_NAN = "null_as_nan"
    NULL_FILLED = "null_filled"
    UNKNOWN_CATEGORY = "unknown_category"  # became the code that the spec has for unknown values
    ROUNDED = "rounded"  # a whole number that the tensor's float type does not hold exactly
    NAN_OUTPUT = "nan_output"  # the model answered NaN or infinity


RAW_CHARACTERS = 500
"""Raw text of a reject is cut to this many characters."""
