"""Where `scoring sql` takes its statement and its parameters from."""

from pathlib import Path

import pytest

from scoring.cli.errors import run_command
from scoring.cli.main import cli
from scoring.cli.sql_text import MAX_BYTES, parameters, statement
from scoring.core.errors import UsageError


def test_a_file_holds_a_statement(tmp_path: Path) -> None:
    """In UTF-8, with or without a byte order mark."""
    path = tmp_path / "query.sql"
    path.write_bytes(b"\xef\xbb\xbf-- ask\nSELECT '\xc3\xa9'")
    assert "-- ask\nSELECT 'é'" == statement(None, str(path))
    assert "SELECT 1" == statement("SELECT 1", None)


def test_a_file_that_is_no_query_is_refused(tmp_path: Path) -> None:
    """Missing, a folder, no text, endless: one message each, and nothing is read without bound."""
    (tmp_path / "latin").write_bytes(b"SELECT '\xe9'")
    (tmp_path / "large").write_bytes(b" " * (MAX_BYTES + 1))
    for name, word in (("missing", "cannot read"), (".", "cannot read"), ("latin", "no query"), ("large", "no query")):
        with pytest.raises(UsageError, match=word):
            statement(None, str(tmp_path / name))
    with pytest.raises(UsageError, match="no query"):
        statement(None, "/dev/zero")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["a=1"], {"a": "1"}),
        (["a=", "_b2==x=y"], {"a": "", "_b2": "=x=y"}),
        (["a='; DROP TABLE x"], {"a": "'; DROP TABLE x"}),
        (["a=two\nlines"], {"a": "two\nlines"}),
    ],
)
def test_a_parameter_is_a_name_and_any_text(given: list[str], expected: dict[str, object]) -> None:
    """Whatever stands behind the first `=` is its value."""
    assert expected == parameters(given)


@pytest.mark.parametrize("given", [["a"], ["=1"], ["1a=1"], ["a b=1"], ["a-b=1"], ["a=1", "a=2"], [""]])
def test_a_parameter_in_another_form_is_refused(given: list[str]) -> None:
    """A name has letters, digits and underscores, and is given once."""
    with pytest.raises(UsageError, match="-p"):
        parameters(given)


def test_a_number_is_no_name() -> None:
    """Whoever wrote $1 is told what to write instead."""
    with pytest.raises(UsageError, match=r"parameters have names.*-p job=last"):
        parameters(["1=x"])


HOSTILE = ["'; DROP TABLE jobs; --", "../../etc/passwd", "\x1b[2J", "$(reboot)", "%n%s", "é" * 5_000, ""]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("option", ["", "-f", "-p", "--format", "-o", "--limit", "--timeout"])
def test_a_hostile_text_in_an_option_is_a_clear_line(
    option: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Refused with the exit code of wrong usage or answered; never a crash, and no file is written."""
    monkeypatch.setenv("SCORING_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    query = [] if option in ("", "-f") else ["SELECT 1"]
    code = run_command(cli, "scoring", ["sql", *query, *([option] if option else ["--"]), text])
    shown = capfd.readouterr().err
    assert code == 2
    assert shown.startswith("error: ")
    assert "\x1b" not in shown
    assert {"home"} >= {path.name for path in tmp_path.iterdir()}
