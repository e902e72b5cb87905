"""Chunks: the same bounds whoever makes them, every row in one of them."""

import bz2
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring.core.columns import Dtype, NullAction
from scoring.core.errors import InputChanged
from scoring.core.options import CsvDialect
from scoring.core.source import Position
from scoring.data.inputs import expand_inputs
from scoring.data.split import split
from tests.unit.data.conftest import carried, feature

AB = [carried("a"), feature("b")]


def messy_rows(count: int, seed: int = 3) -> str:
    """Rows with quoted newlines, blank lines, short and long rows and bad values."""
    rng = random.Random(seed)
    kinds = ["x,1\n"] * 6 + ['"p\nq",2\n', "short\n", "a,b,c\n", "x,bad\n", "\n", "x,1e999\n", 'in"ch,3\r\n']
    return "".join(rng.choice(kinds) for _ in range(count))


@pytest.fixture
def messy_files(tmp_path):
    paths = [tmp_path / f"{n}.csv" for n in range(3)]
    for n, path in enumerate(paths):
        path.write_bytes(("a,b\n" + messy_rows(300, n)).encode())
    return paths


def test_csv_goes_on_from_every_position(split_all, messy_files):
    """A split that starts behind chunk i gives the same chunks i+1 … as the one that never stopped."""
    whole = split_all(messy_files, AB, chunk_rows=70)
    assert len(whole.chunks) > 5
    assert all(chunk.rows == 70 for chunk in whole.chunks[:-1])
    for i, position in enumerate(whole.positions):
        assert whole.chunks[i + 1 :] == split_all(messy_files, AB, chunk_rows=70, start=position).chunks


def test_a_packed_file_goes_on_from_every_position(split_all, tmp_path):
    """The same for text that must be decompressed and transcoded."""
    path = tmp_path / "in.csv.bz2"
    path.write_bytes(bz2.compress(("a,b\n" + "né,1\n" * 200).encode("utf-16")))
    whole = split_all([path], AB, chunk_rows=30, encoding="utf-16")
    assert 7 == len(whole.chunks)
    for i, position in enumerate(whole.positions):
        assert whole.chunks[i + 1 :] == split_all([path], AB, chunk_rows=30, start=position, encoding="utf-16").chunks


def test_the_limit_takes_the_first_rows(split_all, messy_files):
    """--limit counts rejects, ends in the middle of a chunk and of a file, and changes nothing before."""
    whole = split_all(messy_files, AB, chunk_rows=70)
    some = split_all(messy_files, AB, chunk_rows=70, limit=330)
    assert [70, 70, 70, 70, 50] == [chunk.rows for chunk in some.chunks]
    assert [row for row in whole.rows if row < 330] == some.rows
    assert 330 == some.positions[-1].row


def test_lines_and_files_of_rejects_are_those_of_the_input(split_all, messy_files):
    """Each reject's raw text is what stands at its line of its file."""
    found = split_all(messy_files, AB, chunk_rows=70)
    assert len(found.rejects) > 50
    for reject in found.rejects:
        lines = (messy_files[0].parent / reject["file"]).read_bytes().decode().split("\n")
        assert lines[reject["line"] - 1].startswith(reject["raw"].split("\n")[0])


CELLS = st.text(alphabet='a1,"\n\r.x ', max_size=6)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(CELLS, st.floats(allow_nan=False, allow_infinity=False, width=32)), max_size=30))
def test_what_was_quoted_comes_back(split_all, rows):
    """Any text in quotes and any number comes back as it was, in order, none lost."""
    quoted = ['"' + text.replace('"', '""') + '"' for text, _ in rows]
    text = "a,b\n" + "".join(f"{cell},{number!r}\n" for cell, (_, number) in zip(quoted, rows, strict=True))
    assert rows == split_all(text, AB, chunk_rows=7).cells


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet="a1,.\n\rx e-", max_size=80))
def test_rows_in_are_rows_out(split_all, text):
    """Clean rows and rejects together are each row once."""
    found = split_all("a,b\n" + text, AB, chunk_rows=5)
    rows = sum(1 for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line)
    assert list(range(rows)) == sorted(found.rows + [reject["_row"] for reject in found.rejects])


def test_an_input_that_changes_is_refused(split_all, tmp_path):
    """A file that grew since submit is not read on."""
    path = tmp_path / "in.csv"
    path.write_text("a,b\n" + "x,1\n" * 100)
    files = expand_inputs([str(path)])
    chunks = split(files, AB, CsvDialect(), chunk_rows=10, start=Position(), work=tmp_path / "work")
    next(chunks)
    path.write_text("a,b\n" + "x,1\n" * 101)
    with pytest.raises(InputChanged, match="size"):
        list(chunks)


@pytest.fixture
def parquet_files(tmp_path):
    """3 files of 250 rows in groups of 100, 100, 50."""
    paths = [tmp_path / f"{n}.parquet" for n in range(3)]
    for n, path in enumerate(paths):
        numbers = [None if i % 17 == 0 else float(n * 250 + i) for i in range(250)]
        table = pa.table({"a": pa.array([f"t{i}" for i in range(250)]), "b": pa.array(numbers, pa.float64())})
        pq.write_table(table, path, row_group_size=100)
    return paths


PA = [carried("a"), feature("b", nulls=NullAction.REJECT)]


@pytest.mark.parametrize(
    ("options", "sizes", "referenced"),
    [
        ({"chunk_rows": 100, "whole_groups": True}, [100, 100, 50] * 3, [True] * 9),
        ({"chunk_rows": 250, "whole_groups": True}, [250] * 3, [True] * 3),
        ({"chunk_rows": 100}, [100] * 7 + [50], [True, True, False, False, False, True, True, True]),
        ({"chunk_rows": 30}, [30] * 25, [False] * 25),
        ({"chunk_rows": 750}, [750], [True]),
        ({"chunk_rows": 100, "limit": 130}, [100, 30], [True, False]),
    ],
)
def test_parquet_is_referenced_where_that_is_cheap(split_all, parquet_files, options, sizes, referenced):
    """Chunk bounds are exact, and both ways give the same rows and rejects."""
    found = split_all(parquet_files, PA, **options)
    assert sizes == [chunk.rows for chunk in found.chunks]
    assert referenced == [chunk.path is None for chunk in found.chunks]
    total = sum(sizes)
    null_rows = [row for row in range(total) if row % 250 % 17 == 0]
    assert null_rows == [reject["_row"] for reject in found.rejects]
    assert [row for row in range(total) if row not in null_rows] == found.rows
    assert [float(row) for row in found.rows] == [cell[1] for cell in found.cells]
    assert {"null_value"} == {reject["code"] for reject in found.rejects}


@pytest.mark.parametrize(
    "options", [{"chunk_rows": 100}, {"chunk_rows": 30}, {"chunk_rows": 100, "whole_groups": True}]
)
def test_parquet_goes_on_from_every_position(split_all, parquet_files, options):
    """The chunks behind a position are the same, copies and references alike."""
    whole = split_all(parquet_files, PA, **options)
    for i, position in enumerate(whole.positions):
        assert whole.chunks[i + 1 :] == split_all(parquet_files, PA, start=position, **options).chunks


def long_texts(count: int) -> list[tuple[str, float | None]]:
    """Texts of up to 9 kB; every fifth row is no good."""
    rng = random.Random(5)
    return [("x" * rng.randrange(9_000), None if i % 5 == 3 else float(i)) for i in range(count)]


def write_long(path, rows) -> None:
    """As the name of the file says; Parquet in groups of 160 rows."""
    texts, numbers = zip(*rows, strict=True)
    if path.suffix == ".parquet":
        table = pa.table({"a": pa.array(texts).dictionary_encode(), "b": pa.array(numbers, pa.float64())})
        pq.write_table(table, path, row_group_size=160)
    elif path.suffix == ".csv":
        path.write_text("a,b\n" + "".join(f"{text},{'bad' if n is None else n}\n" for text, n in rows))
    else:
        path.write_text("".join(json.dumps({"a": text, "b": n}) + "\n" for text, n in rows))


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("column", [carried("a"), feature("a", Dtype.STRING)], ids=["carried", "feature"])
def test_a_chunk_ends_with_the_row_that_fills_it_with_text(split_all, tmp_path, suffix, column):
    """By the clean rows alone, over blocks, row groups and a file named twice, from whatever place it is read."""
    path, most = tmp_path / f"in.{suffix}", 150_000
    write_long(path, long_texts(400))
    options = {"chunk_rows": 60, "text_bytes": most, "whole_groups": suffix == "parquet"}
    columns = [column, feature("b", nulls=NullAction.REJECT)]
    whole = split_all([path, path], columns, **options)
    sizes = {row: len(text) for row, (text, _) in zip(whole.rows, whole.cells, strict=True)}
    taken = [[sizes.get(c.first_row + i, 0) for i in range(c.rows)] for c in whole.chunks if c.path is not None]
    full = [texts for texts in taken if sum(texts) >= most]
    assert len(full) > 10
    assert most > max(sum(texts[:-1]) for texts in full)
    assert list(range(800)) == sorted(whole.rows + [reject["_row"] for reject in whole.rejects])
    for i in range(0, len(whole.chunks), 7):
        again = split_all([path, path], columns, start=whole.positions[i], **options)
        assert whole.chunks[i + 1 :] == again.chunks


PARQUET_CELLS = [
    (pa.int64(), 5, Dtype.FLOAT32, 5.0),
    (pa.bool_(), True, Dtype.FLOAT32, 1.0),
    (pa.bool_(), True, Dtype.INT64, 1),
    (pa.float64(), 1e39, Dtype.FLOAT32, "out_of_range"),
    (pa.float64(), float("inf"), Dtype.FLOAT64, "out_of_range"),
    (pa.float64(), 1.5, Dtype.INT64, "bad_value"),
    (pa.float64(), 2.0**63, Dtype.INT64, "out_of_range"),
    (pa.float64(), 2.0, Dtype.INT64, 2),
    (pa.int64(), 2**40, Dtype.INT32, "out_of_range"),
    (pa.int8(), -1, Dtype.UINT64, "out_of_range"),
    (pa.int64(), 2, Dtype.BOOL, "bad_value"),
    (pa.dictionary(pa.int8(), pa.int64()), 3, Dtype.FLOAT32, 3.0),
]


@pytest.mark.parametrize(("kind", "value", "dtype", "expected"), PARQUET_CELLS)
def test_a_parquet_value_is_cast_exactly_or_rejected(split_all, tmp_path, kind, value, dtype, expected):
    """Whole numbers fit or are rejected; floats are rounded to nearest; nulls follow the rule."""
    path = tmp_path / "in.parquet"
    coded = pa.types.is_dictionary(kind)
    column = pa.array([value], kind.value_type).dictionary_encode() if coded else pa.array([value], kind)
    pq.write_table(pa.table({"v": column}), path)
    found = split_all([path], [feature("v", dtype)])
    if found.rejects:
        assert [expected] == [reject["code"] for reject in found.rejects]
    else:
        assert [(expected,)] == found.cells


@pytest.mark.parametrize("kind", [pa.list_(pa.float64(), 2), pa.list_(pa.float32()), pa.large_list(pa.float64())])
def test_vectors_are_screened_element_by_element(split_all, tmp_path, kind):
    """A null list, a null element and an infinite one reject their rows; so does a list of another length."""
    path = tmp_path / "in.parquet"
    values = [[1, 2], None, [3, None], [4, float("inf")], [5, 6]]
    if not pa.types.is_fixed_size_list(kind):
        values.append([7])
    pq.write_table(pa.table({"v": pa.array(values, kind)}), path)
    found = split_all([path], [feature("v", Dtype.FLOAT32, NullAction.REJECT, list_size=2)])
    assert [([1.0, 2.0],), ([5.0, 6.0],)] == found.cells
    codes = ["null_value", "null_value", "out_of_range", "bad_value"]
    assert codes[: len(values) - 2] == [reject["code"] for reject in found.rejects]
