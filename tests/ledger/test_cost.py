"""What is asked at every chunk costs the same in a job of ten chunks and of a million: a few rows of an index."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from scoring.core.states import Priority
from scoring.ledger import jobs, parts, publish, schedules, slot_starts, slots, steps
from scoring.ledger.database import Tx
from tests.ledger.desk import LEASE, Desk, score_of
from tests.ledger.nightly import FIRST, QUEUE, added, decided, slot

# Walks over a whole table, or over all steps of a job.
EXPENSIVE = ("SCAN steps", "SCAN jobs", "steps USING PRIMARY KEY (job_id=?)", "Seq Scan", "Sort Key: chunk")

QUESTIONS: dict[str, Callable[[Tx, Any], object]] = {
    "publish": lambda tx, _: publish.publish_due(tx, scope=None, priority=Priority.NORMAL, window=99),
    "arm": lambda tx, job_id: steps.arm_finalize(tx, job_id),
    "unscored": lambda tx, job_id: parts.unscored_bytes(tx, job_id),
    "rejected": lambda tx, job_id: parts.rejected_rows(tx, job_id),
    "over its limit": lambda tx, job_id: jobs.stop_over_limit(tx, job_id),
    "bounds": lambda tx, job_id: parts.chunk_bounds(tx, job_id, 0),
    "running": lambda tx, _: jobs.running(tx),
    "lost": lambda tx, _: publish.rung(tx, Priority.NORMAL),
    "claim": lambda tx, job_id: steps.claim(tx, score_of(job_id, 3), "host:1", LEASE),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_it_is_answered_from_an_index(desk: Desk, question: str) -> None:
    """No plan walks over what is done already."""
    job = desk.running(4)
    desk.complete(job.id, 0)
    plans = _plans(desk, lambda tx: QUESTIONS[question](tx, job.id))
    assert {} == {statement: plan for statement, plan in plans.items() if any(walk in plan for walk in EXPENSIVE)}


SCHEDULERS_ASK: dict[str, Callable[[Tx, Any, Any], object]] = {
    "due": lambda tx, _, __: schedules.due(tx, FIRST),
    "looks": lambda tx, _, __: slots.to_look_at(tx, FIRST, 9),
    "late": lambda tx, _, __: slots.judge_late(tx, FIRST),
    "in the way": lambda tx, schedule, waiting: slot_starts.in_the_way(tx, schedule, waiting),
}


@pytest.mark.parametrize("question", SCHEDULERS_ASK)
def test_a_turn_costs_the_same_after_years_of_slots(desk: Desk, question: str) -> None:
    """What is over is in none of the indexes that a turn reads."""
    schedule = added(desk, overlap=QUEUE)
    decided(desk, FIRST, expected_by=FIRST)
    plans = _plans(desk, lambda tx: SCHEDULERS_ASK[question](tx, schedule, slot(desk)))
    assert {} == {statement: plan for statement, plan in plans.items() if _WALK.search(plan)}


_WALK = re.compile(
    r"Seq Scan|SCAN (?:slots|jobs|cron_schedules)\b(?! USING)|USING INDEX sqlite_autoindex_slots_1 \(schedule=\?\)"
)


def _plans(desk: Desk, question: Callable[[Tx], object]) -> dict[str, str]:
    """The plan of each statement by which the question is answered."""
    asked: list[tuple[str, Any]] = []

    def note(_: Connection, __: object, statement: str, values: Any, ___: object, many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE")):
            asked.append((statement, values[0] if many else values))

    with desk.ledger.write() as tx:
        event.listen(tx, "before_cursor_execute", note)
        question(tx)
        event.remove(tx, "before_cursor_execute", note)
        plans = {statement: _plan(tx, statement, values) for statement, values in asked}
    assert plans
    return plans


def _plan(tx: Tx, statement: str, values: Any) -> str:
    explain = "EXPLAIN QUERY PLAN" if tx.dialect.name == "sqlite" else "EXPLAIN"
    return "\n".join(str(row[-1]) for row in tx.exec_driver_sql(f"{explain} {statement}", values))


def test_postgres_stays_with_the_indexes_when_its_statistics_are_old(postgres_desk: Desk) -> None:
    """Autovacuum may look minutes later."""
    with postgres_desk.ledger.read() as tx:
        assert ["off", "off"] == [tx.scalar(text(f"SHOW {name}")) for name in ("enable_seqscan", "jit")]
