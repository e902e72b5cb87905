"""What is rung, for whom, and how much of it."""

import pytest

from scoring.core.options import JobOptions
from scoring.core.states import Priority
from scoring.ledger import jobs, publish, steps
from tests.ledger.desk import RETRYABLE, Desk, finalize_of, score_of, split_of


def _rung(desk: Desk) -> int:
    return desk.ledger.look(lambda tx: publish.rung(tx, Priority.NORMAL))


def test_a_due_step_is_rung_once(desk: Desk) -> None:
    """The mark stays until it is claimed."""
    job = desk.submit()
    assert ([split_of(job.id)], []) == (desk.publish(), desk.publish())
    assert 1 == _rung(desk)
    desk.claim(split_of(job.id))
    assert 0 == _rung(desk)


def test_the_window_is_never_overfilled(desk: Desk) -> None:
    """Ten thousand chunks do not fill the broker."""
    job = desk.running(5)
    assert [score_of(job.id, number) for number in range(3)] == desk.publish(window=3)
    assert [] == desk.publish(window=3)
    desk.complete(job.id, 1)
    assert [score_of(job.id, 3)] == desk.publish(window=3)


def test_jobs_take_turns(desk: Desk) -> None:
    """A large job that came first does not starve a small one; the chunks of each go in order."""
    large, small = desk.running(9), desk.running(2)
    first = desk.publish(window=4)
    assert [score_of(large.id, 0), score_of(small.id, 0), score_of(large.id, 1), score_of(small.id, 1)] == first
    assert [score_of(large.id, 2)] == desk.publish(window=5)


def test_whoever_has_least_in_hand_comes_first(desk: Desk) -> None:
    """Running steps count as much as rung ones."""
    large = desk.running(9)
    desk.publish(window=4)
    for number in range(4):
        desk.claim(score_of(large.id, number))
    late = desk.running(3)
    assert {late.id} == {step.job_id for step in desk.publish(window=3)}


def test_what_is_not_due_is_not_rung(desk: Desk) -> None:
    """Backing off, parked, unarmed: none of them."""
    job = desk.running(1)
    claim = desk.claim(score_of(job.id, 0))
    desk.run(lambda tx: steps.fail(tx, claim, RETRYABLE, 60))
    parked = desk.submit()
    split = desk.claim(split_of(parked.id))
    desk.run(lambda tx: steps.release(tx, split, due_in_seconds=None))
    assert [] == desk.publish()


def test_an_unsent_message_is_taken_back(desk: Desk) -> None:
    """The next publisher rings the step; a claimed one is left alone."""
    job = desk.running(2)
    marked = desk.publish()
    desk.claim(score_of(job.id, 0))
    desk.run(lambda tx: publish.unring(tx, marked))
    assert [score_of(job.id, 1)] == desk.publish()


def test_queues_and_runners_are_apart(desk: Desk) -> None:
    """A fleet never hears of a job that is run here, nor one queue of another's."""
    here = desk.submit(runner="here:box")
    high = desk.submit(options=JobOptions(priority=Priority.HIGH))
    assert [] == desk.publish()
    assert [split_of(here.id)] == desk.publish(scope=here.id)
    rung_high = desk.run(lambda tx: publish.publish_due(tx, scope=None, priority=Priority.HIGH, window=9))
    assert [split_of(high.id)] == rung_high
    assert (0, 1) == (_rung(desk), desk.ledger.look(lambda tx: publish.rung(tx, Priority.NORMAL, scope=here.id)))


def test_a_failed_job_still_rings_its_finalize(desk: Desk) -> None:
    """A cancelled one too: its finished parts are published."""
    job = desk.submit()
    desk.publish()
    desk.run(lambda tx: jobs.cancel(tx, job.id))
    assert [finalize_of(job.id)] == desk.publish()


def test_what_the_broker_lost_is_rung_again_oldest_first(desk: Desk) -> None:
    """And then it is the youngest."""
    job = desk.running(3)
    for window in (1, 2, 3):
        desk.publish(window=window)
    lost = lambda count: desk.run(lambda tx: publish.oldest_rung(tx, Priority.NORMAL, count))  # noqa: E731
    assert [[score_of(job.id, 0)], [score_of(job.id, 1)], [score_of(job.id, 2)]] == [lost(1), lost(1), lost(1)]


@pytest.mark.parametrize(("lease", "expected"), [(0.0, 1), (60.0, 0)])
def test_a_queue_of_unknown_depth_is_rung_with_patience(desk: Desk, lease: float, expected: int) -> None:
    """One lease after the first ring, and longer after each further one."""
    desk.submit()
    desk.publish()
    assert expected == len(desk.run(lambda tx: publish.overdue_rung(tx, Priority.NORMAL, lease)))


def test_nobody_waits_for_a_publisher_that_is_stopped(postgres_desk: Desk) -> None:
    """What it has in hand is left to it; the other queues go on."""
    high = postgres_desk.submit(options=JobOptions(priority=Priority.HIGH))
    job = postgres_desk.submit()
    with postgres_desk.ledger.write() as tx:
        assert [split_of(job.id)] == publish.publish_due(tx, scope=None, priority=Priority.NORMAL, window=9)
        assert [] == postgres_desk.publish()
        rung = postgres_desk.run(lambda tx: publish.publish_due(tx, scope=None, priority=Priority.HIGH, window=9))
        assert [split_of(high.id)] == rung
