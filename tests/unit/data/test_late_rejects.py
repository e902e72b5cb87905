"""Rows that are rejected after the split: what is said of them, and where they stand."""

import gzip

import numpy as np
import pyarrow as pa
import pytest

from scoring.core.chunks import Chunk
from scoring.core.columns import ColumnSpec, RejectCode
from scoring.core.options import CsvDialect
from scoring.core.source import Position
from scoring.data import places
from scoring.data.faults import Fault
from scoring.data.inputs import expand_inputs
from scoring.data.late_rejects import LateRows
from scoring.data.places import Split
from tests.unit.data.conftest import carried


def test_a_reject_shows_each_column_once_and_any_time_as_text():
    """Two slots of a column are one value; nanoseconds, which Python does not have, are shown whole."""
    cells = pa.array([0, 1_700_000_000_000_000_001], pa.timestamp("ns"))
    batch = pa.RecordBatch.from_arrays([cells, cells], names=["c.t", "x.t"])
    fault = Fault(row=1, column="", code=RejectCode.MODEL_REFUSED, reason="no")
    twice = [carried("t"), ColumnSpec(name="t", slot="x.t", dtype=None)]
    late = LateRows(batch=batch, rows=np.array([5, 7])).without([fault], twice)
    assert [(7, "t='2023-11-14 22:13:20.000000001'")] == [(reject.row, reject.raw) for reject in late.rejects]
    assert [5] == late.rows.tolist()


@pytest.mark.parametrize(
    ("name", "encoding", "row", "line"),
    [
        ("in.csv", "utf-8", 5, 7),
        ("in.csv", "latin-1", 5, None),
        ("in.csv.gz", "utf-8", 5, None),
        ("in.csv.gz", "utf-8", 1, 3),
    ],
)
def test_a_line_is_not_sought_far_inside_packed_text(tmp_path, monkeypatch, name, encoding, row, line):
    """To get there costs all the text before it, once for each chunk: the file is named, and the line is not."""
    monkeypatch.setattr(places, "SOUGHT_BYTES", 10)
    text = b"a\n1\n2\n3\n4\n5\n6\n"
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    files = expand_inputs([str(tmp_path / name)])
    split = Split(
        files=files,
        dialect=CsvDialect(encoding=encoding),
        start=Position(byte=2 + 2 * row, line=1 + row, row=row),
        end=Position(byte=len(text), line=7, row=6),
        column="a",
    )
    (found,) = places.places(Chunk(chunk=1, first_row=row, rows=6 - row, path="chunk"), split, [row])
    assert (files[0].path, line) == (found.file, found.line)
