"""Splits written in one line: text in, clean rows and rejects out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from scoring.core.chunks import Chunk
from scoring.core.columns import ColumnSpec, Dtype, NullAction
from scoring.core.options import CsvDialect
from scoring.core.source import Position
from scoring.data.chunk_files import read_chunk
from scoring.data.inputs import expand_inputs
from scoring.data.schema import check_files, describe
from scoring.data.split import split
from scoring.data.warnings import summed


@dataclass(frozen=True, kw_only=True)
class Result:
    """All chunks of an input, read back."""

    rows: list[int]
    # Clean rows as tuples, in the order of the columns.
    cells: list[tuple]
    rejects: list[dict]
    # (code, column, rows) of the clean rows, over all chunks.
    warnings: list[tuple]
    chunks: list[Chunk]
    positions: list[Position]

    def faults(self) -> list[tuple]:
        return [(r["_row"], r["line"], r["column"], r["code"]) for r in self.rejects]


def feature(name: str, dtype: Dtype = Dtype.FLOAT32, nulls: NullAction | None = None, **more) -> ColumnSpec:
    action = nulls or (NullAction.NAN if dtype.is_float else NullAction.REJECT)
    return ColumnSpec(name=name, slot=f"x.{name}", dtype=dtype, nulls=action, **more)


def carried(name: str) -> ColumnSpec:
    return ColumnSpec(name=name, slot=f"c.{name}", dtype=None)


@pytest.fixture
def split_all(tmp_path: Path) -> Callable[..., Result]:
    """Splits files (paths, or the text of one CSV file) and reads every chunk back."""

    def run(
        source,
        specs,
        *,
        chunk_rows=1000,
        start=None,
        limit=None,
        whole_groups=False,
        raw=True,
        text_bytes=None,
        **dialect,
    ) -> Result:
        if isinstance(source, str | bytes):
            data = source.encode() if isinstance(source, str) else source
            path = tmp_path / "in.csv"
            path.write_bytes(data)
            source = [path]
        files = expand_inputs([str(path) for path in source])
        work = tmp_path / "work"
        chunks, positions = [], []
        for chunk, position in split(
            files,
            specs,
            CsvDialect(**dialect),
            chunk_rows=chunk_rows,
            start=start or Position(),
            work=work,
            limit=limit,
            whole_groups=whole_groups,
            raw=raw,
            text_bytes=text_bytes,
        ):
            chunks.append(chunk)
            positions.append(position)
        rows, cells, rejects, warnings = [], [], [], []
        for chunk in chunks:
            clean = read_chunk(chunk, work, specs, raw=raw)
            rows += clean.rows.tolist()
            cells += list(zip(*(column.to_pylist() for column in clean.batch.columns), strict=True))
            rejects += clean.rejects.to_pylist() if clean.rejects is not None else []
            warnings += clean.warnings
        counts = [(count.code, count.column, count.rows) for count in summed(warnings)]
        return Result(rows=rows, cells=cells, rejects=rejects, warnings=counts, chunks=chunks, positions=positions)

    return run


@pytest.fixture
def score_csv(split_all: Callable[..., Result], tmp_path: Path) -> Callable[..., Result]:
    """Everything that a job does with a CSV file before the model sees it."""

    def run(data, specs, name="in.csv", **dialect) -> Result:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        files = expand_inputs([str(path)])
        describe(files, CsvDialect(**dialect))
        check_files(files, specs, CsvDialect(**dialect))
        return split_all([path], specs, chunk_rows=10**6, **dialect)

    return run


@pytest.fixture
def write_parquet(tmp_path: Path) -> Callable[..., Path]:
    """Writes a table, and gives its path."""

    def run(table, name="in.parquet", **options) -> Path:
        pq.write_table(table, tmp_path / name, **options)
        return tmp_path / name

    return run


@pytest.fixture
def score_parquet(split_all: Callable[..., Result]) -> Callable[..., Result]:
    """Everything that a job does with Parquet files before the model sees them."""

    def run(paths, columns, **options) -> Result:
        files = expand_inputs([str(path) for path in paths])
        describe(files, CsvDialect())
        check_files(files, columns, CsvDialect())
        return split_all(paths, columns, **{"whole_groups": True, "chunk_rows": 10**6, **options})

    return run
