"""Who needs a version of a model, and what became of its jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text

from scoring.core.errors import NotFound
from scoring.core.states import JobState
from scoring.ledger.clock import maybe_instant
from scoring.ledger.database import Tx
from scoring.ledger.models import find_model, name_in
from scoring.ledger.records import ModelVersion
from scoring.ledger.tables import jobs, model_aliases, model_versions, schedules

_LIVE = [state.value for state in JobState if not state.settled]


@dataclass(frozen=True, kw_only=True)
class JobTally:
    """Jobs of one version."""

    count: int
    # State → jobs in it.
    states: dict[str, int]
    # Of the last submit; None where there is none.
    last_at: datetime | None


def users(tx: Tx, versions: Sequence[ModelVersion]) -> list[str]:
    """Live jobs, schedules and aliases that need one of the versions, in words."""
    ids, names = [version.id for version in versions], {version.name for version in versions}
    live = select(jobs.c.job_id, jobs.c.state).where(jobs.c.model_version_id.in_(ids), jobs.c.state.in_(_LIVE))
    aliases = (
        select(model_aliases)
        .join(
            model_versions,
            (model_versions.c.name == model_aliases.c.name) & (model_versions.c.version == model_aliases.c.version),
        )
        .where(model_versions.c.id.in_(ids))
    )
    planned = tx.execute(select(schedules.c.name, schedules.c.model).order_by(schedules.c.name)).all()
    named = [row for row in planned if name_in(row.model) in names]
    return [
        *(f"job {row.job_id} ({row.state})" for row in tx.execute(live.order_by(jobs.c.number))),
        *(f"schedule {row.name} (model {row.model})" for row in named if _meant(tx, row.model) in ids),
        *(f"alias {row.name}@{row.alias}" for row in tx.execute(aliases.order_by(model_aliases.c.alias))),
    ]


def job_tally(tx: Tx, version: ModelVersion) -> JobTally:
    own = jobs.c.model_version_id == version.id
    query = select(jobs.c.state, func.count().label("jobs"), func.max(jobs.c.submitted_at).label("last"))
    rows = tx.execute(query.where(own).group_by(jobs.c.state).order_by(jobs.c.state)).all()
    return JobTally(
        count=sum(row.jobs for row in rows),
        states={row.state: row.jobs for row in rows},
        last_at=maybe_instant(max((row.last for row in rows), default=None)),
    )


_ACCURACY = text(
    "SELECT metric, value FROM (SELECT metric, value,"
    " ROW_NUMBER() OVER (PARTITION BY metric ORDER BY finished_at DESC, job_id) AS place FROM batch_accuracy"
    " WHERE model = :model AND version = :version AND value IS NOT NULL) AS latest WHERE place = 1 ORDER BY metric"
)


def accuracy_so_far(tx: Tx, version: ModelVersion) -> dict[str, float]:
    """Metric → its value for the last batch that has one."""
    rows = tx.execute(_ACCURACY, {"model": version.name, "version": version.version})
    return {row.metric: float(row.value) for row in rows}


def files_in_use(tx: Tx) -> set[str]:
    """Paths in the store that versions in use name."""
    columns = (model_versions.c.path, model_versions.c.served_path, model_versions.c.parity, model_versions.c.baseline)
    found: set[str] = set()
    for row in tx.execute(select(*columns).where(model_versions.c.removed_at.is_(None))):
        found.update(path for path in (row.path, row.served_path) if path)
        found.update(reference["path"] for reference in (row.parity, row.baseline) if reference)
    return found


def _meant(tx: Tx, reference: str) -> int | None:
    """The version that a schedule's next slot would take; None for a file, or where there is none."""
    try:
        return find_model(tx, reference).id
    except NotFound:
        return None
