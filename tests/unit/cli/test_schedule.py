"""`scoring schedule`: what is asked for is on record, shown, changed and refused as the docs say."""

from datetime import UTC, datetime, timedelta

import pytest

from scoring.cli.lazy import Entry
from scoring.cli.schedule import SECTIONS
from scoring.cli.schedule_define import check_unchanged
from scoring.core.errors import UsageError
from scoring.ledger.clock import read_clock
from scoring.ledger.database import Ledger
from scoring.ledger.schedules import add, find, pause, remove
from tests.unit.cli.conftest import Schedules


@pytest.mark.parametrize(
    "entry", [entry for entries in SECTIONS.values() for entry in entries], ids=lambda entry: entry.name
)
def test_the_table_says_what_the_command_says(entry: Entry) -> None:
    """Each entry loads a command of its name with the same sentence of help."""
    command = entry.load()
    assert (entry.name, entry.help) == (command.name, command.short_help)


def test_a_schedule_is_added_with_absolute_paths_and_said_in_words(schedules: Schedules) -> None:
    """One line on stderr tells when it fires next; templates stay, relative paths count from here."""
    options = ("--timezone", "Europe/Berlin", "--output", "out/{slot:%Y-%m-%d}", "--key", "id", "--keep", "30d")
    said = schedules.add("churn", *options, "--keep-column", "plan", "--deadline", "90m").err
    assert said.startswith("schedule churn: At 02:00 every day (Europe/Berlin); next at ")
    shown = schedules.one()
    assert f"{schedules.folder}/out/{{slot:%Y-%m-%d}}" == shown["output"]
    assert [f"{schedules.folder}/rows.csv"] == shown["input"]
    assert (["id"], ["plan"], "30d", "90m") == (shown["key"], shown["keep_column"], shown["keep"], shown["deadline"])
    assert ("forbid", "latest", 1, False, False) == (
        *(shown["overlap"], shown["catch_up"]),
        *(shown["revision"], shown["paused"], shown["managed"]),
    )


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        pytest.param(["--cron", "x"], 2, "five fields", id="no cron line"),
        pytest.param(["--timezone", "Europe/Berlni"], 2, "did you mean Europe/Berlin?", id="no zone"),
        pytest.param(["--overlap", "maybe"], 2, "forbid, queue, allow", id="no such overlap"),
        pytest.param(["--catch-up", "some"], 2, "none, latest, all", id="no such catch-up"),
        pytest.param(["--deadline", "soon"], 2, "--deadline", id="no duration"),
        pytest.param(["--expect-by", "tea time"], 2, "06:00", id="no time"),
        pytest.param(["--keep", "many"], 2, "--keep", id="nothing to keep"),
        pytest.param(["--output", "out"], 2, "two slots would share", id="one output for all slots"),
        pytest.param(["--strict", "--max-rejected", "1"], 2, "--strict", id="options that contradict"),
        pytest.param(["--model", "unknown"], 3, "no model unknown", id="a model that is not registered"),
        pytest.param(["--model", "missing.onnx"], 4, "no model at", id="a model that is not there"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_added(
    schedules: Schedules, options: list[str], code: int, said: str
) -> None:
    """The night is too late for it; and nothing is on record."""
    assert said in schedules.add("churn", *options, code=code).err
    assert [] == schedules("list", "--json").json


def test_a_second_schedule_of_a_name_is_refused(schedules: Schedules) -> None:
    """The message names edit."""
    schedules.add()
    assert "scoring schedule edit churn" in schedules.add(code=2).err


def test_what_is_required_is_named(schedules: Schedules) -> None:
    """Cron line, model and input have no default."""
    assert "--cron" in schedules("add", "churn", "--model", "m", "--input", "i", code=2).err
    assert "--model" in schedules("add", "churn", "--cron", "@daily", "--input", "i", code=2).err
    assert "--input" in schedules("add", "churn", "--cron", "@daily", "--model", "m", code=2).err


def test_an_edit_changes_what_is_given_and_clears_what_is_named(schedules: Schedules) -> None:
    """Other options stay; an empty text and --without take an option back to its default."""
    schedules.add("churn", "--strict", "--key", "id", "--deadline", "1h", "--expect-by", "06:00", "--tag", "a=b")
    schedules("edit", "churn", "--cron", "30 3 * * *", "--deadline", "", "--without", "strict", "--key", "")
    shown = schedules.one()
    assert ("30 3 * * *", "06:00", ["a=b"], 2) == (
        *(shown["cron"], shown["expect_by"], shown["tag"]),
        shown["revision"],
    )
    assert {"strict", "deadline", "key"}.isdisjoint(shown)
    assert "03:30" in schedules.one()["in_words"]


def test_an_edit_without_options_is_refused(schedules: Schedules) -> None:
    """Nothing is asked for: the options were forgotten."""
    schedules.add()
    assert "schedule edit" in schedules("edit", "churn", code=2).err


def test_an_edit_of_nothing_makes_no_revision(schedules: Schedules) -> None:
    """The same definition again is no change."""
    schedules.add()
    schedules("edit", "churn", "--cron", "0 2 * * *")
    assert 1 == schedules.one()["revision"]


def test_an_edit_of_what_somebody_else_has_edited_is_refused(schedules: Schedules) -> None:
    """It would take the other's change back without a word."""
    schedules.add()
    ledger = Ledger.open(f"sqlite:///{schedules.folder}/home/ledger.db")
    before = ledger.look(lambda tx: find(tx, "churn"))
    ledger.run(lambda tx: check_unchanged(tx, before))
    schedules("edit", "churn", "--overlap", "allow")
    with pytest.raises(UsageError, match="meanwhile"):
        ledger.run(lambda tx: check_unchanged(tx, before))
    ledger.close()


def test_an_option_that_is_none_cannot_be_taken_back(schedules: Schedules) -> None:
    """A slip in --without is named."""
    schedules.add()
    assert "--without" in schedules("edit", "churn", "--without", "dedline", code=2).err


def test_the_history_tells_each_change(schedules: Schedules) -> None:
    """Old and new value of each field, and it outlives the schedule."""
    schedules.add()
    schedules("edit", "churn", "--overlap", "queue")
    schedules("pause", "churn")
    schedules("resume", "churn")
    schedules("remove", "churn")
    changes = schedules("history", "churn", "--json").json
    assert ["added", "edited", "paused", "resumed", "removed"] == [change["change"] for change in changes]
    assert [1, 2, 3, 4, 5] == [change["revision"] for change in changes]
    assert {"overlap": "forbid → queue"} == changes[1]["what"]
    schedules("show", "churn", code=3)


def test_slots_that_passed_in_a_pause_are_on_record(schedules: Schedules) -> None:
    """They are skipped, and the schedule goes on with the first slot to come."""
    schedules.add(cron="@hourly")
    ledger = Ledger.open(f"sqlite:///{schedules.folder}/home/ledger.db")
    with ledger.write() as tx:
        definition = find(tx, "churn").definition
        remove(tx, "churn")
        now = read_clock(tx)
        add(tx, definition, next_slot=now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=2))
        pause(tx, "churn")
    ledger.close()
    schedules("resume", "churn")
    shown = schedules.one()
    assert [("skipped", "paused")] * 3 == [(slot["state"], slot["reason"]) for slot in shown["slots"]][:3]
    assert datetime.fromisoformat(shown["next_slot"]) > now


def test_an_unknown_schedule_is_not_found_with_the_nearest_name(schedules: Schedules) -> None:
    """Exit 3 and a guess, whatever is asked of it."""
    schedules.add()
    for command in ("show", "next", "pause", "resume", "remove", "history", "edit", "run"):
        assert "did you mean churn?" in schedules(command, "chrun", code=3).err, command


def test_next_tells_local_time_and_utc(schedules: Schedules) -> None:
    """So many times of each schedule, in the order in which they come; a paused one does not fire."""
    schedules.add("churn", "--timezone", "Europe/Berlin")
    schedules.add("yearly", cron="@yearly")
    rows = schedules("next", "--count", 3, "--json").json
    assert 6 == len(rows)
    assert sorted(row["slot"] for row in rows) == [row["slot"] for row in rows]
    berlin = next(row for row in rows if row["schedule"] == "churn")
    assert " 02:00:00+0" in berlin["local"]
    assert "At 02:00 every day" == berlin["in_words"]
    schedules("pause", "churn")
    assert [] == schedules("next", "churn", "--json").json
    assert "churn is paused" in schedules("next", "churn").err


def test_list_shows_how_schedules_stand(schedules: Schedules) -> None:
    """A bare array with the columns of the view, by name; nothing said where there is none."""
    assert "no schedule" in schedules("list").err
    schedules.add("b")
    schedules.add("a")
    schedules("pause", "b")
    rows = schedules("list", "--json").json
    assert [("a", False), ("b", True)] == [(row["schedule"], row["paused"]) for row in rows]
    assert None is rows[1]["next_slot"]
    assert "0 2 * * *" in schedules("list").out


def test_a_run_of_a_slot_makes_its_one_job(schedules: Schedules) -> None:
    """The id on stdout, as submit prints it; again, the same id and a sentence."""
    schedules.add("churn", "--timezone", "Europe/Berlin")
    first = schedules("run", "churn", "--slot", "2026-01-02T02:00")
    second = schedules("run", "churn", "--slot", "2026-01-02T01:00Z")
    assert first.out == second.out
    assert "nothing works on it yet" in first.err
    assert "or scoring scheduler" in first.err
    assert "slot 2026-01-02 02:00:00+01:00 of schedule churn" in second.err
    [slot] = schedules.one()["slots"]
    assert ("2026-01-02T01:00:00Z", "submitted", "manual") == (slot["slot"], slot["state"], slot["origin"])
    assert first.out.strip() == slot["job_id"]


def test_a_refused_slot_is_tried_again(schedules: Schedules) -> None:
    """Its input came later: the same slot then has its job."""
    schedules.add("churn", "--input", "late-{slot:%d}.csv", "--output", "out/{slot}")
    assert "late-02.csv" in schedules("run", "churn", "--slot", "2026-01-02", code=4).err
    assert ["refused"] == schedules.states()
    (schedules.folder / "late-02.csv").write_text("id,age,plan\na,30,free\n")
    schedules("run", "churn", "--slot", "2026-01-02")
    assert ["submitted"] == schedules.states()


def test_run_and_wait_works_here(schedules: Schedules) -> None:
    """Without a deployment --wait does the work itself; the verdict is the exit code."""
    schedules.add("churn", "--output", "out/{slot:%Y-%m-%d}")
    job = schedules("run", "churn", "--slot", "2026-01-02", "--wait", "--json").json
    assert ("succeeded", "churn", "2026-01-02T02:00:00Z", 2) == (
        *(job["state"], job["schedule"], job["slot"]),
        job["rows_scored"],
    )
    assert (schedules.folder / "out/2026-01-02/_SUCCESS").exists()


def test_a_backfill_queues_the_slots_of_days_both_included(schedules: Schedules) -> None:
    """Local days; a slot that has its job keeps it, and one asked for twice is queued once."""
    schedules.add("churn", "--timezone", "Europe/Berlin")
    job = schedules("run", "churn", "--slot", "2026-03-29T03:00").out.strip()
    asked = schedules("backfill", "churn", "--from", "2026-03-28", "--to", "2026-03-30", "--json").json
    # On the 29th clocks were set forward over 02:00.
    times = ["2026-03-28T01:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"]
    assert times == [slot["slot"] for slot in asked]
    assert [("waiting", None), ("submitted", job), ("waiting", None)] == [
        (slot["state"], slot["job_id"]) for slot in asked
    ]
    again = schedules("backfill", "churn", "--from", "2026-03-28", "--to", "2026-03-30", "--max-parallel", 2)
    assert "slots queued for the scheduler: 2; slots that have their job: 1" in again.err
    assert 3 == len(schedules.states())


def test_a_backfill_is_stopped(schedules: Schedules) -> None:
    """Its slots in line are skipped, and told how many; --stop stands alone."""
    schedules.add()
    schedules("backfill", "churn", "--from", "2026-03-01", "--to", "2026-03-03")
    assert "out of the line: 3" in schedules("backfill", "churn", "--stop").err
    assert [("skipped", "stopped")] * 3 == [(slot["state"], slot["reason"]) for slot in schedules.one()["slots"]]
    assert {"schedule": "churn", "stopped": 0} == schedules("backfill", "churn", "--stop", "--json").json
    for options in ([], ["--from", "2026-03-01"], ["--stop", "--to", "2026-03-03"]):
        assert "--stop alone" in schedules("backfill", "churn", *options, code=2).err


def test_a_backfill_of_too_many_slots_is_refused_with_their_number(schedules: Schedules) -> None:
    """Nobody queues half a year of minutes by a slip."""
    schedules.add(cron="* * * * *")
    asked = schedules("backfill", "churn", "--from", "2026-01-01", "--to", "2026-01-07", code=2)
    assert "10,080" in asked.err
    assert [] == schedules.states()


def test_a_backfill_that_ends_before_it_begins_is_refused(schedules: Schedules) -> None:
    """So is one of days to come."""
    schedules.add()
    schedules("backfill", "churn", "--from", "2026-01-02", "--to", "2026-01-01", code=2)
    tomorrow = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"
    schedules("backfill", "churn", "--from", tomorrow, "--to", tomorrow, code=2)


def test_a_slot_that_is_none_is_refused_unless_it_is_on_record(schedules: Schedules) -> None:
    """A time between two slots has no job by a slip; one that was decided on before the line was edited may have it."""
    schedules.add()
    assert (
        "the nearest: 2026-01-01T02:00:00+00:00" in schedules("run", "churn", "--slot", "2026-01-01T14:00", code=2).err
    )
    assert [] == schedules.states()
    schedules("backfill", "churn", "--from", "2026-01-01", "--to", "2026-01-01")
    schedules("edit", "churn", "--cron", "0 3 * * *")
    schedules("run", "churn", "--slot", "2026-01-01T02:00")
    assert ["submitted"] == schedules.states()


def test_the_slots_of_the_days_on_which_clocks_change_are_run_and_queued(schedules: Schedules) -> None:
    """A time that is left out or comes twice on the schedule's clock has its job, and ends a backfill as any other."""
    schedules.add("churn", "--timezone", "Europe/Berlin", "--output", "out/{slot:%Y%m%dT%H%M%z}", cron="5 * * * *")
    for text in ("2026-03-29T02:05", "2026-10-25T02:05", "2026-10-25T02:05+01:00"):
        schedules("run", "churn", "--slot", text)
    queued = schedules(
        *("backfill", "churn", "--from", "2026-10-25T02:05", "--to", "2026-10-25T02:05+01:00"), "--json"
    ).json
    assert ["2026-10-25T00:05:00Z", "2026-10-25T01:05:00Z"] == [slot["slot"] for slot in queued]
    assert "2026-03-29T01:05:00Z" in [slot["slot"] for slot in schedules.one()["slots"]]


def test_an_export_is_printed(schedules: Schedules) -> None:
    """One of three forms; none, or an unknown schedule, is refused."""
    schedules.add()
    assert "0 2 * * * submit-job" in schedules("export", "churn", "--crontab").out
    assert "OnCalendar=*-*-* 02:00:00 UTC" in schedules("export", "churn", "--systemd").out
    assert "kind: CronJob" in schedules("export", "churn", "--kubernetes").out
    schedules("export", "churn", code=2)
    schedules("export", "chrun", "--crontab", code=3)
