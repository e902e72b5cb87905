"""What a story needs from the process that runs it."""

from dataclasses import dataclass, field
from pathlib import Path

from scoring.core.ids import JobId
from scoring.ledger.database import Ledger
from scoring.pipeline.models import ModelCache
from scoring.queue import Bell
from scoring.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Context:
    """Opened once per process, after fork."""

    settings: Settings
    ledger: Ledger
    bell: Bell
    models: ModelCache
    # As the ledger names this process: "host:pid".
    worker: str
    # The one job that an embedded run works on; None: all jobs of the fleet.
    only_job: JobId | None = None
    # Steps that this process runs at once; None: the fleet's slots are counted in the ledger.
    slots: int | None = None
    # (id of the model version, reference) that were found proven on this process's runtime: asked of the ledger once.
    proven: set[tuple[int, str]] = field(default_factory=set)

    @property
    def works_alone(self) -> bool:
        """True where no other host can do what this one cannot."""
        return self.only_job is not None or not self.settings.deployed

    def work_folder(self, job_id: JobId) -> Path:
        """Where the chunk files of a job lie."""
        return self.settings.store / "work" / job_id
