"""`scoring run`: rows in, rows out, and where the rest has gone."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pyarrow.dataset as ds
import pytest

from tests.acceptance.conftest import WriteRows, customers
from tests.acceptance.program import Program

ROWS = 20_000


def direct(model: Path, rows: int) -> np.ndarray:
    """Probabilities [n, 2] by ONNX Runtime alone."""
    table = customers(rows)
    feed = {
        "age": table["age"].to_numpy().reshape(-1, 1),
        "plan": np.array(table["plan"].to_pylist(), dtype=object).reshape(-1, 1),
    }
    return ort.InferenceSession(str(model)).run(["probabilities"], feed)[0]


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
@pytest.mark.parametrize("chunk_rows", [(), ("--chunk-rows", 3_000)], ids=["auto", "3000"])
def test_scores_equal_direct_scoring_row_by_row(
    program: Program, model: Path, write_rows: WriteRows, name: str, chunk_rows: tuple[object, ...]
) -> None:
    """Whatever the format and the chunk size: every row once, in input order, with the model's own scores."""
    rows = write_rows(name, ROWS, row_group_size=7_000)
    job = program.json("run", model, rows, "--key", "id", "-o", "out", *chunk_rows)
    result = ds.dataset(sorted((program.folder / "out").glob("part-*.parquet"))).to_table()
    scores = np.stack([result["probabilities_0"].to_numpy(), result["probabilities_1"].to_numpy()], axis=1)
    assert ("succeeded", ROWS, 0) == (job["state"], job["rows_scored"], job["rows_rejected"])
    assert list(range(ROWS)) == result["_row"].to_pylist()
    assert customers(ROWS)["id"].to_pylist() == result["id"].to_pylist()
    assert np.array_equal(direct(model, ROWS), scores)


def test_a_success_has_its_manifest(program: Program, model: Path, write_rows: WriteRows) -> None:
    """The manifest lists every part with its rows and digest, and `_SUCCESS` stands beside it."""
    job = program.json("run", model, write_rows("rows.csv", 5_000), "-o", "out", "--chunk-rows", 2_000)
    manifest = json.loads((program.folder / "out/_manifest.json").read_text())
    assert (program.folder / "out/_SUCCESS").exists()
    assert (1, job["job_id"], 5_000) == (manifest["format"], manifest["job_id"], manifest["rows_total"])
    assert [(0, 0, 2_000), (1, 2_000, 2_000), (2, 4_000, 1_000)] == [
        (part["chunk"], part["first_row"], part["rows"]) for part in manifest["parts"]
    ]
    names = {path.name for path in (program.folder / "out").iterdir()}
    assert {"part-000000.parquet", "part-000001.parquet", "part-000002.parquet", "_manifest.json", "_SUCCESS"} == names


def test_bad_rows_are_kept_with_their_reason(program: Program, model: Path) -> None:
    """A row that cannot be scored stands in `_rejects` with line, column, code and raw text; the others are scored."""
    (program.folder / "rows.csv").write_text(
        'age,plan\n31,free\nold,pro\n44\n55,"a\nb"\n1e99,pro\n60,basic,x\n61,pro\n'
    )
    job = program.json("run", model, "rows.csv", "-o", "out", "--max-rejected", 4)
    rejects = ds.dataset(program.folder / "out/_rejects/part-000000.parquet").to_table().to_pylist()
    assert ("succeeded", 7, 3, 4) == (job["state"], job["rows_total"], job["rows_scored"], job["rows_rejected"])
    assert [
        (1, 3, "bad_value", "age"),
        (2, 4, "short_row", ""),
        (4, 7, "out_of_range", "age"),
        (5, 8, "long_row", ""),
    ] == [(reject["_row"], reject["line"], reject["code"], reject["column"]) for reject in rejects]
    assert ["old,pro", "44", "1e99,pro", "60,basic,x"] == [reject["raw"] for reject in rejects]
    failures = program.json("failures", "last")
    assert {("bad_value", "age"), ("short_row", ""), ("out_of_range", "age"), ("long_row", "")} == {
        (reject["code"], reject["column"]) for reject in failures["rejects"]
    }


@pytest.mark.parametrize(
    ("limit", "code", "error_code"),
    [(2, 0, None), (1, 1, "too_many_rejects"), ("50%", 0, None), ("49%", 1, "too_many_rejects")],
)
def test_exactly_the_limit_of_rejects_is_allowed(
    program: Program, model: Path, limit: object, code: int, error_code: str | None
) -> None:
    """One reject too many fails the job; its parts and rejects stay, and there is no manifest."""
    (program.folder / "rows.csv").write_text("age,plan\n31,free\nx,pro\n44,pro\ny,pro\n")
    job = program.json("run", model, "rows.csv", "-o", "out", "--max-rejected", limit, code=code)
    assert error_code == job["error_code"]
    assert (code == 0) == (program.folder / "out/_manifest.json").exists()
    assert (program.folder / "out/_rejects/part-000000.parquet").exists()


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_an_input_without_rows_gives_one_empty_part(
    program: Program, model: Path, write_rows: WriteRows, name: str
) -> None:
    """A header alone is a success: an empty part tells the schema."""
    job = program.json("run", model, write_rows(name, 0), "--key", "id", "-o", "out")
    result = ds.dataset(program.folder / "out/part-000000.parquet").to_table()
    assert ("succeeded", 0, 0) == (job["state"], job["rows_total"], result.num_rows)
    assert ["_row", "id", "label", "probabilities_0", "probabilities_1"] == result.column_names


def test_accuracy_is_exact_over_all_rows(program: Program, model: Path, write_rows: WriteRows) -> None:
    """The batch figures equal those computed from all rows at once, however many chunks there are."""
    job = program.json(
        "run", model, write_rows("rows.csv", ROWS), "--label", "churned", "-o", "out", "--chunk-rows", 1_700
    )
    positive = direct(model, ROWS)[:, 1].astype(np.float64)
    truth = customers(ROWS)["churned"].to_numpy() == 1
    assert job["metrics"]["accuracy"] == pytest.approx(np.mean((positive >= 0.5) == truth), rel=1e-12)
    assert job["metrics"]["brier"] == pytest.approx(np.mean((positive - truth) ** 2), rel=1e-12)
    assert job["metrics"]["roc_auc"] == pytest.approx(area(positive, truth), abs=1e-3)


def area(score: np.ndarray, truth: np.ndarray) -> float:
    """Area under the ROC curve by ranks, ties halved (Mann-Whitney U)."""
    _values, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = truth.sum()
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * (len(truth) - positives)))


def test_a_missed_gate_keeps_the_result(program: Program, model: Path, write_rows: WriteRows) -> None:
    """`--require` that is missed: exit 5, the job succeeded, its result is readable."""
    rows = write_rows("rows.csv", 1_000)
    job = program.json("run", model, rows, "--label", "churned", "-o", "out", "--require", "accuracy>=0.99", code=5)
    assert ("succeeded", "gate_missed", "missed") == (job["state"], job["error_code"], job["gate"])
    assert 1_000 == len(program.json("results", "last"))


def test_overwrite_replaces_only_after_success(program: Program, model: Path, write_rows: WriteRows) -> None:
    """A failed job with --overwrite leaves last night's result; a good one takes its place."""
    first = program.json("run", model, write_rows("rows.csv", 3_000), "-o", "out", "--chunk-rows", 1_000)
    (program.folder / "bad.csv").write_text("age,plan\nx,free\n")
    program("run", model, "bad.csv", "-o", "out", code=4)
    program("run", model, "bad.csv", "-o", "out", "--overwrite", code=1)
    (reject,) = program.json("failures", "last")["rejects"]
    assert ["x,free"] == [example["raw"] for example in reject["examples"]]
    manifest = program.folder / "out/_manifest.json"
    assert first["job_id"] == json.loads(manifest.read_text())["job_id"]
    second = program.json("run", model, write_rows("rows.csv", 500), "-o", "out", "--overwrite")
    assert second["job_id"] == json.loads(manifest.read_text())["job_id"]
    left = {path.name for path in (program.folder / "out").iterdir()}
    assert {"part-000000.parquet", "_manifest.json", "_SUCCESS"} == left


def test_a_retry_scores_what_failed(program: Program, model: Path, write_rows: WriteRows) -> None:
    """A stored model that was damaged fails the job with both digests; once it is back, `retry` makes the job whole."""
    rows = write_rows("rows.csv", 2_000)
    job_id = program("submit", model, rows, "-o", "out", "--chunk-rows", 500, "--overwrite").stdout.strip()
    (stored,) = (program.folder / "home/store/models").glob("*/churn.onnx")
    whole = stored.read_bytes()
    stored.chmod(0o644)
    stored.write_bytes(whole + b"x")
    failed = program.json("resume", job_id, code=1)
    assert ("failed", "chunks_failed", 4) == (failed["state"], failed["error_code"], failed["chunks_failed"])
    assert {"model_changed"} == {attempt["error_code"] for attempt in program.json("failures", job_id)["attempts"]}
    stored.write_bytes(whole)
    retried = program.json("retry", job_id)
    assert ("succeeded", 2_000) == (retried["state"], retried["rows_scored"])


def test_one_idempotency_key_makes_one_job(program: Program, model: Path, write_rows: WriteRows) -> None:
    """The same definition gives the same job and its exit code; another definition is refused with both named."""
    rows = write_rows("rows.csv", 100)
    first = program.json("run", model, rows, "-o", "out", "--idempotency-key", "night-1")
    again = program.json("run", model, rows, "-o", "out", "--idempotency-key", "night-1")
    assert first["job_id"] == again["job_id"]
    refused = program("run", model, rows, "-o", "other", "--idempotency-key", "night-1", code=2)
    assert "night-1" in refused.stderr
    assert first["job_id"] in refused.stderr


def test_standard_input_is_read_as_csv(program: Program, model: Path) -> None:
    """`-` scores what comes through a pipe."""
    program("run", model, "-", "-o", "out", stdin="age,plan\n31,free\n44,pro\n")
    assert [0, 1] == [row["_row"] for row in program.json("results", "last")]


def test_a_tsv_is_separated_by_tabs(program: Program, model: Path) -> None:
    """The name of the file says it; no option is needed."""
    (program.folder / "rows.tsv").write_text("age\tplan\n31\tfree\n44\tpro\n")
    assert 2 == program.json("run", model, "rows.tsv")["rows_scored"]


def test_a_second_run_with_the_same_key_waits_for_the_first(
    program: Program, model: Path, write_rows: WriteRows
) -> None:
    """Two runs of one line of cron at once: one job, one verdict, and both exit with it."""
    line = ("run", model, write_rows("rows.csv", 200_000), "-o", "out", "--chunk-rows", 5_000)
    both = [program.start(*line, "--idempotency-key", "night-1", "--json") for _ in range(2)]
    jobs = [json.loads(process.communicate(timeout=100)[0]) for process in both]
    assert [0, 0] == [process.returncode for process in both]
    assert 1 == len({job["job_id"] for job in jobs})
    assert {"succeeded"} == {job["state"] for job in jobs}


def test_an_output_that_is_a_url_is_refused(program: Program, model: Path, write_rows: WriteRows) -> None:
    """It would become a local folder with an odd name."""
    assert "URL" in program("run", model, write_rows("rows.csv", 3), "-o", "s3://bucket/out", code=4).stderr


def test_the_sums_of_a_measured_job_are_dropped(program: Program, model: Path, write_rows: WriteRows) -> None:
    """Histograms of every chunk would outgrow the ledger; the figures stay."""
    job = program.json("run", model, write_rows("rows.csv", 100), "--label", "churned")
    with closing(sqlite3.connect(program.folder / "home/ledger.db")) as ledger:
        assert (0,) == ledger.execute("SELECT count(*) FROM chunk_sums").fetchone()
    assert job["metrics"]["accuracy"] is not None


@pytest.mark.parametrize("name", ["scoring", "submit-job"])
def test_the_installed_programs_start(program: Program, name: str) -> None:
    """By their own scripts: most other tests skip the start."""
    started = program.start("--help", name=name)
    assert f"Usage: {name}" in started.communicate(timeout=60)[0]
    assert 0 == started.returncode


def test_a_run_imports_nothing_that_it_does_not_need(program: Program, model: Path, write_rows: WriteRows) -> None:
    """pandas alone is a fifth of a second of every job."""
    watched = program.with_settings(PYTHONPROFILEIMPORTTIME="1")
    said = watched("run", model, write_rows("rows.csv", 10), "--key", "id").stderr
    imported = {line.rpartition("|")[2].strip() for line in said.splitlines() if line.startswith("import time:")}
    assert {"pyarrow.csv"} == imported & {"pyarrow.csv", "pyarrow.dataset", "pandas", "duckdb"}
