"""Three schedulers at once, each with connections of its own, at the same slots."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import text

from scoring.core.schedules.policies import CatchUp, SlotOrigin, SlotState
from scoring.ledger.database import Ledger
from scoring.pipeline.context import Context
from scoring.pipeline.model_files import find_model
from scoring.pipeline.registry import register
from scoring.pipeline.schedule import fire
from scoring.settings import load_settings
from tests.ledger.desk import Desk
from tests.ledger.nightly import ALLOW, DAY, FIRST, FORBID, MINUTE, QUEUE, added, asked
from tests.small_models import linear_model
from workers.process import open_context

SCHEDULERS = 3
NIGHTS = 6


@pytest.fixture
def house(ledger_url: str, ledger: Ledger, tmp_path: Path) -> Iterator[list[Context]]:
    """Contexts of three processes; the model is `linear`, the input lies there every day."""
    environ = {"SCORING_HOME": str(tmp_path / "home"), "SCORING_DATABASE_URL": ledger_url}
    settings = load_settings(environ, folder=tmp_path)
    contexts = [replace(open_context(settings), slots=1) for _ in range(SCHEDULERS)]
    register(contexts[0], find_model(contexts[0], str(linear_model(tmp_path / "linear.onnx", weights=[1.0])), None))
    (tmp_path / "rows.csv").write_text("a\n1\n")
    yield contexts
    for context in contexts:
        context.ledger.close()


@pytest.mark.fault(
    "F51", "three schedulers fire at the same moments, night by night", "one job for each slot, as declared"
)
def test_schedulers_at_once_make_one_job_for_each_slot(house: list[Context], desk: Desk, tmp_path: Path) -> None:
    """Night by night all three fire at the same moment: as declared, and no more than as declared."""
    job = {"model": "linear", "inputs": (str(tmp_path / "rows.csv"),), "catch_up": CatchUp.ALL}
    for overlap in (ALLOW, FORBID, QUEUE):
        added(desk, overlap.value, overlap=overlap, **job)
    added(desk, **job)
    asked(desk, *(FIRST - night * DAY for night in range(NIGHTS, 0, -1)), origin=SlotOrigin.BACKFILL, max_parallel=2)
    start = Barrier(SCHEDULERS)

    def turns(context: Context) -> None:
        for night in range(NIGHTS):
            start.wait(60)
            fire(context, FIRST + night * DAY + timedelta(seconds=1))
            fire(context, FIRST + night * DAY + MINUTE)  # what one held while it looked is free again

    with ThreadPoolExecutor(SCHEDULERS) as pool:
        list(pool.map(turns, house))
    states = text("SELECT schedule, origin, state, count(*) AS slots FROM slots GROUP BY schedule, origin, state")
    made = text(
        "SELECT count(DISTINCT job_id) = count(*) AND count(*) = (SELECT count(*) FROM jobs) FROM slots"
        " WHERE job_id IS NOT NULL"
    )
    with desk.ledger.read() as tx:
        seen = {(row.schedule, row.origin, row.state): row.slots for row in tx.execute(states)}
        assert tx.scalar(made)
    assert Counter(seen) == Counter(
        {
            ("allow", "cron", SlotState.SUBMITTED): NIGHTS,
            ("forbid", "cron", SlotState.SUBMITTED): 1,
            ("forbid", "cron", SlotState.SKIPPED): NIGHTS - 1,
            ("queue", "cron", SlotState.SUBMITTED): 1,
            ("queue", "cron", SlotState.WAITING): NIGHTS - 1,
            ("nightly", "cron", SlotState.SUBMITTED): 1,
            ("nightly", "cron", SlotState.SKIPPED): NIGHTS - 1,
            ("nightly", "backfill", SlotState.SUBMITTED): 2,
            ("nightly", "backfill", SlotState.WAITING): NIGHTS - 2,
        }
    )
