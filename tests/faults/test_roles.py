"""S23: a deployment in which nobody works as the ledger's owner."""

import secrets
import shlex
from pathlib import Path

import psycopg
import pyarrow.csv as pc
import pytest
from sqlalchemy import make_url

from tests.acceptance.conftest import customers
from tests.acceptance.program import Program
from tests.faults.scene import Scene
from tests.servers.postgres import plain
from tests.small_models import churn_model

ROLES = {"submitter": "producer", "hand": "worker", "clock": "scheduler", "analyst": "reader"}


@pytest.fixture
def logins(scene: Scene, tmp_path: Path) -> dict[str, Program]:
    """The program as each of the roles, with a password of its own."""
    return {role: _login(scene.program, tmp_path / f"{role}.password", role) for role in ROLES}


def _login(owner: Program, file: Path, role: str) -> Program:
    password = secrets.token_urlsafe(12)
    file.write_text(f"{password}\n")
    owner("db", "role", ROLES[role], role, "--password-file", file)
    url = make_url(owner.settings["SCORING_DATABASE_URL"]).set(username=role, password=password)
    return owner.with_settings(SCORING_DATABASE_URL=url.render_as_string(hide_password=False))


@pytest.mark.exhaustive
def test_a_job_is_done_by_roles_that_own_nothing(scene: Scene, logins: dict[str, Program]) -> None:
    """S23: submitted by a producer, scored by a worker, rung by a scheduler; a reader reads its table."""
    hands = {role: Scene(program=login, servers=scene.servers) for role, login in logins.items()}
    with hands["clock"].running("scheduler"), hands["hand"].running("worker", "--concurrency", 1):
        work = hands["submitter"].submit("--to-table", "scores", rows=3_000)
        work.wait()
    work.prove()
    with psycopg.connect(plain(logins["analyst"].settings["SCORING_DATABASE_URL"])) as connection:
        found = connection.execute("SELECT state, rows_scored FROM job_progress").fetchall()
        in_table = connection.execute("SELECT count(*), count(DISTINCT _row) FROM latest_scores").fetchall()
    assert [("succeeded", 3_000)] == found
    assert [(3_000, 3_000)] == in_table


REFUSED = [
    # The owner's.
    *((role, command) for role in ("submitter", "hand", "clock") for command in ("gc", "db upgrade")),
    *((role, "db role worker other") for role in ("submitter", "hand", "clock")),
    # A worker submits nothing, and a producer works on nothing.
    ("hand", "submit churn.onnx rows.csv -o elsewhere"),
    ("hand", "model add churn churn.onnx"),
    ("hand", "model alias churn champion"),
    ("hand", "schedule add nightly --cron '0 2 * * *' --model churn --input rows.csv --output out-{slot}"),
    ("hand", "labels last rows.csv --key id --label churned"),
    ("hand", "scheduler"),
    ("submitter", "worker --concurrency 1"),
    ("submitter", "run churn.onnx rows.csv -o elsewhere"),
    # A reader has psql.
    *(
        ("analyst", command)
        for command in (
            "jobs",
            "status last",
            "cancel last",
            "retry last",
            "results last",
            "sql 'SELECT 1'",
            "model list",
            "schedule list",
            "submit churn.onnx rows.csv -o elsewhere",
            "worker",
            "scheduler",
            "gc",
            "db check",
            "db upgrade",
        )
    ),
]

ALLOWED = [
    ("submitter", "status last"),
    ("submitter", "jobs"),
    ("submitter", "sql 'SELECT count(*) FROM job_progress'"),
    ("submitter", "results last --limit 1"),
    ("submitter", "model alias churn champion"),
    ("submitter", "schedule add nightly --cron '0 2 * * *' --model churn --input rows.csv --output out-{slot}"),
    ("submitter", "schedule pause nightly"),
    ("submitter", "schedule remove nightly"),
    ("submitter", "labels last rows.csv --key id --label churned"),
    ("submitter", "accuracy last"),
    ("submitter", "audit last"),
    ("submitter", "doctor"),
    ("submitter", "db check"),
    ("hand", "doctor"),
    ("hand", "status last"),
    ("clock", "doctor"),
]


@pytest.mark.exhaustive
def test_each_command_is_refused_in_words_to_who_may_not(scene: Scene, logins: dict[str, Program]) -> None:
    """S23: exit 2, with what is expected and what to do, and what is anybody's own work is not refused."""
    pc.write_csv(customers(50), scene.folder / "rows.csv")
    model = churn_model(scene.folder / "churn.onnx")
    scene.program("run", model, "rows.csv", "--key", "id", "-o", "out")
    for role, command in REFUSED:
        said = logins[role](*shlex.split(command), code=2).stderr
        assert "permission denied" in said or "this role" in said, (role, command, said)
        assert "expected" in said
    for role, command in ALLOWED:
        logins[role](*shlex.split(command))


@pytest.mark.exhaustive
def test_a_password_stands_in_no_log_of_the_server(scene: Scene, tmp_path: Path) -> None:
    """S25: not even where Postgres logs each statement; the role logs in with it."""
    scene.sql("ALTER SYSTEM SET log_statement = 'all'")
    scene.sql("SELECT pg_reload_conf()")
    login = _login(scene.program, tmp_path / "password", "submitter")
    login("db", "check")
    log = scene.servers.postgres.log
    assert "ALTER ROLE" in log
    assert (tmp_path / "password").read_text().strip() not in log
