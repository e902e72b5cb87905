"""The Delta log of an output: one version per job, whoever repeats what."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from scoring.core.chunks import StagedFile
from scoring.core.errors import InputRefused, StorageFault
from scoring.data.delta import commit_parts, delta_schema
from scoring.data.delta_log import log_owner
from scoring.data.parts import part_name, promote, stage_part


def write_part(output: Path, job_id: str, chunk: int, table: pa.Table) -> StagedFile:
    output.mkdir(exist_ok=True)
    staged = stage_part(output, chunk, 1, table, metadata={"scoring.job_id": job_id})
    promote(output, staged)
    return staged


def commit(output: Path, job_id: str, *tables: pa.Table) -> None:
    """As a job does that replaces the parts before it."""
    parts = [write_part(output, job_id, chunk, table) for chunk, table in enumerate(tables)]
    commit_parts(output, job_id, tables[0].schema, parts)


def rows(start: int, count: int, **more: Any) -> pa.Table:
    return pa.table({"_row": pa.array(range(start, start + count), pa.int64()), **more})


def read(output: Path) -> list[dict[str, Any]]:
    table: pa.Table = DeltaTable(str(output)).to_pyarrow_table()
    return sorted(table.to_pylist(), key=lambda row: row["_row"])


def test_the_parts_are_the_rows_of_version_0(tmp_path: Path) -> None:
    """One commit names them all, with their counts."""
    commit(tmp_path, "a", rows(0, 3), rows(3, 2))
    table = DeltaTable(str(tmp_path))
    assert 0 == table.version()
    assert [part_name(0), part_name(1)] == sorted(Path(uri).name for uri in table.file_uris())
    assert [0, 1, 2, 3, 4] == [row["_row"] for row in read(tmp_path)]
    assert 5 == sum(pa.table(table.get_add_actions()).column("num_records").to_pylist())
    assert "a" == log_owner(tmp_path)


def test_a_repeated_commit_changes_nothing(tmp_path: Path) -> None:
    """A finalize that was killed after it does it again."""
    for _ in range(2):
        commit(tmp_path, "a", rows(0, 3))
    assert 0 == DeltaTable(str(tmp_path)).version()


def test_the_next_job_replaces_the_rows_in_one_version(tmp_path: Path) -> None:
    """A part of the same name is added anew, others are removed, and the history stays."""
    commit(tmp_path, "a", rows(0, 3), rows(3, 2))
    (tmp_path / part_name(1)).unlink()
    for _ in range(2):
        commit(tmp_path, "b", rows(0, 4))
    table = DeltaTable(str(tmp_path))
    assert (1, 2) == (table.version(), len(table.history()))
    assert [0, 1, 2, 3] == [row["_row"] for row in read(tmp_path)]
    assert "b" == log_owner(tmp_path)


def test_no_version_adds_and_removes_one_path(tmp_path: Path) -> None:
    """The protocol forbids it: readers would differ on what the table holds."""
    commit(tmp_path, "a", rows(0, 3), rows(3, 2))
    commit(tmp_path, "b", rows(0, 4))
    commit(tmp_path, "c", rows(0, 5, score=[0.5] * 5))
    for log in (tmp_path / "_delta_log").glob("*.json"):
        actions = [json.loads(line) for line in log.read_text().splitlines()]
        paths = [action[verb]["path"] for action in actions for verb in ("add", "remove") if verb in action]
        assert len(paths) == len(set(paths))


def test_another_model_brings_other_columns(tmp_path: Path) -> None:
    """The table is emptied for them first; what it shows in the end is the new result alone."""
    commit(tmp_path, "a", rows(0, 3, score=[0.5] * 3))
    commit(tmp_path, "b", rows(0, 2, label=["x", "y"]))
    assert [{"_row": 0, "label": "x"}, {"_row": 1, "label": "y"}] == read(tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([200, None], pa.uint8()),
        pa.array([60_000, None], pa.uint16()),
        pa.array([4_000_000_000, None], pa.uint32()),
        pa.array([-1, None], pa.int8()),
        pa.array(["a", None], pa.large_string()),
        pa.array(["a", None]).dictionary_encode(),
        pa.array([b"a", None], pa.binary()),
        pa.array([[1.5, 2.5], None], pa.list_(pa.float32(), 2)),
        pa.array([True, None]),
        pa.array([1, None], pa.timestamp("us")),
        pa.array([1_000, None], pa.timestamp("ms", "Europe/Berlin")),
        pa.array([1, None], pa.date32()),
    ],
    ids=lambda values: str(values.type),
)
def test_values_read_back(tmp_path: Path, values: pa.Array) -> None:
    """In the same type, or in a wider one that holds them all."""
    commit(tmp_path, "a", rows(0, 2, x=values))
    expected = values.to_pylist()
    assert expected == [row["x"] for row in read(tmp_path)]


@pytest.mark.parametrize(
    "kind",
    [
        *(pa.uint64(), pa.float16(), pa.timestamp("ns"), pa.time64("us"), pa.duration("s")),
        *(pa.decimal256(60, 2), pa.list_(pa.float16()), pa.struct([("a", pa.int8())])),
    ],
    ids=str,
)
def test_types_that_delta_lacks_are_refused_by_name(kind: pa.DataType) -> None:
    """Before a row is scored."""
    with pytest.raises(InputRefused, match=r"got bad \("):
        delta_schema(pa.schema([("_row", pa.int64()), ("bad", kind)]))


def test_a_version_of_the_user_makes_the_table_theirs(tmp_path: Path) -> None:
    """Then no job may clear it away."""
    commit(tmp_path, "a", rows(0, 3))
    DeltaTable(str(tmp_path)).delete("_row = 1")
    assert log_owner(tmp_path) is None
    assert log_owner(tmp_path / "nowhere") is None


def test_a_log_that_cannot_be_written_is_a_storage_fault(tmp_path: Path) -> None:
    """Another attempt may succeed, and the message says what to look at."""
    part = write_part(tmp_path, "a", 0, rows(0, 3))
    (tmp_path / "_delta_log").write_text("no folder")
    with pytest.raises(StorageFault, match="Delta log"):
        commit_parts(tmp_path, "a", pq.read_schema(tmp_path / part.path), [part])
