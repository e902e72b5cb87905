"""S25: a password is masked before a text goes anywhere: log, ledger, terminal, traceback."""

import json
import subprocess
import sys

import click
import pytest

from scoring.cli.errors import run_command, show_error
from scoring.core.errors import LedgerAway
from scoring.core.masking import mask
from scoring.core.outcome import ERROR_CHARACTERS, judge

CANARY = "canary-7f3a"

LONG_TEXTS = r"""
from scoring.core.masking import mask

for text in ("x://", "x://u:", "password", "password='", "password=\\'", "a"):
    mask(text * 150_000 + "@")
"""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:hidden@h:6379/0", "redis://:***@h:6379/0"),
        ("rediss://me:hidden@h/0", "rediss://me:***@h/0"),
        ("at postgresql+psycopg://me:hi@dden@db/x now", "at postgresql+psycopg://me:***@db/x now"),
        ("amqp://me:hid%40den@h//", "amqp://me:***@h//"),
        ("host=db password=hidden user=me", "host=db password=*** user=me"),
        ("host=db password='hid den' user=me", "host=db password=*** user=me"),
        ("host=db password='hid\\'den' user=me", "host=db password=*** user=me"),
        ("host=db password='hid den", "host=db password=***"),
        ("host=db password='hid den\nuser=me", "host=db password=***\nuser=me"),
        ("PGPASSWORD=hidden psql", "PGPASSWORD=*** psql"),
        (
            "postgresql://db/x?user=me&password=hidden&sslmode=require",
            "postgresql://db/x?user=me&password=***&sslmode=require",
        ),
        ("Token=hidden", "Token=***"),
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("a@b.example wrote: nothing", "a@b.example wrote: nothing"),
    ],
)
def test_passwords_are_masked(text: str, shown: str) -> None:
    """Whatever form a library shows a connection in."""
    assert shown == mask(text)


def test_a_text_of_a_megabyte_is_masked_at_once() -> None:
    """One that is made to be slow holds up the heartbeats of the whole process."""
    subprocess.run([sys.executable, "-c", LONG_TEXTS], timeout=60, check=True)


def test_what_the_ledger_records_is_masked() -> None:
    """Also where the text is cut amid the password."""
    url = f"redis://:{CANARY}@h/0"
    for filler in range(ERROR_CHARACTERS - len(url), ERROR_CHARACTERS):
        assert CANARY[:4] not in judge(LedgerAway("x" * filler + url)).error


def test_an_error_as_json_is_masked_and_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A password at the very end of a message takes no quotation mark with it."""
    show_error(LedgerAway(f"no answer: password={CANARY}", got=f"redis://:{CANARY}@h", remedy="wait"), as_json=True)
    out, err = capsys.readouterr()
    error = json.loads(out)["error"]
    assert ("no answer: password=***", "redis://:***@h", "wait") == (error["message"], error["got"], error["remedy"])
    assert CANARY not in err


def test_a_traceback_is_masked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """SCORING_DEBUG shows where an error came from, and neither its password nor its escape sequences."""

    @click.command()
    def broken() -> None:
        try:
            raise ConnectionError(f"cannot reach redis://:{CANARY}@h/0\x1b[2J")
        except ConnectionError as error:
            raise LedgerAway("the ledger is away") from error

    monkeypatch.setenv("SCORING_DEBUG", "1")
    run_command(broken, "scoring", [])
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "redis://:***@h/0\\x1b[2J" in shown
    assert CANARY not in shown
