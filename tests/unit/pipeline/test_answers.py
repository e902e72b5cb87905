"""Rows that the model refuses, and answers that are no numbers: what becomes of them in a job."""

from pathlib import Path
from threading import Event

import pytest

from scoring.core.errors import ErrorCode
from scoring.core.ids import JobId
from scoring.core.states import JobState
from scoring.ledger import reports
from scoring.pipeline.context import Context
from scoring.pipeline.work import work
from tests.ledger.desk import split_of
from tests.unit.pipeline.one_job import rejects, result, scored, submitted, table_model, worked, write_rows
from tests.unit.pipeline.test_lease import context_in

NAN, INF = float("nan"), float("inf")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """One for all: a model that is known is not tried out again."""
    return context_in(tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize(("name", "lines"), [("rows.csv", [4, 7, 10]), ("rows.parquet", [None, None, None])])
def test_refused_rows_become_rejects_in_row_order(
    context: Context, tmp_path: Path, name: str, lines: list[int | None]
) -> None:
    """Those of the split and those of the model stand in one file, with file, line, reason and what the row held."""
    model = table_model(tmp_path / "table.onnx", [1.0, 2.0])
    values: list[object] = [0, 1, 7, 0, 1, 0, 1, 0, 9] if "parquet" in name else [0, 1, 7, 0, 1, "x", 1, 0, 9]
    if "parquet" in name:
        values[5] = None
    rows = write_rows(tmp_path / name, id=list(range(9)), i=list(map(str, values)) if "csv" in name else values)
    job = scored(context, model, rows, chunk_rows=9, key=["id"])
    assert (JobState.SUCCEEDED, None) == (job.state, job.error)
    found = rejects(job)
    codes = ["model_refused", "bad_value" if "csv" in name else "null_value", "model_refused"]
    assert [2, 5, 8] == [reject["_row"] for reject in found]
    assert codes == [reject["code"] for reject in found]
    assert lines == [reject["line"] for reject in found]
    assert {str(rows)} == {reject["file"] for reject in found}
    assert "idx=7 must be within" in found[0]["reason"]
    assert ("2,7" if "csv" in name else "id=2, i=7") in found[0]["raw"].replace("i=7, id=2", "id=2, i=7")
    assert [(0, 1.0), (1, 2.0), (3, 1.0), (4, 2.0), (6, 2.0), (7, 1.0)] == [(r["_row"], r["y"]) for r in result(job)]


def test_the_model_refuses_rows_at_another_attempt_too(context: Context, tmp_path: Path) -> None:
    """The same rows, scored again, give the same parts and the same rejects."""
    model = table_model(tmp_path / "table.onnx", [1.0, 2.0])
    rows = write_rows(tmp_path / "rows.csv", i=[0, 1, 5, 0, -3, 1])
    first, second = (scored(context, model, rows, output=str(tmp_path / name)) for name in ("one", "two"))
    assert (result(first), rejects(first)) == (result(second), rejects(second))
    assert [2, 4] == [reject["_row"] for reject in rejects(first)]


def test_a_whole_micro_batch_fails_the_first_chunk_alone(context: Context, tmp_path: Path) -> None:
    """In a later one these rows are rejects like others; the first one says that the model is at fault."""
    model = table_model(tmp_path / "table.onnx", [1.0, 2.0])
    later = write_rows(tmp_path / "later.csv", i=[0, 1, 0, 1, 8, 8, 8, 8])
    job = scored(context, model, later, chunk_rows=4)
    assert (JobState.SUCCEEDED, [4, 5, 6, 7]) == (job.state, [reject["_row"] for reject in rejects(job)])
    first = write_rows(tmp_path / "first.csv", i=[8, 8, 8, 8, 0, 1, 0, 1])
    job = scored(context, model, first, chunk_rows=4, output=str(tmp_path / "first"))
    (failure,) = context.ledger.look(lambda tx: reports.failed_attempts(tx, job.id))
    assert (ErrorCode.CHUNKS_FAILED, 0, "model_refused") == (job.error_code, failure["chunk"], failure["error_code"])
    assert "idx=8" in failure["error"]


def test_without_raw_no_value_is_shown(context: Context, tmp_path: Path) -> None:
    """Neither in the raw text nor in the reason, which is the model's: where the row stands remains."""
    model = table_model(tmp_path / "table.onnx", [1.0, 2.0])
    job = scored(context, model, write_rows(tmp_path / "rows.csv", i=[0, 777, 1]), raw=False)
    (reject,) = rejects(job)
    assert (3, "", "InvalidArgument") == (reject["line"], reject["raw"], reject["reason"])


@pytest.mark.parametrize(
    ("order", "columns", "places"),
    [
        (["a.csv", "b.csv"], {}, [("a.csv", 3), ("b.csv", 2)]),
        (["a.csv", "b.csv"], {"chunk_rows": 3}, [("a.csv", 3), ("b.csv", 2)]),
        (["a.jsonl", "b.jsonl"], {"chunk_rows": 3}, [("a.jsonl", 2), ("b.jsonl", 1)]),
        (["a.parquet", "b.parquet"], {"chunk_rows": 4}, [("a.parquet", None), ("b.parquet", None)]),
        (["a.parquet", "b.parquet"], {"chunk_rows": 3}, [("a.parquet", None), ("b.parquet", None)]),
    ],
    ids=["csv", "csv-chunks", "jsonl", "parquet", "parquet-copied"],
)
def test_rows_of_several_files_are_told_apart(
    context: Context, tmp_path: Path, order: list[str], columns: dict[str, int], places: list[tuple[str, int | None]]
) -> None:
    """A chunk does not end where a file ends."""
    (tmp_path / "in").mkdir()
    model = table_model(tmp_path / "table.onnx", [1.0, 2.0])
    for name, values in zip(order, ([0, 7], [7, 1]), strict=True):
        write_rows(tmp_path / "in" / name, i=values)
    job = scored(context, model, tmp_path / "in", **columns, output=str(tmp_path / "out"))
    assert places == [(Path(reject["file"]).name, reject["line"]) for reject in rejects(job)]


def test_a_file_that_is_gone_leaves_the_line_unknown(context: Context, tmp_path: Path) -> None:
    """The rows are in the chunk file: they are scored, and rejected, without their source."""
    model = table_model(tmp_path / "table.onnx", [1.0, 2.0])
    rows = write_rows(tmp_path / "rows.csv", i=[0, 7, 1])
    job = submitted(context, model, rows)
    work(context, split_of(job.id), Event())
    rows.unlink()
    (reject,) = rejects(worked(context, job.id))
    assert (str(rows), None, "i=7") == (reject["file"], reject["line"], reject["raw"])


def warnings_of(context: Context, job_id: JobId) -> list[tuple[str, str, int]]:
    totals = context.ledger.look(lambda tx: reports.warning_totals(tx, job_id))
    return [(total["code"], total["column_name"], total["rows"]) for total in totals]


@pytest.mark.parametrize(
    ("policy", "scored_rows", "warnings", "error"),
    [
        ("keep", [0, 1, 2, 3], [("nan_output", "y", 2)], None),
        ("reject", [0, 3], [], None),
        ("fail", [], [], "row 1 of the input first"),
    ],
)
def test_what_is_no_number_is_kept_rejected_or_fails(
    context: Context,
    tmp_path: Path,
    policy: str,
    scored_rows: list[int],
    warnings: list[tuple[str, str, int]],
    error: str | None,
) -> None:
    """``--nan-output``: NaN and infinity alike, with the name of the output."""
    model = table_model(tmp_path / "table.onnx", [1.0, NAN, -INF])
    job = scored(context, model, write_rows(tmp_path / "rows.csv", i=[0, 1, 2, 0]), nan_output=policy)
    assert scored_rows == [row["_row"] for row in result(job)]
    assert warnings == warnings_of(context, job.id)
    found = [(reject["_row"], reject["code"], reject["column"], reject["line"]) for reject in rejects(job)]
    assert ([(1, "nan_output", "y", 3), (2, "nan_output", "y", 4)] if policy == "reject" else []) == found
    failures = context.ledger.look(lambda tx: reports.failed_attempts(tx, job.id))
    assert ([("bad_output", True)] if error else []) == [(f["error_code"], str(error) in f["error"]) for f in failures]


def test_accuracy_is_that_of_the_scored_rows(context: Context, tmp_path: Path) -> None:
    """A row that the model refused has no say in it."""
    model = table_model(tmp_path / "table.onnx", [1.0, 2.0])
    rows = write_rows(tmp_path / "rows.csv", i=[0, 7, 1], truth=[1.5, 900, 2.5])
    job = scored(context, model, rows, label="truth", task="regression")
    facts = context.ledger.look(lambda tx: reports.job_facts(tx, job.id))
    assert (2, 1, 0.5) == (facts["rows_scored"], facts["rows_rejected"], facts["metrics"]["mae"])
