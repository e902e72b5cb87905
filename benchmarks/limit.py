"""The limit: what a program can do that only scores. No books, no checks, no second attempt.

    python -m benchmarks.limit {trees,linear} MODEL INPUT OUTPUT

Threads, one per core, take units of the input in turn: Parquet row groups, or CSV ranges that end at a line end. Each
reads its unit alone, converts it block by block in Arrow's and numpy's own code, runs ONNX Runtime on one thread
without spinning, and appends the result to a Parquet file of its own. The columns are those of `scoring run --key id`.
"""

import argparse
import mmap
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.inputs import KEY
from benchmarks.workloads import WORKLOADS, Workload

CSV_BYTES = 4 * 2**20
BLOCK_ROWS = 4_096
"""Rows converted at once; more would fall out of the cache."""

MICRO_BATCH_ROWS = {"trees": 1_024, "linear": 512}
"""The fastest for each model: a one-hot table of many columns falls out of the cache sooner."""

SCHEMA = pa.schema(
    {
        "_row": pa.int64(),
        KEY: pa.int64(),
        "label": pa.int64(),
        "probabilities_0": pa.float32(),
        "probabilities_1": pa.float32(),
    }
)

# The first row of a unit, and the call that reads it.
Unit = tuple[int, Callable[[], pa.Table]]


def score(name: str, model: Path, source: Path, output: Path) -> None:
    """Score `source` into `output`/part-N.parquet."""
    workload, micro_batch_rows = WORKLOADS[name], MICRO_BATCH_ROWS[name]
    output.mkdir(parents=True)
    units = csv_units(workload, source) if source.suffix == ".csv" else parquet_units(workload, source)
    take = threading.Lock()

    def taken() -> Iterator[Unit]:
        while True:
            with take:
                unit = next(units, None)
            if unit is None:
                return
            yield unit

    def work(part: Path) -> None:
        session = open_session(model)
        with pq.ParquetWriter(part, SCHEMA, compression="lz4", use_dictionary=False, write_statistics=False) as writer:
            for first, read in taken():
                batch = read().combine_chunks().to_batches()[0]
                writer.write_batch(score_batch(workload, session, micro_batch_rows, first, batch))

    workers = [threading.Thread(target=work, args=[output / f"part-{i}.parquet"]) for i in range(cores())]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def open_session(model: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # LightGBM's converter declares a wrong shape, of which the runtime would tell at each call.
    options.log_severity_level = 4
    return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def parquet_units(workload: Workload, source: Path) -> Iterator[Unit]:
    columns, texts = [KEY, *workload.numbers, *workload.texts], list(workload.texts)
    footer, first = pq.read_metadata(source), 0
    for group in range(footer.num_row_groups):

        def read(group: int = group) -> pa.Table:
            with pq.ParquetFile(source, memory_map=True, metadata=footer, read_dictionary=texts) as file:
                return file.read_row_group(group, columns=columns, use_threads=False)

        yield first, read
        first += footer.row_group(group).num_rows


def csv_units(workload: Workload, source: Path) -> Iterator[Unit]:
    """Cut at any line end: no cell of the workloads holds one."""
    types = {KEY: pa.int64()} | dict.fromkeys(workload.numbers, pa.float32())
    types |= dict.fromkeys(workload.texts, pa.dictionary(pa.int32(), pa.string()))
    convert = pa.csv.ConvertOptions(column_types=types)
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        start = text.find(b"\n") + 1
        reading = pa.csv.ReadOptions(use_threads=False, column_names=list(types), block_size=2 * CSV_BYTES)
        first = 0
        while start < len(text):
            end = text.find(b"\n", min(start + CSV_BYTES, len(text)) - 1) + 1 or len(text)
            lines = text[start:end]

            def read(lines: bytes = lines) -> pa.Table:
                return pa.csv.read_csv(pa.BufferReader(lines), read_options=reading, convert_options=convert)

            yield first, read
            first += lines.count(b"\n")
            start = end


def score_batch(
    workload: Workload, session: ort.InferenceSession, micro_batch_rows: int, first: int, batch: pa.RecordBatch
) -> pa.RecordBatch:
    rows = batch.num_rows
    label = np.empty(rows, np.int64)
    probabilities = np.empty((2, rows), np.float32)
    for start in range(0, rows, BLOCK_ROWS):
        feed = feed_of(workload, batch.slice(start, BLOCK_ROWS))
        for at in range(0, min(BLOCK_ROWS, rows - start), micro_batch_rows):
            some = {name: values[at : at + micro_batch_rows] for name, values in feed.items()}
            labels, pairs = session.run(None, some)
            done = slice(start + at, start + at + len(labels))
            label[done], probabilities[:, done] = labels, pairs.T
    numbers = (np.arange(first, first + rows), label, *probabilities)
    row, *results = [
        arrow(values, kind) for values, kind in zip(numbers, SCHEMA.types[:1] + SCHEMA.types[2:], strict=True)
    ]
    return pa.RecordBatch.from_arrays([row, batch.column(KEY), *results], schema=SCHEMA)


def feed_of(workload: Workload, batch: pa.RecordBatch) -> dict[str, NDArray[Any]]:
    if workload.matrix is not None:
        return {workload.matrix: batch.select(list(workload.numbers)).to_tensor().to_numpy()}
    feed = {name: np.from_dlpack(batch.column(name)).reshape(-1, 1) for name in workload.numbers}
    for name in workload.texts:
        words = np.array(batch.column(name).dictionary.to_pylist())
        codes: NDArray[Any] = np.from_dlpack(batch.column(name).indices)
        feed[name] = np.take(words, codes).reshape(-1, 1)
    return feed


def arrow(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    # pa.array() would import pandas at its first call.
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("workload", choices=WORKLOADS)
    for name in ("model", "input", "output"):
        arguments.add_argument(name, type=Path)
    given = arguments.parse_args()
    score(given.workload, given.model, given.input, given.output)


if __name__ == "__main__":
    main()
