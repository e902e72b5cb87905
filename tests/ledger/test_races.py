"""Two connections at once: what one of them has not committed yet decides what the other may do."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import pytest
from sqlalchemy import text

from scoring.core.errors import LeaseLost
from scoring.core.ids import StepId
from scoring.core.states import JobState, Priority, StepState
from scoring.ledger import jobs, parts, publish, steps
from scoring.ledger.database import Tx
from scoring.ledger.records import CancelResult, Claim
from tests.ledger.desk import GONE, LEASE, Desk, after, chunk, finalize_of, part, score_of, split_of

T = TypeVar("T")

WAIT = 20.0


class Rival:
    """A transaction of another process that has done its work and has not committed yet."""

    def __init__(self, desk: Desk, work: Callable[[Tx], T]) -> None:
        self._done, self._go = threading.Event(), threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self._future: Future[T] = self._pool.submit(self._run, desk, work)
        assert self._done.wait(WAIT)

    def commit(self) -> None:
        self._go.set()
        self._future.result(WAIT)
        self._pool.shutdown()

    def _run(self, desk: Desk, work: Callable[[Tx], T]) -> T:
        with desk.ledger.write() as tx:
            try:
                return work(tx)
            finally:
                self._done.set()
                assert self._go.wait(WAIT)


def against(rival: Rival, desk: Desk, work: Callable[[Tx], T]) -> T:
    """Begin `work`, let the rival commit once it stands in the way, return what came of it."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(desk.run, work)
        # SQLite lets no second writer begin. On Postgres `work` ends, or waits for a lock of the rival.
        if desk.ledger.dialect == "postgresql":
            deadline = time.monotonic() + WAIT
            while not future.done() and not _somebody_waits(desk) and time.monotonic() < deadline:
                pass
        rival.commit()
        return future.result(WAIT)


def _somebody_waits(desk: Desk) -> bool:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return bool(desk.ledger.look(lambda tx: tx.scalar(waiting)))


@pytest.mark.parametrize("claimants", [8])
def test_one_claim_wins(desk: Desk, other_desk: Desk, claimants: int) -> None:
    """Fifty copies of a message make one attempt."""
    job = desk.running(1)
    start = threading.Barrier(claimants)

    def claim(place: int) -> Claim | None:
        start.wait()
        return (desk, other_desk)[place % 2].run(
            lambda tx: steps.claim(tx, score_of(job.id, 0), f"host:{place}", LEASE)
        )

    with ThreadPoolExecutor(claimants) as pool:
        won = [found for found in pool.map(claim, range(claimants)) if found is not None]
    assert [1] == [found.attempt for found in won]
    assert won[0].worker == desk.step(score_of(job.id, 0)).worker


def test_a_cancel_leaves_no_live_chunk_behind(desk: Desk, other_desk: Desk) -> None:
    """An insert that met the cancel's lock sees its result."""
    job = desk.submit()
    claim = desk.claim(split_of(job.id))
    rival = Rival(other_desk, lambda tx: jobs.cancel(tx, job.id))
    with pytest.raises(LeaseLost):
        against(rival, desk, lambda tx: parts.insert_chunk(tx, claim, chunk(0), after(chunk(0))))
    assert [finalize_of(job.id)] == [step.id for step in desk.ledger.look(lambda tx: steps.open_steps(tx, job.id))]


def test_a_chunk_that_came_first_is_cancelled_too(desk: Desk, other_desk: Desk) -> None:
    """A cancel that met the insert's lock sees the chunk."""
    job = desk.submit()
    claim = desk.claim(split_of(job.id))
    rival = Rival(other_desk, lambda tx: parts.insert_chunk(tx, claim, chunk(0), after(chunk(0))))
    assert CancelResult.CANCELLED is against(rival, desk, lambda tx: jobs.cancel(tx, job.id))
    assert StepState.CANCELLED is desk.step(score_of(job.id, 0)).state


def test_a_commit_and_a_cancel_have_one_winner(desk: Desk, other_desk: Desk) -> None:
    """A part that was committed first stays."""
    job = desk.running(1)
    claim = desk.claim(score_of(job.id, 0))
    rival = Rival(other_desk, lambda tx: steps.complete_chunk(tx, claim, part(0)))
    against(rival, desk, lambda tx: jobs.cancel(tx, job.id))
    assert (JobState.CANCELLED, StepState.SUCCEEDED) == (desk.job(job.id).state, desk.step(claim.step).state)
    assert 1 == len(desk.ledger.look(lambda tx: parts.committed_parts(tx, job.id)))


def test_a_rescue_and_a_late_commit_have_one_winner(desk: Desk, other_desk: Desk) -> None:
    """Whoever commits first has the step; the other one finds nothing."""
    job = desk.running(1)
    claim = desk.claim(score_of(job.id, 0), lease=GONE)
    rival = Rival(other_desk, lambda tx: steps.complete_chunk(tx, claim, part(0)))
    assert [] == against(rival, desk, lambda tx: steps.rescue_expired(tx))
    assert StepState.SUCCEEDED is desk.step(claim.step).state


@pytest.mark.fault("F45", "two rescuers find the same expired leases", "each is rescued once")
def test_two_rescuers_rescue_once(desk: Desk, other_desk: Desk) -> None:
    """One failure is counted, not two."""
    job = desk.running(2)
    for number in range(2):
        desk.claim(score_of(job.id, number), lease=GONE)
    rival = Rival(other_desk, lambda tx: steps.rescue_expired(tx))
    assert [] == against(rival, desk, lambda tx: steps.rescue_expired(tx))
    assert [1, 1] == [desk.step(score_of(job.id, number)).failures for number in range(2)]


def test_a_rescuer_waits_for_nobody(postgres_desk: Desk) -> None:
    """Steps in another scheduler's hands are skipped."""
    desk = postgres_desk
    job = desk.running(2)
    for number in range(2):
        desk.claim(score_of(job.id, number), lease=GONE)
    rival = Rival(desk, lambda tx: steps.rescue_expired(tx, limit=1))
    (rescued,) = desk.run(steps.rescue_expired)
    rival.commit()
    assert [1, 1] == [desk.step(score_of(job.id, number)).failures for number in range(2)]
    assert rescued in [score_of(job.id, number) for number in range(2)]


def test_a_lease_that_was_extended_in_time_is_kept(desk: Desk, other_desk: Desk) -> None:
    """The rescuer looks again once it holds the row."""
    job = desk.submit()
    claim = desk.claim(split_of(job.id), lease=GONE)
    rival = Rival(other_desk, lambda tx: steps.extend(tx, claim, LEASE))
    assert [] == against(rival, desk, steps.rescue_expired)
    assert StepState.RUNNING is desk.step(claim.step).state


def test_two_publishers_share_one_window(desk: Desk, other_desk: Desk) -> None:
    """No step is rung twice, and no more than the window are rung at all."""
    desk.running(9)
    publisher = partial(publish.publish_due, scope=None, priority=Priority.NORMAL, window=4)
    rival = Rival(other_desk, publisher)
    assert [] == against(rival, desk, publisher)
    assert 4 == desk.ledger.look(lambda tx: publish.rung(tx, Priority.NORMAL))


def test_two_last_chunks_that_commit_together_arm_one_finalize(postgres_desk: Desk) -> None:
    """In one transaction each sees the other still running; in a new one somebody sees both."""
    desk = postgres_desk
    job = desk.running(2)
    claims = [desk.claim(score_of(job.id, number)) for number in range(2)]

    def complete_and_look(claim: Claim) -> Callable[[Tx], bool]:
        def work(tx: Tx) -> bool:
            steps.complete_chunk(tx, claim, part(claim.step.chunk))
            return steps.arm_finalize(tx, job.id)

        return work

    rival = Rival(desk, complete_and_look(claims[0]))
    assert not desk.run(complete_and_look(claims[1]))
    rival.commit()
    assert [True, False] == [desk.arm(job.id), desk.arm(job.id)]


def test_a_commit_does_not_wait_for_other_chunks_of_its_job(postgres_desk: Desk) -> None:
    """No counter on the job's row: commits of one job pass each other."""
    desk = postgres_desk
    job = desk.running(2)
    claims = [desk.claim(score_of(job.id, number)) for number in range(2)]
    rival = Rival(desk, lambda tx: steps.complete_chunk(tx, claims[0], part(0)))
    desk.run(lambda tx: steps.complete_chunk(tx, claims[1], part(1)))
    rival.commit()
    assert 2 == len(desk.ledger.look(lambda tx: parts.committed_parts(tx, job.id)))


@pytest.mark.fault("F45", "four cancels against four rescuers, over two connections", "all end; deadlocks are undone")
def test_a_storm_of_cancels_and_rescues_ends(desk: Desk, other_desk: Desk) -> None:
    """Deadlocks are undone and done again; every job is settled in the end."""
    all_jobs = [desk.running(3) for _ in range(4)]
    for job in all_jobs:
        for number in range(3):
            desk.claim(score_of(job.id, number), lease=GONE)
    work: list[Callable[[], object]] = []
    for place, job in enumerate(all_jobs):
        who = (desk, other_desk)[place % 2]
        work.append(lambda who=who, job=job: who.run(lambda tx: jobs.cancel(tx, job.id)))  # type: ignore[misc]
        work.append(lambda who=who: who.run(lambda tx: steps.rescue_expired(tx)))  # type: ignore[misc]
    with ThreadPoolExecutor(len(work)) as pool:
        for future in [pool.submit(verb) for verb in work]:
            future.result(WAIT)
    live = [desk.ledger.look(lambda tx, job=job: steps.open_steps(tx, job.id)) for job in all_jobs]  # type: ignore[misc]
    assert [[StepId(job.id, finalize_of(job.id).kind)] for job in all_jobs] == [[s.id for s in found] for found in live]
