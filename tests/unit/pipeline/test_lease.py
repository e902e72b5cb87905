"""The heartbeat of a claim: when work is told to stop, and what happens if it does not listen."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from scoring.core.errors import LeaseLost, StepTimeout, WorkerLost
from scoring.core.states import StepState
from scoring.failpoints import arm, parse
from scoring.ledger import reports, steps
from scoring.ledger.records import Claim
from scoring.pipeline.context import Context
from scoring.pipeline.lease import HandedBack, Lease
from scoring.settings import load_settings
from tests.ledger.desk import Desk, score_of, split_of
from tests.waiting import wait_for
from workers.process import open_context

SHORT = {"SCORING_LEASE_SECONDS": "2", "SCORING_CHUNK_TIMEOUT_SECONDS": "1"}


def context_in(folder: Path, **settings: str) -> Context:
    return open_context(load_settings({"SCORING_HOME": str(folder), **settings}, folder=folder))


def claim_a_chunk(desk: Desk) -> Claim:
    job = desk.submit()
    desk.split_into(job.id, 1)
    return desk.claim(score_of(job.id, 0))


def test_a_lease_outlives_its_seconds_while_the_work_lasts(tmp_path: Path) -> None:
    """The heartbeat extends: the end of the lease moves on."""
    context = context_in(tmp_path, SCORING_LEASE_SECONDS="2")
    desk = Desk(context.ledger)
    claim = desk.claim(split_of(desk.submit().id), lease=2.0)
    before = desk.step(claim.step).lease_until
    with Lease(context, claim, Event()) as lease:
        wait_for(lambda: desk.step(claim.step).lease_until != before, "a heartbeat")
        lease.end()
    assert StepState.RUNNING is desk.step(claim.step).state


def test_a_lease_that_has_ended_goes_on_for_a_second_try(tmp_path: Path) -> None:
    """The commit was undone by no fault of its own: the heart beats again, as often as needed."""
    context = context_in(tmp_path, SCORING_LEASE_SECONDS="2")
    desk = Desk(context.ledger)
    claim = desk.claim(split_of(desk.submit().id), lease=2.0)
    with Lease(context, claim, Event()) as lease:
        for _ in range(2):
            lease.end()
            before = desk.step(claim.step).lease_until
            lease.keep_on()
            wait_for(lambda before=before: desk.step(claim.step).lease_until != before, "a heartbeat")  # type: ignore[misc]
        lease.end()
    assert StepState.RUNNING is desk.step(claim.step).state


def test_work_that_lost_its_step_is_told(tmp_path: Path) -> None:
    """Once another attempt may own the step, the work must stop and publish nothing."""
    context = context_in(tmp_path, SCORING_LEASE_SECONDS="2")
    desk = Desk(context.ledger)
    claim = desk.claim(split_of(desk.submit().id))
    with Lease(context, claim, Event()) as lease:
        desk.run(lambda tx: steps.take_over(tx, claim.step.job_id))
        wait_for(lease.is_set, "the abort")
        with pytest.raises(LeaseLost):
            lease.check()
        with pytest.raises(LeaseLost):
            lease.end()


def test_work_that_takes_too_long_is_told(tmp_path: Path) -> None:
    """SCORING_CHUNK_TIMEOUT_SECONDS ends an attempt although its heartbeat lives."""
    context = context_in(tmp_path, **SHORT)
    desk = Desk(context.ledger)
    with Lease(context, claim_a_chunk(desk), Event()) as lease:
        wait_for(lease.is_set, "the abort")
        with pytest.raises(StepTimeout):
            lease.check()


@pytest.fixture
def heartless() -> Iterator[None]:
    """Every beat fails, by an error that nobody foresees."""
    arm(parse("heartbeat.beat=raise"))
    yield
    arm(())


def test_work_whose_heart_fails_is_told_before_its_lease_ends(tmp_path: Path, heartless: None) -> None:
    """One beat that fails is made up for by the next; none for most of a lease, and the work has to end, with why."""
    context = context_in(tmp_path, SCORING_LEASE_SECONDS="2", SCORING_FAILPOINTS="heartbeat.beat=raise")
    desk = Desk(context.ledger)
    with Lease(context, claim_a_chunk(desk), Event()) as lease:
        lease.check()
        wait_for(lease.is_set, "the abort")
        with pytest.raises(WorkerLost, match=r"got Failure: asked for"):
            lease.check()


def test_work_that_shows_no_progress_is_told(tmp_path: Path) -> None:
    """Whoever asks may ask as often as they like: only the steps of the work show that it goes on."""
    context = context_in(tmp_path, SCORING_LEASE_SECONDS="2", SCORING_STALL_SECONDS="1")
    with Lease(context, claim_a_chunk(Desk(context.ledger)), Event()) as lease:
        ends = time.monotonic() + 1.2
        wait_for(lambda: lease.check() or time.monotonic() > ends, "more than the limit, in small steps")
        wait_for(lease.is_set, "the abort")
        with pytest.raises(StepTimeout, match="hangs"):
            lease.check()


def test_a_lease_is_as_old_as_the_question_for_it(tmp_path: Path) -> None:
    """An answer that came late leaves less of the lease: the scheduler counts from when the ledger gave it."""
    context = context_in(tmp_path, SCORING_LEASE_SECONDS="60")
    claim, asked = claim_a_chunk(Desk(context.ledger)), time.monotonic()
    for age, over in ((40, False), (51, True)):
        assert over is Lease(context, claim, Event(), asked=asked - age).is_set()


def test_a_beat_that_hangs_keeps_no_commit(tmp_path: Path) -> None:
    """The commit waits for one beat's time and not for most of a lease; what the beat then meets is not believed."""
    (held := tmp_path / "held").mkdir()
    context = context_in(
        tmp_path, SCORING_LEASE_SECONDS="6", SCORING_FAILPOINTS=f"heartbeat.beat=hold:{held}!{tmp_path / 'once'}"
    )
    desk = Desk(context.ledger)
    claim = claim_a_chunk(desk)
    try:
        with Lease(context, claim, Event()) as lease:
            wait_for(lambda: list(held.iterdir()), "a beat that hangs")
            before = time.monotonic()
            lease.end()
            assert time.monotonic() - before < 6 / 2
            desk.run(lambda tx: steps.take_over(tx, claim.step.job_id))
            next(held.iterdir()).unlink()
            wait_for(lambda: not [one for one in threading.enumerate() if one.name.startswith("beat ")], "its end")
            lease.check()
    finally:
        arm(())


def test_a_process_that_is_told_to_stop_hands_back(tmp_path: Path) -> None:
    """The process's own stop is no failure of the step."""
    context = context_in(tmp_path)
    desk, stop = Desk(context.ledger), Event()
    with Lease(context, desk.claim(split_of(desk.submit().id)), stop) as lease:
        lease.check()
        stop.set()
        with pytest.raises(HandedBack):
            lease.check()


HANG = """
import sys
import threading
from pathlib import Path
from threading import Event
from scoring.pipeline import lease
from tests.ledger.desk import Desk
from tests.unit.pipeline.test_lease import SHORT, claim_a_chunk, context_in

lease.HANG_SECONDS = 0.2
context = context_in(Path(sys.argv[1]), **SHORT)
desk = Desk(context.ledger)
with lease.Lease(context, claim_a_chunk(desk), Event()):
    if "no more threads" in sys.argv:
        threading.stack_size(1 << 46)
    Event().wait(60)
"""


def hang(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A process whose work does not heed its abort, and how it ended."""
    return subprocess.run(
        [sys.executable, "-c", HANG, str(home), *words],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_native_code_that_does_not_heed_its_abort_takes_its_process_with_it(tmp_path: Path) -> None:
    """A hung step ends as `timeout`, and nothing goes on scoring behind the ledger's back."""
    hung = hang(tmp_path)
    assert 1 == hung.returncode, hung.stderr
    assert "does not heed its abort" in hung.stderr
    columns, rows = context_in(tmp_path).ledger.look(lambda tx: reports.view(tx, "job_failures"))
    assert ["timeout"] == [row[columns.index("error_code")] for row in rows]


def test_a_process_that_cannot_say_why_ends_all_the_same(tmp_path: Path) -> None:
    """Where the host gives no further thread for the last word, the lease tells the scheduler."""
    hung = hang(tmp_path, "no more threads")
    assert 1 == hung.returncode, hung.stderr
    assert "does not heed its abort" in hung.stderr
