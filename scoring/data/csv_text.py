"""CSV cells that stay text until they are screened: which of them are null, and what is trimmed."""

import pyarrow as pa
import pyarrow.compute as pc

from scoring.core.columns import ColumnSpec, Dtype
from scoring.core.conversions import Categories, Moment
from scoring.core.options import CsvDialect
from scoring.data.arrays import bool_array
from scoring.data.cast import BLANKS, empty_cells, named_nulls


def is_read_as_text(spec: ColumnSpec) -> bool:
    """Whether the column's cells are text to whoever screens them, and not numbers."""
    return spec.dtype in (None, Dtype.STRING) or isinstance(spec.conversion, Categories | Moment)


def text_cells(cells: pa.StringArray, spec: ColumnSpec, dialect: CsvDialect) -> pa.StringArray:
    """Text and categories byte for byte unless --trim is given, moments without blanks around; nulls as --na says.

    An empty cell is text; but null for a conversion, unless the empty text is one of its categories.
    """
    empty = None if spec.conversion is None or _lists_empty(spec) else empty_cells(cells)
    if dialect.trim or isinstance(spec.conversion, Moment):
        cells = pc.ascii_trim(cells, BLANKS)
    cells = named_nulls(cells, dialect)
    if empty is None or not empty.any():
        return cells
    return pc.if_else(bool_array(empty), pa.nulls(len(cells), cells.type), cells)


def _lists_empty(spec: ColumnSpec) -> bool:
    return isinstance(spec.conversion, Categories) and "" in spec.conversion.codes
