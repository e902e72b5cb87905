"""Scores without a job: the rooms that a row passes on its way, called one after the other.

For tests that score many small files: the ledger is asked for the model only, and nothing but chunk files is written.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from scoring.core.arguments import job_options
from scoring.core.source import Position
from scoring.data.chunk_files import read_chunk
from scoring.data.split import split
from scoring.model.columns import part_batch
from scoring.model.runner import DEFAULT_MICRO_BATCH
from scoring.pipeline.context import Context
from scoring.pipeline.parity import NEVER
from scoring.pipeline.prepare import JobRequest, Prepared, prepare
from scoring.settings import load_settings
from workers.process import open_context


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What the parts and `_rejects` of the job would hold."""

    table: pa.Table
    rejects: list[dict[str, Any]]
    # Behind each chunk.
    positions: list[Position]


class Rooms:
    """Of one embedded home."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def prepare(self, model: str, rows: Path, **options: Any) -> Prepared:
        """model: name of a registered one. Options as for `scoring.run`."""
        request = JobRequest(model=model, inputs=(str(rows),), options=job_options(**options))
        return prepare(self._context, request)

    def score(self, prepared: Prepared, start: Position | None = None) -> Scored:
        """The chunks from `start` on, each with its rejects."""
        with tempfile.TemporaryDirectory() as work:
            return self._score(prepared, start or Position(), Path(work))

    def _score(self, prepared: Prepared, start: Position, work: Path) -> Scored:
        tables, rejects, positions = [], [], []
        columns = prepared.binding.columns
        for chunk, behind in split(
            prepared.files,
            columns,
            prepared.options.dialect,
            chunk_rows=prepared.chunk_rows,
            start=start,
            work=work,
            limit=prepared.options.limit,
            whole_groups=prepared.whole_groups,
        ):
            clean = read_chunk(chunk, work, columns)
            outputs = self._predict(prepared, clean.batch)
            tables.append(part_batch(clean.rows, clean.batch, outputs, prepared.binding))
            rejects += clean.rejects.to_pylist() if clean.rejects is not None else []
            positions.append(behind)
        return Scored(
            table=pa.Table.from_batches(tables) if tables else pa.table({}), rejects=rejects, positions=positions
        )

    def _predict(self, prepared: Prepared, batch: pa.RecordBatch) -> dict[str, Any]:
        version = prepared.model.version
        assert version is not None
        return self._context.models.of(version).predict(batch, prepared.binding, DEFAULT_MICRO_BATCH, NEVER)


@contextmanager
def rooms(home: Path) -> Iterator[Rooms]:
    """With an embedded home in this folder; the environment names it as long as the rooms are open."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCORING_HOME", str(home))
        context = open_context(load_settings())
        try:
            yield Rooms(context)
        finally:
            context.ledger.close()
