"""S1 to S6: whoever writes to the broker can ring, and nothing else."""

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from celery import Celery

from scoring.core.ids import JobId, StepId
from scoring.core.states import Priority, StepKind
from scoring.queue import CeleryBell, transport_options
from tests.acceptance.program import Program
from tests.faults.broker.envelopes import envelope, headers, push
from tests.faults.scene import Scene, Work
from tests.servers.process import free_port
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
WORKER = ("worker", "--concurrency", 1)
SLOW = {"SCORING_FAILPOINTS": "score.read=pause:0.2"}
ELSEWHERE = {f"CELERY_{name}": "redis://127.0.0.1:1/0" for name in ("BROKER_URL", "RESULT_BACKEND")}
ROWS = 4_000


class Touch:
    """Makes a file where it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self._canary}",)


def pickles(canary: Path) -> list[str | bytes]:
    body = pickle.dumps(((Touch(canary),), {}, {}))
    types = ("application/x-python-serialize", "application/x-pickle", "application/json")
    return [pickle.dumps(Touch(canary)), *(envelope(body=body.decode("latin-1"), content_type=kind) for kind in types)]


def commands_of_strangers(work: Work) -> list[str]:
    """Tasks that Celery brings along, and arguments that a doorbell has not."""
    paths = {"model": "/etc/passwd", "input": "/etc/passwd", "output": str(work.out)}
    step = {"v": 1, "job": work.job_id, "kind": "score", "chunk": 0}
    tasks = ("celery.map", "celery.chord", "celery.backend_cleanup", "os.system", "scoring.pipeline.work")
    return [
        *(envelope("id", headers=headers(task=task)) for task in tasks),
        envelope(step | {"kind": "os.system"}),
        envelope(step, named=paths),
        envelope(step, further={"callbacks": [{"task": "celery.map"}]}),
        envelope(step, headers=headers(timelimit=[0.01, 0.01])),
    ]


def false_rings(work: Work) -> list[StepId]:
    """Steps that are done, or not due, or of another host's job, or of no job."""
    job, nobody = JobId(work.job_id), JobId("00c0ffee00c0ffee")
    mine = [StepId(job, StepKind.SPLIT), StepId(job, StepKind.FINALIZE), StepId(job, StepKind.SCORE, 99)]
    return [*mine, *(StepId(job, StepKind.SCORE, chunk) for chunk in range(4)), StepId(nobody, StepKind.FINALIZE)]


def command_the_worker(scene: Scene) -> None:
    """As `celery control` does, from an application of a stranger's."""
    url = scene.servers.redis.url
    stranger = Celery("scoring", broker=url, set_as_current=False)
    stranger.conf.broker_transport_options = transport_options(url)
    stranger.control.shutdown()
    stranger.control.pool_grow(5)
    stranger.control.rate_limit("scoring.step", "1/h")
    assert [] == stranger.control.ping(timeout=1)


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.fault("S4", "pickles, commands and false rings in Redis", "nothing runs, nothing is disturbed")
def test_a_stranger_at_the_broker_moves_nothing(scene: Scene, tmp_path: Path) -> None:
    """Amid a job: no pickle runs, no command is obeyed, no ring does a step that is not due, the job is whole."""
    canary = tmp_path / "canary"
    with scene.running("scheduler"), scene.running(*WORKER, **SLOW, **ELSEWHERE) as worker:
        work = scene.submit(rows=ROWS)
        work.wait_for_parts(1)
        for message in [*pickles(canary), *commands_of_strangers(work)]:
            push(scene.servers.redis, [message])
        assert CeleryBell(scene.servers.redis.url, deadline_seconds=60).ring(false_rings(work) * 3, Priority.NORMAL)
        command_the_worker(scene)
        dropped = len(pickles(canary)) + len(commands_of_strangers(work))
        log = scene.log(*WORKER)
        wait_for(lambda: log.read_text().count("no doorbell was dropped") >= dropped, "a line for each message")
        work.wait()
        assert worker.poll() is None
        secret = scene.servers.redis.url.split("@")[0].rpartition(":")[2]
        assert secret not in Path(f"/proc/{worker.pid}/cmdline").read_text()
    assert not canary.exists()
    assert [] == work.failures()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.fault("S3", "rings for the job of a `scoring run`", "the fleet leaves it to the host that it belongs to")
def test_the_fleet_cannot_be_rung_to_anothers_job(scene: Scene) -> None:
    """A worker that is rung for a job of a `scoring run` finds nothing to claim."""
    program = scene.program
    work = scene.submit(rows=ROWS)
    held = program.with_settings(SCORING_FAILPOINTS="score.read=kill")
    held("run", "churn.onnx", f"rows-{ROWS}.parquet", "--key", "id", "-o", "own", code=-9)
    (own,) = scene.sql("SELECT job_id FROM jobs WHERE runner <> 'fleet'")
    attempts = "SELECT kind, chunk, attempt FROM steps WHERE job_id = %s ORDER BY 1, 2"
    before = scene.sql(attempts, *own)
    rings = [StepId(JobId(str(own[0])), StepKind.SCORE, chunk) for chunk in range(4)]
    assert CeleryBell(scene.servers.redis.url, deadline_seconds=60).ring(rings, Priority.HIGH)
    with scene.running("scheduler"), scene.running(*WORKER):
        work.wait()
    assert before == scene.sql(attempts, *own)


def acl_line() -> str:
    """The one that docs/security.md shows."""
    page = (ROOT / "docs/security.md").read_text()
    found = re.search(r"^ACL SETUSER (.*)$", page, re.MULTILINE)
    assert found
    return found[1].replace("PASSWORD", "pass-of-scoring")


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.fault("S5", "a Redis user with the rights that the docs name", "a whole job, and nothing beyond")
def test_the_redis_user_of_the_docs_can_do_its_work_and_no_more(scene: Scene) -> None:
    """A job runs with nothing denied; keys of others, and commands that end or empty the server, are out of reach."""
    redis_server = scene.servers.redis
    with redis_server.client() as administrator:
        administrator.execute_command("ACL", "SETUSER", *acl_line().split())
        administrator.set("others", "secret")
        url = f"redis://scoring:pass-of-scoring@127.0.0.1:{redis_server.port}/0"
        limited = Scene(program=scene.program.with_settings(SCORING_BROKER_URL=url), servers=scene.servers)
        with limited.running("scheduler"), limited.running(*WORKER):
            work = limited.submit(rows=ROWS)
            work.wait()
            assert "it answers" in limited.program("doctor").stdout
        denied = {entry[b"object"] for entry in administrator.execute_command("ACL", "LOG")}
        assert denied <= {b"client"}  # who it is: Redis before 7 counts that as dangerous, and does without
        with redis.Redis.from_url(url) as user:
            for command in ("GET others", "FLUSHALL", "CONFIG GET *", "KEYS *", "SHUTDOWN", "ACL LIST", "PUBLISH x y"):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    user.execute_command(*command.split())
    work.prove()


def test_a_worker_reads_json_alone_from_a_broker_that_is_its_own(tmp_path: Path) -> None:
    """Asked of the options that a worker process really has, in an environment made for another program."""
    code = (
        "from workers.app import deployed_app; app = deployed_app('redis://ours:1/0');"
        "print(app.conf.accept_content, app.conf.task_serializer, app.conf.worker_enable_remote_control,"
        " type(app.backend).__name__, app.connection_for_read().hostname)"
    )
    environment = os.environ | ELSEWHERE | {"CELERY_ACCEPT_CONTENT": "pickle", "PYTHONPATH": str(ROOT)}
    said = subprocess.check_output([sys.executable, "-c", code], env=environment, cwd=tmp_path, text=True)
    assert "['json'] json False DisabledBackend ours" == said.strip()


CANARIES = ("canary-of-postgres", "canary-of-redis")


def away(tmp_path: Path) -> dict[str, str]:
    """Nobody listens."""
    port = free_port()
    return {
        "SCORING_DATABASE_URL": f"postgresql://scoring:{CANARIES[0]}@127.0.0.1:{port}/x",
        "SCORING_BROKER_URL": f"redis://scoring:{CANARIES[1]}@127.0.0.1:{port}/0",
    }


@pytest.mark.parametrize(
    ("command", "form"),
    [
        pytest.param("doctor", "text", marks=pytest.mark.exhaustive),
        pytest.param("submit", "text", marks=pytest.mark.exhaustive),
        ("worker", "json"),
        pytest.param("scheduler", "text", marks=pytest.mark.exhaustive),
    ],
)
def test_no_password_is_shown_while_servers_are_away(tmp_path: Path, command: str, form: str) -> None:
    """S25: with SCORING_DEBUG=1, in both forms of the log, from a file of secrets too."""
    settings = away(tmp_path)
    (tmp_path / "secret").write_text(settings.pop("SCORING_DATABASE_URL"))
    settings |= {"SCORING_DATABASE_URL_FILE": "secret", "SCORING_DEBUG": "1", "SCORING_LOG_FORMAT": form}
    arguments = [command, "gone.onnx", "gone.csv"] if command == "submit" else [command]
    process = Program(tmp_path, settings).start(*arguments)
    said = "".join(process.communicate(timeout=60))
    assert process.returncode in (4, 6), said
    assert not any(canary in said for canary in CANARIES)


@pytest.mark.parametrize("server", [pytest.param("postgres", marks=pytest.mark.exhaustive), "redis"])
def test_no_password_is_shown_where_it_is_wrong(tmp_path: Path, server: str, postgres_url: str, redis_url: str) -> None:
    """S25: a server that is there and refuses it is named, the password is not."""
    wrong = re.sub(r"//(\w*):[^@]*@", rf"//\1:{CANARIES[0]}@", postgres_url if server == "postgres" else redis_url)
    urls = {"SCORING_DATABASE_URL": postgres_url, "SCORING_BROKER_URL": redis_url}
    urls["SCORING_DATABASE_URL" if server == "postgres" else "SCORING_BROKER_URL"] = wrong
    process = Program(tmp_path, urls | {"SCORING_DEBUG": "1"}).start("doctor")
    said = "".join(process.communicate(timeout=60))
    assert "FAILED" in said
    assert CANARIES[0] not in said
