"""`scoring labels` and `scoring accuracy`: a batch ripens, whatever happens on the way."""

import json
import math
import signal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from tests.acceptance.conftest import WriteRows, customers
from tests.acceptance.program import Program
from tests.waiting import wait_for

ROWS = 6_000
BY_ID = ("--key", "id", "--label", "churned")


@pytest.fixture
def job(program: Program, model: Path, write_rows: WriteRows) -> str:
    """A batch in three parts, scored without a label."""
    rows = write_rows("rows.csv", ROWS)
    found = program.json("run", model, rows, "--key", "id", "--chunk-rows", 2_500, "-o", "out")
    return str(found["job_id"])


def truth(first: int, stop: int, flipped: bool = False) -> pa.Table:
    labels = customers(ROWS)["churned"].to_numpy()[first:stop]
    return pa.table({"id": customers(ROWS)["id"][first:stop], "churned": pa.array(1 - labels if flipped else labels)})


def by_hand(folder: Path, rows: slice) -> dict[str, float]:
    """The metrics of some rows by their formulas, from the scores of the result."""
    result = ds.dataset(sorted((folder / "out").glob("part-*.parquet"))).to_table()
    score = result["probabilities_1"].to_numpy().astype(np.float64)[rows]
    of_zero = result["probabilities_0"].to_numpy().astype(np.float64)[rows]
    label = customers(ROWS)["churned"].to_numpy()[rows]
    said, epsilon = score >= 0.5, float(np.finfo(np.float32).eps)
    hits, said_yes, yes = int((said & (label == 1)).sum()), int(said.sum()), int(label.sum())
    of_truth = np.where(label == 1, score, of_zero).clip(epsilon, 1 - epsilon)
    wins = sum(
        float((score[label == 0] < one).sum() + (score[label == 0] == one).sum() / 2) for one in score[label == 1]
    )
    return {
        "accuracy": float((said == label).mean()),
        "precision": hits / said_yes,
        "recall": hits / yes,
        "f1": 2 * hits / (said_yes + yes),
        "roc_auc": wins / (yes * (len(label) - yes)),
        "log_loss": float(-np.log(of_truth).mean()),
        "brier": float(np.square(score - label).mean()),
    }


def test_a_batch_ripens_to_the_figures_of_its_labels(program: Program, job: str) -> None:
    """CSV, Parquet and JSON lines, with overlaps that replace: every metric is exact after each part."""
    pc.write_csv(pa.concat_tables([truth(0, 2_000), truth(2_000, 2_500, flipped=True)]), program.folder / "a.csv")
    pq.write_table(truth(2_000, 5_000), program.folder / "b.parquet")
    rest = [*truth(4_500, ROWS).to_pylist(), {"id": "nobody", "churned": 1}]
    (program.folder / "c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rest))
    expected = [("a.csv", 2_500, 0, 0, "partial"), ("b.parquet", 5_000, 500, 0, "partial")]
    expected += [("c.jsonl", ROWS, 500, 1, "complete")]
    for revision, (name, labelled, replaced, unknown, status) in enumerate(expected, 1):
        found = program.json("labels", job, name, *BY_ID)
        assert (revision, labelled, labelled / ROWS, status, replaced, unknown) == (
            *(found[fact] for fact in ("revision", "rows_labelled", "coverage", "status", "replaced")),
            found["unknown"]["count"],
        )
        if name != "a.csv":
            require_equal(by_hand(program.folder, slice(0, labelled)), found["metrics"])
    history = program.json("accuracy", job, "--history", "--metric", "f1")
    assert [(1, "partial"), (2, "partial"), (3, "complete")] == [(row["revision"], row["status"]) for row in history]
    assert found["metrics"]["f1"] == history[-1]["value"]
    chunks = program.json("accuracy", job, "--by", "chunk", "--metric", "accuracy")
    assert [(0, 2_500), (1, 2_500), (2, 1_000)] == [(row["chunk"], row["rows"]) for row in chunks]
    [kept] = program.json("sql", "select count(*) as n, sum(keys_unknown) as unknown from job_labels")
    assert {"n": 3, "unknown": 1} == kept


def require_equal(expected: dict[str, float], found: dict[str, float]) -> None:
    for metric, value in expected.items():
        tolerance = {"abs_tol": 1e-3} if metric == "roc_auc" else {"rel_tol": 1e-9}
        assert math.isclose(value, found[metric], **tolerance), metric


def test_a_person_is_told_what_came_of_the_labels(program: Program, job: str) -> None:
    """Facts on stdout, keys that fit nothing on stderr, all of them in a file where one is named."""
    table = pa.concat_tables([truth(0, 10), truth(0, 1), pa.table({"id": ["x1", "x2"], "churned": [1, 0]})])
    pc.write_csv(table, program.folder / "a.csv")
    said = program("labels", job, "a.csv", *BY_ID, "--unknown", "unknown.csv")
    assert "partial" in said.stdout
    assert "2 keys unknown: x1, x2" in said.stderr
    assert "1 keys doubled: c0000000" in said.stderr
    assert ["x1", "x2"] == pc.read_csv(program.folder / "unknown.csv")["id"].to_pylist()
    again = program("labels", job, "a.csv", *BY_ID)
    assert "nothing has changed" in again.stderr
    assert said.stdout == again.stdout


def test_one_file_serves_all_batches_of_a_model(program: Program, model: Path) -> None:
    """Each keeps its own keys; one without any has no revision; unknown is what none of them has."""
    jobs = []
    for number in range(3):
        pc.write_csv(customers(300).slice(number * 100, 100), program.folder / f"rows{number}.csv")
        jobs.append(program.json("run", model, f"rows{number}.csv", "--key", "id")["job_id"])
    program.json("run", model, "rows0.csv")
    table = pa.concat_tables([customers(300).select(["id", "churned"]).slice(50, 100), truth(5_000, 5_002)])
    pq.write_table(table, program.folder / "truth.parquet")
    window = ("truth.parquet", "--model", "churn", "--window", "30d", *BY_ID)
    found = program.json("labels", *window)
    assert [(jobs[0], 50, 0.5, 2), (jobs[1], 50, 0.5, 2)] == [
        (one["job_id"], one["labels"], one["coverage"], one["unknown"]["count"]) for one in found
    ]
    said = program("labels", *window)
    assert "was left out: " in said.stderr
    assert "has no key 'id'" in said.stderr
    [kept] = program.json("sql", "select count(*) as n, max(revision) as last, sum(keys_unknown) as u from job_labels")
    assert {"n": 2, "last": 1, "u": 0} == kept
    shown = program("accuracy", "--model", "churn").stdout
    assert [jobs[1], jobs[0]] == [line.split()[1] for line in shown.splitlines()[2:4]]
    assert "lowest" in shown
    plain = program.with_settings(PYTHONIOENCODING="ascii")("accuracy", "--model", "churn", "--metric", "f1").stdout
    assert plain.isascii()
    assert [] == program.json("accuracy", "--model", "churn", "--since", "2100-01-01")


CANNOT_WORK: list[tuple[tuple[str, ...], int, str]] = [
    (("last", "a.csv", "--key", "idd", "--label", "churned"), 4, "did you mean 'id'"),
    (("last", "a.csv", "--key", "id", "--label", "id"), 2, "another column"),
    (("a.csv", *BY_ID), 2, "JOB and FILE"),
    (("a.csv", "--model", "churn", *BY_ID), 2, "--window beside it"),
    (("a.csv", "--model", "churn", "--window", "2100-01-01", *BY_ID), 3, "in the window"),
]


def test_a_call_that_cannot_work_says_why(program: Program, job: str) -> None:
    """One message, the exit code of its kind, and nothing attached."""
    pc.write_csv(truth(0, 10), program.folder / "a.csv")
    for arguments, code, said in CANNOT_WORK:
        assert said in program("labels", *arguments, code=code).stderr
    assert [] == program.json("accuracy", job, "--history")


@pytest.mark.exhaustive
def test_a_killed_call_is_made_good_by_the_next(program: Program, job: str) -> None:
    """Killed once its file lies in the store: the same call again leaves what one call leaves."""
    pc.write_csv(truth(0, ROWS), program.folder / "a.csv")
    process = program.start("labels", job, "a.csv", *BY_ID)
    folder = program.folder / "home/store/labels" / job
    wait_for(lambda: process.poll() is not None or (folder.is_dir() and any(folder.iterdir())), "the labels' file")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    found = program.json("labels", job, "a.csv", *BY_ID)
    assert (1, "complete") == (found["revision"], found["status"])
    require_equal(by_hand(program.folder, slice(0, ROWS)), found["metrics"])
    assert not list((program.folder / "home").glob("spill/*"))


@pytest.mark.exhaustive
def test_two_calls_at_once_keep_both_files(program: Program, job: str) -> None:
    """Each has its revision and its history; the figures are those of the later one, with the labels of both."""
    pc.write_csv(truth(0, 3_000), program.folder / "a.csv")
    pc.write_csv(truth(3_000, ROWS), program.folder / "b.csv")
    both = [program.start("labels", job, name, *BY_ID) for name in ("a.csv", "b.csv")]
    ends = [(process.communicate(), process.returncode)[1] for process in both]
    assert [0, 0] == ends
    history = program.json("accuracy", job, "--history", "--metric", "accuracy")
    assert [(1, 0.5), (2, 1.0)] == [(row["revision"], row["coverage"]) for row in history]
    figures = {row["metric"]: row["value"] for row in program.json("accuracy", job)}
    require_equal(by_hand(program.folder, slice(0, ROWS)), figures)
