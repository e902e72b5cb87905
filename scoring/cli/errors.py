"""How a command ends: every error becomes one message of three parts on stderr, and an exit code."""

import json
import os
import sys
from collections.abc import Sequence

import click

from scoring.core.errors import ExitCode, Interrupted, ScoringError, StorageFault, UsageError
from scoring.core.masking import mask
from scoring.core.outcome import clean, escaped

MAX_LINES = 12
"""Lines of an error on stderr, so that it fits on a screen and into a mail of cron."""

LINE_CHARACTERS = 600


def run_command(command: click.Command, program: str, arguments: Sequence[str]) -> int:
    """Run `command` and return its exit code. Nothing that it raises gets past here, unless SCORING_DEBUG is set."""
    try:
        # Not `command.main`: it ends a closed pipe with exit code 1, which here means that the job has failed.
        with command.make_context(program, list(arguments)) as context:
            result = command.invoke(context)
        sys.stdout.flush()
    except BrokenPipeError:
        close_stdout()
        return ExitCode.SUCCEEDED
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except Exception as error:  # noqa: BLE001  # every error of every layer ends here, in words
        return _end(as_scoring_error(error, arguments), error, arguments)
    except (KeyboardInterrupt, click.Abort):
        return _end(Interrupted("interrupted"), None, arguments)
    return result if isinstance(result, int) else ExitCode.SUCCEEDED


def as_scoring_error(error: Exception, arguments: Sequence[str]) -> ScoringError:
    """The same error as one of ours."""
    match error:
        case ScoringError():
            return error
        case click.UsageError():
            return _usage(error, arguments)
        case click.Abort():
            return Interrupted("interrupted")
        case click.ClickException():
            return UsageError(error.format_message(), remedy="scoring --help")
        case MemoryError():
            return ScoringError(
                "not enough memory", remedy="give the machine more, or score with a smaller --chunk-rows"
            )
        case OSError():
            place = f" ({error.filename})" if error.filename else ""
            return StorageFault(f"{error.strerror or error}{place}", remedy="put that right and do it again")
    return ScoringError(
        "the program itself has failed",
        expected="no error, or one that says what to do",
        got=f"{type(error).__name__}: {error}",
        remedy="SCORING_DEBUG=1 shows where; please report it",
    )


def show_error(error: ScoringError, *, as_json: bool = False) -> None:
    """Print the error on stderr for people, and with `as_json` also on stdout for programs."""
    sys.stdout.flush()
    print(error_text(error), file=sys.stderr, flush=True)  # noqa: T201  # this is where messages are printed
    if as_json:
        facts = {"code": error.code, "message": error.message, "remedy": error.remedy}
        facts |= {"expected": error.expected, "got": error.got}
        click.echo(json.dumps({"error": {name: mask(text) for name, text in facts.items()}}))


def error_text(error: ScoringError) -> str:
    """At most MAX_LINES lines, masked; control characters are escaped, further lines of a part stand indented below."""
    lines = [f"error: {_part(error.message)}"]
    for title, text in (("expected", error.expected), ("got", error.got), ("do", error.remedy)):
        if text:
            lines.extend(f"{title + ':':<10}{_part(text)}".splitlines())
    lines = [line for part in lines for line in part.splitlines()]
    if len(lines) > MAX_LINES:
        # The end says what to do: cut the middle.
        lines = [*lines[: MAX_LINES - 2], "          …", lines[-1]]
    return "\n".join(lines)


def close_stdout() -> None:
    """Whoever read the output has gone: what is still to come goes nowhere, without an error at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def wants_json(arguments: Sequence[str]) -> bool:
    before_end = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in before_end


def _end(error: ScoringError, cause: Exception | None, arguments: Sequence[str]) -> int:
    if cause is not None and os.environ.get("SCORING_DEBUG", "").lower() in ("1", "true", "yes", "on"):
        import traceback

        print(escaped(mask("".join(traceback.format_exception(cause)))), file=sys.stderr)  # noqa: T201  # as in show_error
    try:
        show_error(error, as_json=wants_json(arguments))
    except BrokenPipeError:
        close_stdout()
    return error.exit_code


def _usage(error: click.UsageError, arguments: Sequence[str]) -> UsageError:
    context = error.ctx
    program = context.command_path if context else "scoring"
    usage = context.get_usage().removeprefix("Usage: ") if context else "scoring COMMAND"
    return UsageError(
        error.format_message().rstrip("."),
        expected=" ".join(usage.split()),
        got=" ".join(arguments) or "no arguments",
        remedy=f"{program} --help",
    )


def _part(text: str) -> str:
    lines = clean(mask(text)).replace("\t", " ").splitlines() or [""]
    cut = [line if len(line) <= LINE_CHARACTERS else line[: LINE_CHARACTERS - 1] + "…" for line in lines]
    return ("\n" + " " * 10).join(cut)
