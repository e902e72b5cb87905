"""Steps come back from dead workers, and from no others."""

from scoring.core.errors import ErrorCode
from scoring.core.states import JobState, Priority, StepState
from scoring.ledger import publish, reports, steps
from tests.ledger.desk import GONE, Desk, finalize_of, score_of, split_of


def test_an_expired_lease_is_a_lost_worker(desk: Desk) -> None:
    """RUNNING → RETRYING, due at once, with a row that says who was lost."""
    job = desk.running(1)
    desk.claim(score_of(job.id, 0), lease=GONE, worker="host:9")
    assert [score_of(job.id, 0)] == desk.run(lambda tx: steps.rescue_expired(tx))
    step = desk.step(score_of(job.id, 0))
    assert (StepState.RETRYING, 1, ErrorCode.WORKER_LOST) == (step.state, step.failures, step.error_code)
    (row,) = desk.ledger.look(lambda tx: reports.failed_attempts(tx, job.id))
    assert (0, 1, "host:9", "worker_lost") == (row["chunk"], row["attempt"], row["worker"], row["error_code"])
    assert 2 == desk.claim(score_of(job.id, 0)).attempt


def test_one_dead_worker_is_found_among_many_that_live(desk: Desk) -> None:
    """A page full of long leases hides nobody."""
    job = desk.running(30)
    for number in range(29):
        desk.claim(score_of(job.id, number))
    desk.claim(score_of(job.id, 29), lease=GONE)
    assert [score_of(job.id, 29)] == desk.run(lambda tx: steps.rescue_expired(tx, limit=1))


def test_a_chunk_that_kills_its_workers_fails_in_the_end(desk: Desk) -> None:
    """A lost worker counts against the budget."""
    job = desk.running(1)
    for _ in range(3):
        desk.claim(score_of(job.id, 0), lease=GONE)
        desk.run(lambda tx: steps.rescue_expired(tx))
    assert StepState.FAILED is desk.step(score_of(job.id, 0)).state
    assert desk.arm(job.id)


def test_lost_splits_and_finalizers_have_the_consequences_of_failed_ones(desk: Desk) -> None:
    """The split's third loss stops the job, the finalizer's third loss fails it."""
    job = desk.submit()
    for _ in range(3):
        desk.claim(split_of(job.id), lease=GONE)
        desk.run(lambda tx: steps.rescue_expired(tx))
    assert (JobState.RUNNING, ErrorCode.WORKER_LOST) == (desk.job(job.id).state, desk.job(job.id).error_code)
    assert desk.arm(job.id)
    for _ in range(3):
        desk.claim(finalize_of(job.id), lease=GONE)
        desk.run(lambda tx: steps.rescue_expired(tx))
    assert JobState.FAILED is desk.job(job.id).state


def test_each_process_rescues_its_own(desk: Desk) -> None:
    """The fleet's scheduler leaves jobs alone that are run here, and the other way round."""
    here, fleet = desk.running(1, runner="here:box"), desk.running(1)
    for job in (here, fleet):
        desk.claim(score_of(job.id, 0), lease=GONE)
    assert [score_of(fleet.id, 0)] == desk.run(lambda tx: steps.rescue_expired(tx))
    assert [score_of(here.id, 0)] == desk.run(lambda tx: steps.rescue_expired(tx, scope=here.id))


def test_a_take_over_waits_for_no_lease(desk: Desk) -> None:
    """The owner is known to be dead; what it had rung went with its memory."""
    job = desk.running(3)
    desk.publish(window=2)
    desk.claim(score_of(job.id, 0))
    assert [score_of(job.id, 0)] == desk.run(lambda tx: steps.take_over(tx, job.id))
    assert 0 == desk.ledger.look(lambda tx: publish.rung(tx, Priority.NORMAL))
    assert [score_of(job.id, number) for number in range(3)] == desk.publish()


def test_a_death_is_charged_to_a_step_that_was_in_hand_alone(desk: Desk) -> None:
    """Of several nobody knows which of them it was: neither the neighbours pay for it nor the split."""
    job = desk.submit()
    desk.split_into(job.id, 2, end=False)
    chunks = [score_of(job.id, 0), score_of(job.id, 1)]
    for step in chunks:
        desk.claim(step)
    assert [*chunks, split_of(job.id)] == desk.run(lambda tx: steps.take_over(tx, job.id))
    desk.claim(chunks[1])
    assert [chunks[1]] == desk.run(lambda tx: steps.take_over(tx, job.id))
    assert [0, 0, 1] == [desk.step(step).failures for step in (split_of(job.id), *chunks)]


def test_the_servers_life_has_one_name(desk: Desk) -> None:
    """As long as it does not restart."""
    assert desk.ledger.look(steps.server_start) == desk.ledger.look(steps.server_start)


def test_a_person_goes_on_with_what_was_killed_as_often_as_they_like(desk: Desk) -> None:
    """Each death has its row, and none of theirs is charged, though one more failure would be the last."""
    job = desk.submit()
    for charged in (True, True, False, False, False):
        desk.claim(split_of(job.id))
        assert [split_of(job.id)] == desk.run(lambda tx: steps.take_over(tx, job.id, charged=charged))  # noqa: B023  # now
    step = desk.step(split_of(job.id))
    assert (StepState.RETRYING, 2, ErrorCode.WORKER_LOST) == (step.state, step.failures, step.error_code)
    lost = desk.ledger.look(lambda tx: reports.failed_attempts(tx, job.id))
    assert ["worker_lost"] * 5 == [row["error_code"] for row in lost]
