"""What the ledger takes and gives: plain values, no rows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from scoring.core.binding import Binding
from scoring.core.chunks import Chunk, Part
from scoring.core.errors import ErrorCode
from scoring.core.ids import JobId, StepId
from scoring.core.options import JobOptions
from scoring.core.parity import Proof
from scoring.core.result_table import ResultTable
from scoring.core.source import InputFile
from scoring.core.states import Gate, JobState, Priority, StepState

FLEET = "fleet"
"""Runner of a job that any worker of the deployment may work on; an embedded one is "here:<host>"."""


class AttemptEnd(StrEnum):
    """How one attempt at a step ended."""

    COMPLETED = "completed"
    RETRYABLE = "retryable"
    PERMANENT = "permanent"
    RELEASED = "released"  # handed back: no failure counted
    CANCELLED = "cancelled"  # the job was cancelled or stopped under it

    @property
    def failed(self) -> bool:
        return self in (AttemptEnd.RETRYABLE, AttemptEnd.PERMANENT)


class CancelResult(StrEnum):
    """What came of a request to cancel."""

    CANCELLED = "cancelled"
    TOO_LATE = "too_late"  # the verdict is committed; the job will settle by itself
    SETTLED = "settled"  # it had ended before


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Rows that were registered with a model version: a Parquet file in the store."""

    # Relative to the store.
    path: str
    sha256: str
    rows: int
    # Rows with a null in a column that feeds the model.
    rows_with_nulls: int
    # Parity: largest difference allowed to a float, as |got − expected| ≤ tolerance · max(1, |expected|). Baseline: 0.
    tolerance: float = 0.0
    # Result columns that the rows hold answers to; empty for a baseline.
    columns: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """Rows that lie in the store and are to be a version's own; None: it keeps those that it has."""

    parity: Reference | None = None
    # That the parity rows were answered rightly.
    proof: Proof | None = None
    baseline: Reference | None = None

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(reference.path for reference in (self.parity, self.baseline) if reference is not None)


@dataclass(frozen=True, kw_only=True)
class ModelContent:
    """A model that lies in the store, as far as it can be scored with; paths are relative to the store."""

    name: str
    sha256: str
    path: str
    # JSON as scoring.model writes it.
    signature: Mapping[str, Any]
    spec: Mapping[str, Any] = field(default_factory=dict)
    # What the file says of itself: producer, opset, metadata; None for versions of earlier revisions.
    about: Mapping[str, Any] | None = None
    # The copy that is loaded, and its digest; None: the file itself.
    served_path: str | None = None
    served_sha256: str | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the copies."""
        return (self.path,) if self.served_path is None else (self.path, self.served_path)


@dataclass(frozen=True, kw_only=True)
class NewVersion(ModelContent):
    """What registration records of a model: with the name, its file, spec and columns are what a version is."""

    # Names of the columns that were found beside the file, and not in it.
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ModelVersion(ModelContent):
    """One version of a registered model; never changed, but that `micro_batch_rows` is measured once."""

    id: int
    # From 1 within the name.
    version: int
    # Rows per `session.run`; None until a first chunk has been measured.
    micro_batch_rows: int | None
    created_at: datetime
    # Names given to this version, such as "champion".
    aliases: tuple[str, ...] = ()
    # Reference rows with the answers to expect; None: nothing is proven of the model.
    parity: Reference | None = None
    # Rows that later batches are compared with.
    baseline: Reference | None = None

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the copies, and of the reference rows."""
        references = (reference.path for reference in (self.parity, self.baseline) if reference is not None)
        return (*super().files, *references)


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """What `submit` records. The id is made by the caller: the default output bears it."""

    id: JobId
    # FLEET or "here:<host>".
    runner: str
    model_version_id: int
    inputs: tuple[InputFile, ...]
    options: JobOptions
    binding: Binding
    # Absolute folder, or a URI.
    output: str
    # Over the arguments as written: two submits with one key are the same job if these are equal.
    definition_sha256: str
    idempotency_key: str | None = None
    chunk_rows: int
    # Parquet row groups of a good size become chunks as they stand.
    whole_groups: bool = False
    # Failures of one step after which it fails for good.
    max_failures: int = 3
    # Rows that the input seems to hold: exact for Parquet, else a forecast.
    rows_expected: int | None = None
    # Name of the schedule and its logical time in UTC, where a schedule made the job.
    schedule: str | None = None
    slot: datetime | None = None
    # The Postgres table that gets its rows too: made, or given a partition, together with the job.
    result_table: ResultTable | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as it stood when it was read."""

    id: JobId
    state: JobState
    # From 1; `retry` opens the next one.
    round: int
    runner: str
    priority: Priority
    model: ModelVersion
    inputs: tuple[InputFile, ...]
    options: JobOptions
    binding: Binding
    output: str
    definition_sha256: str
    idempotency_key: str | None
    chunk_rows: int
    whole_groups: bool
    max_failures: int
    # Pinned when the first chunk of the job was measured; None before.
    micro_batch_rows: int | None
    rows_expected: int | None
    # Both are None until the split has ended.
    rows_total: int | None
    chunks_total: int | None
    # The first verdict over the job, set by `stop`, `begin_finalizing`, `cancel` or a finalize that failed for good.
    error_code: ErrorCode | None
    error: str | None
    gate: Gate | None
    schedule: str | None
    slot: datetime | None
    submitted_at: datetime
    # First claim of the first round.
    started_at: datetime | None
    # None while the job is live.
    finished_at: datetime | None
    # SCHEMA.NAME of the Postgres table that gets its rows too.
    result_table: str | None
    # Of that table, or of the partition of the job: no other one may take its rows.
    result_oid: int | None
    # When retention took its files and rows; None: they are there.
    purged_at: datetime | None

    @property
    def succeeds(self) -> bool:
        """True once the verdict is committed and good; a missed gate leaves the result whole."""
        return self.state in (JobState.FINALIZING, JobState.SUCCEEDED) and self.error_code in (
            None,
            ErrorCode.GATE_MISSED,
        )


@dataclass(frozen=True, kw_only=True)
class JobVerdict:
    """How a job will end. `error_code` None or GATE_MISSED: it succeeds."""

    error_code: ErrorCode | None = None
    error: str | None = None
    gate: Gate | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to work on one step until the lease ends; `attempt` fences off every other claim."""

    step: StepId
    # From 1; only ever rises.
    attempt: int
    # Failures of the step before this attempt, and how many make it fail for good.
    failures: int
    max_failures: int
    worker: str
    # By the ledger's clock: tells the claim from another one that never came to be committed under the same number.
    started_at: datetime


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step as it stood when it was read."""

    id: StepId
    state: StepState
    # Attempts begun.
    attempt: int
    # Failures counted against the budget; hand-backs count none.
    failures: int
    # Of the present or last attempt.
    worker: str | None
    # Set while RUNNING, and only then.
    lease_until: datetime | None
    # When it may be claimed; None: not before another move sets it (parked split, finalize that waits).
    due_at: datetime | None
    # When it was rung; None: not since it last became due.
    rung_at: datetime | None
    error_code: ErrorCode | None
    error: str | None


@dataclass(frozen=True, kw_only=True)
class CommittedPart:
    """One chunk with the files that its commit names."""

    chunk: Chunk
    # Without `sums` and `reject_counts`: these are read by functions of their own.
    files: Part
    # The attempt that won.
    attempt: int


class ProcessKind(StrEnum):
    WORKER = "worker"
    SCHEDULER = "scheduler"


@dataclass(frozen=True, kw_only=True)
class Process:
    """A worker or scheduler that reports for duty."""

    # "host:pid" or longer; unique.
    process: str
    kind: ProcessKind
    host: str
    version: str
    # Steps that it runs at once; 0 for a scheduler.
    slots: int = 0
    # Queues that it serves.
    queues: tuple[Priority, ...] = tuple(Priority)
    # What it is busy with, for people.
    doing: str = ""
    # Set by the ledger.
    started_at: datetime | None = None
    last_seen_at: datetime | None = None
