"""One attempt at one step: claim it, do it, and turn whatever came of it into one move of the ledger."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from scoring.core.chunks import LOW_BYTES
from scoring.core.errors import ErrorCode, LeaseLost, LedgerAway
from scoring.core.ids import StepId
from scoring.core.outcome import Outcome, Verdict, judge
from scoring.core.retry import backoff_seconds
from scoring.core.states import StepKind
from scoring.failpoints import reach
from scoring.ledger import jobs, steps
from scoring.ledger.database import Tx
from scoring.ledger.records import Claim
from scoring.pipeline.context import Context
from scoring.pipeline.finalize import finalize
from scoring.pipeline.lease import HandedBack, Lease
from scoring.pipeline.publish import publish_due
from scoring.pipeline.score import score
from scoring.pipeline.split import split
from scoring.telemetry import announce

ACTIONS: dict[StepKind, Callable[[Context, Claim, Lease], None]] = {
    StepKind.SPLIT: split,
    StepKind.SCORE: score,
    StepKind.FINALIZE: finalize,
}

OUTAGE_PAUSE_SECONDS = 1.0
"""Pause between two tries to claim a step, or to tell the ledger what came of it."""

BLIND_PAUSE_SECONDS = 30.0
"""Pause before a step is offered again for which this host lacks the input or the prepare function."""

BLIND = (ErrorCode.INPUT_NOT_VISIBLE, ErrorCode.PREPARE_NOT_HERE)


@dataclass(frozen=True, kw_only=True)
class _Claimed:
    claim: Claim
    # When the ledger was asked for it, on the monotonic clock.
    asked: float


def work(context: Context, step: StepId, stop: Event) -> Outcome | None:
    """Make one attempt at `step`. None where there was nothing to claim: a doubled, late or needless message.

    `stop` is the process's own: once set, the step is handed back at the next chance.
    """
    claimed = _claim_patiently(context, step, stop)
    if claimed is None:
        announce("step.not_claimed", step=str(step))
        return None
    claim = claimed.claim
    reach("claim.committed", step.chunk)
    announce("step.claimed", step=str(step), attempt=claim.attempt)
    outcome = _attempt(context, claimed, stop)
    announce(f"step.{outcome.verdict}", step=str(step), attempt=claim.attempt, code=outcome.code, error=outcome.error)
    _record(context, claim, outcome, stop)
    _move_on(context, claim)
    return outcome


def _claim_patiently(context: Context, step: StepId, stop: Event) -> _Claimed | None:
    """As `_claim`. While the ledger is away the step stays in hand: given up, its message would be lost for nothing."""
    while True:
        try:
            return _claim(context, step)
        except LedgerAway as error:
            announce("ledger.away", error=str(error))
            if stop.wait(OUTAGE_PAUSE_SECONDS):
                raise


def _claim(context: Context, step: StepId) -> _Claimed | None:
    made: list[_Claimed] = []

    def claim(tx: Tx) -> _Claimed | None:
        asked, fleet = time.monotonic(), context.only_job is None
        found = steps.claim(tx, step, context.worker, context.settings.lease_seconds, fleet=fleet)
        reach("claim.commit", step.chunk)
        if found is None:
            return None
        made.append(_Claimed(claim=found, asked=asked))
        return made[-1]

    def stands(tx: Tx) -> _Claimed | None:
        return next((claimed for claimed in made if steps.was_claimed(tx, claimed.claim)), None)

    return context.ledger.run_once(claim, stands)


def _attempt(context: Context, claimed: _Claimed, stop: Event) -> Outcome:
    claim = claimed.claim
    lease = Lease(context, claim, stop, asked=claimed.asked)
    try:
        with lease:
            ACTIONS[claim.step.kind](context, claim, lease)
    except HandedBack as error:
        return Outcome(verdict=Verdict.RELEASED, error=str(error))
    except Exception as error:  # noqa: BLE001  # every error of every layer becomes a row: none may end the worker
        return judge(error)
    return Outcome(verdict=Verdict.COMPLETED)


def _record(context: Context, claim: Claim, outcome: Outcome, stop: Event) -> None:
    """Have the ledger make the move. After an outage this comes first, so that no lost lease is counted for it."""
    if outcome.verdict in (Verdict.COMPLETED, Verdict.LEASE_LOST):
        return
    while True:
        try:
            context.ledger.run(lambda tx: _move(tx, context, claim, outcome))
            return
        except LeaseLost as error:
            announce("step.lease_lost", step=str(claim.step), attempt=claim.attempt, code=error.code, error=str(error))
            return
        except LedgerAway as error:
            announce("ledger.away", error=str(error))
            if stop.wait(OUTAGE_PAUSE_SECONDS):
                raise


def _move(tx: Tx, context: Context, claim: Claim, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.RELEASED:
        pause = BLIND_PAUSE_SECONDS if outcome.code in BLIND else 0.0
        steps.release(tx, claim, due_in_seconds=pause, code=outcome.code)
        return
    steps.fail(tx, claim, outcome, backoff_seconds(claim.failures + 1, context.settings.lease_seconds))
    if outcome.stops_job and outcome.code is not None:
        jobs.stop(tx, claim.step.job_id, outcome.code, outcome.error)


def _move_on(context: Context, claim: Claim) -> None:
    """What the end of this step may have made due: seen in a new transaction, for two last chunks may end together."""
    if claim.step.kind is StepKind.FINALIZE:
        return
    try:
        context.ledger.run(lambda tx: _wake(tx, claim))
        publish_due(context)
    except LedgerAway as error:
        announce("ledger.away", error=str(error))  # the scheduler sees the same rows at its next turn


def _wake(tx: Tx, claim: Claim) -> None:
    steps.unpark_split(tx, claim.step.job_id, LOW_BYTES)
    steps.arm_finalize(tx, claim.step.job_id)
