"""`scoring sql` as it is typed: over real jobs, from a file, a pipe and a terminal, and under attack."""

import csv
import io
import json
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.acceptance.conftest import WriteRows
from tests.acceptance.program import Program
from tests.acceptance.terminal import Terminal
from tests.waiting import wait_for

ROWS = 3_000
ENDLESS = "select count(*) from range(10000000000) a(n), range(99) b(m) where n % 7 = m;"


@pytest.fixture
def jobs(program: Program, model: Path, write_rows: WriteRows) -> list[str]:
    """Two real jobs of one model, with several parts each; the second has another kept column, and rejects."""
    rows = write_rows("rows.csv", ROWS)
    spoilt = program.folder / "spoilt.csv"
    spoilt.write_text(rows.read_text().replace('"c0000007",', '"c0000007",old', 1))
    run = ("run", model, "--key", "id", "--label", "churned", "--chunk-rows", "1000", "--json")
    first = json.loads(program(*run, rows, "-o", "one").stdout)
    second = json.loads(program(*run, spoilt, "--keep", "plan", "-o", "two").stdout)
    return [first["job_id"], second["job_id"]]


def test_answers_over_real_jobs_are_those_of_their_files(program: Program, jobs: list[str]) -> None:
    """Sums per job, a join with the views, one job's rows and rejects equal what pyarrow reads."""
    sql = (
        "select r.job_id, p.state, a.value as accuracy, count(*) as rows, sum(r._row) as row_sum,"
        " avg(probabilities_1) as mean, max(r.slot) as slot, max(r.version) as version from results_churn r"
        " join job_progress p using (job_id) join batch_accuracy a on a.job_id = r.job_id and metric = 'accuracy'"
        " group by all order by min(p.submitted_at)"
    )
    found = program.json("sql", sql)
    for row, job, folder in zip(found, jobs, ("one", "two"), strict=True):
        table = pa.concat_tables([pq.read_table(part) for part in sorted((program.folder / folder).glob("*.parquet"))])
        assert (job, "succeeded", None, 1) == (row["job_id"], row["state"], row["slot"], row["version"])
        assert (table.num_rows, pc.sum(table["_row"]).as_py()) == (row["rows"], row["row_sum"])
        assert pc.mean(table["probabilities_1"]).as_py() == pytest.approx(row["mean"])
        assert row["accuracy"] is not None
    whole = program.json("sql", "select * exclude (label) from results($job)", "-p", f"job={jobs[0]}")
    assert [row["_row"] for row in whole] == list(range(ROWS))
    [rejected] = program.json("sql", "select _row, code, \"column\" from rejects('last')")
    assert {"_row": 7, "code": "bad_value", "column": "age"} == rejected


def test_a_statement_comes_from_a_file_or_a_pipe(program: Program, jobs: list[str]) -> None:
    """With its parameters, in each format, and all of them say the same."""
    query = "-- of one job\nselect id, probabilities_1 as p from results($job)\nwhere _row < $n order by _row;\n"
    (program.folder / "query.sql").write_text(query)
    given = ("-p", f"job={jobs[0]}", "-p", "n=2")
    rows = program.json("sql", "-f", "query.sql", *given)
    assert ["c0000000", "c0000001"] == [row["id"] for row in rows]
    assert rows == json.loads(program("sql", *given, "--format", "json", stdin=query).stdout)
    assert rows == json.loads(program("sql", "-", *given, "--json", stdin=query).stdout)
    table = csv.DictReader(io.StringIO(program("sql", *given, "--format", "csv", stdin=query).stdout))
    assert [row["p"] for row in rows] == pytest.approx([float(row["p"]) for row in table])
    program("sql", *given, "-o", "answer.parquet", stdin=query)
    assert rows == pq.read_table(program.folder / "answer.parquet").to_pylist()


@pytest.mark.parametrize(
    "attack",
    [
        "COPY (SELECT 1) TO 'stolen.csv'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT 1; DROP TABLE jobs",
        "SELECT * FROM results('../../etc')",
        "DESCRIBE " * 10_000 + "SELECT 1",
        "x" * 1_000_000,
    ],
    ids=lambda attack: attack[:30],
)
def test_an_attack_ends_in_one_clear_message(program: Program, attack: str) -> None:
    """Exit 2, or 3 for a job that is none; the files of the folder are those of the ledger's home."""
    shown = program("sql", stdin=attack, code=3 if "results(" in attack else 2)
    assert shown.stderr.startswith("error: ")
    assert len(shown.stderr.splitlines()) <= 12
    assert shown.stdout == ""
    assert {"home"} == {path.name for path in program.folder.iterdir()}


def test_a_query_ends_with_its_time(program: Program) -> None:
    """--timeout stops it with a word on how to go on, and nothing is left behind."""
    shown = program("sql", ENDLESS, "--timeout", "1s", code=2)
    assert "--timeout" in shown.stderr
    assert [] == list((program.folder / "home" / "spill").iterdir())


def test_a_terminal_without_a_query_gets_a_prompt(tmp_path: Path) -> None:
    """Lines until the semicolon, errors without an end, Ctrl-C for a query, completion, history, and a way out."""
    terminal = Terminal({"SCORING_HOME": str(tmp_path)}, "sql")
    terminal.shown("scoring>")
    terminal.type("select 6 * 7\r")
    terminal.shown("...>")
    terminal.type("as answer;\r")
    assert "answer" in terminal.shown("42\r\n")
    terminal.shown("scoring>")
    terminal.type("selec;\r")
    terminal.shown("do:")
    terminal.shown("scoring>")
    terminal.type(ENDLESS + "\r")
    spill = tmp_path / "spill"
    wait_for(lambda: terminal.obeys and any(spill.iterdir()), "the query to run")
    terminal.type("\x03")
    terminal.shown("stopped")
    terminal.shown("scoring>")
    terminal.type("select job_prog\t")
    terminal.shown("ress")
    terminal.type("\x03")
    terminal.shown("scoring>")
    terminal.type("\\d processes\r")
    terminal.shown("last_seen_at")
    terminal.shown("scoring>")
    terminal.type("exit\r")
    assert terminal.ended() == 0
    history = tmp_path / "sql_history"
    assert "+as answer;" in history.read_text()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
