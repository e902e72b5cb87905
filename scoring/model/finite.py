"""Answers that are no finite numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.core.binding import OutputBinding

Mask = NDArray[np.bool_]


def not_finite(outputs: Mapping[str, NDArray[Any]], bound: Sequence[OutputBinding]) -> dict[str, Mask]:
    """Output → [n] bool, True for the rows with NaN or infinity in it; without outputs that have no such row.

    Outputs bear the names of their columns in the result; those of several columns their ONNX names.
    """
    found = {}
    for output in bound:
        values = outputs[output.output]
        if output.dtype.is_float and not (finite := np.isfinite(values)).all():
            name = output.columns[0] if len(output.columns) == 1 else output.output
            found[name] = ~finite if finite.ndim == 1 else ~finite.all(axis=1)
    return found
