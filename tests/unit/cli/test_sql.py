"""`scoring sql` over a real ledger: types of views that may be empty, and the two fences in the command."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring.cli.errors import run_command
from scoring.cli.main import cli
from scoring.ledger import processes, reports
from scoring.ledger.database import Ledger
from scoring.ledger.records import Process, ProcessKind
from scoring.pipeline.query import query, view_table


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """An embedded ledger where one worker has reported."""
    monkeypatch.setenv("SCORING_HOME", str(tmp_path))
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    worker = Process(process="h:1", kind=ProcessKind.WORKER, host="h", version="1.2.3", slots=2)
    opened.run(lambda tx: processes.beat(tx, worker))
    yield opened
    opened.close()


@pytest.mark.parametrize("view", reports.VIEWS)
def test_an_empty_view_has_the_types_of_a_full_one(ledger: Ledger, view: str) -> None:
    """Times are times, counts are integers and figures are floats, even where a column holds nothing yet."""
    schema = view_table(ledger, view).schema
    for field in schema:
        if field.name.endswith("_at") or field.name == "slot":
            assert str(field.type) == "timestamp[us, tz=UTC]"
        elif field.name.startswith(("rows_", "chunks_")) and field.name != "rows_per_second":
            assert str(field.type) == "int64"
        elif field.name in ("value", "coverage", "seconds", "rows_per_second", "eta_seconds"):
            assert str(field.type) == "double"


def test_times_of_a_view_can_be_compared(ledger: Ledger) -> None:
    """A view answers DuckDB's time functions, in UTC."""
    statement = "SELECT version, last_seen_at > now() - INTERVAL 1 HOUR AS lately FROM processes"
    with query(ledger, statement) as rows:
        assert [batch.to_pylist() for batch in rows.batches] == [[{"version": "1.2.3", "lately": True}]]


def test_the_command_prints_one_json_array(ledger: Ledger, capfd: pytest.CaptureFixture[str]) -> None:
    """--json and --format json are the same, with times that end in Z."""
    assert run_command(cli, "scoring", ["sql", "SELECT process, last_seen_at FROM processes", "--json"]) == 0
    [row] = json.loads(capfd.readouterr().out)
    assert row["process"] == "h:1"
    assert row["last_seen_at"].endswith("Z")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["sql", "DROP TABLE jobs"], 2),
        (["sql", "SELECT * FROM jobs"], 2),
        (["sql", "SELECT * FROM results('last')"], 3),
        (["sql", "SELECT 1", "-o", "x.xlsx"], 2),
        (["status", "last"], 3),
        (["model", "show", "nobody"], 3),
        (["model", "add", "a:b", "x.onnx"], 2),
        (["model", "add", "a", "missing.onnx"], 4),
        (["worker", "--queues", "urgent"], 2),
        (["accuracy", "last", "--model", "m"], 2),
        (["jobs"], 0),
        (["model", "list"], 0),
        (["db", "check"], 0),
        (["doctor"], 0),
    ],
)
def test_commands_end_with_the_codes_of_the_contract(
    ledger: Ledger, arguments: list[str], code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage 2, nothing there 3, refused input 4, an empty answer 0."""
    assert code == run_command(cli, "scoring", arguments)
    assert bool(capfd.readouterr().err.startswith("error: ")) == (code != 0)
