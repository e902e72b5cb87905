"""Hundreds of random faults over running jobs: not collected by itself, but by `make campaign`.

`SEED` repeats the list of a former campaign, `FAULTS` makes it shorter or longer.
"""

import os
import random
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from tests.acceptance.program import Program
from tests.faults.campaign_arena import Arena
from tests.faults.campaign_draw import draw
from tests.faults.campaign_faults import FAULTS
from tests.faults.campaign_fleet import Fleet
from tests.faults.campaign_jobs import KINDS, Job, User, prepare
from tests.faults.proxy import TcpProxy, rerouted
from tests.faults.scene import Scene, rows_of
from tests.servers import Servers
from tests.servers.postgres import plain
from tests.waiting import wait_for

LEASE_SECONDS = 2
QUIET_SECONDS = 180
"""After the last fault every job is settled within this."""


def test_random_faults_lose_double_and_hold_up_nothing(private_servers: Servers, tmp_path: Path) -> None:
    """Whatever befalls the fleet, each job ends as it must, and the oracle finds nothing amiss."""
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    acts = draw(seed, int(os.environ.get("FAULTS") or 320), {name: weight for name, (weight, _) in FAULTS.items()})
    say(f"SEED={seed} FAULTS={len(acts)}, {acts[-1].at:.0f} s")
    expected = prepare(tmp_path)
    with arena_in(tmp_path, private_servers, seed) as arena:
        begun = time.monotonic()
        for act in acts:
            while time.monotonic() - begun < act.at:
                tend(arena, begun)
                time.sleep(0.02)
            target = FAULTS[act.fault][1](arena, act)
            say(f"{time.monotonic() - begun:6.1f} s  {act.fault}: {target}")
        calm(arena, begun)
        check(arena, Scene(program=direct(tmp_path, arena.database), servers=private_servers), expected)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def direct(folder: Path, database: str) -> Program:
    """The program on wires that nobody cuts."""
    settings = {"SCORING_DATABASE_URL": database.replace("postgresql://", "postgresql+psycopg://", 1)}
    return Program(folder, settings | {"SCORING_STORE": str(folder / "store"), "SCORING_LEASE_SECONDS": "2"})


@contextmanager
def arena_in(folder: Path, servers: Servers, seed: int) -> Iterator[Arena]:
    """A fleet and a user on servers behind wires."""
    url = servers.postgres.create_database()
    with ExitStack() as stack:
        postgres = stack.enter_context(TcpProxy(servers.postgres.port))
        redis = stack.enter_context(TcpProxy(servers.redis.port))
        program = Program(
            folder,
            {
                "SCORING_DATABASE_URL": rerouted(url, postgres.port),
                "SCORING_BROKER_URL": rerouted(servers.redis.url, redis.port),
                "SCORING_STORE": str(folder / "store"),
                "SCORING_LEASE_SECONDS": str(LEASE_SECONDS),
                "SCORING_CHUNK_TIMEOUT_SECONDS": "30",
            },
        )
        program("db", "upgrade")
        user = User(program, plain(url), seed)
        fleet = Fleet(program)
        stack.callback(fleet.close)
        user.start()
        stack.callback(user.stop)
        yield Arena(servers=servers, postgres=postgres, redis=redis, database=plain(url), fleet=fleet, user=user)


def tend(arena: Arena, begun: float) -> None:
    """What passes by itself has passed, who has ended is started again."""
    arena.undo()
    for line in arena.fleet.revive():
        say(f"{time.monotonic() - begun:6.1f} s      {line}")


def calm(arena: Arena, begun: float) -> None:
    """Nothing befalls anybody any more; all jobs come to their end, the failed ones by a retry."""
    arena.undo(all_of_it=True)
    say(f"{time.monotonic() - begun:6.1f} s  calm")
    arena.user.stop()
    for job in arena.user.jobs:
        assert job.job_id, f"{job.key} was never accepted"

    def settled() -> bool:
        tend(arena, begun)
        return not arena.user.states("accepted", "running", "finalizing")

    wait_for(settled, "the end of all jobs", seconds=QUIET_SECONDS)
    for job_id in spent(arena):
        arena.user.call("retry", job_id)
    wait_for(settled, "the end of the jobs that were retried", seconds=QUIET_SECONDS)
    say(f"{time.monotonic() - begun:6.1f} s  settled")


def spent(arena: Arena) -> list[str]:
    """Jobs whose budget went on faults: a retry must make them whole."""
    failed = set(arena.user.states("failed"))
    return [job.job_id for job in arena.user.jobs if job.job_id in failed and KINDS[job.kind].ends == "succeeded"]


def check(arena: Arena, scene: Scene, expected: Mapping[str, pa.Table]) -> None:
    """Every job, by the oracle; all that is wrong is told, not the first thing alone."""
    wrong = list(arena.user.complaints)
    states: dict[str, int] = {}
    for job in arena.user.jobs:
        try:
            state = check_job(scene, job, expected)
            states[state] = states.get(state, 0) + 1
        except AssertionError as error:
            wrong.append(f"{job.kind} {job.job_id}: {error}")
    wrong += left_over(arena)
    say(f"{len(arena.user.jobs)} jobs: {states}; {len(wrong)} complaints")
    assert not wrong, "\n\n".join(wrong)


def check_job(scene: Scene, job: Job, expected: Mapping[str, pa.Table]) -> str:
    """Its state, once it is found to be what it must be."""
    kind, out = KINDS[job.kind], scene.folder / job.key
    state = str(scene.program.json("status", job.job_id)["state"])
    assert state == kind.ends or (job.cancelled and state == "cancelled"), scene.program("status", job.job_id).stdout
    if state == "succeeded":
        assert rows_of(out).equals(expected[job.kind]), "other rows than those of an undisturbed run"
        assert (out / "_SUCCESS").exists()
        assert not (out / "_staging").exists()
    scene.program("audit", job.job_id)
    return state


def left_over(arena: Arena) -> list[str]:
    """What a settled ledger must not hold, and processes that nobody owns."""
    with psycopg.connect(arena.database) as connection:
        live = connection.execute("SELECT job_id, kind, chunk FROM steps WHERE lease_until IS NOT NULL").fetchall()
        over = connection.execute(
            "SELECT job_id, kind, chunk, failures FROM steps JOIN jobs USING (job_id) WHERE failures > max_failures"
        ).fetchall()
    return [
        *(f"live: {row}" for row in live),
        *(f"over its budget: {row}" for row in over),
        *(f"alive: group {pid} of a dead worker" for pid in arena.fleet.orphans()),
    ]


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-s", "-n0"]))
