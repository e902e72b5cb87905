"""Jobs are born once, found by any good name, and hold their output alone."""

import threading

import pytest

from scoring.core.errors import NotFound, OutputRefused, UsageError
from scoring.core.ids import JobId
from scoring.core.options import JobOptions
from scoring.core.states import JobState, Priority, StepState
from scoring.ledger import jobs
from scoring.ledger.database import Ledger
from scoring.ledger.records import JobVerdict
from tests.ledger.desk import FAILED, Desk, finalize_of, split_of


def test_a_new_job_reads_back_as_it_was_submitted(desk: Desk) -> None:
    """Inputs, options, binding, model and settings survive the ledger."""
    new = desk.new(options=JobOptions(key=("id",), priority=Priority.HIGH, tags=(("team", "risk"),)), rows_expected=7)
    job = desk.run(lambda tx: jobs.insert_job(tx, new))
    expected = (JobState.ACCEPTED, 1, new.inputs, new.options, new.binding, new.output, Priority.HIGH, 7)
    got = (job.state, job.round, job.inputs, job.options, job.binding, job.output, job.priority, job.rows_expected)
    assert expected == got
    assert ("churn", 1, "a" * 64) == (job.model.name, job.model.version, job.model.sha256)
    assert job.submitted_at.tzinfo is not None


def test_its_split_is_due_and_its_finalize_waits(desk: Desk) -> None:
    """Nothing else exists before a split has been claimed."""
    job = desk.submit()
    split, finalize = desk.step(split_of(job.id)), desk.step(finalize_of(job.id))
    assert (StepState.PENDING, True) == (split.state, split.due_at is not None)
    assert (StepState.PENDING, None) == (finalize.state, finalize.due_at)


def test_one_key_makes_one_job(desk: Desk) -> None:
    """The same definition under the same key gives the first job back, even where that holds the output."""
    first = desk.submit(idempotency_key="night", output="/results/night")
    again = desk.submit(idempotency_key="night", output="/results/night")
    assert first.id == again.id


def test_one_key_refuses_another_definition(desk: Desk) -> None:
    """Both definitions are named."""
    first = desk.submit(idempotency_key="night")
    with pytest.raises(UsageError, match=f"{first.id}.*dddd.*ffff"):
        desk.submit(idempotency_key="night", definition_sha256="f" * 64)


def test_twenty_submits_at_once_with_one_key_make_one_job(desk: Desk) -> None:
    """Whoever loses gets the winner's id."""
    news = [desk.new(idempotency_key="night", output="/results/night") for _ in range(20)]
    got: list[JobId] = []
    start = threading.Barrier(len(news))

    def submit(place: int) -> None:
        start.wait()
        got.append(desk.run(lambda tx: jobs.insert_job(tx, news[place])).id)

    threads = [threading.Thread(target=submit, args=(place,)) for place in range(len(news))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (20, 1) == (len(got), len(set(got)))


def test_an_output_has_one_live_job(desk: Desk) -> None:
    """The second is refused by the first's id, until that one has settled."""
    first = desk.submit(output="/results/x")
    with pytest.raises(OutputRefused, match=first.id):
        desk.submit(output="/results/x")
    desk.split_into(first.id, 0)
    desk.finish(first.id)
    assert JobState.ACCEPTED is desk.submit(output="/results/x").state


def test_a_cancelled_job_holds_its_output_until_its_files_lie_still(desk: Desk) -> None:
    """Its finalize step may still promote parts."""
    job = desk.submit(output="/results/x")
    desk.run(lambda tx: jobs.cancel(tx, job.id))
    with pytest.raises(OutputRefused):
        desk.submit(output="/results/x")
    desk.finish(job.id)
    desk.submit(output="/results/x")


def test_a_job_is_found_by_id_prefix_and_last(desk: Desk) -> None:
    """`last` is the one submitted last, whatever its state."""
    first = desk.submit(id=JobId("abcd000000000001"), output="/1")
    second = desk.submit(id=JobId("abcd000000000002"), output="/2")
    find = lambda ref: desk.ledger.look(lambda tx: jobs.find_job(tx, ref)).id  # noqa: E731 - four calls below
    assert (first.id, first.id) == (find(first.id), find("abcd000000000001"))
    assert second.id == find("last")
    with pytest.raises(UsageError, match="abcd000000000001, abcd000000000002"):
        find("abcd")


@pytest.mark.parametrize("ref", ["last", "abc", "ffff", "%%%%", "____", "f" * 16])
def test_a_job_that_is_not_there_is_not_found(desk: Desk, ref: str) -> None:
    """Short prefixes, wildcards and an empty ledger are no exceptions."""
    if ref != "last":
        desk.submit(id=JobId("0000000000000001"))
    with pytest.raises(NotFound):
        desk.ledger.look(lambda tx: jobs.find_job(tx, ref))


def test_the_first_measured_micro_batch_counts_for_all_jobs_of_the_model(desk: Desk) -> None:
    """Results must not depend on which worker measured."""
    one, two = desk.submit(), desk.submit()
    pin = lambda job, rows: desk.run(lambda tx: jobs.pin_micro_batch(tx, job.id, rows))  # noqa: E731
    assert (512, 512, 512) == (pin(one, 512), pin(one, 1024), pin(two, 2048))
    assert 512 == desk.submit().micro_batch_rows


def test_adopted_steps_follow_their_job(desk: Desk) -> None:
    """Who resumes a job on another host rings its steps; the fleet leaves them alone."""
    job = desk.submit(runner="here:old")
    assert "here:box" == desk.run(lambda tx: jobs.adopt(tx, job.id, "here:box")).runner
    assert ([], [job.id]) == (
        desk.ledger.look(lambda tx: jobs.running(tx)),
        desk.ledger.look(lambda tx: jobs.running(tx, scope=job.id)),
    )
    assert [] == desk.publish()
    assert [split_of(job.id)] == desk.publish(scope=job.id)


def test_a_submitted_job_stays_one_whoever_works_on_it(desk: Desk) -> None:
    """Should that one die, the next worker finds it, up to its last step; a job of `scoring run` waits for resume."""
    one, two, _ = desk.running(0), desk.running(1), desk.submit(runner="here:box")
    unfinished = lambda: desk.ledger.look(jobs.unfinished)  # noqa: E731
    assert "fleet" == desk.run(lambda tx: jobs.adopt(tx, one.id, "here:box")).runner
    desk.run(lambda tx: jobs.cancel(tx, two.id))
    desk.arm(one.id)
    claim = desk.claim(finalize_of(one.id))
    assert JobState.FINALIZING is desk.run(lambda tx: jobs.begin_finalizing(tx, claim, JobVerdict())).state
    assert [one.id, two.id] == unfinished()
    desk.run(lambda tx: jobs.settle(tx, claim))
    last = desk.claim(finalize_of(two.id))
    desk.run(lambda tx: jobs.settle(tx, last))
    assert [] == unfinished()


def test_a_retry_takes_the_output_back_or_says_who_has_it(desk: Desk) -> None:
    """Another job may have used the folder since."""
    job = desk.running(0, output="/results/x")
    desk.finish(job.id, FAILED)
    other = desk.submit(output="/results/x")
    with pytest.raises(OutputRefused, match=other.id):
        desk.run(lambda tx: jobs.retry(tx, job.id))


def test_two_ledgers_of_one_home_see_one_truth(ledger: Ledger, ledger_url: str, desk: Desk) -> None:
    """What one process commits the other reads."""
    job = desk.submit()
    other = Ledger.open(ledger_url)
    try:
        assert job == other.look(lambda tx: jobs.job(tx, job.id))
    finally:
        other.close()
