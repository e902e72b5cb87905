"""The columns of a part file, known before a row is read: from the binding, and from the input for what is carried."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from scoring.core.binding import Binding, Layout, OutputBinding
from scoring.core.source import InputFile
from scoring.data.arrays import ARROW_TYPES
from scoring.data.empty import slot_schema

ROW = "_row"
"""Position of the row in the job's input."""


def result_schema(files: Sequence[InputFile], binding: Binding) -> pa.Schema:
    """Names and types in the order of the part files; a text may be a dictionary there."""
    slots = slot_schema(files, binding.columns)
    carried = [(name, slots.field(slot).type) for name, slot in binding.carried]
    return pa.schema([(ROW, pa.int64()), *carried, *(pair for bound in binding.outputs for pair in _columns(bound))])


def _columns(bound: OutputBinding) -> Iterator[tuple[str, pa.DataType]]:
    kind = ARROW_TYPES[bound.dtype]
    for name in bound.columns:
        yield name, pa.list_(kind, bound.width) if bound.layout is Layout.LIST else kind
