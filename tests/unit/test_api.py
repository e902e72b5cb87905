"""The verbs for a Python program, on a small model in an embedded ledger."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import scoring
from scoring.api import JobFailed
from scoring.core.errors import InputMissing, InputRefused, NotFound, UsageError, WaitTimedOut
from tests.place import Place

GOOD = "id,age,plan,churned\na,31,free,1\nb,60,pro,0\nc,44,basic,1\n"
BAD = "id,age,plan,churned\na,31,free,1\nb,old,pro,0\nc,older,basic,1\n"


@pytest.fixture(autouse=True)
def folder(place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a model and an input, and a ledger without a job."""
    monkeypatch.setenv("SCORING_HOME", str(place.folder / "home"))
    monkeypatch.chdir(place.put_back())
    (place.folder / "rows.csv").write_text(GOOD)
    return place.folder


def test_a_run_gives_a_job_with_its_rows() -> None:
    """Status, rows, frame and figures of the job are those of its input."""
    job = scoring.run("churn.onnx", "rows.csv", output="out", key="id", label="churned", workers=1)
    facts = job.status()
    assert ("succeeded", 3, 0, {}) == (facts["state"], facts["rows_scored"], facts["rows_rejected"], facts["tags"])
    assert ["_row", "id", "churned", "label", "probabilities_0", "probabilities_1"] == job.results().schema.names
    assert [("a", 1), ("b", 0), ("c", 1)] == [(row["id"], row["label"]) for row in job.results().to_table().to_pylist()]
    frame = job.to_pandas()
    assert ([0, 1, 2], ["a", "b", "c"]) == (frame["_row"].tolist(), frame["id"].tolist())
    assert {"accuracy": 1.0}.items() <= {figure["metric"]: figure["value"] for figure in job.accuracy()}.items()
    assert {"attempts": [], "rejects": [], "warnings": []} == job.failures()
    assert job.wait() is job


def test_paths_and_lists_are_taken(folder: Path) -> None:
    """A Path is a path even without a separator, and files may be many."""
    job = scoring.run(Path("churn.onnx"), [folder / "rows.csv", "rows.csv"], workers=1)
    assert 6 == job.results().count_rows()


@pytest.mark.parametrize(
    ("text", "options", "exit_code", "code", "state", "rejected"),
    [
        (BAD, {}, 1, "too_many_rejects", "failed", [("bad_value", 2)]),
        (GOOD, {"label": "churned", "require": "accuracy>1"}, 5, "gate_missed", "succeeded", []),
    ],
    ids=["rejects", "gate"],
)
def test_a_job_that_fails_raises_with_the_exit_code_of_the_command(
    folder: Path,
    text: str,
    options: dict[str, str],
    exit_code: int,
    code: str,
    state: str,
    rejected: list[tuple[str, int]],
) -> None:
    """The verdict is raised by run and by every wait; the job can still be asked."""
    (folder / "rows.csv").write_text(text)
    with pytest.raises(JobFailed) as failed:
        scoring.run("churn.onnx", "rows.csv", workers=1, **options)
    job = scoring.Job("last")
    assert rejected == [(reject["code"], reject["rows"]) for reject in job.failures()["rejects"]]
    assert exit_code == failed.value.exit_code
    assert all(words in str(failed.value) for words in (job.id, code.split("_")[0]))
    assert (state, code) == (job.status()["state"], job.status()["error_code"])
    with pytest.raises(JobFailed) as again:
        job.wait()
    assert exit_code == again.value.exit_code


def test_refusals_come_before_anything_is_recorded() -> None:
    """The same classes as below the command line, and no job."""
    for error, model, options in (
        (InputMissing, "gone.onnx", {}),
        (NotFound, "nobody", {}),
        (InputRefused, "churn.onnx", {"key": "nope"}),
        (UsageError, "churn.onnx", {"kee": "id"}),
    ):
        with pytest.raises(error):
            scoring.run(model, "rows.csv", **options)
    with pytest.raises(NotFound, match="there is no job yet"):
        scoring.Job("last")


def test_a_job_is_found_as_on_the_command_line() -> None:
    """By id, by a prefix, and as the last; what fits none is not found."""
    first = scoring.submit("churn.onnx", "rows.csv")
    last = scoring.submit("churn.onnx", "rows.csv")
    assert [first.id, first.id, last.id] == [scoring.Job(ref).id for ref in (first.id, first.id[:12], "last")]
    for reference in ("zzzz", "ab"):
        with pytest.raises(NotFound):
            scoring.Job(reference)
    with pytest.raises(NotFound):
        scoring.Job("0" * 16).status()


def test_a_submitted_job_waits_for_workers() -> None:
    """It has no rows yet, and waiting ends after the time that was given."""
    job = scoring.submit("churn.onnx", "rows.csv", output="out")
    assert "accepted" == job.status()["state"]
    with pytest.raises(InputMissing, match="has no row yet"):
        job.results()
    with pytest.raises(WaitTimedOut):
        job.wait(timeout=0)


def test_a_cancelled_job_is_cancelled_for_good(folder: Path) -> None:
    """The first call stops it and gives the output back; the second has nothing to do."""
    job = scoring.submit("churn.onnx", "rows.csv", output="out")
    assert [True, False] == [job.cancel(), job.cancel()]
    assert (folder / "out/_partial.json").exists()
    with pytest.raises(JobFailed) as cancelled:
        job.wait()
    assert 8 == cancelled.value.exit_code
    with pytest.raises(UsageError, match="cannot be retried"):
        job.retry()


def test_a_failed_job_is_retried(folder: Path) -> None:
    """What made it fail is named; once that is mended a new round succeeds."""
    definition = {"output": "out", "idempotency_key": "night"}
    job = scoring.submit("churn.onnx", "rows.csv", **definition)
    (copy,) = folder.glob("home/**/churn.onnx")
    copy.rename(folder / "away")
    with pytest.raises(JobFailed) as failed:
        scoring.run("churn.onnx", "rows.csv", workers=1, **definition)
    assert 1 == failed.value.exit_code
    assert ["model_changed"] == [attempt["error_code"] for attempt in job.failures()["attempts"]]
    (folder / "away").rename(copy)
    assert job.retry() is job
    assert 3 == job.results().count_rows()


def test_completion_offers_the_front_door_and_loads_nothing() -> None:
    """dir() shows what there is; asking for it imports none of it."""
    code = "import scoring, sys; print(dir(scoring), 'scoring.api' in sys.modules)"
    root = str(Path(scoring.__file__).parents[1])
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": root}
    )
    assert "['Job', '__version__', 'run', 'sql', 'submit'] False" == answer.stdout.strip()
    assert all(getattr(scoring, name) for name in dir(scoring))


def test_sql_answers_with_a_table() -> None:
    """One SELECT over a job's rows, with parameters of any type; a refused one is an error in words."""
    job = scoring.run("churn.onnx", "rows.csv", key="id", workers=1)
    found = scoring.sql(
        "SELECT id, version FROM results($job) JOIN job_progress ON job_id = $job WHERE _row > $row", job=job.id, row=1
    )
    assert [{"id": "c", "version": 1}] == found.to_pylist()
    with pytest.raises(UsageError, match="refused"):
        scoring.sql("DROP TABLE jobs")
