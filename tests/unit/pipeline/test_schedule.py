"""What a scheduler does with the slots of a schedule, turn by turn, at times that the test hands in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scoring.core.errors import ErrorCode, InputMissing, NotFound, OutputTaken, StorageFault
from scoring.core.schedules.cron import CronLine
from scoring.core.schedules.definition import ScheduleDefinition
from scoring.core.schedules.policies import CatchUp, Overlap, SlotOrigin, SlotReason, SlotState
from scoring.ledger import jobs, schedules, slots
from scoring.ledger.schedule_rows import Slot
from scoring.ledger.tables import schedules as schedule_table
from scoring.pipeline.context import Context
from scoring.pipeline.model_files import find_model
from scoring.pipeline.registry import register
from scoring.pipeline.schedule import fire, start
from scoring.settings import LogFormat
from scoring.telemetry import WARNING, configure
from tests.ledger.desk import Desk
from tests.ledger.nightly import ended
from tests.small_models import linear_model
from tests.unit.pipeline.test_lease import context_in

NIGHT = datetime(2026, 3, 2, 2, tzinfo=UTC)
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
ROWS = "a\n1\n2\n"


class House:
    """A ledger with one nightly schedule, and the folder where its input arrives."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.context: Context = context_in(folder / "home")
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self._model = linear_model(folder / "linear.onnx", weights=[2.0])
        self.add("nightly", **changes)

    def add(self, name: str, **changes: Any) -> None:
        values: dict[str, Any] = {
            "model": str(self._model),
            "inputs": (f"{self.inbox}/{{slot:%d}}.csv",),
            "catch_up": CatchUp.ALL,
        } | changes
        line = CronLine.parse("0 2 * * *")
        definition = ScheduleDefinition(name=name, line=line, **values)
        self.context.ledger.run(lambda tx: schedules.add(tx, definition, next_slot=NIGHT))

    def deliver(self, slot: datetime = NIGHT, rows: str = ROWS) -> Path:
        path = self.inbox / f"{slot:%d}.csv"
        path.write_text(rows)
        return path

    def fire(self, after: timedelta = SECOND) -> None:
        fire(self.context, NIGHT + after)

    def slot(self, at: datetime = NIGHT, name: str = "nightly") -> Slot:
        found = self.context.ledger.look(lambda tx: slots.find_slot(tx, name, at))
        assert found is not None
        return found

    def jobs(self) -> int:
        return len(self.context.ledger.look(lambda tx: jobs.running(tx)))


@pytest.fixture
def house(tmp_path: Path) -> Callable[..., House]:
    return lambda **changes: House(tmp_path, **changes)


def test_a_due_slot_gets_its_job_once(house: Callable[..., House]) -> None:
    """Not before its time; then one job, with the slot's input; later turns leave it alone."""
    nightly = house()
    path = nightly.deliver()
    nightly.fire(-SECOND)
    assert 0 == nightly.jobs()
    for _ in range(3):
        nightly.fire()
    job = nightly.context.ledger.look(lambda tx: jobs.of_slot(tx, "nightly", NIGHT))
    assert (str(path), NIGHT) == (job.inputs[0].path, job.slot)
    assert (SlotState.SUBMITTED, job.id) == ((seen := nightly.slot()).state, seen.job_id)
    assert 1 == nightly.jobs()


def test_a_slot_that_cannot_have_its_job_is_refused_in_words(
    house: Callable[..., House], capfd: pytest.CaptureFixture[str]
) -> None:
    """The reason is a row and a line of the log, and the next night is tried again."""
    nightly = house()
    nightly.fire()
    seen = nightly.slot()
    assert (SlotState.REFUSED, ErrorCode.INPUT_MISSING) == (seen.state, seen.error_code)
    assert "no such file" in (seen.error or "")
    assert "nightly: slot 2026-03-02T02:00:00Z has no job (input_missing)" in capfd.readouterr().err
    nightly.deliver(NIGHT + DAY)
    nightly.fire(DAY)
    assert SlotState.SUBMITTED is nightly.slot(NIGHT + DAY).state


def test_an_overlap_is_skipped_and_said(house: Callable[..., House], capfd: pytest.CaptureFixture[str]) -> None:
    """Last night's job is live: tonight's slot has none."""
    nightly = house()
    nightly.deliver()
    nightly.fire()
    nightly.fire(DAY)
    assert (SlotState.SKIPPED, SlotReason.OVERLAP) == ((seen := nightly.slot(NIGHT + DAY)).state, seen.reason)
    assert "slot 2026-03-03T02:00:00Z is skipped: overlap" in capfd.readouterr().err


@pytest.mark.parametrize("origin", [SlotOrigin.CRON, SlotOrigin.BACKFILL])
def test_a_slot_whose_output_a_live_job_holds_waits_and_is_tried_again(
    house: Callable[..., House], tmp_path: Path, origin: SlotOrigin
) -> None:
    """One folder for all nights is one job at a time, missed nights and a backfill alike; none of them is refused."""
    # forbid skips nights of the cron line: only a backfill may stand beside the live job there.
    overlap = Overlap.ALLOW if origin is SlotOrigin.CRON else Overlap.FORBID
    nightly = house(arguments={"output": f"{tmp_path}/out", "overwrite": True}, overlap=overlap)
    both = (NIGHT, NIGHT + DAY)
    for night in both:
        nightly.deliver(night)
    if origin is SlotOrigin.BACKFILL:
        nightly.context.ledger.run(lambda tx: slots.ask(tx, "nightly", both, origin=origin, now=NIGHT))
    nightly.fire(DAY if origin is SlotOrigin.CRON else timedelta())
    held = nightly.slot(NIGHT + DAY)
    assert (SlotState.SUBMITTED, SlotState.WAITING) == (nightly.slot().state, held.state)
    assert SlotReason.OVERLAP is held.reason
    with pytest.raises(OutputTaken):
        start(nightly.context, "nightly", NIGHT + DAY)
    assert SlotState.WAITING is nightly.slot(NIGHT + DAY).state
    ended(Desk(nightly.context.ledger), NIGHT)
    nightly.fire(DAY + 30 * SECOND)
    assert SlotState.SUBMITTED is nightly.slot(NIGHT + DAY).state


def test_a_deadline_ends_the_waiting(house: Callable[..., House]) -> None:
    """A slot first seen later than it may start is skipped, whatever would start it."""
    nightly = house(deadline_seconds=1800)
    nightly.deliver()
    nightly.fire(HOUR)
    assert (SlotState.SKIPPED, SlotReason.DEADLINE) == ((seen := nightly.slot()).state, seen.reason)


def test_an_input_that_comes_later_is_waited_for(house: Callable[..., House]) -> None:
    """It starts once the file looks the same twice, five seconds apart."""
    nightly = house(wait_for_input_seconds=7200)
    nightly.fire()
    assert (SlotState.WAITING, SlotReason.INPUT) == ((seen := nightly.slot()).state, seen.reason)
    nightly.deliver()
    nightly.fire(10 * SECOND)
    nightly.fire(12 * SECOND)
    nightly.deliver(rows=ROWS + "3\n")
    nightly.fire(15 * SECOND)
    assert SlotState.WAITING is nightly.slot().state, "it has grown between two looks"
    nightly.fire(20 * SECOND)
    assert SlotState.SUBMITTED is nightly.slot().state


def test_a_folder_with_its_marker_is_whole_at_once(house: Callable[..., House]) -> None:
    """`_SUCCESS` says what two looks would have to find out."""
    nightly = house(inputs=("/nowhere",), wait_for_input_seconds=60)
    nightly.add("marked", inputs=(str(nightly.inbox),), wait_for_input_seconds=7200)
    nightly.deliver()
    (nightly.inbox / "_SUCCESS").touch()
    nightly.fire()
    assert SlotState.SUBMITTED is nightly.slot(name="marked").state


def test_an_input_that_does_not_come_is_an_error(
    house: Callable[..., House], capfd: pytest.CaptureFixture[str]
) -> None:
    """The slot is refused with the code of a missing input, and the log says so once."""
    nightly = house(wait_for_input_seconds=7200)
    for minutes in (0, 60, 119, 121, 125):
        nightly.fire(timedelta(minutes=minutes))
    assert (SlotState.REFUSED, ErrorCode.INPUT_MISSING) == ((seen := nightly.slot()).state, seen.error_code)
    said = [line for line in capfd.readouterr().err.splitlines() if "did not come in time" in line]
    assert 1 == len(said)
    assert "schedule run nightly --slot 2026-03-02T02:00:00Z" in said[0]


def test_an_input_at_the_last_moment_gets_its_second_look(house: Callable[..., House]) -> None:
    """It was there in time; only the proof that it is whole comes later."""
    nightly = house(wait_for_input_seconds=7200)
    nightly.deliver()
    nightly.fire(2 * HOUR - SECOND)
    nightly.fire(2 * HOUR + 5 * SECOND)
    assert SlotState.SUBMITTED is nightly.slot().state


def test_an_input_outside_the_roots_is_refused_before_any_waiting(tmp_path: Path) -> None:
    """No waiting can mend it."""
    nightly = House(tmp_path, wait_for_input_seconds=7200)
    nightly.deliver()
    walled = context_in(tmp_path / "home", SCORING_INPUT_ROOTS=str(tmp_path / "elsewhere"))
    fire(walled, NIGHT + SECOND)
    assert (SlotState.REFUSED, ErrorCode.INPUT_REFUSED) == ((seen := nightly.slot()).state, seen.error_code)


def test_what_is_late_is_said_once(house: Callable[..., House], capfd: pytest.CaptureFixture[str]) -> None:
    """At the time it was expected by, with what stands in its way."""
    nightly = house(expect_by="06:00")
    nightly.deliver()
    for hours in (0, 3, 5, 6):
        nightly.fire(hours * HOUR)
    said = [line for line in capfd.readouterr().err.splitlines() if "is late" in line]
    assert 1 == len(said)
    job_id = nightly.slot().job_id
    assert f"expected by 2026-03-02T06:00:00Z; job {job_id} is accepted" in said[0]


def test_missed_slots_are_one_line(house: Callable[..., House], capfd: pytest.CaptureFixture[str]) -> None:
    """A scheduler that was away says how many it skipped; the newest runs."""
    nightly = house(catch_up=CatchUp.LATEST)
    nightly.deliver(NIGHT + 3 * DAY)
    configure(LogFormat.TEXT)
    nightly.fire(3 * DAY + HOUR)
    configure(LogFormat.TEXT, level=WARNING)
    assert "3 slots from 2026-03-02T02:00:00Z to 2026-03-04T02:00:00Z passed unseen" in capfd.readouterr().err
    assert SlotReason.CATCH_UP is nightly.slot(NIGHT + 2 * DAY).reason
    assert SlotState.SUBMITTED is nightly.slot(NIGHT + 3 * DAY).state


def test_one_broken_schedule_stops_no_other(house: Callable[..., House], capfd: pytest.CaptureFixture[str]) -> None:
    """A definition that this program cannot read is an error in the log; the others fire."""
    nightly = house()
    nightly.add("broken")
    unreadable = schedule_table.update().where(schedule_table.c.name == "broken").values(definition={"name": "broken"})
    nightly.context.ledger.run(lambda tx: tx.execute(unreadable).rowcount)
    nightly.deliver()
    nightly.fire()
    assert "broken: its definition cannot be used" in capfd.readouterr().err
    assert SlotState.SUBMITTED is nightly.slot().state


def test_run_starts_a_slot_whatever_the_policies_say(house: Callable[..., House]) -> None:
    """Beside a live job; the second time it gives the same job."""
    nightly = house()
    nightly.deliver()
    nightly.fire()
    nightly.deliver(NIGHT + DAY)
    nightly.fire(DAY)
    first = start(nightly.context, "nightly", NIGHT + DAY)
    again = start(nightly.context, "nightly", NIGHT + DAY)
    assert (True, False) == (first.created, again.created)
    assert first.job.id == again.job.id == nightly.slot(NIGHT + DAY).job_id


def test_a_run_that_is_refused_says_why_and_may_be_repeated(house: Callable[..., House]) -> None:
    """The error is the command's, and stands in the slot's row until the next try."""
    nightly = house()
    with pytest.raises(InputMissing):
        start(nightly.context, "nightly", NIGHT)
    assert SlotState.REFUSED is nightly.slot().state
    nightly.deliver()
    assert start(nightly.context, "nightly", NIGHT).created
    with pytest.raises(NotFound):
        start(nightly.context, "nightlife", NIGHT)


def test_a_models_name_stays_a_name_where_a_file_is_called_so(
    house: Callable[..., House], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in the scheduler's working folder is not the schedule's business."""
    nightly = house()
    register(nightly.context, find_model(nightly.context, str(tmp_path / "linear.onnx"), None))
    nightly.add("by-name", model="linear")
    (tmp_path / "linear").write_text("notes about the model")
    monkeypatch.chdir(tmp_path)
    nightly.deliver()
    nightly.fire()
    assert SlotState.SUBMITTED is nightly.slot(name="by-name").state


def test_a_fault_of_the_moment_leaves_the_slot_waiting(
    house: Callable[..., House], capfd: pytest.CaptureFixture[str]
) -> None:
    """A store that cannot be written to is no verdict over the slot."""
    nightly = house()
    nightly.deliver()
    models = nightly.context.settings.store / "models"
    models.parent.mkdir(exist_ok=True)
    models.touch()  # where a folder should be
    nightly.fire()
    assert SlotState.WAITING is nightly.slot().state
    assert "cannot start now and is tried again" in capfd.readouterr().err
    with pytest.raises((StorageFault, OSError)):
        start(nightly.context, "nightly", NIGHT)
    assert SlotState.WAITING is nightly.slot().state
    models.unlink()
    nightly.fire(20 * SECOND)
    assert SlotState.SUBMITTED is nightly.slot().state


def test_a_slot_waits_while_too_many_jobs_are_live(
    house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them has to end; the slot is no worse than they are."""
    nightly = house(overlap=Overlap.ALLOW)
    for night in (NIGHT, NIGHT + DAY):
        nightly.deliver(night)
    nightly.fire()
    monkeypatch.setattr("scoring.ledger.jobs.MAX_LIVE_JOBS", 1)
    nightly.fire(DAY)
    assert SlotState.WAITING is nightly.slot(NIGHT + DAY).state
    ended(Desk(nightly.context.ledger), NIGHT)
    nightly.fire(DAY + 20 * SECOND)
    assert SlotState.SUBMITTED is nightly.slot(NIGHT + DAY).state
