"""From what a person writes about a schedule, on the command line or in a file, to its definition.

Written is a mapping of option names as `ScheduleDefinition.as_written` gives it; what is absent has its default.
"""

import os
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import click

from scoring.cli.options import JOB_OPTIONS, Command, every_job_option
from scoring.core.durations import seconds
from scoring.core.errors import UsageError
from scoring.core.schedules.cron import CronLine
from scoring.core.schedules.definition import ScheduleDefinition
from scoring.core.schedules.policies import CatchUp, Overlap

Written = Mapping[str, Any]
Word = TypeVar("Word", bound=StrEnum)

_OWN: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--cron",), {"metavar": "LINE", "help": 'Five fields, "0 2 * * *", or @hourly, @daily, @weekly, @monthly.'}),
    (("--timezone",), {"metavar": "ZONE", "help": "That the cron line speaks of, Europe/Berlin; default UTC."}),
    (("--model",), {"metavar": "MODEL", "help": "Of each job: name, name:3, name@alias or an .onnx file."}),
    (("--input",), {"multiple": True, "metavar": "INPUT", "help": "File, folder, glob or @list; repeatable."}),
    (("--overlap",), {"metavar": "forbid|queue|allow", "help": "While a job of it is live; default forbid."}),
    (("--catch-up",), {"metavar": "none|latest|all", "help": "Missed slots that are run; default latest."}),
    (("--deadline",), {"metavar": "DURATION", "help": "How late a slot may still start; default: any time."}),
    (("--expect-by",), {"metavar": "HH:MM|DURATION", "help": "When its result should be there, or it is late."}),
    (("--wait-for-input",), {"metavar": "DURATION", "help": "Wait so long for the input; default: not at all."}),
    (("--keep", "retain"), {"metavar": "N|Nd", "help": "Batches, or days, that `scoring gc` leaves; default all."}),
)

OWN = ("cron", "timezone", "model", "input", "overlap", "catch_up", "deadline", "expect_by", "wait_for_input", "keep")
JOB = {("keep_column" if name == "keep" else name): settings for name, settings in JOB_OPTIONS.items()}
NAMES = (*OWN, *JOB)
"""All that may be written of a schedule."""


def schedule_options(command: Command) -> Command:
    """Give a command the options of a schedule and of its jobs; `as_written` reads what arrives."""
    command = every_job_option(command, but="--keep")
    for names, settings in reversed(_OWN):
        command = click.option(*names, **settings)(command)
    return command


def as_written(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `schedule_options` that were given."""
    renamed = {"keep": "keep_column", "retain": "keep"}
    given = {renamed.get(name, name): value for name, value in options.items()}
    return {name: value for name, value in given.items() if value is not None and value is not False and value != ()}


def read(name: str, written: Written) -> ScheduleDefinition:
    """The definition; paths are taken as they are. Empty texts count as absent. Raises UsageError."""
    check_names(written)
    known = {option: value for option, value in written.items() if value not in ("", (), ("",))}
    if "cron" not in known:
        raise UsageError("--cron", expected="a cron line", got="none", remedy='for example --cron "0 2 * * *"')
    options = {("keep" if option == "keep_column" else option): known[option] for option in known if option in JOB}
    return ScheduleDefinition(
        name=name,
        line=CronLine.parse(known["cron"], known.get("timezone", "UTC")),
        model=known.get("model", ""),
        inputs=known.get("input", ()),
        arguments=options,
        overlap=_word(Overlap, "--overlap", known.get("overlap", Overlap.FORBID)),
        catch_up=_word(CatchUp, "--catch-up", known.get("catch_up", CatchUp.LATEST)),
        deadline_seconds=seconds("--deadline", known.get("deadline")),
        expect_by=known.get("expect_by"),
        wait_for_input_seconds=seconds("--wait-for-input", known.get("wait_for_input")),
        keep=known.get("keep"),
    )


def rooted(written: Written, base: Path) -> dict[str, Any]:
    """The same with absolute paths, as seen from `base`: inputs, output, spec, and a model that is a file."""
    values = dict(written)
    for name, make in _PATHS.items():
        if values.get(name):
            values[name] = make(values[name], base)
    return values


def check_names(written: Written) -> None:
    for name in written:
        if name not in NAMES:
            meant = near(name)
            raise UsageError(
                f"there is no option {name!r} of a schedule",
                expected="an option of `scoring schedule add`",
                got=name,
                remedy=f"did you mean {meant!r}?" if meant else "leave it out",
            )


def near(name: str) -> str | None:
    """The option that a name is, or is a slip of."""
    return next(iter(get_close_matches(name, NAMES, n=1)), None)


def _word(words: type[Word], option: str, text: str) -> Word:
    if text not in set(words):
        raise UsageError(option, expected=", ".join(words), got=repr(text), remedy="choose one of them")
    return words(text)


def _path(path: str, base: Path) -> str:
    # Links stay links, and a template stays a template.
    return path if "://" in path else os.path.normpath(base / path)


def _inputs(inputs: tuple[str, ...], base: Path) -> tuple[str, ...]:
    return tuple(_input(path, base) for path in inputs)


def _input(path: str, base: Path) -> str:
    if path in ("", "-"):
        return path
    if path.startswith("@") and not (base / path).exists():
        return "@" + _path(path[1:], base)
    return _path(path, base)


def _model(model: str, base: Path) -> str:
    is_path = "/" in model or model.endswith(".onnx") or (base / model).exists()
    return _path(model, base) if is_path else model


_PATHS: Mapping[str, Callable[[Any, Path], Any]] = {"input": _inputs, "output": _path, "spec": _path, "model": _model}
