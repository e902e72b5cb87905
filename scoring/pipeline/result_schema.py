"""What the part files of a job will look like, before there is one."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scoring.core.binding import Binding, Layout, OutputBinding
from scoring.core.columns import Dtype
from scoring.core.source import InputFile
from scoring.data.arrays import one_batch
from scoring.data.empty import slot_schema
from scoring.model.columns import part_batch


def result_schema(files: Sequence[InputFile], binding: Binding) -> pa.Schema:
    """Names and types of the columns, in their order."""
    rows = one_batch(slot_schema(files, binding.columns).empty_table())
    outputs = {bound.output: _no_values(bound) for bound in binding.outputs}
    return part_batch(np.empty(0, np.int64), rows, outputs, binding).schema


def _no_values(bound: OutputBinding) -> NDArray[np.generic]:
    dtype = np.dtype(object) if bound.dtype is Dtype.STRING else np.dtype(bound.dtype.value)
    return np.empty(0 if bound.layout is Layout.SCALAR else (0, bound.width), dtype)
