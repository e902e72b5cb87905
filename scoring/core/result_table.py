"""A Postgres table that gets a job's rows: its name, and the columns that it must have."""

import re
from dataclasses import dataclass
from enum import StrEnum

from scoring.core.errors import InputRefused, UsageError

NAME_CHARACTERS = 55
"""Room for `latest_` within the 63 that Postgres keeps."""

JOB_ID, CHUNK, SLOT = "job_id", "chunk", "slot"

SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
COLUMN_BYTES = 63
"""Postgres would cut a longer name without a word."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SYSTEM_SCHEMAS = ("pg_", "information_schema")


class PartitionBy(StrEnum):
    """What one partition of a result table holds; the values are the names of the columns that decide it."""

    JOB = "job_id"
    SLOT = "slot"

    @classmethod
    def of(cls, option: str | None) -> "PartitionBy | None":
        """As `--partition-by` says it."""
        return None if option is None else {"job": cls.JOB, "slot": cls.SLOT}[option]


@dataclass(frozen=True, kw_only=True)
class TableName:
    """A table or view in the ledger's database, as Postgres spells it."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def latest(self) -> "TableName":
        """The view of the newest batch."""
        return TableName(schema=self.schema, name=f"latest_{self.name}")

    @classmethod
    def parse(cls, text: str, *, schema: str) -> "TableName":
        """[SCHEMA.]NAME as a user writes it; `schema` where none is named. Raises UsageError."""
        *before, name = text.split(".")
        words = [*before, name]
        if len(words) > 2 or not all(_NAME.fullmatch(word) for word in words):
            raise _bad_name(text, "[SCHEMA.]NAME of letters, digits and _")
        if max(map(len, words)) > NAME_CHARACTERS:
            raise _bad_name(text, f"{NAME_CHARACTERS} characters at most")
        if before and before[0].lower().startswith(_SYSTEM_SCHEMAS):
            raise _bad_name(text, "a schema that Postgres does not keep for itself")
        return cls(schema=before[0].lower() if before else schema, name=name.lower())

    @classmethod
    def stored(cls, text: str) -> "TableName":
        """As `jobs.result_table` keeps it."""
        schema, _, name = text.rpartition(".")
        return cls(schema=schema, name=name)


@dataclass(frozen=True, kw_only=True)
class TableColumn:
    name: str
    # In Postgres's own words, such as "double precision".
    type: str


@dataclass(frozen=True, kw_only=True)
class ResultTable:
    """The table that a new job asks for."""

    name: TableName
    # Those of the result, in the order of the part files; job_id, chunk and slot come before them.
    columns: tuple[TableColumn, ...]
    # As asked for; a table that exists decides for itself.
    partition_by: PartitionBy | None = None


def check_columns(columns: tuple[TableColumn, ...]) -> None:
    """Raises InputRefused where a column of the result cannot be one of the table."""
    for column in columns:
        if column.name in (JOB_ID, CHUNK, SLOT):
            raise _bad_column(column.name, "a name that the table does not use itself")
        if column.name in SYSTEM_COLUMNS:
            raise _bad_column(column.name, "a name that Postgres does not keep for itself")
        if not column.name or "\0" in column.name or len(column.name.encode()) > COLUMN_BYTES:
            raise _bad_column(column.name, f"a name of 1 to {COLUMN_BYTES} bytes")


def _bad_name(text: str, expected: str) -> UsageError:
    return UsageError("--to-table", expected=expected, got=repr(text), remedy="for example --to-table scores")


def _bad_column(name: str, expected: str) -> InputRefused:
    return InputRefused(
        f"column {name!r} cannot be written into a table",
        expected=expected,
        got=repr(name),
        remedy="rename it in the input, or in model.yaml (`rename`) where the model gives it",
    )
