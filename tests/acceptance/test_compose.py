"""docker-compose.yml, without an engine: its own services' command lines run here, against private servers.

What an engine would add is given by hand: secrets and volumes become files and folders of the test, and the host names
of the services become addresses of the private servers.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from tests.servers import Servers
from tests.small_models import linear_model

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "batch-scoring"]
LASTING = ["postgres", "redis", "worker", "scheduler"]

ROLES = ["worker", "scheduler", "producer"]

WAIT_SECONDS = 90.0


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_runs_as_root(name: str) -> None:
    """A hole in one service is not a hole in the host."""
    assert str(SERVICES[name]["user"]).partition(":")[0] not in ("", "0", "root")


@pytest.mark.parametrize("name", LASTING)
def test_lasting_services_are_watched_and_come_back(name: str) -> None:
    """What should run all the time has a health check and is restarted."""
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_data_lie_in_named_volumes() -> None:
    """`docker compose down` keeps ledger and results."""
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert {"ledger", "store"} <= set(COMPOSE["volumes"]) <= used


def test_no_password_stands_in_the_file() -> None:
    """Passwords come from files that `deploy/make-secrets` makes and git ignores."""
    text = (ROOT / "docker-compose.yml").read_text()
    assert not re.search(r"://[^/\s@]*:[^/\s@]*@", text)
    assert {f"deploy/secrets/{name}" for name in COMPOSE["secrets"]} == {
        secret["file"] for secret in COMPOSE["secrets"].values()
    }


def test_redis_refuses_rather_than_evicts() -> None:
    """An evicted queue looks like an empty one."""
    command = SERVICES["redis"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def made_secrets(folder: Path) -> dict[str, str]:
    """What `deploy/make-secrets` makes, by file name."""
    (folder / "make-secrets").write_bytes((ROOT / "deploy" / "make-secrets").read_bytes())
    subprocess.run(["sh", str(folder / "make-secrets")], check=True, capture_output=True)
    return {path.name: path.read_text() for path in (folder / "secrets").iterdir()}


def test_made_secrets_fit_the_services(tmp_path: Path) -> None:
    """User, password, host and database of the owner's URL are those of the Postgres service; each role has its own."""
    secrets = made_secrets(tmp_path)
    postgres = SERVICES["postgres"]["environment"]
    users = {"owner": postgres["POSTGRES_USER"]} | {role: f"scoring_{role}" for role in ROLES}
    passwords = {"owner": secrets["postgres_password"]} | {role: secrets[f"{role}_password"] for role in ROLES}
    expected = {
        f"{who}_url": f"postgresql+psycopg://{user}:{passwords[who]}@postgres:5432/{postgres['POSTGRES_DB']}"
        for who, user in users.items()
    }
    expected["broker_url"] = f"redis://scoring:{secrets['redis_password']}@redis:6379/0"
    assert expected == {name: secret for name, secret in secrets.items() if name.endswith("_url")}
    assert f"user scoring on >{secrets['redis_password']} " in secrets["redis_users"]
    assert set(COMPOSE["secrets"]) == set(secrets) - {"redis_password"}
    assert len(users) == len(set(passwords.values()))
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", [name for name in OURS if name != "migrate"])
def test_no_lasting_service_has_the_owners_password(name: str) -> None:
    """S23: nor any password but the one in its own URL."""
    role = {"cli": "producer"}.get(name, name)
    assert [f"{role}_url", "broker_url"] == SERVICES[name]["secrets"]
    assert f"/run/secrets/{role}_url" == SERVICES[name]["environment"]["SCORING_DATABASE_URL_FILE"]


@dataclass(frozen=True, kw_only=True)
class Host:
    """This machine in place of the engine."""

    folder: Path
    servers: Servers

    def environment(self, name: str) -> dict[str, str]:
        """Environment of a service, its paths and host names turned into ours."""
        ours = {variable: self._here(str(value)) for variable, value in SERVICES[name]["environment"].items()}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, **ours}

    def path(self, inside: str) -> Path:
        """Where a path inside the containers lies here."""
        return self.folder / inside.lstrip("/")

    def run(self, name: str, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in the place of a service, to its end."""
        return subprocess.run(
            program(command),
            env=self.environment(name),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )

    @contextmanager
    def running(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """A service's own command line as a process, killed at the end if it is still there."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                program(SERVICES[name]["command"]),
                env=self.environment(name),
                cwd=self.folder,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            print(f"--- {name}\n{log.read_text(errors='replace')}")  # noqa: T201 - pytest shows it where the test fails

    def _here(self, value: str) -> str:
        return ",".join(str(self.path(item)) if item.startswith("/") else item for item in value.split(","))


def program(command: list[str]) -> list[str]:
    """A command line with the console scripts of the environment that runs the tests; compose reads $$ as $."""
    words = [word.replace("$$", "$") for word in command]
    return words if words[0] == "sh" else [str(Path(sys.executable).with_name(words[0])), *words[1:]]


@pytest.fixture
def host(tmp_path: Path, private_servers: Servers) -> Host:
    """Folders and secrets that an engine would mount."""
    for folder in ("run/secrets", "store", "inputs", "tmp"):
        (tmp_path / folder).mkdir(parents=True)
    secrets, redis = made_secrets(tmp_path), private_servers.redis
    with redis.client() as administrator:
        administrator.execute_command("ACL", "SETUSER", *secrets["redis_users"].splitlines()[1].split()[1:])
    owner = private_servers.postgres.create_database()
    for name, secret in (secrets | {"owner_url": owner}).items():
        here = secret.replace("redis:6379", f"127.0.0.1:{redis.port}")
        here = here.replace("postgres:5432/scoring", owner.partition("@")[2])
        (tmp_path / "run/secrets" / name).write_text(here)
    return Host(folder=tmp_path, servers=private_servers)


@pytest.mark.exhaustive
def test_the_services_score_a_job(host: Host) -> None:
    """Migrate, worker and scheduler start as the file says; a submitted job succeeds; TERM ends both with 0."""
    model, rows = host.path("/inputs/model.onnx"), 1_000
    linear_model(model, weights=[1.0, 10.0])
    table = "a,b\n" + "".join(f"{i},{i % 7}\n" for i in range(rows))
    host.path("/inputs/rows.csv").write_text(table)

    migrate = host.run("migrate", SERVICES["migrate"]["command"])
    assert migrate.returncode == 0, migrate.stderr
    with ExitStack() as stack:
        processes = [stack.enter_context(host.running(name)) for name in ("worker", "scheduler")]
        submit = ["submit-job", str(model), str(host.path("/inputs/rows.csv")), "--wait", "--timeout", "60s", "--json"]
        job = host.run("cli", submit)
        assert job.returncode == 0, job.stderr
        health = host.run("worker", SERVICES["worker"]["healthcheck"]["test"][1:])
        assert health.returncode == 0, health.stdout + health.stderr
        for process in processes:
            process.send_signal(signal.SIGTERM)
        assert [0, 0] == [process.wait(WAIT_SECONDS) for process in processes]

    job_id = json.loads(job.stdout)["job_id"]
    result = pq.read_table(host.path("/store/results") / job_id)
    assert list(range(rows)) == result["_row"].to_pylist()
    assert [i + 10.0 * (i % 7) for i in range(rows)] == result["y"].to_pylist()
