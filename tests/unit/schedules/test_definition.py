"""A schedule's definition: checked whole, expanded for a slot, compared with another."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scoring.core.errors import UsageError
from scoring.core.options import RejectLimit
from scoring.core.schedules.cron import CronLine
from scoring.core.schedules.definition import ScheduleDefinition
from scoring.core.schedules.policies import CatchUp, Overlap

SLOT = datetime(2026, 3, 2, 1, tzinfo=UTC)


def churn(**changes: Any) -> ScheduleDefinition:
    known: dict[str, Any] = {
        "name": "churn",
        "line": CronLine.parse("0 2 * * *", "Europe/Berlin"),
        "model": "churn",
        "inputs": ("/in/{slot-1d:%Y-%m-%d}.csv",),
        "arguments": {"output": "/out/{name}/{slot:%Y-%m-%d}", "key": ("id",), "strict": True},
    }
    return ScheduleDefinition(**{**known, **changes})


def test_a_slots_request_has_its_templates_expanded_on_the_clock_of_the_zone() -> None:
    """Inputs, output, key and tags name the slot's day in Berlin; the other options come as they are."""
    arguments = {
        "output": "/out/{name}/{slot:%Y-%m-%d}",
        "idempotency_key": "{name}-{slot}",
        "tag": ("day={slot:%j}",),
        "na": ("{slot}",),
        "max_rejected": "2%",
    }
    model, inputs, options = churn(arguments=arguments).request_at(SLOT)
    assert ("churn", ("/in/2026-03-01.csv",)) == (model, inputs)
    assert "/out/churn/2026-03-02" == options.output
    assert "churn-20260302T020000" == options.idempotency_key
    assert (("day", "061"),) == options.tags
    assert ("{slot}",) == options.dialect.na
    assert RejectLimit(fraction=0.02) == options.max_rejected


def test_a_definition_survives_json() -> None:
    """What is read back from the ledger equals what was stored."""
    whole = churn(
        overlap=Overlap.QUEUE,
        catch_up=CatchUp.ALL,
        deadline_seconds=1800.0,
        expect_by="06:00",
        wait_for_input_seconds=7200.0,
        keep="30d",
    )
    assert whole == ScheduleDefinition.from_json(whole.to_json())


@pytest.mark.parametrize(
    ("expect_by", "expected"),
    [
        pytest.param(None, None, id="nothing is expected"),
        pytest.param("06:00", datetime(2026, 3, 2, 5, tzinfo=UTC), id="later on the slot's day, Berlin time"),
        pytest.param("01:30", datetime(2026, 3, 3, 0, 30, tzinfo=UTC), id="over on the slot's day: the day after"),
        pytest.param("02:00", datetime(2026, 3, 3, 1, tzinfo=UTC), id="the slot's own time: the day after"),
        pytest.param("90m", datetime(2026, 3, 2, 2, 30, tzinfo=UTC), id="a duration"),
    ],
)
def test_a_result_is_expected_by_a_time_or_after_a_duration(expect_by: str | None, expected: datetime | None) -> None:
    """--expect-by HH:MM is the next such time on the zone's clock after the slot."""
    assert expected == churn(expect_by=expect_by).expected_by(SLOT)


def test_an_expectation_in_a_left_out_hour_is_the_moment_after_it() -> None:
    """02:30 does not exist in Berlin on 2026-03-29: it is 03:30 there, 01:30 UTC."""
    midnight = datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert datetime(2026, 3, 29, 1, 30, tzinfo=UTC) == churn(expect_by="02:30").expected_by(midnight)


def test_deadline_and_patience_count_from_the_slot() -> None:
    """start_by and input_by are the slot and so many seconds, or nothing."""
    timed = churn(deadline_seconds=60, wait_for_input_seconds=120)
    assert (SLOT + timedelta(minutes=1), SLOT + timedelta(minutes=2)) == (timed.start_by(SLOT), timed.input_by(SLOT))
    assert (None, None) == (churn().start_by(SLOT), churn().input_by(SLOT))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"name": "Churn"}, "name of a schedule", id="upper case in a name"),
        pytest.param({"name": "../x"}, "name of a schedule", id="a path in a name"),
        pytest.param({"name": "a" * 64}, "name of a schedule", id="a name too long"),
        pytest.param({"inputs": ()}, "--input", id="no input"),
        pytest.param({"inputs": ("-",)}, "standard input", id="standard input"),
        pytest.param({"inputs": ("/in/{slto}",)}, "did you mean {slot}", id="a template that is none"),
        pytest.param({"arguments": {"output": "/out"}}, "which two slots would share", id="one output for all"),
        pytest.param({"arguments": {"output": "/out/{name}"}}, "which two slots would share", id="no slot in output"),
        pytest.param({"arguments": {"idempotency_key": "k"}}, "leave it out", id="one key for all"),
        pytest.param({"arguments": {"ouput": "/o"}}, "did you mean 'output'", id="an option that is none"),
        pytest.param({"arguments": {"tag": ("a={b}",)}}, "{b}", id="a template that is none in a tag"),
        pytest.param({"keep": "0"}, "--keep", id="nothing kept"),
        pytest.param({"keep": "30w"}, "--keep", id="a unit that keep does not know"),
        pytest.param({"expect_by": "25:00"}, "--expect-by", id="no time of the clock"),
        pytest.param({"expect_by": "0s"}, "--expect-by", id="expected at once"),
        pytest.param({"deadline_seconds": 0.0}, "--deadline", id="no time to start"),
        pytest.param({"deadline_seconds": 1e12}, "3650d", id="longer than a calendar counts"),
        pytest.param({"expect_by": "99999999d"}, "3650d", id="expected after the end of time"),
        pytest.param({"wait_for_input_seconds": -1.0}, "--wait-for-input", id="no patience"),
    ],
)
def test_a_definition_that_cannot_work_is_refused(changes: dict[str, Any], said: str) -> None:
    """The message names the option and what to do."""
    with pytest.raises(UsageError) as refused:
        churn(**changes)
    assert said in str(refused.value)


def test_an_output_by_day_is_refused_for_a_line_that_fires_each_hour() -> None:
    """Two slots of one day would share the folder."""
    with pytest.raises(UsageError, match="two slots"):
        churn(line=CronLine.parse("@hourly"))


@pytest.mark.parametrize("option", ["output", "idempotency_key"])
@pytest.mark.parametrize(
    ("cron", "text"),
    [
        pytest.param("*/15 * * * *", "/out/{slot:%Y%m%d%M}", id="the next hour"),
        pytest.param("*/15 * * * *", "/out/{slot:%H%M}", id="the next day"),
        pytest.param("0 2 * * *", "/out/{slot:%u}", id="the next week"),
        pytest.param("0 2 * * *", "/out/{slot:%Y}/{slot:%d}", id="the next month"),
        pytest.param("0 2 * * 1", "/out/{slot:%Y}/{slot:%d}", id="a later month, by weeks"),
        pytest.param("0 2 31 * *", "/out/{slot:%m-%d}", id="the next year, by months"),
        pytest.param("0 2 * * *", "/out/{slot:%m-%d}", id="the next year"),
        pytest.param("0 2 * * *", "/out/{slot:%V-%u}", id="the next year, by ISO weeks"),
        pytest.param("0 2 * * 1", "/out/{slot:%m-%d}", id="a later year, by weeks"),
        pytest.param("0 2 29 2 *", "/out/{slot:%m-%d}", id="the next leap year"),
    ],
)
def test_what_a_later_slot_would_share_is_refused(option: str, cron: str, text: str) -> None:
    """The night on which the folder comes again is too late for it."""
    with pytest.raises(UsageError, match="two slots"):
        churn(line=CronLine.parse(cron, "Europe/Berlin"), arguments={option: text})


@pytest.mark.parametrize(
    ("cron", "text"),
    [
        pytest.param("*/15 * * * *", "/out/{slot}", id="down to the second"),
        pytest.param("*/15 * * * *", "/out/{slot:%s}", id="by instants"),
        pytest.param("*/15 9 * * *", "/out/{slot:%y%j-%M}", id="the minute of one hour a day"),
        pytest.param("@daily", "/out/{slot-1d:%Y/%m/%d}", id="by days"),
        pytest.param("@weekly", "/out/{slot:%G-%V}", id="by ISO weeks"),
        pytest.param("@monthly", "/out/{slot:%Y-%m}", id="by months"),
        pytest.param("@yearly", "/out/{slot:%Y}", id="by years"),
        pytest.param("0 0 29 2 *", "/out/{slot:%Y}", id="by leap years"),
    ],
)
def test_what_each_slot_has_alone_is_fine(cron: str, text: str) -> None:
    """Not a word more than the line needs."""
    for zone in ("UTC", "Europe/Berlin", "America/New_York"):
        assert churn(line=CronLine.parse(cron, zone), arguments={"output": text, "idempotency_key": text})


def test_an_output_for_all_slots_is_fine_with_overwrite() -> None:
    """--overwrite asks for exactly that: last night's result is replaced."""
    assert "/out" == churn(arguments={"output": "/out", "overwrite": True}).request_at(SLOT)[2].output


def test_a_change_names_each_field_with_both_values() -> None:
    """Options appear under their own names; what is alike does not appear."""
    old = churn()
    new = churn(
        line=CronLine.parse("0 3 * * *", "Europe/Berlin"),
        arguments={"output": "/out/{name}/{slot:%Y-%m-%d}", "key": ("id",), "limit": 10, "keep": ("a",)},
    )
    expected = [
        ("cron", "0 2 * * *", "0 3 * * *"),
        ("strict", True, None),
        ("limit", None, 10),
        ("keep_column", None, ("a",)),
    ]
    assert expected == old.changed(new)
    assert [] == old.changed(churn())
