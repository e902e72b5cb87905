"""The runs of a session over the rows of one batch, and what each of them gave."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnxruntime as ort
import pyarrow as pa
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as state

from scoring.core.binding import Binding
from scoring.core.errors import ModelRefusedRows, OutOfMemory
from scoring.model.abort import Abort
from scoring.model.feeds import Feeds, Tensor
from scoring.model.results import Results
from scoring.model.session import ORT_ERRORS, memory_or, said

SESSION_FAULTS = (state.EPFail, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented)
"""Errors of a run that say nothing of its rows: no half of them would fare better."""


class Runs:
    """Outputs of one batch, filled run by run."""

    def __init__(
        self,
        session: ort.InferenceSession,
        batch: pa.RecordBatch,
        binding: Binding,
        options: ort.RunOptions,
        abort: Abort,
        *,
        fixed_rows: int | None = None,
        raw: bool = True,
    ) -> None:
        """fixed_rows: size of the batch axis where the model has a fixed one. raw: `take` may tell values of a row."""
        self._session = session
        self._options = options
        self._abort = abort
        self._fixed_rows = fixed_rows
        self._raw = raw
        self._names = [output.output for output in binding.outputs]
        self._feeds = Feeds(batch, binding.inputs)
        self._results = Results(binding.outputs, batch.num_rows)
        # The micro-batch at hand, and the row where it begins.
        self._first = 0
        self._feed: dict[str, Tensor] = {}

    @property
    def outputs(self) -> dict[str, NDArray[Any]]:
        """[n] or [n, width] of all rows; what stands at rows that were not taken is undefined."""
        return self._results.arrays

    def micro_batches(self, rows: int) -> Iterator[tuple[int, int]]:
        """(first, stop) of each micro-batch; `take` may be asked for the rows of the last one given."""
        for first, feed in self._feeds.micro_batches(self._fixed_rows or rows, exact=self._fixed_rows is not None):
            self._first, self._feed = first, feed
            yield first, first + len(next(iter(feed.values())))

    def take(self, first: int, stop: int) -> str | None:
        """Run the rows [first, stop) and keep their outputs; what the model says instead where it refuses them.

        Raises BadOutput, OutOfMemory, ModelRefusedRows where no other rows would help, the reason to abort.
        """
        rows = stop - first
        padding = self._fixed_rows - rows if self._fixed_rows else 0
        feed = {name: tensor[first - self._first : stop - self._first] for name, tensor in self._feed.items()}
        try:
            values = self._session.run(self._names, _padded(feed, padding), self._options)
        except ORT_ERRORS as error:
            self._abort.check()
            words = said(error) if self._raw else type(error).__name__
            fault = memory_or(error, _fault(words))
            if isinstance(error, SESSION_FAULTS) or isinstance(fault, OutOfMemory):
                raise fault from error
            return words
        self._abort.check()
        self._results.put(first, rows, values, padding)
        return None


def _padded(feed: dict[str, Tensor], padding: int) -> dict[str, Tensor]:
    """The last row again, as often as a fixed batch axis wants."""
    if not padding:
        return feed
    return {name: np.concatenate([tensor, np.repeat(tensor[-1:], padding, axis=0)]) for name, tensor in feed.items()}


def _fault(words: str) -> ModelRefusedRows:
    return ModelRefusedRows(
        "the model cannot be run",
        expected="a model that ONNX Runtime runs on a CPU",
        got=words,
        remedy="try it on a few rows with this version of the runtime; export it again",
    )
