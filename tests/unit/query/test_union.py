"""results_<model> over jobs whose columns differ: every row is shown, whatever types the jobs were written with."""

from datetime import date
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.data.row_files import write_template
from scoring.query.engine import Catalog, run_query
from scoring.query.relations import FileRows, JobRows

OWN = "SELECT job_id, * EXCLUDE (job_id, slot, version) FROM results_m"
"""Without the slot and the version, which are alike in all of these."""


def ask(folder: Path, sql: str, **jobs: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for job_id, columns in jobs.items():
        pq.write_table(pa.table(columns), folder / f"{job_id}.parquet")
        file = folder / f"{job_id}.parquet"
        files = FileRows(files=[str(file)], template=str(write_template(pq.read_schema(file), folder)))
        rows.append(JobRows(job_id=job_id, slot=None, version=1, rows=files))
    catalog = Catalog(views={}, models={"results_m": lambda: rows})
    with run_query(sql, catalog) as answer:
        return [row for batch in answer.batches for row in batch.to_pylist()]


def keys(folder: Path, *columns: pa.Array) -> list[Any]:
    found = ask(folder, "SELECT k FROM results_m ORDER BY job_id", **{f"j{n}": {"k": k} for n, k in enumerate(columns)})
    return [row["k"] for row in found]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (pa.array(["007"]), pa.array([7]), ["007", "7"]),
        (pa.array(["a"]), pa.array([[1, 2]]), ["a", "[1, 2]"]),
        (pa.array(["a"]), pa.array([b"b\xff"]), ["a", "b\\xFF"]),
        (pa.array([7]), pa.array([[7]]), ["7", "[7]"]),
        (pa.array([7]), pa.array([True]), ["7", "true"]),
        (pa.array([7]), pa.array([date(2024, 5, 1)]), ["7", "2024-05-01"]),
        (pa.array([2**24 + 1], pa.int32()), pa.array([0.5], pa.float32()), [16777217.0, 0.5]),
        (pa.array([0.1], pa.float64()), pa.array([0.5], pa.float32()), [0.1, 0.5]),
        (pa.array([2**63 - 1]), pa.array([1], pa.int8()), [2**63 - 1, 1]),
        (pa.array([-1]), pa.array([2**64 - 1], pa.uint64()), [-1, 2**64 - 1]),
        (pa.array([Decimal("1.5")], pa.decimal128(38, 10)), pa.array([Decimal(9)], pa.decimal128(38, 0)), [1.5, 9.0]),
        (pa.nulls(1), pa.array([7]), [None, 7]),
        (pa.array(["a"]).dictionary_encode(), pa.array(["b"]), ["a", "b"]),
    ],
)
def test_a_column_whose_type_differs_between_jobs_is_shown(tmp_path, first, second, expected):
    """Whole numbers stay whole, other numbers become DOUBLE, all else text."""
    assert expected == keys(tmp_path, first, second)
    assert expected == keys(tmp_path, second, first)[::-1]


SORTS = [
    pa.array(["a"]),
    pa.array([b"\xff"]),
    pa.array([1], pa.uint64()),
    pa.array([1.5], pa.float32()),
    pa.array([True]),
    pa.array([[1.5]], pa.list_(pa.float32())),
    pa.array([[1.5]], pa.list_(pa.float32(), 1)),
    pa.array([{"a": 1}]),
    pa.array([{"b": "x"}]),
    pa.array([Decimal("1.5")], pa.decimal128(38, 10)),
    pa.array([0], pa.timestamp("us", "UTC")),
    pa.array([0], pa.timestamp("ns")),
    pa.array([0], pa.duration("us")),
    pa.array([0], pa.time64("us")),
    pa.nulls(1),
]


def test_no_pair_of_types_breaks_the_union(tmp_path):
    """Whatever two jobs carried under one name, both rows come back."""
    pairs = list(product(SORTS, SORTS))
    jobs = {f"j{side}": {f"k{n}": pair[side] for n, pair in enumerate(pairs)} for side in range(2)}
    assert [3 + len(pairs)] * 2 == [len(row) for row in ask(tmp_path, "SELECT * FROM results_m", **jobs)]


def test_columns_that_a_job_lacks_are_null(tmp_path):
    """The union goes by name, whatever the order and the case."""
    found = ask(tmp_path, f"{OWN} ORDER BY job_id", j0={"a": [1], "B": [2]}, j1={"b": [3], "c": ["x"]})
    assert [
        {"job_id": "j0", "a": 1, "B": 2, "c": None},
        {"job_id": "j1", "a": None, "B": 3, "c": "x"},
    ] == found


def test_columns_called_like_a_fact_are_kept_behind_it(tmp_path):
    """`job_id`, `slot` and `version` are always the job's; a column of the input gets a name that is free."""
    found = ask(
        tmp_path,
        "SELECT * FROM results_m ORDER BY job_id",
        j0={"job_id": ["x"], "job_id_1": [1], "Version": [2.5]},
        j1={"JOB_ID": [2], "slot": ["s"]},
    )
    facts = {"slot": None, "version": 1}
    assert [
        {"job_id": "j0", **facts, "job_id_1_1": "x", "job_id_1": 1, "version_1": 2.5, "slot_1": None},
        {"job_id": "j1", **facts, "job_id_1_1": "2", "job_id_1": None, "version_1": None, "slot_1": "s"},
    ] == found
