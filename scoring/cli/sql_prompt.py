"""The prompt of `scoring sql`: statements over several lines, with history and completion."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import completion_is_selected
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from scoring.cli.errors import as_scoring_error, show_error
from scoring.cli.output import say

HISTORY = "sql_history"
LEAVE = ("exit", "quit", "\\q")
LIST = "\\d"
ASK_HELP = ("help", "\\h", "\\?", ".help")
"""The last three are what other programs call it."""

HELP = """\
A statement ends with ; and may go over several lines.
\\d           what can be read        \\d NAME     its columns
exit, quit   leave; Ctrl-D too       Ctrl-C      clear the line, or stop the query"""

KEYWORDS = (
    *("SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "HAVING", "LIMIT", "JOIN", "LEFT JOIN", "USING", "ON", "AS"),
    *(
        "AND",
        "OR",
        "NOT",
        "IN",
        "LIKE",
        "BETWEEN",
        "IS NULL",
        "IS NOT NULL",
        "DISTINCT",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
    ),
    *(
        "END",
        "WITH",
        "UNION ALL",
        "DESC",
        "ASC",
        "NULLS LAST",
        "INTERVAL",
        "OVER",
        "PARTITION BY",
        "FILTER",
        "SHOW TABLES",
    ),
    *(
        "DESCRIBE",
        "count(*)",
        "sum(",
        "avg(",
        "min(",
        "max(",
        "median(",
        "quantile_cont(",
        "round(",
        "now()",
        "date_trunc(",
    ),
)


def converse(ask: Callable[[str], None], columns: Mapping[str, Sequence[str]], home: Path) -> None:
    """Read statements and answer them until the person leaves. No error of a statement ends it.

    columns: relation → its columns, for completion.
    """
    session: PromptSession[str] = PromptSession(
        "scoring> ",
        multiline=True,
        prompt_continuation="    ...> ",
        history=FileHistory(_history(home)),
        completer=_Words(columns),
        complete_while_typing=False,
        key_bindings=_keys(),
    )
    say("a statement ends with ;  help, \\d and exit are commands")
    while True:
        try:
            text = session.prompt().strip()
            if _command(text) in LEAVE:
                return
            _answer(ask, text)
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def _answer(ask: Callable[[str], None], text: str) -> None:
    try:
        command = _command(text)
        if command in ASK_HELP:
            click.echo(HELP)
        elif command == LIST:
            ask("SHOW TABLES")
        elif command.startswith(f"{LIST} "):
            ask(f"DESCRIBE {command.removeprefix(LIST)}")
        elif command:
            ask(text)
    except KeyboardInterrupt:
        say("stopped")
    except Exception as error:  # noqa: BLE001  # whatever it is, the next statement may be a better one
        show_error(as_scoring_error(error, ()))


def _command(text: str) -> str:
    return text.strip().rstrip(";").strip()


def _is_whole(text: str) -> bool:
    """True where Enter sends the text: a statement with its semicolon, a command, nothing at all."""
    command = _command(text)
    return not command or text.rstrip().endswith(";") or command in (*LEAVE, *ASK_HELP) or command.startswith(LIST)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=~completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if _is_whole(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.newline()

    return keys


def _history(home: Path) -> str:
    """The file, for the owner alone: a statement may hold what others must not read."""
    path = home / HISTORY
    descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    os.fchmod(descriptor, 0o600)
    os.close(descriptor)
    return str(path)


class _Words(Completer):
    """Keywords, relations and columns that begin with what is typed, whatever the case."""

    def __init__(self, columns: Mapping[str, Sequence[str]]) -> None:
        names = {name for names in columns.values() for name in names}
        self._words = [*sorted({*columns, *names}), *KEYWORDS, "results('last')", "rejects('last')", *LEAVE, "help"]

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """Nothing where no word has been begun."""
        begun = document.get_word_before_cursor()
        if not begun.strip():
            return
        for word in self._words:
            if word.lower().startswith(begun.lower()):
                yield Completion(word, start_position=-len(begun))
