"""`wait` and its bar: what is asked again and again while a job runs."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from scoring.cli.follow import wait_for
from scoring.core.errors import WaitTimedOut
from tests.unit.pipeline.one_job import submitted, table_model, worked, write_rows
from tests.unit.pipeline.test_lease import context_in


def test_a_look_at_a_running_job_sums_no_warnings(tmp_path: Path) -> None:
    """They grow with the chunks, and are told once, at the end."""
    asked: list[str] = []

    def note(_: Connection, __: object, statement: str, *___: Any) -> None:
        asked.append(statement)

    context = context_in(tmp_path / "home")
    model = table_model(tmp_path / "table.onnx", [1.0, float("nan")])
    job = submitted(context, model, write_rows(tmp_path / "rows.csv", i=[0, 1]))
    event.listen(Engine, "before_cursor_execute", note)
    try:
        with pytest.raises(WaitTimedOut, match="accepted, 0 chunks done"):
            wait_for(context.ledger, job.id, 0)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert [1, 0] == [sum(view in statement for statement in asked) for view in ("job_progress", "job_warnings")]
    worked(context, job.id)
    assert {"nan_output": 1} == wait_for(context.ledger, job.id, 0)["warnings"]
