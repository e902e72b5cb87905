"""What it costs to watch for bad rows where there are none: clean files, read by scoring and by the bare parsers.

Both read the same blocks of CSV, or the same row groups, into the same types. What scoring does beyond that (whole
records, UTF-8, nulls, infinities, whole numbers that a float rounds, counts) is shown as a share of `scoring run`.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.inputs import KEY, Files, files
from benchmarks.process import SCORING, Failed, measured, scratch

if TYPE_CHECKING:
    from scoring.core.columns import ColumnSpec

    # Yields the rows of one block after the other.
    Way = Callable[[Path, Sequence[ColumnSpec]], Iterator[int]]

ALLOWED = 0.05
"""Of the CPU time of the whole run."""

HEAD = f"{'':18}{'bare s':>8}{'watched s':>11}{'run s':>8}{'share':>8}"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """CPU seconds."""

    bare: float
    watched: float
    run: float

    @property
    def share(self) -> float:
        return (self.watched - self.bare) / self.run


def compare(data: Path, rows: int, reps: int, workloads: Sequence[str], formats: Sequence[str]) -> bool:
    """Print one line for each workload and format; False where one costs more than is allowed."""
    found = {name: files(data, name, rows) for name in workloads}
    # Whole processes first: reading makes this process large.
    runs = {(name, form): _run(data, found[name], form, reps) for name in workloads for form in formats}
    print(f"{rows} clean rows, CPU, medians of {reps}\n{HEAD}")
    fine = True
    for (name, form), seconds in runs.items():
        bare, watched = _reading(getattr(found[name], form), _columns(name), 3 * reps)
        cost = Cost(bare=bare, watched=watched, run=seconds)
        fine &= cost.share <= ALLOWED
        print(
            f"{name + ', ' + form:18}{cost.bare:>8.2f}{cost.watched:>11.2f}{cost.run:>8.2f}{cost.share:>8.1%}"
            + ("" if cost.share <= ALLOWED else f"  more than {ALLOWED:.0%}"),
            flush=True,
        )
    return fine


def _run(data: Path, found: Files, form: str, reps: int) -> float:
    seconds = []
    for _ in range(reps):
        with scratch(data) as folder:
            command = [SCORING, "run", str(found.model), str(getattr(found, form)), "--key", KEY, "-o", "out"]
            seconds.append(measured(command, folder).cpu_seconds)
    return statistics.median(seconds)


def _reading(path: Path, columns: "Sequence[ColumnSpec]", passes: int) -> tuple[float, float]:
    """CPU seconds of one pass over the file: bare, and watched."""
    ways = (_bare_csv, _watched_csv) if path.suffix == ".csv" else (_bare_parquet, _watched_parquet)
    bare, watched = (sum(way(path, columns)) for way in ways)
    if bare != watched:
        raise Failed(f"{path}: {bare} rows, and {watched} watched")
    # In turn, pass by pass: what disturbs the machine for a while disturbs both.
    pairs = [[_seconds(way, path, columns) for way in ways] for _ in range(passes)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def _seconds(way: "Way", path: Path, columns: "Sequence[ColumnSpec]") -> float:
    begun = time.process_time()
    sum(way(path, columns))
    return time.process_time() - begun


def _columns(name: str) -> "list[ColumnSpec]":
    """What a job binds of the workload."""
    from benchmarks.workloads import WORKLOADS
    from scoring.core.columns import ColumnSpec, Dtype, NullAction

    workload = WORKLOADS[name]
    numbers = [
        ColumnSpec(name=column, slot=f"x.{column}", dtype=Dtype.FLOAT32, nulls=NullAction.NAN)
        for column in workload.numbers
    ]
    texts = [
        ColumnSpec(name=column, slot=f"x.{column}", dtype=Dtype.STRING, nulls=NullAction.REJECT)
        for column in workload.texts
    ]
    return [*numbers, *texts, ColumnSpec(name=KEY, slot=f"c.{KEY}", dtype=None)]


def _bare_csv(path: Path, columns: "Sequence[ColumnSpec]") -> Iterator[int]:
    """Rows of each block, cut at its last line end and parsed."""
    import pyarrow as pa
    import pyarrow.csv as pacsv

    from scoring.data.text_stream import BLOCK_BYTES

    types = {
        spec.name: pa.float32() if spec.dtype is not None and spec.dtype.is_float else pa.string() for spec in columns
    }
    with path.open("rb") as file:
        names = file.readline().decode().rstrip("\n").replace('"', "").split(",")
        held = b""
        while data := file.read(BLOCK_BYTES):
            held += data
            cut = held.rfind(b"\n") + 1
            text, held = held[:cut], held[cut:]
            table = pacsv.read_csv(
                pa.BufferReader(text),
                read_options=pacsv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=names),
                convert_options=pacsv.ConvertOptions(column_types=types, include_columns=list(types), null_values=[""]),
            )
            yield table.num_rows


def _watched_csv(path: Path, columns: "Sequence[ColumnSpec]") -> Iterator[int]:
    from scoring.core.options import CsvDialect
    from scoring.data.csv_read import CsvReader
    from scoring.data.inputs import expand_inputs

    for file in expand_inputs([str(path)]):
        for piece in CsvReader(file, columns, CsvDialect()).pieces():
            if piece.warnings(0, piece.rows):
                raise Failed(f"{path} is not clean")
            yield piece.clean(0, piece.rows).num_rows


def _bare_parquet(path: Path, columns: "Sequence[ColumnSpec]") -> Iterator[int]:
    import pyarrow.parquet as pq

    from scoring.data.arrays import one_batch

    names = [spec.name for spec in columns]
    texts = [spec.name for spec in columns if spec.dtype is not None and not spec.dtype.is_float]
    with pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False, read_dictionary=texts) as file:
        for group in range(file.num_row_groups):
            yield one_batch(file.read_row_group(group, columns=names, use_threads=False)).num_rows


def _watched_parquet(path: Path, columns: "Sequence[ColumnSpec]") -> Iterator[int]:
    from scoring.core.chunks import Chunk, RowGroupRef
    from scoring.data.chunk_files import read_chunk
    from scoring.data.inputs import expand_inputs
    from scoring.data.parquet_read import group_rows

    fingerprint = expand_inputs([str(path)])[0].fingerprint
    for group, rows in enumerate(group_rows(str(path)).tolist()):
        ref = RowGroupRef(file=str(path), row_group=group, offset=0, length=rows)
        chunk = Chunk(chunk=group, first_row=0, rows=rows, path=None, refs=(ref,), fingerprints=(fingerprint,))
        yield read_chunk(chunk, Path(), columns).batch.num_rows
