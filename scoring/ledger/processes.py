"""Who is alive: workers and schedulers report every few seconds."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from scoring.core.states import Priority
from scoring.ledger.clock import instant, now_us
from scoring.ledger.database import Tx
from scoring.ledger.records import Process, ProcessKind
from scoring.ledger.tables import processes

SEEN_SECONDS = 60.0
"""A process that has not reported for this long is taken for gone."""


def beat(tx: Tx, process: Process) -> None:
    """Nothing → seen, or seen again."""
    values = {
        "host": process.host,
        "version": process.version,
        "slots": process.slots,
        "queues": [queue.value for queue in process.queues],
        "doing": process.doing,
        "last_seen_at": now_us(),
    }
    again = update(processes).where(processes.c.process == process.process).values(**values)
    if tx.execute(again).rowcount == 0:
        new = {"process": process.process, "kind": process.kind.value, "started_at": now_us()}
        tx.execute(insert(processes).values(**values, **new))


def forget(tx: Tx, process: str) -> None:
    """Seen → nothing: the process says good-bye."""
    tx.execute(delete(processes).where(processes.c.process == process))


def forget_lost(tx: Tx, *, unseen: timedelta = timedelta(days=1)) -> None:
    """Seen → nothing, for processes that went without a word long ago."""
    limit = unseen // timedelta(microseconds=1)
    tx.execute(delete(processes).where(processes.c.last_seen_at < now_us() - limit))


def seen(tx: Tx, *, within_seconds: float | None = None) -> list[Process]:
    """Processes by name; `within_seconds`: those alone that have reported since."""
    query = select(processes).order_by(processes.c.process)
    if within_seconds is not None:
        query = query.where(processes.c.last_seen_at >= now_us() - int(within_seconds * 1e6))
    return [_process_of(row) for row in tx.execute(query)]


def live_slots(tx: Tx, priority: Priority | None = None) -> int:
    """Steps that the workers seen alive can run at once: all of them, or those that serve one queue."""
    if priority is not None:
        return sum(process.slots for process in seen(tx, within_seconds=SEEN_SECONDS) if priority in process.queues)
    alive = processes.c.last_seen_at >= now_us() - int(SEEN_SECONDS * 1e6)
    return int(tx.execute(select(func.coalesce(func.sum(processes.c.slots), 0)).where(alive)).scalar_one())


def _process_of(row: Row[Any]) -> Process:
    return Process(
        process=row.process,
        kind=ProcessKind(row.kind),
        host=row.host,
        version=row.version,
        slots=row.slots,
        queues=tuple(Priority(queue) for queue in row.queues),
        doing=row.doing,
        started_at=instant(row.started_at),
        last_seen_at=instant(row.last_seen_at),
    )
