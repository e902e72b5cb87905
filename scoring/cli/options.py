"""Options that several commands share. The job options are one table: run, submit and plan take the same."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, nothing else there.")
job_argument = click.argument("job", metavar="JOB")
timeout_option = click.option("--timeout", metavar="DURATION", help="Give up after this long: 90s, 30m, 2h.")

_ROWS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    # What is written
    (("-o", "--output"), {"metavar": "FOLDER", "help": "Where the result goes; default: STORE/results/<job id>."}),
    (("--overwrite",), {"is_flag": True, "help": "Replace a result of an earlier job, once this one has succeeded."}),
    (("--compression",), {"metavar": "lz4|zstd|snappy|none", "help": "Of the result's Parquet files; default lz4."}),
    (
        ("--output-format",),
        {"metavar": "parquet|delta", "help": "delta: FOLDER is a Delta table too; default parquet."},
    ),
    (
        ("--to-table",),
        {"metavar": "[SCHEMA.]NAME", "help": "Write the rows into this Postgres table too, exactly once."},
    ),
    (("--partition-by",), {"metavar": "job|slot", "help": "Of a new table: a partition for each job or slot."}),
    (("--key",), {"multiple": True, "metavar": "COL", "help": "Column carried to the result; repeatable."}),
    (
        ("--keep", "--keep-column", "keep"),
        {"multiple": True, "metavar": "COL", "help": "As --key, for columns that identify nothing."},
    ),
    (("--keep-all",), {"is_flag": True, "help": "Carry all columns, those of the model too."}),
    # What is read
    (("--format",), {"metavar": "auto|csv|parquet|jsonl", "help": "Of the inputs; default: by their extension."}),
    (("--delimiter",), {"metavar": "CHAR", "help": "Between CSV cells; \\t or tab for a tab; default a comma."}),
    (("--quote",), {"metavar": "CHAR", "help": "Around CSV cells; default a double quote."}),
    (("--escape",), {"metavar": "CHAR", "help": "Before a character that means itself; default: none."}),
    (
        ("--no-header",),
        {"is_flag": True, "default": None, "help": "The CSV files have no header line; needs --columns."},
    ),
    (("--columns",), {"metavar": "A,B,C", "help": "Names of the columns of files without a header."}),
    (("--skip-lines",), {"metavar": "N", "help": "Lines before the header that are no data."}),
    (("--comment",), {"metavar": "CHAR", "help": "Lines that start with it are no rows."}),
    (("--decimal",), {"metavar": "CHAR", "help": "The decimal point; default a full stop."}),
    (("--encoding",), {"metavar": "NAME", "help": "Of CSV and JSON lines; default utf-8."}),
    (("--na",), {"multiple": True, "metavar": "VALUE", "help": "A cell that means null; repeatable."}),
    (("--trim",), {"is_flag": True, "help": "Take blanks off text cells too."}),
    (("--limit",), {"metavar": "N", "help": "Only the first N rows."}),
    # How rows are fed and judged
    (("--spec",), {"metavar": "FILE", "help": "model.yaml that is not beside the model."}),
    (
        ("--nulls",),
        {"metavar": "nan|reject|fill=V", "help": "Nulls in the model's columns; default: NaN, else reject."},
    ),
    (
        ("--lossy",),
        {"metavar": "round|reject", "help": "Whole numbers that a float tensor rounds; default: rejected beyond 2^53."},
    ),
    (("--nan-output",), {"metavar": "keep|reject|fail", "help": "Rows with NaN or infinite answers; default keep."}),
    (("--max-rejected",), {"metavar": "1%|N", "help": "More rejected rows fail the job; default 1%."}),
    (("--strict",), {"is_flag": True, "help": "The same as --max-rejected 0."}),
    (("--no-raw",), {"is_flag": True, "default": None, "help": "Show no values of rejected rows, only where and why."}),
    (("--chunk-rows",), {"metavar": "auto|N", "help": "Rows per chunk and part file; default auto."}),
    # How good it is
    (("--label",), {"metavar": "COL", "help": "Column with the truth: the job's accuracy is computed."}),
    (("--task",), {"metavar": "auto|binary|multiclass|regression", "help": "What the model predicts; default auto."}),
    (("--threshold",), {"type": float, "metavar": "P", "help": "From where on P(positive) is a yes; default 0.5."}),
    (("--require",), {"multiple": True, "metavar": "'METRIC>=N'", "help": "Quality gate; missed: exit 5. Repeatable."}),
    # The job itself
    (("--idempotency-key",), {"metavar": "K", "help": "Submitting twice with one key makes one job."}),
    (("--priority",), {"metavar": "low|normal|high", "help": "Order among submitted jobs; default normal."}),
    (("--tag",), {"multiple": True, "metavar": "K=V", "help": "Kept with the job; repeatable."}),
)


JOB_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    names[-1].removeprefix("--").replace("-", "_"): settings for names, settings in _ROWS
}
"""What click knows of each job option, by the name that `job_options` knows."""


_CSV = frozenset(
    {
        *("--delimiter", "--quote", "--escape", "--no-header", "--columns", "--skip-lines", "--comment"),
        *("--encoding", "--na", "--trim"),
    }
)


def csv_options(command: Command) -> Command:
    """Give a command the options that say how a CSV file is written; each arrives as `job_options` knows it."""
    for names, settings in reversed(_ROWS):
        if names[-1] in _CSV:
            command = click.option(*names, **settings)(command)
    return command


def job_arguments(command: Command) -> Command:
    """Give a command MODEL, INPUT... and every job option; each arrives under the name that `job_options` knows."""
    command = every_job_option(command)
    command = click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)(command)
    return click.argument("model", metavar="MODEL")(command)


def every_job_option(command: Command, *, but: str | None = None) -> Command:
    """Give a command every job option, under all its names but one that means something else there."""
    for names, settings in reversed(_ROWS):
        command = click.option(*(name for name in names if name != but), **settings)(command)
    return command
