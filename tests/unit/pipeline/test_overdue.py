"""A run without a deployment rings again what its memory has lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import update

from scoring.core.ids import StepId
from scoring.core.states import Priority
from scoring.ledger.tables import steps
from scoring.pipeline.tick import Ticker
from tests.ledger.desk import split_of
from tests.unit.pipeline.one_job import submitted, table_model, write_rows
from tests.unit.pipeline.test_lease import context_in


@dataclass(frozen=True)
class Heard:
    """A bell that notes what it rings."""

    rung: list[StepId] = field(default_factory=list)

    def ring(self, steps: Sequence[StepId], priority: Priority) -> bool:
        self.rung.extend(steps)
        return True

    def depth(self, priority: Priority) -> int | None:
        return 0


def test_a_message_that_memory_has_lost_is_rung_again(tmp_path: Path) -> None:
    """Once a lease has passed since it was marked as rung, and not before."""
    context = context_in(tmp_path / "home")
    job = submitted(context, table_model(tmp_path / "table.onnx", [1.0]), write_rows(tmp_path / "rows.csv", i=[0]))
    bell = Heard()
    ticker = Ticker(replace(context, bell=bell, only_job=job.id, slots=1))
    ticker.turn()
    ticker.turn()
    assert [split_of(job.id)] == bell.rung
    lease = int(context.settings.lease_seconds * 1e6)
    context.ledger.run(lambda tx: tx.execute(update(steps).values(rung_at=steps.c.rung_at - 2 * lease)))
    ticker.turn()
    assert [split_of(job.id)] * 2 == bell.rung
    context.ledger.close()
