"""doctor: the checks, printed."""

import click

from scoring.cli.options import json_option
from scoring.cli.output import one_line, print_json
from scoring.core.errors import ExitCode

MARKS = {"ok": "ok     ", "warning": "warning", "failed": "FAILED "}


@click.command(short_help="Check settings, servers, versions and permissions.")
@json_option
def doctor(as_json: bool) -> int:
    """Check settings, servers, versions and permissions; each problem comes with its remedy. Starts nothing.

    Exit 0 also with warnings, 2 for wrong settings, 6 for a server that cannot be reached.
    """
    from scoring.cli.doctor import examine
    from scoring.cli.doctor_check import Check, Status

    checks: list[Check] = []
    for check in examine():
        checks.append(check)
        if not as_json:
            click.echo(f"{MARKS[check.status]}  {check.name}: {one_line(check.message)}")
            if check.remedy:
                click.echo(f"         do: {one_line(check.remedy)}")
    failed = [check for check in checks if check.status is Status.FAILED]
    if as_json:
        print_json({"ok": not failed, "checks": [check.to_json() for check in checks]})
    return failed[0].exit_code if failed else ExitCode.SUCCEEDED
