"""The first witness of an audit: the ledger's rows, which must agree with each other."""

from collections.abc import Iterator

from scoring.core.audit import AuditCheck, Findings
from scoring.core.states import JobState, StepKind, StepState
from scoring.ledger.audit import ChunkAccount, RowCounts, StepAccount
from scoring.ledger.records import AttemptEnd, Job
from scoring.ledger.reports import Record


class Books:
    """Sees every chunk once, in order."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._steps = Findings("attempts")
        self._chunks = Findings("chunks")
        self._totals = Findings("totals")
        self._next_row = 0
        self._count = self._done = self._failed = self._tries = 0
        self.rows_scored = self.rows_rejected = 0

    def see(self, account: ChunkAccount) -> None:
        name = f"chunk {account.chunk}"
        found = (account.chunk, account.first_row)
        self._chunks.expect("the next chunk", _place(self._count, self._next_row), _place(*found))
        self._count = account.chunk + 1
        self._next_row = account.first_row + account.rows
        self.rows_rejected += account.rejected
        if account.part is not None:
            self._done += 1
            self.rows_scored += account.part.rows_scored
            self._chunks.expect(f"rows of {name}", account.rows, account.part.rows_scored + account.part.rows_rejected)
        if account.step is None:
            self._steps.add(f"{name} has no step")
            return
        self._failed += account.step.state is StepState.FAILED
        self._tries += len(account.step.ended)
        self._see_step(name, account.step)
        self._see_winner(name, account, account.step)

    def checks(self, steps: list[StepAccount], counts: RowCounts, progress: Record) -> Iterator[AuditCheck]:
        """The verdicts, once all chunks were seen. progress: the job's row of the view `job_progress`."""
        for kind in (StepKind.SPLIT, StepKind.FINALIZE):
            found = [step for step in steps if step.kind is kind]
            self._steps.expect(f"{kind} steps", 1, len(found))
            for step in found:
                self._see_step(f"the {kind}", step)
        self._steps.expect("steps of chunks", self._count, counts.score_steps)
        self._steps.expect("attempts at chunks", self._tries, counts.score_attempts)
        if self._job.state is JobState.FAILED and not (self._job.error_code and self._job.error):
            self._steps.add("the job has failed without a code and words")
        tries = "attempt" if self._tries == 1 else "attempts"
        yield self._steps.check(f"{self._tries:,} {tries} at {self._count:,} chunks; one has won each that succeeded")
        yield self._check_chunks(counts)
        yield self._check_totals(counts, progress)

    def _check_chunks(self, counts: RowCounts) -> AuditCheck:
        self._chunks.expect("parts in the ledger", self._done, counts.parts)
        if self._job.rows_total is not None:
            self._chunks.expect("rows of all chunks", self._job.rows_total, self._next_row)
            self._chunks.expect("chunks", self._job.chunks_total, self._count)
        if self._job.state is JobState.SUCCEEDED:
            self._chunks.expect("chunks with a part", self._count, self._done)
        return self._chunks.check(f"{self._count:,} chunks cover the rows 0 to {self._next_row:,} without a gap")

    def _check_totals(self, counts: RowCounts, progress: Record) -> AuditCheck:
        for name in counts.unset:
            self._totals.add(f"{name} of the job is not set")
        counted = {
            "chunks_done": self._done,
            "chunks_failed": self._failed,
            "rows_scored": self.rows_scored,
            "rows_rejected": self.rows_rejected,
        }
        for column, value in counted.items():
            self._totals.expect(f"{column} of job_progress", value, progress[column])
        if self._job.state is JobState.SUCCEEDED:
            self._totals.expect("rows in", self._job.rows_total, self.rows_scored + self.rows_rejected)
        return self._totals.check(
            f"{self.rows_scored:,} rows scored + {self.rows_rejected:,} rejected, as the job says"
        )

    def _see_step(self, name: str, step: StepAccount) -> None:
        if step.state.live:
            self._steps.add(f"{name} is {step.state} in a settled job")
        self._steps.expect(
            f"attempts at {name}", list(range(1, step.attempt + 1)), [number for number, _ in step.ended]
        )
        if step.state is StepState.FAILED and not (step.error_code and step.error and step.attempt):
            self._steps.add(f"{name} has failed without a code, words and an attempt")

    def _see_winner(self, name: str, account: ChunkAccount, step: StepAccount) -> None:
        won = [number for number, end in step.ended if end is AttemptEnd.COMPLETED]
        succeeded = step.state is StepState.SUCCEEDED
        self._steps.expect(f"winning attempts at {name}", [step.attempt] if succeeded else [], won)
        self._steps.expect(f"the part of {name} is of attempt", step.attempt if succeeded else None, account.winner)


def _place(chunk: int, first_row: int) -> str:
    return f"{chunk} from row {first_row:,}"
