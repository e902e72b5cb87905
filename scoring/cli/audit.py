"""audit: a job proven again."""

import re

import click

from scoring.cli.options import job_argument, json_option
from scoring.cli.output import one_line, print_json
from scoring.cli.session import open_ledger
from scoring.core.errors import ExitCode, UsageError

DIGEST = re.compile("[0-9a-fA-F]{64}")
MARKS = {"ok": "ok     ", "skipped": "skipped", "failed": "FAILED "}


@click.command(short_help="Prove a job that has ended again, from its files and its rows.")
@job_argument
@click.option("--expect-digest", metavar="HEX", help="Fail unless the content has this digest.")
@json_option
def audit(job: str, expect_digest: str | None, as_json: bool) -> int:
    """Prove a job that has ended again: every row once, every file as it was committed, every count the same.

    Reads all of its files and changes nothing. Exit 0 where all holds, 1 where something differs.
    """
    from scoring.ledger.jobs import find_job
    from scoring.pipeline.audit import audit as prove

    if expect_digest is not None and not DIGEST.fullmatch(expect_digest):
        raise UsageError(
            "--expect-digest",
            expected="64 hexadecimal digits",
            got=expect_digest[:80],
            remedy="copy them from the line `digest` of an audit",
        )
    with open_ledger() as ledger:
        found = ledger.look(lambda tx: find_job(tx, job))
        proven = prove(ledger, found.id, digest=expect_digest)
    if as_json:
        print_json(proven.to_json())
    else:
        for check in proven.checks:
            click.echo(f"{MARKS[check.status]}  {check.name}: {one_line(check.message)}")
        click.echo(f"digest   {proven.digest or 'none'}")
    return ExitCode.SUCCEEDED if proven.ok else ExitCode.JOB_FAILED
