"""Collects what the runs of one chunk gave, and checks that it is what the binding says."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.core.binding import Layout, OutputBinding
from scoring.core.columns import Dtype
from scoring.core.errors import BadOutput
from scoring.core.limits import MAX_OUTPUT_TEXT_BYTES

Outputs = dict[str, NDArray[Any]]


def empty_outputs(outputs: Sequence[OutputBinding], rows: int = 0) -> Outputs:
    """Arrays of the outputs' types: [rows] for SCALAR, [rows, width] else. Text is an object array of str."""
    return {output.output: np.empty(_shape(output, rows), _numpy(output.dtype)) for output in outputs}


class Results:
    """Arrays of a whole chunk, filled micro-batch by micro-batch."""

    def __init__(self, outputs: Sequence[OutputBinding], rows: int) -> None:
        self._outputs = outputs
        self.arrays = empty_outputs(outputs, rows)
        # Characters of text so far.
        self._text = 0

    def put(self, first: int, rows: int, values: Sequence[Any], padding: int = 0) -> None:
        """Take the values of one run over `rows` rows and `padding` more. BadOutput where they do not fit."""
        for output, value in zip(self._outputs, values, strict=True):
            _check(output, value, rows + padding)
            if output.dtype is Dtype.STRING:
                self._count(output, value[:rows])
            self.arrays[output.output][first : first + rows] = value[:rows].reshape(_shape(output, rows))

    def _count(self, output: OutputBinding, value: NDArray[Any]) -> None:
        self._text += len("".join(value.ravel().tolist()))
        if self._text > MAX_OUTPUT_TEXT_BYTES:
            raise BadOutput(
                f"the model answers too much text for one chunk, the last of it in {output.output!r}",
                expected=f"at most {MAX_OUTPUT_TEXT_BYTES:,} characters",
                got=f"{self._text:,} and more to come",
                remedy="say a smaller --chunk-rows, or export the model without this output",
            )


def _check(output: OutputBinding, value: Any, rows: int) -> None:
    if not isinstance(value, np.ndarray):
        raise _bad(output, "a tensor", type(value).__name__)
    if value.ndim == 0 or len(value) != rows:
        raise _bad(output, f"{rows} rows, as many as went in", f"{len(value) if value.ndim else 'no'} rows")
    if value.size != rows * output.width:
        raise _bad(output, f"{output.width} values per row", f"{value.size // max(1, rows)}")
    if value.dtype != _numpy(output.dtype) and not (output.dtype is Dtype.STRING and value.dtype.kind in "OU"):
        raise _bad(output, f"elements of type {output.dtype}", str(value.dtype))


def _shape(output: OutputBinding, rows: int) -> tuple[int, ...]:
    return (rows,) if output.layout is Layout.SCALAR else (rows, output.width)


def _numpy(dtype: Dtype) -> np.dtype[Any]:
    return np.dtype(object if dtype is Dtype.STRING else dtype.value)


def _bad(output: OutputBinding, expected: str, got: str) -> BadOutput:
    return BadOutput(
        f"the model's output {output.output!r} does not fit",
        expected=expected,
        got=got,
        remedy="the model must give one result per row; export it again and check it on a few rows",
    )
