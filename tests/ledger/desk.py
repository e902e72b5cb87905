"""Short hands for the tests of the ledger: jobs, chunks and parts that mean nothing, moved by the real functions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from scoring.core.binding import Binding
from scoring.core.chunks import Chunk, Fingerprint, Part, RejectCount, StagedFile
from scoring.core.errors import ErrorCode
from scoring.core.ids import JobId, StepId, new_job_id
from scoring.core.options import JobOptions
from scoring.core.outcome import Outcome, Verdict
from scoring.core.source import FileFormat, InputFile, Position
from scoring.core.states import Priority, StepKind
from scoring.ledger import jobs, models, parts, publish, steps
from scoring.ledger.database import Ledger, Tx
from scoring.ledger.records import FLEET, Claim, Job, JobVerdict, NewJob, NewVersion, Step

T = TypeVar("T")

ROWS = 10
"""Rows of every chunk."""

LEASE = 60.0
GONE = -1.0
"""A lease of this many seconds has run out before it begins."""

RETRYABLE = Outcome(verdict=Verdict.RETRYABLE, code=ErrorCode.STORAGE, error="the disk is full")
PERMANENT = Outcome(verdict=Verdict.PERMANENT, code=ErrorCode.BAD_OUTPUT, error="3 rows in, 2 rows out")


@dataclass(frozen=True)
class Desk:
    ledger: Ledger
    worker: str = "host:1"

    def run(self, work: Callable[[Tx], T]) -> T:
        return self.ledger.run(work)

    def model(self, **changes: Any) -> int:
        content: dict[str, Any] = {"name": "churn", "sha256": "a" * 64, "path": "models/a", "signature": {}} | changes
        return self.run(lambda tx: models.register(tx, NewVersion(**content))).id

    def new(self, **changes: Any) -> NewJob:
        job_id = new_job_id()
        seen = Fingerprint(path="/data/a.csv", size=1, mtime_ns=2, inode=3)
        values: dict[str, Any] = {
            "id": job_id,
            "runner": FLEET,
            "model_version_id": self.model(),
            "inputs": (InputFile(path="/data/a.csv", format=FileFormat.CSV, fingerprint=seen),),
            "options": JobOptions(),
            "binding": Binding(columns=(), inputs=(), outputs=()),
            "output": f"/results/{job_id}",
            "definition_sha256": "d" * 64,
            "chunk_rows": ROWS,
        }
        return NewJob(**values | changes)

    def submit(self, **changes: Any) -> Job:
        new = self.new(**changes)
        return self.run(lambda tx: jobs.insert_job(tx, new))

    def job(self, job_id: JobId) -> Job:
        return self.ledger.look(lambda tx: jobs.job(tx, job_id))

    def step(self, step: StepId) -> Step:
        return self.ledger.look(lambda tx: steps.step(tx, step))

    def claim(self, step: StepId, lease: float = LEASE, worker: str | None = None) -> Claim:
        claim = self.run(lambda tx: steps.claim(tx, step, worker or self.worker, lease))
        assert claim is not None
        return claim

    def split_into(self, job_id: JobId, chunks: int, *, end: bool = True, rejected: int = 0, bytes: int = 100) -> Claim:
        """Claim the split and record `chunks` chunks."""
        claim = self.claim(split_of(job_id))
        for number in range(chunks):
            made = chunk(number, rejected=rejected, bytes=bytes)
            self.run(lambda tx, made=made: parts.insert_chunk(tx, claim, made, after(made)))  # type: ignore[misc]
        if end:
            self.run(lambda tx: steps.complete_split(tx, claim, chunks * ROWS))
        return claim

    def running(self, chunks: int, **changes: Any) -> Job:
        """A job whose split has ended."""
        job = self.submit(**changes)
        self.split_into(job.id, chunks)
        return self.job(job.id)

    def complete(self, job_id: JobId, number: int, **changes: Any) -> None:
        claim = self.claim(score_of(job_id, number))
        self.run(lambda tx: steps.complete_chunk(tx, claim, part(number, **changes)))

    def fail(self, step: StepId, outcome: Outcome = PERMANENT) -> None:
        claim = self.claim(step)
        self.run(lambda tx: steps.fail(tx, claim, outcome, 0))

    def arm(self, job_id: JobId) -> bool:
        return self.run(lambda tx: steps.arm_finalize(tx, job_id))

    def finish(self, job_id: JobId, verdict: JobVerdict | None = None) -> Job:
        """Arm, claim, decide, settle."""
        self.arm(job_id)
        claim = self.claim(finalize_of(job_id))
        self.run(lambda tx: jobs.begin_finalizing(tx, claim, verdict or JobVerdict()))
        return self.run(lambda tx: jobs.settle(tx, claim))

    def publish(self, window: int = 100, scope: JobId | None = None) -> list[StepId]:
        return self.run(lambda tx: publish.publish_due(tx, scope=scope, priority=Priority.NORMAL, window=window))


FAILED = JobVerdict(error_code=ErrorCode.CHUNKS_FAILED, error="1 of 2 chunks failed")


def split_of(job_id: JobId) -> StepId:
    return StepId(job_id, StepKind.SPLIT)


def score_of(job_id: JobId, number: int) -> StepId:
    return StepId(job_id, StepKind.SCORE, number)


def finalize_of(job_id: JobId) -> StepId:
    return StepId(job_id, StepKind.FINALIZE)


def chunk(number: int, *, rejected: int = 0, bytes: int = 100, rows: int = ROWS) -> Chunk:
    return Chunk(
        chunk=number,
        first_row=number * ROWS,
        rows=rows,
        rows_rejected=rejected,
        path=f"chunk-{number:06}.parquet",
        bytes=bytes,
        sha256="c" * 64,
        rejects_path=f"rejects-{number:06}.parquet" if rejected else None,
    )


def after(made: Chunk) -> Position:
    return Position(chunk=made.chunk + 1, row=made.first_row + made.rows)


def staged(name: str, rows: int) -> StagedFile:
    return StagedFile(staged=f"_staging/{name}.tmp", path=name, rows=rows, bytes=rows * 8, sha256="e" * 64)


def part(number: int, *, scored: int = ROWS, rejected: int = 0, sums: bytes | None = None) -> Part:
    return Part(
        chunk=number,
        rows_scored=scored,
        rows_rejected=rejected,
        part=staged(f"part-{number:06}.parquet", scored),
        rejects=staged(f"_rejects/part-{number:06}.parquet", rejected) if rejected else None,
        reject_counts=(RejectCount(code="bad_value", column="age", rows=rejected),) if rejected else (),
        sums=sums,
    )
