"""Exports: what a spreadsheet, a program and DuckDB get."""

import json
import resource
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from scoring.core.errors import StorageFault
from scoring.data.export import export
from scoring.data.export_target import ExportTarget, export_target

TABLE = pa.table(
    {
        "_row": pa.array([0, 1], pa.int64()),
        "p": pa.array([0.1, 1e-30], pa.float32()),
        "d": pa.array([1 / 3, None], pa.float64()),
        "at": pa.array([datetime(2026, 1, 31, 12, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
        "name": pa.array(["=1+1", 'a "b", c'], pa.string()),
        "code": pa.array(["-1", ""], pa.string()).dictionary_encode(),
        "vector": pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)),
        "yes": pa.array([True, None]),
    }
)


def to(path: Path) -> ExportTarget:
    return export_target(path, store=path.parent / "store", sources=())


def written(path: Path) -> Path:
    assert export(to(path), TABLE.schema, TABLE.to_batches(max_chunksize=1)) == 2
    return path


def test_csv_is_plain_and_harmless(tmp_path: Path) -> None:
    """Floats in the shortest form that reads back, times in ISO form, text that looks like a formula behind a quote."""
    lines = written(tmp_path / "x.csv").read_text().splitlines()
    assert lines[0] == '"_row","p","d","at","name","code","vector","yes"'
    assert lines[1] == ('0,0.1,0.3333333333333333,"2026-01-31T12:00:00.000000Z","\'=1+1","\'-1","[1.0, 2.0]",true')
    assert lines[2] == '1,1e-30,,,"a ""b"", c","",,'


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\x00"])
def test_no_text_cell_starts_a_formula(start: str, tmp_path: Path) -> None:
    """CONTRACT: Files; numbers keep their sign."""
    table = pa.table({start + "h": [start + "cmd"], "n": [-5]})
    export(to(tmp_path / "x.csv"), table.schema, table.to_batches())
    back = pa_csv.read_csv(tmp_path / "x.csv", parse_options=pa_csv.ParseOptions(newlines_in_values=True))
    assert back.to_pydict() == {f"'{start}h": [f"'{start}cmd"], "n": [-5]}


def test_floats_read_back_exactly(tmp_path: Path) -> None:
    """A float32 of the CSV is the float32 of the result, bit for bit."""
    values = pa.array([0.1, 1 / 3, 16777217.0, 1.17549435e-38, 3.4028235e38], pa.float32())
    table = pa.table({"p": values})
    export(to(tmp_path / "x.csv"), table.schema, table.to_batches())
    options = pa_csv.ConvertOptions(column_types={"p": pa.float32()})
    assert pa_csv.read_csv(tmp_path / "x.csv", convert_options=options)["p"].combine_chunks().equals(values)


def test_json_lines_hold_one_row_each(tmp_path: Path) -> None:
    """Objects with nulls where there is no number."""
    rows = [json.loads(line) for line in written(tmp_path / "x.jsonl").read_text().splitlines()]
    assert rows[0]["at"] == "2026-01-31T12:00:00Z"
    assert rows[1]["vector"] is None


def test_parquet_is_the_same_table(tmp_path: Path) -> None:
    """Types and values survive."""
    assert pq.read_table(written(tmp_path / "x.parquet")).equals(TABLE)


def test_a_failed_export_leaves_the_old_file(tmp_path: Path) -> None:
    """The file is the old one or the new one, and nothing lies beside it."""
    target = tmp_path / "x.csv"
    target.write_text("old")

    def broken() -> object:
        yield TABLE.to_batches()[0]
        raise StorageFault("a part is damaged")

    with pytest.raises(StorageFault, match="damaged"):
        export(to(target), TABLE.schema, broken())  # type: ignore[arg-type]  # a generator of batches
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet"])
def test_a_full_disk_leaves_the_old_file(name: str, tmp_path: Path) -> None:
    """The folder is named, and nothing lies beside the file. Here a file may have 20 000 bytes."""
    (tmp_path / name).write_text("old")
    table = pa.table({"number": np.random.default_rng(1).random(10_000)})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(StorageFault, match="then export it again") as fault:
            export(to(tmp_path / name), table.schema, table.to_batches())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(tmp_path) in str(fault.value)
    assert "old" == (tmp_path / name).read_text()
    assert [tmp_path / name] == list(tmp_path.iterdir())
