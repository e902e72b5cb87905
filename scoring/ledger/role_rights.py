"""What each kind of role may do with the ledger's tables, and no more. Whoever may write may read all of them.

To lock rows takes the right to update one column of theirs.
"""

from dataclasses import dataclass
from enum import StrEnum


class RoleKind(StrEnum):
    """What a role is for. One may be for two things: a scheduler is a producer and a worker."""

    READER = "reader"  # views and result tables, with psql
    PRODUCER = "producer"  # submit, cancel, retry; models, schedules, labels
    WORKER = "worker"  # claim steps, record what came of them, rescue, ring


@dataclass(frozen=True, kw_only=True)
class Right:
    """On one table, beside reading it."""

    insert: bool = False
    delete: bool = False
    # Columns.
    update: tuple[str, ...] = ()

    def __or__(self, other: "Right") -> "Right":
        return Right(
            insert=self.insert or other.insert,
            delete=self.delete or other.delete,
            update=tuple(dict.fromkeys(self.update + other.update)),
        )


_INSERT = Right(insert=True)
_REPLACE = Right(insert=True, delete=True)

_PROOFS = Right(
    insert=True, update=("passed", "tolerance", "max_difference", "worst", "rows", "rows_with_nulls", "checked_at")
)

_VERDICT = (
    "state",
    "working_since",
    "finished_at",
    "chunks_done",
    "chunks_failed",
    "rows_scored",
    "rows_rejected",
    "error_code",
    "error",
    "gate",
    "output_held",
)

_STEP = ("state", "failures", "lease_until", "due_at", "rung_at", "rings", "finished_at", "error_code", "error")

_PRODUCER = {
    "jobs": Right(insert=True, update=(*_VERDICT, "round", "runner", "schedule", "slot", "result_oid")),
    "steps": Right(insert=True, update=(*_STEP, "runner")),
    "attempts": _INSERT,
    "job_metrics": _REPLACE,
    "past_metrics": _REPLACE,
    "chunk_metrics": _REPLACE,
    "label_files": Right(insert=True, update=("measured_at",)),
    "models": Right(insert=True, update=("created_at",)),
    "model_versions": Right(
        insert=True,
        update=("path", "signature", "about", "served_path", "served_sha256", "parity", "baseline", "removed_at"),
    ),
    "model_aliases": Right(insert=True, delete=True, update=("version",)),
    "parity_proofs": _PROOFS,
    "cron_schedules": Right(
        insert=True,
        delete=True,
        update=(
            "name",
            "revision",
            "cron",
            "timezone",
            "model",
            "overlap",
            "catch_up",
            "definition",
            "managed",
            "paused",
            "next_slot",
            "paused_from",
            "changed_at",
        ),
    ),
    "schedule_changes": _INSERT,
    "slots": Right(
        insert=True,
        update=(
            "state",
            "reason",
            "origin",
            "max_parallel",
            "look_at",
            "start_by",
            "input_by",
            "input_seen",
            "expected_by",
            "late_said",
            "job_id",
            "error_code",
            "error",
            "decided_at",
        ),
    ),
    "meta": _INSERT,
    "locks": Right(insert=True, update=("note",)),
}

_WORKER = {
    "jobs": Right(update=(*_VERDICT, "started_at", "rows_total", "chunks_total", "micro_batch_rows")),
    "steps": Right(insert=True, update=(*_STEP, "attempt", "worker", "started_at")),
    "attempts": _INSERT,
    "chunks": _INSERT,
    "parts": _INSERT,
    "reject_counts": _REPLACE,
    "warning_counts": _INSERT,
    "chunk_sums": _REPLACE,
    "chunk_metrics": _INSERT,
    "job_metrics": _REPLACE,
    "past_metrics": _REPLACE,
    "model_versions": Right(update=("micro_batch_rows",)),
    "parity_proofs": _PROOFS,
    "processes_seen": Right(
        insert=True, delete=True, update=("host", "version", "slots", "queues", "doing", "last_seen_at")
    ),
    "meta": _INSERT,
    "locks": Right(update=("note",)),
}

_OF_KIND: dict[RoleKind, dict[str, Right]] = {
    RoleKind.READER: {},
    RoleKind.PRODUCER: _PRODUCER,
    RoleKind.WORKER: _WORKER,
}


def right_on(table: str, kinds: frozenset[RoleKind]) -> Right:
    """What a role of these kinds may do with the table."""
    found = Right()
    for kind in kinds:
        found |= _OF_KIND[kind].get(table, Right())
    return found
