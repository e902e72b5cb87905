"""The first rows of an input, read and judged as the job would."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scoring.core.chunks import Chunk
from scoring.core.source import Position
from scoring.data.chunk_files import CleanChunk, read_chunk
from scoring.data.late_rejects import LateRows, merged
from scoring.data.places import Split
from scoring.data.rejects import Reject
from scoring.data.split import split
from scoring.pipeline.prepare import Prepared
from scoring.pipeline.rejects import placed_in

SAMPLE_ROWS = 1_000
SAMPLE_CELLS = 250_000
"""Of wide rows fewer are read: a plan is to come at once."""

SAMPLE_TEXT_BYTES = 2**24
"""And no more once their text comes to as much."""

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
    # Rows fit for the model that it was not given: it is slow, or it failed.
    untried: int
    # One of each kind first.
    examples: tuple[Example, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class FirstRows:
    """The first rows of an input as one chunk."""

    chunk: Chunk
    # Where the split stood after them.
    end: Position
    clean: CleanChunk

    @property
    def late(self) -> LateRows:
        """Those on their way to the model."""
        return LateRows(batch=self.clean.batch, rows=self.clean.rows, warnings=self.clean.warnings)


def first_rows(prepared: Prepared) -> FirstRows | None:
    """The rows of the sample; None where there is none. Raises InputRefused and its kin as the job would at these."""
    width = max(1, len(prepared.binding.columns))
    return read_first(prepared, max(1, min(SAMPLE_ROWS, SAMPLE_CELLS // width)))


def sample_of(prepared: Prepared, first: FirstRows | None, late: Sequence[Reject], untried: int) -> Sample:
    """late: rows that the prepare function left unfit, or that the model refused."""
    if first is None:
        return Sample(rows=0, rejected=0, untried=0, examples=())
    found = merged(first.clean.rejects, _placed(prepared, first, late))
    rejects = [] if found is None else [_example(record) for record in found.to_pylist()]
    kinds = {(example.code, example.column): example for example in reversed(rejects)}
    shown = sorted(kinds.values(), key=lambda example: example.row)
    rest = [example for example in rejects if example not in shown]
    return Sample(
        rows=first.chunk.rows, rejected=len(rejects), untried=untried, examples=tuple([*shown, *rest][:EXAMPLES])
    )


def read_first(prepared: Prepared, rows: int) -> FirstRows | None:
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
            text_bytes=SAMPLE_TEXT_BYTES,
        )
        found = next(chunks, None)
        if found is None:
            return None
        chunk, end = found
        return FirstRows(chunk=chunk, end=end, clean=read_chunk(chunk, Path(folder), columns, raw=options.raw))


def _placed(prepared: Prepared, first: FirstRows, late: Sequence[Reject]) -> list[Reject]:
    if not late:
        return []
    cut = Split(
        files=prepared.files,
        dialect=prepared.options.dialect,
        start=Position(),
        end=first.end,
        column=prepared.binding.columns[0].name,
    )
    return placed_in(first.chunk, cut, late, raw=prepared.options.raw)


def _example(record: dict[str, Any]) -> Example:
    return Example(
        row=record["_row"],
        file=record["file"],
        line=record["line"],
        code=record["code"],
        column=record["column"],
        reason=record["reason"],
    )
