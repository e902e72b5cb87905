"""A process forks with an open ledger and a loaded model: the child makes both anew."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from scoring.ledger.database import Ledger
from scoring.settings import load_settings
from tests.unit.pipeline.one_job import submitted, table_model, write_rows
from workers.process import open_context

pytestmark = pytest.mark.fault(
    "F33", "fork with an open ledger and a loaded model", "the child opens its own; the parent's stay as they are"
)


def in_child(answer: Callable[[], object]) -> str:
    """What a forked child answers."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, str(answer()).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def session(ledger: Ledger) -> str:
    return str(ledger.look(lambda tx: tx.scalar(text("SELECT pg_backend_pid()"))))


def test_a_forked_child_has_a_session_of_its_own(postgres_url: str) -> None:
    """Two processes on one connection would read each other's answers."""
    ledger = Ledger.connect(postgres_url)
    mine = session(ledger)
    theirs = in_child(lambda: session(ledger))
    assert theirs.isdecimal()
    assert mine != theirs
    assert mine == session(ledger)
    ledger.close()


def test_a_forked_child_writes_to_the_embedded_ledger(tmp_path: Path) -> None:
    """SQLite's locks belong to the process that took them: the child opens the file itself."""
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    write = "INSERT INTO meta (key, value) VALUES (:name, 'x')"
    assert "1" == in_child(lambda: ledger.run(lambda tx: tx.execute(text(write), {"name": "child"}).rowcount))
    assert 1 == ledger.run(lambda tx: tx.execute(text(write), {"name": "parent"}).rowcount)
    ledger.close()


def test_a_forked_child_loads_its_own_session_of_a_model(tmp_path: Path) -> None:
    """What a native runtime holds does not survive a fork."""
    context = open_context(load_settings({"SCORING_HOME": str(tmp_path / "home")}, folder=tmp_path))
    rows = write_rows(tmp_path / "rows.parquet", i=np.arange(3))
    job = submitted(context, table_model(tmp_path / "table.onnx", [1.0, 2.0, 3.0]), rows)
    model = context.models.get(job)
    assert "False" == in_child(lambda: context.models.get(job) is model)
    assert model is context.models.get(job)
    context.ledger.close()
