"""States of jobs and steps, and the moves between them.

``docs/state_machine.md`` has one line for each arrow: who makes the move, on what, in which function.
"""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands. Settled states are final, but that ``retry`` alone moves FAILED to RUNNING."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    FINALIZING = "finalizing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def settled(self) -> bool:
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class StepState(StrEnum):
    """Where a step stands; for a step of kind SCORE this is the state of its chunk."""

    PENDING = "pending"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def live(self) -> bool:
        return self in (StepState.PENDING, StepState.RUNNING, StepState.RETRYING)


class StepKind(StrEnum):
    """The three kinds of work that a worker claims. Only SCORE has a chunk."""

    SPLIT = "split"
    SCORE = "score"
    FINALIZE = "finalize"


class Priority(StrEnum):
    """One queue each; a worker empties the higher one first."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Gate(StrEnum):
    """Verdict over ``--require``; NULL in the ledger where no gate was asked for."""

    PASSED = "passed"
    MISSED = "missed"


JOB_MOVES: dict[JobState, frozenset[JobState]] = {
    JobState.ACCEPTED: frozenset({JobState.RUNNING, JobState.FAILED, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.FINALIZING, JobState.FAILED, JobState.CANCELLED}),
    JobState.FINALIZING: frozenset({JobState.SUCCEEDED, JobState.FAILED}),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset({JobState.RUNNING}),
    JobState.CANCELLED: frozenset(),
}

STEP_MOVES: dict[StepState, frozenset[StepState]] = {
    StepState.PENDING: frozenset({StepState.RUNNING, StepState.CANCELLED}),
    StepState.RUNNING: frozenset(
        {StepState.SUCCEEDED, StepState.RETRYING, StepState.PENDING, StepState.FAILED, StepState.CANCELLED}
    ),
    StepState.RETRYING: frozenset({StepState.RUNNING, StepState.CANCELLED}),
    StepState.SUCCEEDED: frozenset({StepState.PENDING}),  # finalize alone, by retry: a new round has a new verdict
    StepState.FAILED: frozenset({StepState.PENDING}),  # by retry
    StepState.CANCELLED: frozenset({StepState.PENDING}),  # by retry of a job that was stopped early
}
