"""One process of a home does the submitted jobs, those too that a dead one has left, and none of `scoring run`."""

import threading
from collections.abc import Iterator
from threading import Event

import pytest

import scoring
from scoring.cli.errors import run_command
from scoring.cli.main import cli
from scoring.cli.serve import do_submitted
from scoring.core.ids import JobId
from scoring.core.states import JobState, StepKind
from scoring.ledger import jobs, processes, steps
from scoring.ledger.records import Claim, JobVerdict, ProcessKind
from scoring.pipeline import control
from scoring.pipeline.context import Context
from scoring.pipeline.work import work
from scoring.settings import load_settings
from tests.ledger.desk import Desk, finalize_of, score_of, split_of
from tests.place import Place
from tests.waiting import wait_for
from workers.joblock import job_lock
from workers.presence import present, scheduler
from workers.process import open_context

LEASE = 3_600.0
"""Of the dead process: nobody waits for its end."""


@pytest.fixture
def context(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    """A home with a model and rows in the working folder."""
    monkeypatch.setenv("SCORING_HOME", str(place.folder / "home"))
    monkeypatch.chdir(place.put_back())
    context = open_context(load_settings())
    yield context
    context.ledger.close()


def submitted(**options: str) -> JobId:
    return scoring.submit("churn.onnx", "rows.csv", key="id", **options).id


def states(context: Context, *job_ids: JobId) -> list[JobState]:
    return [context.ledger.look(lambda tx, job_id=job_id: jobs.job(tx, job_id)).state for job_id in job_ids]  # type: ignore[misc]


def died_at(context: Context, job_id: JobId, kind: StepKind) -> Claim:
    """What is on record once a process was killed in this step of the job, which it had taken over."""
    here = Desk(context.ledger, worker="box:1")
    control.take_over(context, job_id, "here:box")
    for step in (split_of(job_id), score_of(job_id, 0)):
        if step.kind is kind:
            return here.claim(step, lease=LEASE)
        work(context, step, Event())
    claim = here.claim(finalize_of(job_id), lease=LEASE)
    here.run(lambda tx: jobs.begin_finalizing(tx, claim, JobVerdict()))
    return claim


@pytest.mark.parametrize(
    ("kind", "left"),
    [(StepKind.SPLIT, JobState.RUNNING), (StepKind.SCORE, JobState.RUNNING), (StepKind.FINALIZE, JobState.FINALIZING)],
)
def test_a_submitted_job_of_a_dead_process_is_gone_on_with(context: Context, kind: StepKind, left: JobState) -> None:
    """Wherever it was killed, the next one finds the job and waits for no lease."""
    job_id = submitted()
    died_at(context, job_id, kind)
    assert [left] == states(context, job_id)
    do_submitted(context, 1, Event())
    assert [JobState.SUCCEEDED] == states(context, job_id)
    assert 2 == scoring.Job(job_id).results().count_rows()
    assert [] == context.ledger.look(jobs.unfinished)


def test_the_last_step_of_a_cancelled_job_is_done(context: Context) -> None:
    """Who worked on it died before it was told: finished parts and `_partial.json` are due."""
    job_id = submitted()
    died_at(context, job_id, StepKind.SCORE)
    control.cancel(context, job_id)
    do_submitted(context, 1, Event())
    assert [JobState.CANCELLED] == states(context, job_id)
    assert [] == context.ledger.look(lambda tx: steps.open_steps(tx, job_id))


def test_an_interrupted_run_goes_on_waiting_for_resume(context: Context) -> None:
    """Nobody but a person goes on with a job of `scoring run`."""
    stop = Event()
    stop.set()
    with pytest.raises(scoring.core.errors.Interrupted):
        scoring.run("churn.onnx", "rows.csv", stop=stop)
    interrupted = scoring.Job("last").id
    do_submitted(context, 1, Event())
    assert [JobState.ACCEPTED] == states(context, interrupted)
    assert 0 == run_command(cli, "scoring", ["resume", interrupted])
    assert [JobState.SUCCEEDED] == states(context, interrupted)


def test_a_job_that_another_process_works_on_is_left_to_it(context: Context) -> None:
    """The lock says so; the next job is done."""
    busy, free = submitted(), submitted()
    with job_lock(context.settings.run_folder, busy):
        do_submitted(context, 1, Event())
    assert [JobState.ACCEPTED, JobState.SUCCEEDED] == states(context, busy, free)


def test_the_most_urgent_job_comes_first(context: Context) -> None:
    """Of one priority the oldest."""
    low, first, second, high = (submitted(priority=name) for name in ("low", "normal", "normal", "high"))
    assert [high, first, second, low] == context.ledger.look(jobs.unfinished)
    do_submitted(context, 1, Event())
    assert {JobState.SUCCEEDED} == set(states(context, low, first, second, high))


def test_a_stopped_process_leaves_its_job_to_the_next(context: Context) -> None:
    """A signal ends it between two steps, and the job is still a submitted one."""
    job_id, stop = submitted(), Event()
    stop.set()
    do_submitted(context, 1, stop)
    assert [job_id] == context.ledger.look(jobs.unfinished)


def test_commands_beside_the_worker_take_no_step_out_of_its_hands(context: Context) -> None:
    """What is due of a job is rung by who works on it alone: another process's ring would be heard by nobody."""
    worked_on, other = submitted(), submitted()
    control.cancel(context, other)
    assert context.ledger.look(lambda tx: steps.step(tx, split_of(worked_on))).rung_at is None


@pytest.mark.parametrize("end", ["finished", "died"])
@pytest.mark.parametrize(
    "command", [["submit", "churn.onnx", "rows.csv", "--wait"], ["schedule", "run", "nightly", "--wait"]]
)
def test_who_waits_gets_the_verdict_of_who_works(
    context: Context, capfd: pytest.CaptureFixture[str], command: list[str], end: str
) -> None:
    """Of two commands with one key, or for one slot, one works; the other waits, and goes on if that one dies."""
    same = ["--idempotency-key", "k"] if command[0] == "submit" else ["--slot", "2026-01-01T02:00"]
    nightly = ["schedule", "add", "nightly", "--cron", "0 2 * * *", "--model", "churn.onnx", "--input", "rows.csv"]
    assert 0 == run_command(cli, "scoring", nightly)
    without_wait = [word for word in command if word != "--wait"]
    assert 0 == run_command(cli, "scoring", [*without_wait, *same])
    job_id = scoring.Job("last").id
    codes: list[int] = []
    other = threading.Thread(target=lambda: codes.append(run_command(cli, "scoring", [*command, *same])))
    with job_lock(context.settings.run_folder, job_id):
        other.start()
        wait_for(lambda: "waiting for it" in capfd.readouterr().err, "the other one")
        if end == "finished":
            for step in (split_of(job_id), score_of(job_id, 0), finalize_of(job_id)):
                work(context, step, Event())
        else:
            died_at(context, job_id, StepKind.SCORE)
    other.join(60)
    assert ([0], [JobState.SUCCEEDED]) == (codes, states(context, job_id))


def test_who_waits_for_another_process_gives_up_in_time(context: Context) -> None:
    """`--timeout` holds for what others do, and the job goes on."""
    command = ["submit", "churn.onnx", "rows.csv", "--idempotency-key", "k"]
    assert 0 == run_command(cli, "scoring", command)
    job_id = scoring.Job("last").id
    with job_lock(context.settings.run_folder, job_id):
        assert 7 == run_command(cli, "scoring", [*command, "--wait", "--timeout", "0.1"])
    assert [JobState.ACCEPTED] == states(context, job_id)


def test_a_scheduler_is_seen_while_it_lives(context: Context) -> None:
    """Whatever it works on it has a row of its own, and takes it away in the end."""
    seen = lambda: [(row.process, row.kind, row.host) for row in context.ledger.look(processes.seen)]  # noqa: E731
    with present(context.ledger, scheduler("box:7/scheduler")):
        wait_for(seen, "the first beat")
        assert [("box:7/scheduler", ProcessKind.SCHEDULER, "box")] == seen()
        submitted()
        do_submitted(context, 1, Event())
        assert [("box:7/scheduler", ProcessKind.SCHEDULER, "box")] == seen()
    assert [] == seen()
