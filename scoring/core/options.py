"""What a user may ask of one job: the options of run, submit and plan, checked whole before anything starts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from scoring.core.columns import Lossy, NanOutput, NullAction
from scoring.core.errors import UsageError
from scoring.core.gates import Requirement
from scoring.core.result_table import TableName
from scoring.core.states import Priority


@dataclass(frozen=True, kw_only=True)
class CsvDialect:
    """How a CSV file is written. Nothing is guessed: what is not said here is the default below."""

    delimiter: str = ","
    quote: str = '"'
    # One character that makes the next one literal; None: only doubled quotes.
    escape: str | None = None
    # False: the file has no header and `columns` names its columns.
    header: bool = True
    columns: tuple[str, ...] = ()
    # Physical lines before the header that are no data.
    skip_lines: int = 0
    # Lines that start with this are no rows; None: every line is data.
    comment: str | None = None
    decimal: str = "."
    encoding: str = "utf-8"
    # Cells that mean null, beside the empty cell of a number column.
    na: tuple[str, ...] = ()
    # Blanks around text cells are taken off too (around numbers they always are).
    trim: bool = False

    def __post_init__(self) -> None:
        for name in ("delimiter", "quote", "decimal", "escape", "comment"):
            value = getattr(self, name)
            if value is not None and len(value) != 1:
                raise UsageError(f"--{name}", expected="one character", got=repr(value), remedy="give one character")
        if self.skip_lines < 0:
            raise UsageError("--skip-lines", expected="0 or more", got=str(self.skip_lines), remedy="count the lines")
        if self.quote == self.delimiter:
            raise UsageError(
                "--quote",
                expected="another character than --delimiter",
                got=repr(self.quote),
                remedy="change one of them",
            )
        if self.columns and self.header:
            raise UsageError("--columns", expected="--no-header beside it", remedy="add --no-header, or leave it out")
        if not self.header and not self.columns:
            raise UsageError("--no-header", expected="--columns a,b,c beside it", remedy="name the columns in order")


@dataclass(frozen=True, kw_only=True)
class NullRule:
    """``--nulls``: None is the default (NaN for float tensors, reject for the rest)."""

    action: NullAction | None = None
    fill: str | None = None

    @classmethod
    def parse(cls, text: str | None) -> "NullRule":
        if text is None:
            return cls()
        if text.startswith("fill="):
            return cls(action=NullAction.FILL, fill=text.removeprefix("fill="))
        if text in ("nan", "reject"):
            return cls(action=NullAction(text))
        raise UsageError("--nulls", expected="nan, reject or fill=VALUE", got=repr(text), remedy="choose one of them")


@dataclass(frozen=True, kw_only=True)
class RejectLimit:
    """``--max-rejected``: exactly the limit is allowed. One of the two is None."""

    rows: int | None = None
    fraction: float | None = None

    @classmethod
    def parse(cls, text: str) -> "RejectLimit":
        try:
            if text.endswith("%"):
                percent = float(text[:-1])
                if 0 <= percent <= 100:
                    return cls(fraction=percent / 100)
            elif int(text) >= 0:
                return cls(rows=int(text))
        except ValueError:
            pass
        raise UsageError(
            "--max-rejected", expected="rows such as 100, or a share such as 1%", got=repr(text), remedy="give one"
        )

    @property
    def none(self) -> bool:
        """True where not one row may be rejected."""
        return self.rows == 0 or self.fraction == 0

    def allows(self, rejected: int, total: int) -> bool:
        if self.rows is not None:
            return rejected <= self.rows
        return self.fraction is None or rejected <= self.fraction * total

    def judged_by(self, chunk: int) -> bool:
        """Whether a chunk that has rejected rows asks if these are too many.

        Each asks after a count. A share is a sum over all chunks with rejects: after the first thousand one in 61 asks,
        a prime, so that no rhythm of the files evades it; the verdict at the end asks anyway.
        """
        return self.rows is not None or self.none or chunk < 1_000 or chunk % 61 == 0

    def __str__(self) -> str:
        return str(self.rows) if self.rows is not None else f"{100 * (self.fraction or 0):g}%"


@dataclass(frozen=True, kw_only=True)
class JobOptions:
    """The definition of a job beside its model and its inputs. Stored with the job as JSON."""

    # Absolute folder of the result; None: STORE/results/<job id>.
    output: str | None = None
    # auto: by the extension of each file.
    format: str = "auto"
    key: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    keep_all: bool = False
    label: str | None = None
    task: str = "auto"
    # Predicted = P(positive) ≥ threshold, for binary tasks.
    threshold: float = 0.5
    # None: decided from the input once, and stored.
    chunk_rows: int | None = None
    nulls: NullRule = field(default_factory=NullRule)
    max_rejected: RejectLimit = field(default_factory=lambda: RejectLimit(fraction=0.01))
    dialect: CsvDialect = field(default_factory=CsvDialect)
    compression: str = "lz4"
    # The first rows only; None: all.
    limit: int | None = None
    overwrite: bool = False
    idempotency_key: str | None = None
    priority: Priority = Priority.NORMAL
    tags: tuple[tuple[str, str], ...] = ()
    require: tuple[Requirement, ...] = ()
    # Path of a model.yaml that is not beside the model.
    spec: str | None = None
    # Postgres table that gets the rows too: NAME or SCHEMA.NAME.
    to_table: str | None = None
    # Of a table that does not exist yet: one partition per job or slot.
    partition_by: str | None = None
    # None: whole numbers are rounded to the tensor's float type up to 2^53, and rejected beyond.
    lossy: Lossy | None = None
    nan_output: NanOutput = NanOutput.KEEP
    # False: rejects and failures say where and why, but show no value of the row.
    raw: bool = True
    # delta: the output folder is a Delta table too.
    output_format: str = "parquet"

    def __post_init__(self) -> None:
        _choice("--format", self.format, ("auto", "csv", "parquet", "jsonl"))
        _choice("--task", self.task, ("auto", "binary", "multiclass", "regression"))
        _choice("--compression", self.compression, ("lz4", "zstd", "snappy", "none"))
        for name in ("chunk_rows", "limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(
                    f"--{name.replace('_', '-')}", expected="1 or more", got=str(value), remedy="give a larger number"
                )
        if not 0 <= self.threshold <= 1:
            raise UsageError("--threshold", expected="0 to 1", got=str(self.threshold), remedy="give a probability")
        if self.idempotency_key == "":
            raise UsageError(
                "--idempotency-key", expected="a name", got="''", remedy="is the variable behind it set? leave it out"
            )
        _choice("--output-format", self.output_format, ("parquet", "delta"))
        if self.to_table is not None:
            TableName.parse(self.to_table, schema="")
        if self.partition_by is not None:
            _choice("--partition-by", self.partition_by, ("job", "slot"))
            if self.to_table is None:
                raise UsageError("--partition-by", expected="--to-table NAME beside it", remedy="name the table")
        if self.require and self.label is None:
            raise UsageError("--require", expected="--label COL beside it", remedy="name the column with the truth")

    @property
    def delta(self) -> bool:
        return self.output_format == "delta"

    def to_json(self) -> dict[str, Any]:
        """Options of later revisions are left out at their defaults: older definitions keep their digest."""
        return {name: value for name, value in asdict(self).items() if name not in _LATER or value != _LATER[name]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "JobOptions":
        known = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        dialect = known["dialect"]
        known.update(
            key=tuple(known["key"]),
            keep=tuple(known["keep"]),
            nulls=NullRule(
                action=NullAction(known["nulls"]["action"]) if known["nulls"]["action"] else None,
                fill=known["nulls"]["fill"],
            ),
            max_rejected=RejectLimit(**known["max_rejected"]),
            dialect=CsvDialect(**{**dialect, "columns": tuple(dialect["columns"]), "na": tuple(dialect["na"])}),
            priority=Priority(known["priority"]),
            tags=tuple((k, v) for k, v in known["tags"]),
            require=tuple(Requirement(**r) for r in known["require"]),
            lossy=Lossy(known["lossy"]) if known.get("lossy") else None,
            nan_output=NanOutput(known.get("nan_output", NanOutput.KEEP)),
        )
        return cls(**known)


_LATER: Mapping[str, Any] = {
    "to_table": None,
    "partition_by": None,
    "output_format": "parquet",
    "lossy": None,
    "nan_output": NanOutput.KEEP,
    "raw": True,
}


def _choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(option, expected=" or ".join(choices), got=repr(value), remedy="choose one of them")
