"""Every error that the program raises on purpose.

ScoringError                    code             exit
├── UsageError                  usage            2     wrong arguments
│   └── JobBusy                 usage            2     another process works on the job
├── SettingsError               settings         2     wrong environment
├── NotFound                    not_found        3     no such job, model, schedule
├── InputRefused                input_refused    4     unreadable, or does not fit the model
│   ├── InputMissing            input_missing    4
│   ├── InputChanged            input_changed    4     changed while the job was reading it
│   ├── ModelRefused            model_refused    4     not a model, or one that cannot be served
│   │   └── PrepareNotHere      prepare_not_here 4     this host lacks the prepare function: handed back by a worker
│   └── OutputRefused           output_refused   4     the output folder holds other files
│       └── OutputTaken         output_refused   4     a live job writes there: free once that has ended
├── ServerUnreachable           unreachable      6     ledger, broker or store
├── WaitTimedOut                wait_timeout     7
├── Interrupted                 interrupted      130
├── StepError                                    1     one attempt at a step has failed
│   ├── Retryable                                      another attempt, within the budget
│   │   ├── WorkerLost          worker_lost
│   │   ├── StepTimeout         timeout
│   │   ├── OutOfMemory         out_of_memory
│   │   ├── StorageFault        storage
│   │   └── LedgerAway          ledger_away
│   └── Permanent                                      the chunk fails at once
│       ├── BadOutput           bad_output
│       ├── ModelChanged        model_changed
│       ├── ChunkCorrupt        chunk_corrupt
│       ├── ModelRefusedRows    model_refused
│       ├── TableRefused        table_refused
│       ├── TooManyRejects      too_many_rejects
│       └── AccountingBroken    accounting_broken
├── InputNotVisible             input_not_visible      this host cannot see it: handed back, nothing counted
└── LeaseLost                   lease_lost             another attempt owns the step: stop, publish nothing

A message has three parts: what was expected, what came, what to do.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Codes of ``error_code`` in the ledger (CONTRACT: error codes) and of ``error.code`` in JSON."""

    USAGE = "usage"
    SETTINGS = "settings"
    NOT_FOUND = "not_found"
    INPUT_REFUSED = "input_refused"
    INPUT_MISSING = "input_missing"
    INPUT_CHANGED = "input_changed"
    MODEL_REFUSED = "model_refused"
    OUTPUT_REFUSED = "output_refused"
    UNREACHABLE = "unreachable"
    WAIT_TIMEOUT = "wait_timeout"
    INTERRUPTED = "interrupted"
    WORKER_LOST = "worker_lost"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    STORAGE = "storage"
    LEDGER_AWAY = "ledger_away"
    BAD_OUTPUT = "bad_output"
    MODEL_CHANGED = "model_changed"
    CHUNK_CORRUPT = "chunk_corrupt"
    TABLE_REFUSED = "table_refused"
    TOO_MANY_REJECTS = "too_many_rejects"
    CHUNKS_FAILED = "chunks_failed"
    ACCOUNTING_BROKEN = "accounting_broken"
    GATE_MISSED = "gate_missed"
    CANCELLED = "cancelled"
    INPUT_NOT_VISIBLE = "input_not_visible"
    PREPARE_NOT_HERE = "prepare_not_here"
    LEASE_LOST = "lease_lost"
    INTERNAL = "internal"


class ExitCode:
    """Exit codes of every command (CONTRACT section 3)."""

    SUCCEEDED = 0
    JOB_FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    INPUT_REFUSED = 4
    GATE_MISSED = 5
    UNREACHABLE = 6
    WAIT_TIMED_OUT = 7
    CANCELLED = 8
    INTERRUPTED = 130
    TERMINATED = 143


class ScoringError(Exception):
    """The root. ``expected``, ``got`` and ``remedy`` are sentences for a person, without a final stop."""

    code = ErrorCode.INTERNAL
    exit_code = ExitCode.JOB_FAILED

    def __init__(self, message: str, *, expected: str = "", got: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.got = got
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [self.message]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.got:
            parts.append(f"got {self.got}")
        if self.remedy:
            parts.append(self.remedy)
        return "; ".join(parts)


class UsageError(ScoringError):
    code = ErrorCode.USAGE
    exit_code = ExitCode.USAGE


class JobBusy(UsageError):
    """Another process works on the job."""


class TooManyJobs(UsageError):
    """So many submitted jobs live that no further one is taken; there is room again once some have ended."""


class SettingsError(ScoringError):
    code = ErrorCode.SETTINGS
    exit_code = ExitCode.USAGE


class NotFound(ScoringError):
    code = ErrorCode.NOT_FOUND
    exit_code = ExitCode.NOT_FOUND


class InputRefused(ScoringError):
    code = ErrorCode.INPUT_REFUSED
    exit_code = ExitCode.INPUT_REFUSED


class InputMissing(InputRefused):
    code = ErrorCode.INPUT_MISSING


class InputChanged(InputRefused):
    code = ErrorCode.INPUT_CHANGED


class ModelRefused(InputRefused):
    code = ErrorCode.MODEL_REFUSED


class PrepareNotHere(ModelRefused):
    """This host may not call the model's prepare function, or does not have it; another one may."""

    code = ErrorCode.PREPARE_NOT_HERE


class OutputRefused(InputRefused):
    code = ErrorCode.OUTPUT_REFUSED


class OutputTaken(OutputRefused):
    """Another live job holds the output, and lets it go when it ends."""


class ServerUnreachable(ScoringError):
    code = ErrorCode.UNREACHABLE
    exit_code = ExitCode.UNREACHABLE


class WaitTimedOut(ScoringError):
    code = ErrorCode.WAIT_TIMEOUT
    exit_code = ExitCode.WAIT_TIMED_OUT


class Interrupted(ScoringError):
    code = ErrorCode.INTERRUPTED
    exit_code = ExitCode.INTERRUPTED


class StepError(ScoringError):
    """One attempt at a step has failed."""


class Retryable(StepError):
    """The next attempt may succeed."""


class WorkerLost(Retryable):
    code = ErrorCode.WORKER_LOST


class StepTimeout(Retryable):
    code = ErrorCode.TIMEOUT


class OutOfMemory(Retryable):
    code = ErrorCode.OUT_OF_MEMORY


class StorageFault(Retryable):
    code = ErrorCode.STORAGE


class LedgerAway(Retryable):
    """The ledger does not answer now. For a command it is exit 6; for a worker no failure is counted."""

    code = ErrorCode.LEDGER_AWAY
    exit_code = ExitCode.UNREACHABLE


class Permanent(StepError):
    """No attempt can succeed."""


class BadOutput(Permanent):
    code = ErrorCode.BAD_OUTPUT


class ModelChanged(Permanent):
    code = ErrorCode.MODEL_CHANGED


class ChunkCorrupt(Permanent):
    code = ErrorCode.CHUNK_CORRUPT


class ModelRefusedRows(Permanent):
    code = ErrorCode.MODEL_REFUSED


class TableRefused(Permanent):
    """The result table does not take the rows."""

    code = ErrorCode.TABLE_REFUSED


class TooManyRejects(Permanent):
    code = ErrorCode.TOO_MANY_REJECTS


class AccountingBroken(Permanent):
    code = ErrorCode.ACCOUNTING_BROKEN


class InputNotVisible(ScoringError):
    """An input that this host cannot see although the job's submitter could."""

    code = ErrorCode.INPUT_NOT_VISIBLE


class LeaseLost(ScoringError):
    """Another attempt owns the step, or the step was stopped: publish nothing, remove own staged files only."""

    code = ErrorCode.LEASE_LOST
