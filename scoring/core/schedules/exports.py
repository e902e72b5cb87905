"""A schedule in the words of other schedulers: a crontab, units of systemd, a CronJob of Kubernetes.

Each runs `submit-job` with an idempotency key, so that a time that comes twice makes one job.
"""

import json
import re

from scoring.core.errors import UsageError
from scoring.core.schedules.definition import ScheduleDefinition
from scoring.core.schedules.on_calendar import on_calendar, weekdays
from scoring.core.schedules.policies import CatchUp, Overlap
from scoring.core.schedules.shell_line import shell_line

NO_CATCH_UP_SECONDS = 120
"""How late Kubernetes may start a slot that is not caught up on."""


def crontab(definition: ScheduleDefinition) -> str:
    """Lines for `crontab -e`. Raises UsageError for what crontab(5) cannot say."""
    _standard(definition)
    command = shell_line(definition)
    if "\\%" in command:
        raise UsageError("export", expected="no backslash before %", got=command, remedy="rename the file")
    command = command.replace("%", "\\%")
    zone = [] if definition.timezone == "UTC" else ["# CRON_TZ is cronie's; other crons read the machine's time zone."]
    lines = [*_left_out(definition), *zone, f"CRON_TZ={definition.timezone}", f"{definition.line.fields} {command}"]
    return "\n".join(lines) + "\n"


def systemd(definition: ScheduleDefinition) -> str:
    """A service and its timer, one below the other. Raises UsageError for what systemd cannot say."""
    quoted = shell_line(definition).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    times = "\n".join(f"OnCalendar={expression}" for expression in on_calendar(definition.line))
    persistent = "false" if definition.catch_up is CatchUp.NONE else "true"
    notes = "".join(f"{line}\n" for line in _left_out(definition))
    return f"""{notes}# {definition.name}.service
[Unit]
Description=Batch {definition.name}: {definition.line.in_words()}

[Service]
Type=oneshot
ExecStart=/bin/sh -c "{quoted}"

# {definition.name}.timer
[Unit]
Description=Batch {definition.name}: {definition.line.in_words()}

[Timer]
{times}
AccuracySec=1s
Persistent={persistent}

[Install]
WantedBy=timers.target
"""


def kubernetes(definition: ScheduleDefinition) -> str:
    """A CronJob; its image is to be filled in. Raises UsageError for what it cannot say."""
    fields = _kubernetes_fields(definition)
    # Kubernetes reads $(NAME) and $$ itself.
    command = shell_line(definition).replace("$", "$$")
    policy = "Allow" if definition.overlap is Overlap.ALLOW else "Forbid"
    queue = "  # it cannot queue" if definition.overlap is Overlap.QUEUE else ""
    deadline = definition.deadline_seconds
    if deadline is None and definition.catch_up is CatchUp.NONE:
        deadline = NO_CATCH_UP_SECONDS
    starting = "" if deadline is None else f"  startingDeadlineSeconds: {max(1, round(deadline))}\n"
    notes = "".join(f"{line}\n" for line in _left_out(definition))
    return f"""{notes}apiVersion: batch/v1
kind: CronJob
metadata:
  name: {json.dumps(_dns_name(definition.name))}
spec:
  schedule: {json.dumps(fields)}
  timeZone: {json.dumps(definition.timezone)}
  concurrencyPolicy: {policy}{queue}
{starting}  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: submit
              image: IMAGE  # yours, with this program in it; set SCORING_DATABASE_URL and the other settings below env
              command: ["/bin/sh", "-c", {json.dumps(command)}]
"""


def _standard(definition: ScheduleDefinition) -> None:
    if re.search(r"[#L]", definition.line.fields.upper().replace("JUL", "")):
        raise UsageError(
            "export",
            expected="a line that every cron knows",
            got=definition.line.text,
            remedy="leave L, LW and # to `scoring scheduler`",
        )


def _kubernetes_fields(definition: ScheduleDefinition) -> str:
    """The line as Kubernetes reads it: Sunday is 0 alone, and steps of all days are a restriction like any other."""
    _standard(definition)
    *others, week = definition.line.fields.split()
    days = others[2]
    if "*" not in (days, week) and (days.startswith("*") or week.startswith("*")):
        raise UsageError(
            "export",
            expected="one field of days that is *",
            got=f"{definition.line.text!r}: Kubernetes fires where either field fits, cron here where both do",
            remedy="leave this line to `scoring scheduler`",
        )
    if week != "*":
        week = ",".join(str(day) for day in sorted({day % 7 for day in weekdays(definition.line)}))
    return " ".join([*others, week])


def _left_out(definition: ScheduleDefinition) -> list[str]:
    """A comment that names the options which only `scoring scheduler` heeds."""
    given = {
        "--expect-by": definition.expect_by,
        "--wait-for-input": definition.wait_for_input_seconds,
        "--keep": definition.keep,
    }
    names = [name for name, value in given.items() if value is not None]
    return [f"# Left out, for only `scoring scheduler` heeds it: {', '.join(names)}"] if names else []


def _dns_name(name: str) -> str:
    """A CronJob's name has at most 52 of a-z, 0-9 and `-`."""
    return re.sub(r"[^a-z0-9]+", "-", name)[:52].strip("-")
