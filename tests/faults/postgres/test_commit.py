"""The answer to a COMMIT is lost: what has happened is read from the rows, and nothing is lost or done twice."""

from collections.abc import Callable

import pytest

from scoring.core.errors import ExitCode
from tests.faults.proxy import TcpProxy
from tests.faults.scene import Scene
from tests.waiting import wait_for

COMMIT = b"COMMIT\0"
MOVES = {
    "a claim": b"attempt=(steps.attempt",
    "a chunk's row": b"INSERT INTO chunks",
    "the split's end": b"rows_total=",
    "a chunk's commit": b"INSERT INTO parts",
    "the verdict": b"gate=",
    "the end": b"output_held=",
}
"""What a worker sends in the transaction of each move."""

HANDED_BACK = 3
"""Attempts that are given back and made again, at no cost: a chunk's row, the split's end, the verdict."""


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F42",
    "a proxy forwards the COMMIT of a claim, a chunk's row, the split, a chunk, the verdict, the end, cuts the reply",
    "no attempt fails; a committed chunk is not scored again; once",
)
def test_no_move_of_a_job_is_lost_or_doubled_by_a_lost_answer(
    scene: Scene, wire: TcpProxy, wired: dict[str, str]
) -> None:
    """Each kind of commit loses its answer once in one job."""
    for sent in MOVES.values():
        wire.lose_reply(to=COMMIT, after=sent)
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 1, **wired):
        work = scene.submit(rows=4_000)
        work.wait()
    assert len(MOVES) == wire.losses
    assert [] == work.failures()
    outcomes = scene.sql("SELECT outcome, kind FROM attempts WHERE job_id = %s AND outcome <> 'completed'", work.job_id)
    assert len(outcomes) <= HANDED_BACK
    assert ("released", "score") not in outcomes
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F42",
    "the reply to a chunk's COMMIT is cut, and the server stays away for two leases",
    "the staged file is kept, and published from the row that is found later; once",
)
def test_a_file_is_kept_while_nobody_knows_whether_it_is_committed(
    scene: Scene, wire: TcpProxy, wired: dict[str, str], recovered: Callable[[float], None]
) -> None:
    """The chunk is neither lost nor scored again."""
    wire.lose_reply(to=COMMIT, after=MOVES["a chunk's commit"], last=True)
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 1, **wired):
        work = scene.submit(rows=4_000)
        wait_for(lambda: wire.losses == 1, "a lost answer")
        log = scene.log("worker", "--concurrency", 1)
        wait_for(lambda: "handed back" in log.read_text(), "the worker to give up asking")
        wire.pass_on()
        seconds = work.recovery()
        work.wait()
    recovered(seconds)
    assert [] == work.failures()
    commits = "SELECT count(*) FROM attempts WHERE job_id = %s AND kind = 'score' AND outcome = 'completed'"
    assert [(4,)] == scene.sql(commits, work.job_id)
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F42", "the reply to the COMMIT of `submit-job` is cut", "one job, and its id is printed; exit 0")
def test_a_submit_whose_answer_is_lost_has_its_job(scene: Scene, wire: TcpProxy, wired: dict[str, str]) -> None:
    """It is found by its id, not recorded again."""
    wire.lose_reply(to=COMMIT, after=b"INSERT INTO jobs")
    far = Scene(program=scene.program.with_settings(**wired), servers=scene.servers)
    work = far.submit(rows=4_000)
    assert 1 == wire.losses
    assert [(work.job_id,)] == scene.sql("SELECT job_id FROM jobs")
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 1):
        work.wait()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F42",
    "the reply to the COMMIT of `submit-job` is cut, and the server stays away",
    "exit 6 within 30 s, and the message names the id to look for",
)
def test_a_submit_in_doubt_names_the_job(scene: Scene, wire: TcpProxy, wired: dict[str, str]) -> None:
    """Whoever submits again blindly would have two."""
    warm = scene.submit(rows=4_000)
    wire.lose_reply(to=COMMIT, after=b"INSERT INTO jobs", last=True)
    far = scene.program.with_settings(**wired)
    model, source = scene.folder / "churn.onnx", scene.folder / "rows-4000.parquet"
    said = far("submit", model, source, "-o", "twice", code=ExitCode.UNREACHABLE).stderr
    ((recorded,),) = scene.sql("SELECT job_id FROM jobs WHERE job_id <> %s", warm.job_id)
    assert f"scoring status {recorded}" in said


@pytest.mark.exhaustive
@pytest.mark.fault("F42", "the reply to the COMMIT of `cancel` and `retry` is cut", "the move is made once; exit 0")
def test_a_cancel_and_a_retry_whose_answers_are_lost_are_done(
    scene: Scene, wire: TcpProxy, wired: dict[str, str]
) -> None:
    """Both tell what has become of the job."""
    work, other = scene.submit(rows=4_000), scene.submit(rows=4_000, out="other")
    scene.sql(
        "UPDATE jobs SET state = 'failed', error_code = 'chunks_failed', started_at = 1, finished_at = 1,"
        " output_held = false, chunks_done = 0, chunks_failed = 0, rows_scored = 0, rows_rejected = 0"
        " WHERE job_id = %s",
        other.job_id,
    )
    far = scene.program.with_settings(**wired)
    wire.lose_reply(to=COMMIT, after=b"UPDATE jobs SET state")
    far("cancel", work.job_id)
    wire.lose_reply(to=COMMIT, after=b"UPDATE jobs SET state")
    far("retry", other.job_id)
    assert 2 == wire.losses
    found = dict(scene.sql("SELECT job_id, state FROM jobs"))
    assert {work.job_id: "cancelled", other.job_id: "running"} == found
    assert [(2,)] == scene.sql("SELECT round FROM jobs WHERE job_id = %s", other.job_id)
