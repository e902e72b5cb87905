"""A loaded model: the two verbs are load and predict."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pyarrow as pa
from numpy.typing import NDArray

from scoring.core.binding import Binding
from scoring.core.errors import ModelChanged
from scoring.model.abort import Abort, abortable
from scoring.model.feeds import Feeds
from scoring.model.refusals import Refused, Sieve, Terms, rows_refused
from scoring.model.runs import Runs
from scoring.model.session import ORT_ERRORS, open_session
from scoring.model.signature import Signature

MICRO_BATCHES = (1_024, 256, 4_096, 512, 2_048)
"""Sizes that the probe tries, the likeliest first: what it has no time for is not tried. Larger ones were nowhere
faster by more than noise, and the runtime's arena keeps the memory that they took."""

DEFAULT_MICRO_BATCH = MICRO_BATCHES[0]
PROBE_SECONDS = 0.3
_PROBE_ROWS = 4_096
_WORTH_LEAVING = 0.95


@dataclass(frozen=True, kw_only=True)
class Sifted:
    """What a model made of a batch of n rows, of which it refused some."""

    # Of the other rows, in order: [n − refused], or [n − refused, width] for WIDE and LIST.
    outputs: dict[str, NDArray[Any]]
    # In row order.
    refused: tuple[Refused, ...]


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
        with abortable(abort) as options:
            runs = Runs(self._session, batch, binding, options, abort, fixed_rows=self._fixed_rows)
            for first, stop in runs.micro_batches(micro_batch_rows):
                words = runs.take(first, stop)
                if words is not None:
                    raise rows_refused(f"rows {first} to {stop - 1} of the batch", words)
        return runs.outputs

    def sift(
        self, batch: pa.RecordBatch, binding: Binding, micro_batch_rows: int, abort: Abort, terms: Terms
    ) -> Sifted:
        """As `predict`, but a row that the model refuses is set apart from the others.

        The same rows give the same outputs at every attempt. ModelRefusedRows where it refuses too many, or on these
        terms all.
        """
        with abortable(abort) as options:
            runs = Runs(self._session, batch, binding, options, abort, fixed_rows=self._fixed_rows, raw=terms.raw)
            sieve = Sieve(runs.take, terms)
            for first, stop in runs.micro_batches(micro_batch_rows):
                words = runs.take(first, stop)
                if words is not None:
                    sieve.sift(first, stop, words)
        sieve.finish(batch.num_rows)
        return Sifted(outputs=_without(runs.outputs, sieve.refused), refused=tuple(sieve.refused))

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


def _without(outputs: dict[str, NDArray[Any]], refused: Sequence[Refused]) -> dict[str, NDArray[Any]]:
    if not refused:
        return outputs
    rows = [bad.row for bad in refused]
    return {name: np.delete(values, rows, axis=0) for name, values in outputs.items()}
