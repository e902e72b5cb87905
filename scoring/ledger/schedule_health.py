"""How schedules fare: whether a scheduler lives, and what the last day left undone."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Table, false, func, select, true

from scoring.core.schedules.policies import SlotState
from scoring.core.states import JobState
from scoring.ledger import processes
from scoring.ledger.clock import microseconds, read_clock
from scoring.ledger.database import Tx
from scoring.ledger.records import ProcessKind
from scoring.ledger.tables import jobs, schedules, slots

LOOK_BACK = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class ScheduleHealth:
    # Schedules that are to be fired; those that are paused.
    firing: int = 0
    paused: int = 0
    # Schedulers seen alive.
    schedulers: int = 0
    # Slots whose result was due within LOOK_BACK, and is not there or came later.
    late: int = 0
    # Slots that were given up within LOOK_BACK: their job could not be submitted.
    refused: int = 0

    @property
    def undone(self) -> dict[str, int]:
        return {"late": self.late, "refused": self.refused}


def schedule_health(tx: Tx) -> ScheduleHealth:
    """Slots of schedules that were removed do not count."""
    now = read_clock(tx)
    since = microseconds(now - LOOK_BACK)
    alive = processes.seen(tx, within_seconds=processes.SEEN_SECONDS)
    in_time = (jobs.c.state == JobState.SUCCEEDED.value) & (jobs.c.finished_at <= slots.c.expected_by)
    due = slots.c.expected_by.between(since, microseconds(now))
    ended = (slots.c.state == SlotState.REFUSED.value) & (slots.c.decided_at >= since)
    return ScheduleHealth(
        firing=_count(tx, schedules, schedules.c.paused == false()),
        paused=_count(tx, schedules, schedules.c.paused == true()),
        schedulers=sum(process.kind is ProcessKind.SCHEDULER for process in alive),
        late=_slots(tx, due & ~func.coalesce(in_time, false())),
        refused=_slots(tx, ended),
    )


def _count(tx: Tx, table: Table, condition: ColumnElement[bool]) -> int:
    return int(tx.execute(select(func.count()).select_from(table).where(condition)).scalar_one())


def _slots(tx: Tx, condition: ColumnElement[bool]) -> int:
    known = slots.join(schedules, schedules.c.name == slots.c.schedule)
    query = select(func.count()).select_from(known.outerjoin(jobs, jobs.c.job_id == slots.c.job_id))
    return int(tx.execute(query.where(condition)).scalar_one())
