"""Exports: what crontab, systemd and Kubernetes run is exactly the job of the slot."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from scoring.core.errors import UsageError
from scoring.core.schedules.cron import CronLine
from scoring.core.schedules.definition import ScheduleDefinition
from scoring.core.schedules.exports import crontab, kubernetes, systemd
from scoring.core.schedules.on_calendar import on_calendar
from scoring.core.schedules.policies import CatchUp, Overlap
from scoring.core.schedules.templates import expand

MOMENT = datetime(2026, 3, 29, 0, 30, 17, tzinfo=UTC)
"""01:30:17 in Berlin, half an hour before its clocks are set forward."""
SLOT = MOMENT.replace(second=0)
KEY = "{name}-{slot:%Y-%m-%dT%H:%M%z}"

INPUTS = (
    "/in/plain/{slot:%Y-%m-%d}.csv",
    '/in/it\'s "quoted" $HOME `id` $(id) \\ back {slot-1d:%Y/%m/%d %H:%M}',
    "/in/100%/{{braces}} * ? ~ ! # ; & | < > (x)/{slot-2w:%d}{slot+6h:%dT%H}",
    "{slot-90m:%H:%M:%S} {slot:%s} {slot:%%s%s%%x%s} {slot+1d:%G-W%V-%u %j %y}",
    "/in/$$ $(PATH) $$(PATH) %%h",
    "-dash",
    "{slot}",
    "{slot:it's $(id) %H}",
)


def hostile(**changes: Any) -> ScheduleDefinition:
    known: dict[str, Any] = {
        "name": "it-s.churn_1",
        "line": CronLine.parse("30 1 * * *", "Europe/Berlin"),
        "model": "/models/the one's.onnx",
        "inputs": INPUTS,
        "arguments": {
            "output": "/out dir/{name}/{slot}",
            "key": ("a b", "it's", ""),
            "no_header": True,
            "columns": "a,b",
            "tag": ("day={slot-1d:%d}", "x=$y"),
            "delimiter": "\\t",
            "na": ("{slot}", "-"),
            "threshold": 0.4,
        },
    }
    return ScheduleDefinition(**{**known, **changes})


def expected_argv(definition: ScheduleDefinition) -> list[str]:
    """What submit-job is to get for SLOT, expanded as the scheduler does it."""

    def at_slot(text: str) -> str:
        return expand(text, name=definition.name, slot=SLOT, zone=definition.line.zone)

    return [
        f"--idempotency-key={at_slot(KEY)}",
        f"--output={at_slot('/out dir/{name}/{slot}')}",
        *("--key=a b", "--key=it's", "--key="),
        *("--no-header", "--columns=a,b", "--tag=day=28", "--tag=x=$y"),
        *("--delimiter=\\t", "--na={slot}", "--na=-", "--threshold=0.4"),
        *("--wait", "--", "/models/the one's.onnx"),
        *map(at_slot, INPUTS),
    ]


GNU_DATE = pytest.mark.skipif(sys.platform != "linux", reason="the lines need GNU date")


@pytest.fixture
def argv_of(tmp_path: Path) -> Any:
    """Run a shell line at MOMENT with a `submit-job` that writes down what it gets."""
    stubs = tmp_path / "bin"
    stubs.mkdir()
    seen = tmp_path / "seen"
    (stubs / "submit-job").write_text(f"#!/bin/sh\nprintf '%s\\0' \"$@\" > '{seen}'\n")
    # A clock that stands still. The step comes first: after a time, "-1 days" would be read as an offset from UTC.
    (stubs / "date").write_text(
        f"""#!/bin/sh
date={shutil.which("date")}
now=$($date -d '{MOMENT.isoformat()}' '+%F %T')
if [ "$1" != -d ]; then exec $date -d '{MOMENT.isoformat()}' "$@"; fi
step=$2
shift 2
case $step in
    *hours|*minutes) exec $date -d "$step {MOMENT:%Y-%m-%d %H:%M:%S} UTC" "$@" ;;
esac
exec $date -d "$step $now" "$@"
"""
    )
    for stub in stubs.iterdir():
        stub.chmod(0o755)

    def run(line: str) -> list[str]:
        done = subprocess.run(
            ["sh", "-c", line],
            env={**os.environ, "PATH": f"{stubs}:{os.environ['PATH']}"},
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert "" == done.stderr
        return seen.read_text().split("\0")[:-1]

    return run


def from_crontab(text: str) -> str:
    """What cron hands to the shell: the text after the five fields, `\\%` as `%`."""
    line = text.splitlines()[-1].split(" ", 5)[5]
    assert not re.search(r"(?<!\\)%", line)
    return line.replace("\\%", "%")


def from_systemd(text: str) -> str:
    """What systemd hands to the shell: the quoted word, its escapes undone."""
    quoted = re.search(r'^ExecStart=/bin/sh -c "(.*)"$', text, re.MULTILINE)
    assert quoted
    return re.sub(r"\\(.)|%(%)|\$(\$)", lambda found: next(filter(None, found.groups())), quoted[1])


def from_kubernetes(text: str) -> str:
    """What Kubernetes hands to the shell: `$$` as `$`."""
    container = yaml.safe_load(text)["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    return str(container["command"][2]).replace("$$", "$")


@GNU_DATE
@pytest.mark.parametrize(
    ("export", "unpack"),
    [
        pytest.param(crontab, from_crontab, id="crontab"),
        pytest.param(systemd, from_systemd, id="systemd"),
        pytest.param(kubernetes, from_kubernetes, id="kubernetes"),
    ],
)
def test_submit_job_gets_what_the_scheduler_would_submit(argv_of: Any, export: Any, unpack: Any) -> None:
    """Word for word, with quotes, blanks, dollars, per cent signs and steps over a change of clocks."""
    assert expected_argv(hostile()) == argv_of(unpack(export(hostile())))


@GNU_DATE
def test_a_schedules_own_key_is_kept(argv_of: Any) -> None:
    """The line adds a key only where there is none."""
    plain = hostile(inputs=("a.csv",), arguments={"idempotency_key": "k-{slot:%Y%m%d}"})
    assert "--idempotency-key=k-20260329" == argv_of(from_crontab(crontab(plain)))[0]


@pytest.mark.parametrize("export", [crontab, systemd, kubernetes])
def test_a_line_break_in_a_path_is_refused(export: Any) -> None:
    """One line cannot hold it."""
    with pytest.raises(UsageError, match="line break"):
        export(hostile(inputs=("a\nb.csv",)))


def test_a_backslash_before_a_per_cent_sign_is_refused_for_crontab() -> None:
    """cron would take it for an escape."""
    with pytest.raises(UsageError, match="backslash"):
        crontab(hostile(inputs=("/in/a\\%b.csv",)))


@pytest.mark.parametrize("export", [crontab, kubernetes])
@pytest.mark.parametrize("text", ["0 0 L * *", "0 0 LW * *", "0 0 * * FRI#2", "0 0 * * 5L"])
def test_fields_that_other_crons_do_not_know_are_refused(export: Any, text: str) -> None:
    """L and # are read by `scoring scheduler` alone."""
    with pytest.raises(UsageError, match="every cron"):
        export(hostile(line=CronLine.parse(text)))


def test_july_is_no_last_day() -> None:
    """Its L does not make it so."""
    assert "0 0 1 jul * submit-job" in crontab(hostile(line=CronLine.parse("0 0 1 jul *")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 2 * * *", ["*-*-* 02:00:00 Europe/Berlin"]),
        ("*/20 * * * *", ["*-*-* *:00,20,40:00 Europe/Berlin"]),
        ("30 9-11,17 * * mon-fri", ["Mon,Tue,Wed,Thu,Fri *-*-* 09,10,11,17:30:00 Europe/Berlin"]),
        ("0 0 1,15 jan-mar *", ["*-01,02,03-01,15 00:00:00 Europe/Berlin"]),
        ("0 0 * * 0", ["Sun *-*-* 00:00:00 Europe/Berlin"]),
        ("0 0 * * 7", ["Sun *-*-* 00:00:00 Europe/Berlin"]),
        ("0 0 * * 0-7", ["*-*-* 00:00:00 Europe/Berlin"]),
        ("0 0 13 * 5", ["*-*-13 00:00:00 Europe/Berlin", "Fri *-*-* 00:00:00 Europe/Berlin"]),
        ("0 0 */10 * 5", ["Fri *-*-01,11,21,31 00:00:00 Europe/Berlin"]),
        ("@weekly", ["Sun *-*-* 00:00:00 Europe/Berlin"]),
        ("0 0 L * *", ["*-*~01 00:00:00 Europe/Berlin"]),
    ],
)
def test_a_cron_line_is_said_in_systemds_words(text: str, expected: list[str]) -> None:
    """Lists, ranges, steps and names; two days fields that are both restricted make two expressions."""
    assert expected == on_calendar(CronLine.parse(text, "Europe/Berlin"))


@pytest.mark.parametrize("text", ["0 0 LW * *", "0 0 * * FRI#2", "0 0 * * 5L", "0 0 L,15 * *", "0 0 * * 1,5L"])
def test_what_systemd_cannot_say_is_refused(text: str) -> None:
    """Nothing is left out in silence."""
    with pytest.raises(UsageError, match="other schedulers"):
        on_calendar(CronLine.parse(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 2 * * 7", "0 2 * * 0"),
        ("0 2 1 * fri-7", "0 2 1 * 0,5,6"),
        ("0 2 */2 * *", "0 2 */2 * *"),
        ("@daily", "0 0 * * *"),
    ],
)
def test_kubernetes_gets_a_line_that_it_reads_in_the_same_way(text: str, expected: str) -> None:
    """Its Sunday is 0 alone, and it knows no macro of ours."""
    assert expected == yaml.safe_load(kubernetes(hostile(line=CronLine.parse(text))))["spec"]["schedule"]


def test_a_line_that_kubernetes_would_read_otherwise_is_refused() -> None:
    """`*/2` beside a day of the week means both to Debian's cron, and either to Kubernetes."""
    with pytest.raises(UsageError, match="either"):
        kubernetes(hostile(line=CronLine.parse("0 2 */2 * 1")))


def test_policies_are_carried_as_far_as_they_go() -> None:
    """Overlap, deadline and catch-up have their counterparts; the rest is named in a comment."""
    asked = hostile(overlap=Overlap.QUEUE, catch_up=CatchUp.NONE, deadline_seconds=600.0, expect_by="06:00", keep="30")
    spec = yaml.safe_load(kubernetes(asked))["spec"]
    assert ("Forbid", 600, "Europe/Berlin") == (
        spec["concurrencyPolicy"],
        spec["startingDeadlineSeconds"],
        spec["timeZone"],
    )
    assert "Persistent=false" in systemd(asked)
    assert "Persistent=true" in systemd(hostile())
    assert "heeds it: --expect-by, --keep" in crontab(asked)
    loose = yaml.safe_load(kubernetes(hostile(overlap=Overlap.ALLOW)))["spec"]
    assert "Allow" == loose["concurrencyPolicy"]
    assert "startingDeadlineSeconds" not in loose


def test_a_cronjob_has_a_name_that_kubernetes_takes() -> None:
    """Other characters become `-`, and it is cut."""
    name = yaml.safe_load(kubernetes(hostile(name="a_" * 30 + ".x")))["metadata"]["name"]
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?", name), json.dumps(name)
