"""The words of a schedule: what may be asked of it, and what may become of a slot."""

from enum import StrEnum


class Overlap(StrEnum):
    """``--overlap``: what a due slot does while a job of the same schedule is live."""

    FORBID = "forbid"  # it is skipped
    QUEUE = "queue"  # it waits, oldest first
    ALLOW = "allow"  # it starts


class CatchUp(StrEnum):
    """``--catch-up``: which of the slots that passed unseen are still run."""

    NONE = "none"
    LATEST = "latest"
    ALL = "all"


class SlotState(StrEnum):
    """Where a slot stands. Nothing leaves SUBMITTED; `run` and `backfill` bring SKIPPED and REFUSED back to WAITING."""

    WAITING = "waiting"
    SUBMITTED = "submitted"  # it has its one job
    SKIPPED = "skipped"  # by a policy: it will have no job
    REFUSED = "refused"  # the job could not be submitted; error_code says why


SLOT_MOVES: dict[SlotState, frozenset[SlotState]] = {
    SlotState.WAITING: frozenset({SlotState.WAITING, SlotState.SUBMITTED, SlotState.SKIPPED, SlotState.REFUSED}),
    SlotState.SUBMITTED: frozenset(),
    SlotState.SKIPPED: frozenset({SlotState.WAITING}),
    SlotState.REFUSED: frozenset({SlotState.WAITING}),
}
"""From each state to those it may move to."""


class SlotReason(StrEnum):
    """Why a slot waits, or was skipped."""

    INPUT = "input"  # waits: its input is not there yet
    OVERLAP = "overlap"  # waits or skipped: a job of the schedule is live
    PARALLEL = "parallel"  # waits: its backfill has as many live jobs as it may
    CATCH_UP = "catch_up"  # skipped: it passed unseen
    DEADLINE = "deadline"  # skipped: it could not start in time
    PAUSED = "paused"  # waits: the schedule is paused; skipped: it passed meanwhile
    REMOVED = "removed"  # skipped: the schedule is gone
    STOPPED = "stopped"  # skipped: a person has stopped its backfill


class SlotOrigin(StrEnum):
    """Who asked for a slot."""

    CRON = "cron"
    BACKFILL = "backfill"
    MANUAL = "manual"  # `schedule run`


class ScheduleChange(StrEnum):
    """One line of a schedule's history."""

    ADDED = "added"
    EDITED = "edited"
    PAUSED = "paused"
    RESUMED = "resumed"
    REMOVED = "removed"
