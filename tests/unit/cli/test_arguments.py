"""Job options: one table for the command line and Python, checked before anything is loaded."""

import json

import click
import pytest

from scoring.cli.options import job_arguments
from scoring.cli.score import plan, run, submit
from scoring.core.arguments import job_options
from scoring.core.columns import Lossy, NanOutput, NullAction
from scoring.core.errors import UsageError
from scoring.core.gates import Requirement
from scoring.core.options import CsvDialect, JobOptions, NullRule, RejectLimit
from scoring.core.states import Priority


@click.command()
@job_arguments
def bare(**_: object) -> None:
    """A command that has the job options and nothing else."""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, JobOptions()),
        ({"key": "id"}, JobOptions(key=("id",))),
        ({"key": ["a", "b"], "keep_all": True}, JobOptions(key=("a", "b"), keep_all=True)),
        ({"strict": True}, JobOptions(max_rejected=RejectLimit(rows=0))),
        ({"max_rejected": "5%"}, JobOptions(max_rejected=RejectLimit(fraction=0.05))),
        ({"max_rejected": 0.05}, JobOptions(max_rejected=RejectLimit(fraction=0.05))),
        ({"max_rejected": 7}, JobOptions(max_rejected=RejectLimit(rows=7))),
        ({"chunk_rows": "auto"}, JobOptions()),
        ({"chunk_rows": "500"}, JobOptions(chunk_rows=500)),
        ({"nulls": "fill=0"}, JobOptions(nulls=NullRule(action=NullAction.FILL, fill="0"))),
        ({"delimiter": "\\t"}, JobOptions(dialect=CsvDialect(delimiter="\t"))),
        ({"delimiter": "tab"}, JobOptions(dialect=CsvDialect(delimiter="\t"))),
        ({"no_header": True, "columns": "a,b"}, JobOptions(dialect=CsvDialect(header=False, columns=("a", "b")))),
        ({"na": ("?", "NA"), "trim": True}, JobOptions(dialect=CsvDialect(na=("?", "NA"), trim=True))),
        ({"priority": "high"}, JobOptions(priority=Priority.HIGH)),
        ({"nan_output": "fail"}, JobOptions(nan_output=NanOutput.FAIL)),
        ({"tag": ("team=growth", "a=b=c")}, JobOptions(tags=(("team", "growth"), ("a", "b=c")))),
        ({"tags": {"team": "growth"}}, JobOptions(tags=(("team", "growth"),))),
        (
            {"label": "y", "require": "f1>0.5"},
            JobOptions(label="y", require=(Requirement(metric="f1", comparison=">", number=0.5),)),
        ),
    ],
)
def test_arguments_become_options(given: dict[str, object], expected: JobOptions) -> None:
    """Text of a shell and values of Python mean the same."""
    assert expected == job_options(**given)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"labl": "y"}, "did you mean 'label'"),
        ({"chunk_rows": "many"}, "a whole number"),
        ({"limit": 0}, "1 or more"),
        ({"max_rejected": "half"}, "--max-rejected"),
        ({"nulls": "drop"}, "--nulls"),
        ({"priority": "urgent"}, "high, normal or low"),
        ({"nan_output": "drop"}, "keep, reject or fail"),
        ({"lossy": "truncate"}, "round or reject"),
        ({"tag": "team"}, "NAME=VALUE"),
        ({"require": "accuracy>=0.9"}, "--label COL"),
        ({"label": "y", "require": "accurcy>=0.9"}, "--require"),
        ({"columns": "a,b"}, "--no-header"),
        ({"no_header": True}, "--columns"),
        ({"delimiter": ";;"}, "one character"),
        ({"format": "xlsx"}, "--format"),
        ({"threshold": 1.5}, "0 to 1"),
    ],
)
def test_a_wrong_option_says_what_is_right(given: dict[str, object], word: str) -> None:
    """A usage error names the option, what it takes, and what came."""
    with pytest.raises(UsageError) as refusal:
        job_options(**given)
    assert word in str(refusal.value)


def test_options_come_back_from_their_json() -> None:
    """States are states again, not texts; an option of a later revision is left out at its default."""
    options = job_options(nan_output="reject", lossy="round", priority="low", max_rejected="5%", nulls="fill=0")
    back = JobOptions.from_json(json.loads(json.dumps(options.to_json())))
    assert options == back
    assert back.nan_output is NanOutput.REJECT
    assert back.lossy is Lossy.ROUND
    assert "nan_output" not in JobOptions().to_json()


@pytest.mark.parametrize(
    ("limit", "judges"),
    [
        ("0%", 100_000),
        ("7", 100_000),
        ("1%", 1_000 + 99_999 // 61 - 999 // 61),
    ],
)
def test_a_share_of_very_many_chunks_is_not_summed_at_each(limit: str, judges: int) -> None:
    """One reject too many is found at once; a share costs the same for each chunk of a hundred thousand."""
    judged = RejectLimit.parse(limit).judged_by
    assert judges == sum(map(judged, range(100_000)))
    rhythm = range(1, 100_000, 2)
    assert sum(map(judged, rhythm)) > judges // 2 - 2  # every second file is bad


@pytest.mark.parametrize("command", [run, submit, plan])
def test_run_submit_and_plan_take_the_same_options(command: click.Command) -> None:
    """Every job option stands on each of the three, under one name."""
    shared = {parameter.name for parameter in bare.params}
    assert shared <= {parameter.name for parameter in command.params}


def test_every_job_option_of_the_command_line_is_known_to_python() -> None:
    """An option that click takes reaches JobOptions under the same name."""
    names = {parameter.name for parameter in bare.params if isinstance(parameter, click.Option)}
    known = (
        set(JobOptions.__dataclass_fields__)
        | set(CsvDialect.__dataclass_fields__)
        | {"strict", "no_header", "no_raw", "tag"}
    )
    assert names <= known


def test_untouched_options_are_the_defaults() -> None:
    """A command line without options is a job with JobOptions' own defaults."""
    with bare.make_context("bare", ["m.onnx", "a.csv"]) as context:
        given = {name: value for name, value in context.params.items() if value not in ((), False)}
    del given["model"], given["inputs"]
    assert JobOptions() == job_options(**given)
