"""A loaded model: the two verbs are load and predict."""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pyarrow as pa
from numpy.typing import NDArray

from scoring.core.binding import Binding
from scoring.core.errors import LeaseLost, ModelChanged, ModelRefusedRows, ScoringError
from scoring.model.abort import Abort, abortable
from scoring.model.feeds import Feeds, Tensor
from scoring.model.results import Results
from scoring.model.session import ORT_ERRORS, memory_or, open_session, said
from scoring.model.signature import Signature

MICRO_BATCHES = (1_024, 256, 4_096, 512, 2_048)
"""Sizes that the probe tries, the likeliest first: what it has no time for is not tried. Larger ones were nowhere
faster by more than noise, and the runtime's arena keeps the memory that they took."""

DEFAULT_MICRO_BATCH = MICRO_BATCHES[0]
PROBE_SECONDS = 0.3
_PROBE_ROWS = 4_096
_WORTH_LEAVING = 0.95


def runtime_version() -> str:
    """Version of ONNX Runtime, for the metadata of part files."""
    return str(ort.__version__)


class Model:
    """One session; threads may share it."""

    def __init__(self, session: ort.InferenceSession, signature: Signature) -> None:
        self._session = session
        self._fixed_rows = signature.fixed_rows

    @classmethod
    def load(cls, path: str | Path, sha256: str, signature: Signature) -> "Model":
        """Load a stored model. ModelChanged where the file is gone or its digest is not `sha256`."""
        data = _read_checked(Path(path), sha256)
        if signature.has_zipmap:
            from scoring.model import graph

            data = graph.cut_zipmaps(graph.parse(data)).SerializeToString()
        return cls(open_session(data), signature)

    def predict(
        self, batch: pa.RecordBatch, binding: Binding, micro_batch_rows: int, abort: Abort
    ) -> dict[str, NDArray[Any]]:
        """Outputs by name for all rows of a clean batch: [n], or [n, width] for WIDE and LIST.

        BadOutput where the model gives other shapes than it promised, ModelRefusedRows where it fails on the values,
        OutOfMemory, or the reason of `abort` once that is set.
        """
        feeds, results = Feeds(batch, binding.inputs), Results(binding.outputs, batch.num_rows)
        names = [output.output for output in binding.outputs]
        with abortable(abort) as options:
            for first, feed in feeds.micro_batches(self._fixed_rows or micro_batch_rows):
                rows = len(next(iter(feed.values())))
                padding = self._fixed_rows - rows if self._fixed_rows else 0
                try:
                    values = self._session.run(names, _padded(feed, padding), options)
                except ORT_ERRORS as error:
                    raise _failure(error, abort, first, rows) from error
                if abort.is_set():
                    raise _stopped(abort)
                results.put(first, rows, values, padding)
        return results.arrays

    def probe(self, batch: pa.RecordBatch, binding: Binding) -> int:
        """The micro-batch that scores the rows of `batch` fastest, found in about a third of a second.

        A size other than 1024 must be 5 % faster to be taken. A batch of less than 4096 rows is not worth the time.
        """
        if self._fixed_rows is not None or batch.num_rows < _PROBE_ROWS:
            return self._fixed_rows or DEFAULT_MICRO_BATCH
        feeds, names = Feeds(batch, binding.inputs), [output.output for output in binding.outputs]
        deadline = time.perf_counter() + PROBE_SECONDS
        try:
            self._seconds_per_row(feeds, names, DEFAULT_MICRO_BATCH, DEFAULT_MICRO_BATCH)  # warms the arena up
            return self._fastest(feeds, names, batch.num_rows, deadline)
        except ORT_ERRORS:
            return DEFAULT_MICRO_BATCH  # the run itself will say which rows the model refuses

    def _fastest(self, feeds: Feeds, names: Sequence[str], rows: int, deadline: float) -> int:
        best, best_seconds = DEFAULT_MICRO_BATCH, float("inf")
        for size in MICRO_BATCHES:
            sample = max(size, _PROBE_ROWS)
            if sample > rows or time.perf_counter() + _expected(best_seconds, sample) > deadline:
                continue
            seconds = self._seconds_per_row(feeds, names, size, sample)
            if seconds < best_seconds * _WORTH_LEAVING:
                best, best_seconds = size, seconds
        return best

    def _seconds_per_row(self, feeds: Feeds, names: Sequence[str], size: int, rows: int) -> float:
        begun = time.perf_counter()
        for _, feed in feeds.micro_batches(size, stop=rows):
            self._session.run(names, feed)
        return (time.perf_counter() - begun) / rows


def _expected(seconds_per_row: float, rows: int) -> float:
    return 0.0 if seconds_per_row == float("inf") else seconds_per_row * rows


def _read_checked(path: Path, sha256: str) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise _changed(sha256, f"no file at {path}") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        raise _changed(sha256, f"sha256 {digest}")
    return data


def _changed(sha256: str, got: str) -> ModelChanged:
    return ModelChanged(
        "the stored model is not the one that the job was made for",
        expected=f"sha256 {sha256}",
        got=got,
        remedy="put the file back, or submit the job again with the model of today",
    )


def _padded(feed: dict[str, Tensor], padding: int) -> dict[str, Tensor]:
    """The last row again, as often as a fixed batch axis wants."""
    if not padding:
        return feed
    return {name: np.concatenate([tensor, np.repeat(tensor[-1:], padding, axis=0)]) for name, tensor in feed.items()}


def _failure(error: Exception, abort: Abort, first: int, rows: int) -> ScoringError:
    if abort.is_set():
        return _stopped(abort)
    refused = ModelRefusedRows(
        f"the model refused rows {first} to {first + rows - 1} of the chunk",
        expected="values that the model can compute with",
        got=said(error),
        remedy="look at these rows, and reject or clean them before scoring",
    )
    return memory_or(error, refused)


def _stopped(abort: Abort) -> ScoringError:
    """The reason of `abort`, as the error that it raises."""
    try:
        abort.check()
    except ScoringError as reason:
        return reason
    return LeaseLost("scoring was stopped")
