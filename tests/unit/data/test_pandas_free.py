"""pandas costs 0.3 s at its first import: no job pays for it."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from pathlib import Path
from scoring.core.columns import ColumnSpec, Dtype, NullAction
from scoring.core.conversions import Categories, DatePart, Moment, Scale, TimeUnit
from scoring.core.options import CsvDialect
from scoring.core.source import Position
from scoring.data.chunk_files import read_chunk
from scoring.data.inputs import expand_inputs
from scoring.data.parts import promote, stage_part
from scoring.data.rejects import count_rejects
from scoring.data.schema import describe
from scoring.data.split import split

folder = Path(sys.argv[1])
columns = [
    ColumnSpec(name="a", slot="a", dtype=Dtype.FLOAT32, nulls=NullAction.FILL, fill="1"),
    ColumnSpec(name="i", slot="i", dtype=Dtype.INT64, nulls=NullAction.REJECT),
    ColumnSpec(name="s", slot="s", dtype=Dtype.STRING, nulls=NullAction.FILL, fill="x"),
    ColumnSpec(name="c", slot="c", dtype=Dtype.FLOAT32, nulls=NullAction.NAN, conversion=Categories(codes={"u": "1"})),
    ColumnSpec(name="d", slot="m", dtype=Dtype.FLOAT32, nulls=NullAction.NAN, conversion=Moment(part=DatePart.WEEK)),
    ColumnSpec(name="d", slot="t", dtype=Dtype.FLOAT64, nulls=NullAction.NAN, conversion=Moment(unit=TimeUnit.DAYS)),
    ColumnSpec(name="i", slot="l", dtype=Dtype.FLOAT64, nulls=NullAction.NAN, conversion=Scale(factor=2)),
]
files = expand_inputs([str(folder / sys.argv[2])])
dialect = CsvDialect(na=("?",) if sys.argv[2] == "in.csv" else ())
describe(files, dialect)
for chunk, _ in split(files, columns, dialect, chunk_rows=20_003, start=Position(), work=folder / "work"):
    clean = read_chunk(chunk, folder / "work", columns)
    count_rejects(clean.rejects)
    promote(folder, stage_part(folder, chunk.chunk, 1, clean.batch, metadata={"scoring.job_id": "j"}))
print("pandas" in sys.modules)
"""


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl"])
def test_a_split_with_rejects_does_not_import_pandas(tmp_path, name):
    """Typed blocks, blocks read as text, conversions, rejects, chunk files and parts: none of them loads pandas."""
    rows = (b"1,2,x", b",3,?", b"bad,4,y", b"1,99999999999999999999,z", b"1,2", b"5,+6,w", b"1,2,\xff", b"\xff")
    text = b"a,i,s,c,d\n" + b"".join(row + b",u,2024-02-29T10:00Z\n" for row in rows) + b"16777217,1,s,v,2024-02-30\n"
    (tmp_path / "in.csv").write_bytes(text)
    line = b'{"a": 16777217, "i": 2, "s": 7, "c": "u", "d": "2024-02-29"}\n'
    (tmp_path / "in.jsonl").write_bytes(line * 50_000 + b'{"a": "x"}\n\xff\n' + line)
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), name], capture_output=True, text=True, check=True
    )
    assert "False\n" == ran.stdout
