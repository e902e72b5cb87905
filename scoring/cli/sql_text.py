"""Where the statement of `scoring sql` comes from, and the values for its parameters."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from scoring.core.errors import UsageError

STDIN = "-"

MAX_BYTES = 1 << 20
"""More is no statement: whatever the file is, reading it ends here."""

_PARAMETER = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


def statement(query: str | None, file: str | None) -> str | None:
    """The statement as typed, of the file, or of stdin; None where a person is to be asked. Raises UsageError."""
    if query is not None and file is not None:
        raise UsageError("two queries", expected="QUERY or -f FILE", got="both", remedy="leave one out")
    if file not in (None, STDIN):
        return _of_file(Path(file or ""))
    if query not in (None, STDIN):
        return query
    if sys.stdin is not None and (STDIN in (query, file) or not sys.stdin.isatty()):
        return _text(sys.stdin.buffer.read(MAX_BYTES + 1), "stdin")
    if sys.stdin is not None and sys.stdout.isatty():
        return None
    raise UsageError("no query", expected="QUERY, -f FILE or a query on stdin", got="none", remedy="give one")


def parameters(given: Sequence[str]) -> dict[str, object]:
    """`name=value` as {name: value}, every value a text. Raises UsageError."""
    values: dict[str, object] = {}
    for pair in given:
        match = _PARAMETER.fullmatch(pair)
        if match is None:
            raise UsageError(
                "-p",
                expected="name=value, the name of letters, digits and _ and not a digit first",
                got=repr(pair),
                remedy="parameters have names, no numbers: $job in the query, and -p job=last",
            )
        if match[1] in values:
            raise UsageError("-p", expected="each name once", got=f"{match[1]} twice", remedy="leave one out")
        values[match[1]] = match[2]
    return values


def _of_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return _text(file.read(MAX_BYTES + 1), str(path))
    except OSError as error:
        raise UsageError(
            f"cannot read {path}",
            expected="a file with one SELECT",
            got=error.strerror or str(error),
            remedy="name another file",
        ) from error


def _text(content: bytes, source: str) -> str:
    if len(content) > MAX_BYTES:
        raise UsageError(
            f"{source} is no query", expected=f"at most {MAX_BYTES:,} bytes", got="more", remedy="name another file"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{source} is no query", expected="text in UTF-8", got=str(error), remedy="save it as UTF-8"
        ) from error
