"""Revisions of late labels: in an order, measured once, and figures that never go back."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from scoring.core.accuracy.figure import Figure
from scoring.core.errors import InputMissing
from scoring.core.ids import JobId
from scoring.core.late_labels import LabelCounts
from scoring.ledger import jobs, labels, reports
from scoring.ledger.clock import now_us
from scoring.ledger.records import Job, JobVerdict
from scoring.ledger.tables import jobs as job_rows
from tests.ledger.desk import FAILED, Desk, finalize_of

NEW = labels.NewLabels(
    file="truth.csv",
    key_column="id",
    label_column="churned",
    path="labels/j/a.parquet",
    sha256="a" * 64,
    counts=LabelCounts(labels=5, unknown=1, doubled=2, replaced=3, shared=4),
)
OTHER = replace(NEW, sha256="b" * 64, path="labels/j/b.parquet")


def figures(value: float, rows: int = 5, coverage: float = 0.5) -> list[Figure]:
    return [
        Figure(metric="accuracy", value=value, rows=rows, coverage=coverage),
        Figure(metric="roc_auc", value=None, rows=rows, coverage=coverage, reason="all labels are of one class"),
        Figure(
            metric="confusion_matrix", value=None, rows=rows, coverage=coverage, detail={"labels": [], "counts": []}
        ),
    ]


def succeeded(desk: Desk, measured: list[Figure] | None = None, **changes: Any) -> Job:
    job = desk.running(1, **changes)
    desk.complete(job.id, 0)
    desk.arm(job.id)
    claim = desk.claim(finalize_of(job.id))
    desk.run(lambda tx: jobs.begin_finalizing(tx, claim, JobVerdict(), measured or []))
    return desk.run(lambda tx: jobs.settle(tx, claim))


def add(desk: Desk, job_id: JobId, new: labels.NewLabels = NEW) -> tuple[int, bool]:
    revision, added = desk.run(lambda tx: labels.add_revision(tx, job_id, new))
    return revision.revision, added


def store(desk: Desk, job_id: JobId, revision: int, value: float, coverage: float = 0.5) -> bool:
    found = figures(value, coverage=coverage)
    return desk.run(lambda tx: labels.store_figures(tx, job_id, revision, found, {0: found}))


def history(desk: Desk, job_id: JobId) -> list[tuple[int, str, float | None, str]]:
    rows = desk.ledger.look(lambda tx: reports.history(tx, job_id))
    return [(row["revision"], row["metric"], row["value"], row["status"]) for row in rows]


def current(desk: Desk, job_id: JobId) -> tuple[float | None, list[float | None]]:
    """(accuracy of the job, accuracies of its chunks)"""
    job = desk.ledger.look(lambda tx: reports.job_figures(tx, job_id))
    chunks = desk.ledger.look(lambda tx: reports.chunk_figures(tx, job_id))
    value = next((figure["value"] for figure in job if figure["metric"] == "accuracy"), None)
    return value, [figure["value"] for figure in chunks if figure["metric"] == "accuracy"]


def test_revisions_count_from_one(desk: Desk) -> None:
    """Each file of labels is kept as it was given."""
    job = succeeded(desk)
    assert [(1, True), (2, True)] == [add(desk, job.id), add(desk, job.id, OTHER)]
    found = desk.ledger.look(lambda tx: labels.revisions(tx, job.id))
    assert [(1, NEW, None), (2, OTHER, None)] == [(r.revision, r.labels, r.measured_at) for r in found]
    assert [1] == [r.revision for r in desk.ledger.look(lambda tx: labels.revisions(tx, job.id, up_to=1))]


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        (NEW, (1, False)),
        (replace(NEW, file="copy.csv"), (1, False)),
        (replace(NEW, label_column="left"), (2, True)),
        (replace(NEW, key_column="_row"), (2, True)),
        (OTHER, (2, True)),
    ],
    ids=["same", "other name", "other label", "other key", "other labels"],
)
def test_the_newest_labels_again_are_no_new_revision(
    desk: Desk, again: labels.NewLabels, expected: tuple[int, bool]
) -> None:
    """By content and columns; the name of the file does not matter."""
    job = succeeded(desk)
    add(desk, job.id)
    assert expected == add(desk, job.id, again)


def test_older_labels_again_are_a_new_revision(desk: Desk) -> None:
    """They win over what came between."""
    job = succeeded(desk)
    assert [1, 2, 3] == [add(desk, job.id, new)[0] for new in (NEW, OTHER, NEW)]


def test_a_batch_ripens(desk: Desk) -> None:
    """Revision 0 are the labels of the input; the figures of job and chunks follow the latest one."""
    job = succeeded(desk, figures(0.5))
    add(desk, job.id)
    assert store(desk, job.id, 1, 0.75)
    assert (0.75, [0.75]) == current(desk, job.id)
    add(desk, job.id, OTHER)
    assert store(desk, job.id, 2, 0.8, coverage=1.0)
    assert (0.8, [0.8]) == current(desk, job.id)
    numbers = [row for row in history(desk, job.id) if row[1] == "accuracy"]
    assert [
        (0, "accuracy", 0.5, "partial"),
        (1, "accuracy", 0.75, "partial"),
        (2, "accuracy", 0.8, "complete"),
    ] == numbers
    assert {"accuracy", "roc_auc"} == {row[1] for row in history(desk, job.id)}


def test_a_job_without_labels_has_no_history(desk: Desk) -> None:
    """Revision 0 is there only if a row had a label."""
    assert [] == history(desk, succeeded(desk).id)
    assert [] == history(desk, succeeded(desk, [replace(f, rows=0) for f in figures(0.5)]).id)


def test_the_later_revision_keeps_the_figures(desk: Desk) -> None:
    """Whoever measures last: both have their history, the job has the figures of the later revision."""
    job = succeeded(desk)
    add(desk, job.id)
    add(desk, job.id, OTHER)
    assert store(desk, job.id, 2, 0.8)
    assert not store(desk, job.id, 1, 0.75)
    assert (0.8, [0.8]) == current(desk, job.id)
    assert [1, 2] == sorted({row[0] for row in history(desk, job.id)})
    assert all(r.measured_at for r in desk.ledger.look(lambda tx: labels.revisions(tx, job.id)))


def test_measuring_twice_changes_nothing(desk: Desk) -> None:
    """Two calls may make good what a third left behind."""
    job = succeeded(desk)
    add(desk, job.id)
    store(desk, job.id, 1, 0.75)
    before = desk.ledger.look(lambda tx: labels.revisions(tx, job.id))
    store(desk, job.id, 1, 0.75)
    assert before == desk.ledger.look(lambda tx: labels.revisions(tx, job.id))
    assert 2 == len(history(desk, job.id))


def test_revisions_of_two_callers_differ(desk: Desk, other_desk: Desk) -> None:
    """The job's row gives them an order."""
    job = succeeded(desk)
    news = [replace(NEW, sha256=f"{number:064}") for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        given = pool.map(lambda pair: add(pair[1], job.id, pair[0]), zip(news, [desk, other_desk] * 4, strict=True))
        assert list(range(1, 9)) == sorted(revision for revision, _ in given)


def test_what_retention_took_cannot_be_labelled(desk: Desk) -> None:
    """Neither a new revision nor figures: the rows are gone."""
    job = succeeded(desk)
    add(desk, job.id)
    desk.run(lambda tx: tx.execute(update(job_rows).where(job_rows.c.job_id == job.id).values(purged_at=now_us())))
    with pytest.raises(InputMissing, match="gone"):
        add(desk, job.id, OTHER)
    with pytest.raises(InputMissing, match="gone"):
        store(desk, job.id, 1, 0.75)
    assert [] == history(desk, job.id)


def test_a_retry_forgets_the_figures_of_the_failed_round(desk: Desk) -> None:
    """They are measured anew, and so is their history."""
    job = desk.running(1)
    desk.complete(job.id, 0)
    desk.arm(job.id)
    claim = desk.claim(finalize_of(job.id))
    desk.run(lambda tx: jobs.begin_finalizing(tx, claim, FAILED, figures(0.5)))
    desk.run(lambda tx: jobs.settle(tx, claim))
    assert [] != history(desk, job.id)
    desk.run(lambda tx: jobs.retry(tx, job.id))
    assert (None, []) == current(desk, job.id)
    assert [] == history(desk, job.id)


def test_the_window_holds_the_batches_of_a_model(desk: Desk) -> None:
    """By slot, or by their end; of any version, succeeded, and not taken by retention."""
    now = datetime.now(UTC)
    other = desk.model(name="other", sha256="o" * 64)
    next_version = desk.model(sha256="b" * 64)
    ended = succeeded(desk)
    late = succeeded(desk, schedule="nightly", slot=now - timedelta(days=2), model_version_id=next_version)
    succeeded(desk, schedule="nightly", slot=now - timedelta(days=9))
    succeeded(desk, model_version_id=other)
    desk.running(1)
    gone = succeeded(desk)
    desk.run(lambda tx: tx.execute(update(job_rows).where(job_rows.c.job_id == gone.id).values(purged_at=now_us())))
    found = desk.ledger.look(lambda tx: labels.jobs_in_window(tx, "churn", now - timedelta(days=7)))
    assert [late.id, ended.id] == [job.id for job in found]
