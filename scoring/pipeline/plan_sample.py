"""The first rows of an input, read and judged as the job would."""

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scoring.core.source import Position
from scoring.data.chunk_files import CleanChunk, read_chunk
from scoring.data.late_rejects import LateRows
from scoring.data.split import split
from scoring.pipeline.prepare import Prepared

SAMPLE_ROWS = 1_000
SAMPLE_CELLS = 250_000
"""Of wide rows fewer are read: a plan is to come at once."""

EXAMPLES = 3


@dataclass(frozen=True, kw_only=True)
class Example:
    """A row of the sample that the job would reject."""

    row: int
    file: str
    line: int | None
    code: str
    column: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What became of the first rows."""

    rows: int
    rejected: int
    # One of each kind first.
    examples: tuple[Example, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def take_sample(prepared: Prepared) -> tuple[Sample, LateRows | None]:
    """What becomes of the first rows, and those of them that the model would be given.

    Raises InputRefused and its kin as the job would at these rows.
    """
    width = max(1, len(prepared.binding.columns))
    clean = read_first(prepared, max(1, min(SAMPLE_ROWS, SAMPLE_CELLS // width)))
    if clean is None:
        return Sample(rows=0, rejected=0, examples=()), None
    rejects = [] if clean.rejects is None else [_example(record) for record in clean.rejects.to_pylist()]
    kinds = {(example.code, example.column): example for example in reversed(rejects)}
    shown = sorted(kinds.values(), key=lambda example: example.row)
    rest = [example for example in rejects if example not in shown]
    sample = Sample(
        rows=clean.batch.num_rows + len(rejects),
        rejected=len(rejects),
        examples=tuple([*shown, *rest][:EXAMPLES]),
    )
    return sample, LateRows(batch=clean.batch, rows=clean.rows, warnings=clean.warnings)


def read_first(prepared: Prepared, rows: int) -> CleanChunk | None:
    """The first rows as the split and the score step read them; None where there is no row."""
    columns, options = prepared.binding.columns, prepared.options
    limit = min(rows, options.limit or rows)
    with tempfile.TemporaryDirectory(prefix="scoring-plan-") as folder:
        chunks = split(
            prepared.files,
            columns,
            options.dialect,
            chunk_rows=limit,
            start=Position(),
            work=Path(folder),
            limit=limit,
            raw=options.raw,
        )
        first = next(chunks, None)
        return None if first is None else read_chunk(first[0], Path(folder), columns, raw=options.raw)


def _example(record: dict[str, Any]) -> Example:
    return Example(
        row=record["_row"],
        file=record["file"],
        line=record["line"],
        code=record["code"],
        column=record["column"],
        reason=record["reason"],
    )
