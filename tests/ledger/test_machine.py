"""Any sequence of moves, by any number of workers over two connections, keeps the promises."""

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from scoring.core.errors import ErrorCode, LeaseLost, UsageError
from scoring.core.ids import StepId
from scoring.core.states import JOB_MOVES, JobState, StepKind
from scoring.ledger import jobs, parts, publish, steps
from scoring.ledger.database import Tx
from scoring.ledger.records import Claim, JobVerdict
from scoring.ledger.tables import metadata
from tests.ledger.desk import FAILED, GONE, LEASE, PERMANENT, RETRYABLE, Desk, after, chunk, part

CHUNKS = 2
WINDOW = 2
UNDECIDED = (JobState.ACCEPTED, JobState.RUNNING)


def _forget_all(tx: Tx) -> None:
    for table in reversed(metadata.sorted_tables):
        if table.name != "locks":
            tx.execute(table.delete())


class Moves(RuleBasedStateMachine):
    """One job, two chunks, and workers that do whatever they like with whatever claims they ever had."""

    claims: Bundle[Claim] = Bundle("claims")

    def __init__(self, desks: tuple[Desk, Desk]) -> None:
        super().__init__()
        self.desks = desks
        desks[0].run(_forget_all)
        self.states: list[JobState] = [JobState.ACCEPTED]
        self.attempts: dict[StepId, int] = {}
        self.winners: dict[int, int] = {}

    @property
    def desk(self) -> Desk:
        """Another connection for each transaction, as it was drawn."""
        return self.desks[next(self.turns)]

    @initialize(
        begun=st.sampled_from(["no", "half", "whole"]), turns=st.lists(st.integers(0, 1), min_size=20, max_size=20)
    )
    def submit(self, begun: str, turns: list[int]) -> None:
        self.turns: Iterator[int] = cycle(turns)
        self.job_id = self.desk.submit().id
        if begun != "no":
            self.desk.split_into(self.job_id, CHUNKS, end=begun == "whole")
            self.attempts[StepId(self.job_id, StepKind.SPLIT)] = 1

    def _due(self, place: int) -> StepId | None:
        """Any step that may be claimed now; the finalize step is armed on the way, as after every commit."""
        self.desk.run(lambda tx: steps.arm_finalize(tx, self.job_id))
        waiting = [
            step.id for step in self.desk.ledger.look(lambda tx: steps.open_steps(tx, self.job_id)) if step.due_at
        ]
        return waiting[place % len(waiting)] if waiting else None

    def _claim(self, place: int, lease: float) -> Claim | None:
        step = self._due(place)
        claim = step and self.desk.run(lambda tx: steps.claim(tx, step, "host:1", lease))
        if claim:
            assert claim.attempt > self.attempts.get(claim.step, 0)
            self.attempts[claim.step] = claim.attempt
        return claim

    def _try(self, work: Any) -> bool:
        try:
            self.desk.run(work)
        except LeaseLost:
            return False
        return True

    @rule(target=claims, place=st.integers(0, CHUNKS), lease=st.sampled_from([GONE, LEASE]))
    def claim(self, place: int, lease: float) -> Any:
        return self._claim(place, lease) or multiple()

    @rule(target=claims, place=st.integers(0, CHUNKS))
    def work_honestly(self, place: int) -> Any:
        """The claim stays in the bundle: somebody may come back with it."""
        claim = self._claim(place, LEASE)
        if claim is None:
            return multiple()
        self._work(claim)
        return claim

    @rule(claim=claims)
    def work(self, claim: Claim) -> None:
        self._work(claim)

    def _work(self, claim: Claim) -> None:
        """What a worker does that knows nothing of what has happened since it claimed."""
        if claim.step.kind is StepKind.SPLIT:
            position = self.desk.ledger.look(lambda tx: parts.last_position(tx, self.job_id))
            number = position.chunk if position else 0
            if number < CHUNKS:
                made = chunk(number)
                self._try(lambda tx: parts.insert_chunk(tx, claim, made, after(made)))
            else:
                self._try(lambda tx: steps.complete_split(tx, claim, CHUNKS * 10))
        elif claim.step.kind is StepKind.SCORE:
            if self._try(lambda tx: steps.complete_chunk(tx, claim, part(claim.step.chunk))):
                assert claim.step.chunk not in self.winners
                self.winners[claim.step.chunk] = claim.attempt
        else:
            complete = len(self.winners) == CHUNKS
            verdict = JobVerdict() if complete else FAILED
            if self._try(lambda tx: jobs.begin_finalizing(tx, claim, verdict)):
                self._try(lambda tx: jobs.settle(tx, claim))

    @rule(claim=claims)
    def begin_finalizing(self, claim: Claim) -> None:
        if claim.step.kind is StepKind.FINALIZE:
            verdict = JobVerdict() if len(self.winners) == CHUNKS else FAILED
            self._try(lambda tx: jobs.begin_finalizing(tx, claim, verdict))

    @rule(claim=claims)
    def settle(self, claim: Claim) -> None:
        """Nobody settles a job that has no verdict."""
        if claim.step.kind is StepKind.FINALIZE and self.desk.job(self.job_id).state not in UNDECIDED:
            self._try(lambda tx: jobs.settle(tx, claim))

    @rule(claim=claims, outcome=st.sampled_from([RETRYABLE, PERMANENT]))
    def fail(self, claim: Claim, outcome: Any) -> None:
        self._try(lambda tx: steps.fail(tx, claim, outcome, 0))

    @rule(claim=claims, park=st.booleans())
    def release(self, claim: Claim, park: bool) -> None:
        parked = park and claim.step.kind is StepKind.SPLIT
        self._try(lambda tx: steps.release(tx, claim, due_in_seconds=None if parked else 0))

    @rule(claim=claims)
    def extend(self, claim: Claim) -> None:
        self.desk.run(lambda tx: steps.extend(tx, claim, LEASE))

    @rule()
    def rescue(self) -> None:
        self.desk.run(steps.rescue_expired)

    @rule()
    def tick(self) -> None:
        self.desk.run(lambda tx: steps.unpark_split(tx, self.job_id, 0))
        self.desk.run(lambda tx: steps.arm_finalize(tx, self.job_id))
        self.desk.publish(window=WINDOW)

    @rule(lost=st.booleans())
    def ring_again(self, lost: bool) -> None:
        """What the broker has lost, or never got."""
        again = self.desk.run(lambda tx: publish.oldest_rung(tx, publish.Priority.NORMAL, WINDOW))
        if lost:
            self.desk.run(lambda tx: publish.unring(tx, again))

    @precondition(lambda self: self.attempts)
    @rule()
    def take_over(self) -> None:
        self.desk.run(lambda tx: steps.take_over(tx, self.job_id))

    @precondition(lambda self: len(self.attempts) > CHUNKS)
    @rule()
    def stop(self) -> None:
        self.desk.run(lambda tx: jobs.stop(tx, self.job_id, ErrorCode.INPUT_CHANGED, "it was replaced"))

    @precondition(lambda self: len(self.attempts) > CHUNKS)
    @rule()
    def cancel(self) -> None:
        self.desk.run(lambda tx: jobs.cancel(tx, self.job_id))

    @precondition(lambda self: self.states[-1].settled)
    @rule()
    def retry(self) -> None:
        failed = self.states[-1] is JobState.FAILED
        try:
            self.desk.run(lambda tx: jobs.retry(tx, self.job_id))
        except UsageError:
            assert not failed

    @invariant()
    def the_job_moves_along_the_arrows(self) -> None:
        state = self.desk.job(self.job_id).state
        if state is not self.states[-1]:
            # One rule may make two moves: running → finalizing → settled.
            reachable = JOB_MOVES[self.states[-1]] | {
                later for next_state in JOB_MOVES[self.states[-1]] for later in JOB_MOVES[next_state]
            }
            assert state in reachable
            self.states.append(state)

    @invariant()
    def every_chunk_has_one_winner_for_ever(self) -> None:
        committed = self.desk.ledger.look(lambda tx: parts.committed_parts(tx, self.job_id))
        assert self.winners == {found.chunk.chunk: found.attempt for found in committed}

    @invariant()
    def success_means_every_row(self) -> None:
        job = self.desk.job(self.job_id)
        if job.state is JobState.SUCCEEDED:
            assert set(range(CHUNKS)) == set(self.winners)
            assert (CHUNKS * 10, CHUNKS) == (job.rows_total, job.chunks_total)

    @invariant()
    def a_settled_job_has_no_live_work(self) -> None:
        state = self.desk.job(self.job_id).state
        live = {step.id.kind for step in self.desk.ledger.look(lambda tx: steps.open_steps(tx, self.job_id))}
        if state.settled:
            assert live <= {StepKind.FINALIZE}
        if state in (JobState.SUCCEEDED, JobState.FAILED):
            assert set() == live

    @invariant()
    def every_attempt_that_ended_has_one_row(self) -> None:
        missing = text(
            "SELECT count(*) FROM steps s WHERE s.attempt > 0"
            " AND s.attempt - CASE s.state WHEN 'running' THEN 1 ELSE 0 END <>"
            " (SELECT count(*) FROM attempts a WHERE a.job_id = s.job_id AND a.kind = s.kind AND a.chunk = s.chunk)"
        )
        assert 0 == self.desk.ledger.look(lambda tx: tx.scalar(missing))

    @invariant()
    def no_more_is_rung_than_the_window_holds(self) -> None:
        for priority in publish.Priority:
            assert self.desk.ledger.look(lambda tx, p=priority: publish.rung(tx, p)) <= WINDOW  # type: ignore[misc]


@pytest.mark.parametrize(
    ("examples", "moves"),
    [
        (10, 25),
        pytest.param(
            200,
            50,
            marks=[
                pytest.mark.exhaustive,
                pytest.mark.fault(
                    "F45",
                    "200 sequences of 50 moves of workers, zombies, schedulers and users, over two connections",
                    "one winner per chunk for ever, no way back, no live work in a settled job",
                ),
            ],
        ),
    ],
)
def test_no_sequence_of_moves_breaks_a_promise(desk: Desk, other_desk: Desk, examples: int, moves: int) -> None:
    """A model of the ledger beside the ledger: what it knows of the job holds after every move."""
    run_state_machine_as_test(
        lambda: Moves((desk, other_desk)),
        settings=settings(
            max_examples=examples, stateful_step_count=moves, suppress_health_check=list(HealthCheck), deadline=None
        ),
    )
