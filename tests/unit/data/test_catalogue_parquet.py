"""The catalogue of bad Parquet files: what becomes of each, through the reader that scores them.

A test's id is the row of the catalogue.
"""

import random
from datetime import UTC, datetime
from math import isnan

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.columns import Dtype, NullAction
from scoring.core.errors import InputRefused
from scoring.core.limits import MAX_FOOTER_BYTES
from scoring.core.options import CsvDialect
from scoring.core.source import ColumnKind
from scoring.data import column_names
from scoring.data.inputs import expand_inputs
from scoring.data.schema import describe
from tests.unit.data.conftest import carried, feature

V = feature("v")


def described(*paths):
    return describe(expand_inputs([str(path) for path in paths]), CsvDialect())


def column(values, kind=None) -> pa.Table:
    return pa.table({"v": pa.array(values, kind)})


WHOLE = b"PAR1" + b"\x15\x04" * 40 + (20).to_bytes(4, "little") + b"PAR1"

NO_PARQUET = [
    ("B44 empty", b"", "no whole Parquet"),
    ("B44 CSV", b"a,b\n1,2\n", "no whole Parquet"),
    ("B44 never closed", b"PAR1" + b"\x15" * 99, "no whole Parquet"),
    ("B44 a footer of noise", WHOLE, "no whole Parquet"),
    ("B44 a footer larger than the file", WHOLE[:-8] + b"\xff\xff\xff\x7fPAR1", "no whole Parquet"),
    ("B56 encrypted", WHOLE[:-4] + b"PARE", "no whole Parquet"),
]


@pytest.mark.parametrize(("data", "said"), [case[1:] for case in NO_PARQUET], ids=[case[0] for case in NO_PARQUET])
def test_what_is_no_whole_file_is_refused_before_a_job_exists(tmp_path, data, said):
    """By its footer, in words."""
    path = tmp_path / "in.parquet"
    path.write_bytes(data)
    with pytest.raises(InputRefused, match=said):
        described(path)


def test_b44_a_file_cut_off_is_refused(write_parquet):
    """Wherever it was cut."""
    path = write_parquet(column([1.0] * 100))
    data = path.read_bytes()
    for size in (len(data) - 1, len(data) // 2, 8):
        path.write_bytes(data[:size])
        with pytest.raises(InputRefused, match="no whole Parquet"):
            described(path)


@pytest.mark.parametrize("options", [{}, {"chunk_rows": 50, "whole_groups": False}], ids=["referenced", "copied"])
def test_b44_a_footer_that_counts_other_rows_than_the_pages_is_refused(score_parquet, write_parquet, options):
    """77 rows, and a footer that says 78: in one of the places where it counts, or in all of them."""
    path = write_parquet(column([1.0] * 77), use_dictionary=False, write_statistics=False)
    data, said, lie = path.read_bytes(), b"\x9a\x01", b"\x9c\x01"
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    places = [at for at in range(footer, len(data)) if data.startswith(said, at)]
    # Of the file, of the column, and of the row group.
    counts = [places[0], places[1], places[-1]]
    for chosen in (counts[:1], counts[2:], counts):
        damaged = bytearray(data)
        for at in chosen:
            damaged[at : at + 2] = lie
        path.write_bytes(damaged)
        with pytest.raises(InputRefused, match="is damaged"):
            score_parquet([path], [V], **options)


def test_b45_b46_row_groups_without_rows_make_no_chunks(score_parquet, tmp_path):
    """Three groups, one of them with rows: one chunk. No group at all: no chunk, and no failure."""
    path, bare = tmp_path / "in.parquet", tmp_path / "bare.parquet"
    with pq.ParquetWriter(path, column([], pa.float64()).schema) as writer:
        for values in ([], [1.0], []):
            writer.write_table(column(values, pa.float64()), row_group_size=1)
    pq.ParquetWriter(bare, column([], pa.float64()).schema).close()
    assert [1] == [chunk.rows for chunk in score_parquet([path, bare], [V]).chunks]
    assert [] == score_parquet([bare], [V]).chunks
    assert (0, True) == (described(bare).rows, described(bare).rows_exact)


def test_b47_a_needed_name_twice_is_refused(score_parquet, write_parquet):
    """As in CSV; a name that nobody needs may stand twice."""
    path = write_parquet(pa.table([[1.0], [2.0], [3.0]], names=["v", "w", "w"]))
    assert [(1.0,)] == score_parquet([path], [V]).cells
    with pytest.raises(InputRefused, match="same name"):
        score_parquet([path], [feature("w")])


MIXED = pa.table(
    {
        "v": [None if i % 7 == 0 else i * 1.1 for i in range(60)],
        "i": list(range(60)),
        "s": [f"name {i % 13}" for i in range(60)],
        "k": [f"id-{i}" for i in range(60)],
        "l": pa.array([[float(i), 2.0] for i in range(60)], pa.list_(pa.float32())),
        "d": pa.array(["1.10"] * 60).cast(pa.decimal128(10, 2)),
    }
)
MIXED_COLUMNS = [
    V,
    feature("i", Dtype.INT64),
    feature("s", Dtype.STRING),
    feature("l", list_size=2),
    feature("d", Dtype.FLOAT64),
    carried("k"),
]


@pytest.mark.parametrize("checksums", [True, False])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_b48_a_damaged_file_is_refused_or_read_as_it_was(score_parquet, write_parquet, checksums, version):
    """75 files with flipped bits or cut off: never anything but rows, rejects or a refusal; the same rows or a refusal
    where the pages have checksums. (Nothing guards a footer: there, flips can change a type.)
    """
    path = write_parquet(
        MIXED, row_group_size=30, write_page_checksum=checksums, use_dictionary=["s"], data_page_version=version
    )
    data, whole = path.read_bytes(), score_parquet([path], MIXED_COLUMNS)
    rng, refused = random.Random(f"{checksums}{version}"), 0
    pages = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for turn in range(75):
        damaged = bytearray(data[: rng.randrange(len(data))] if turn % 5 == 4 else data)
        for _ in range(1 if turn % 5 else 3):
            # Without checksums, two turns of three damage the footer.
            first = 0 if checksums or turn % 3 == 0 or turn % 5 == 4 else pages
            last = min(pages, len(damaged)) if checksums else len(damaged)
            damaged[rng.randrange(first, last)] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            found = score_parquet([path], MIXED_COLUMNS, chunk_rows=(10**6, 7)[turn % 2])
        except InputRefused:
            refused += 1
            continue
        if checksums:
            assert repr(whole.cells) == repr(found.cells)
        assert len(found.rows) + len(found.rejects) == sum(chunk.rows for chunk in found.chunks)
    assert 40 < refused < 75


def test_b50_files_of_different_types_are_refused_by_name(score_parquet, write_parquet):
    """Both types and both files are named."""
    paths = [write_parquet(column([1.0]), "a.parquet"), write_parquet(column(["x"]), "b.parquet")]
    with pytest.raises(InputRefused, match=r"double as in .*a\.parquet; got string in .*b\.parquet"):
        score_parquet(paths, [V])


OTHERS = [
    ("B51 struct", [{"x": 1.0}], None),
    ("B51 map", [[("a", 1.0)]], pa.map_(pa.string(), pa.float64())),
    ("B56 binary", [b"x"], None),
    ("B56 duration", [1], pa.duration("s")),
]


@pytest.mark.parametrize(("values", "kind"), [case[1:] for case in OTHERS], ids=[case[0] for case in OTHERS])
def test_a_type_that_feeds_no_tensor_is_known_before_a_row_is_read(score_parquet, write_parquet, values, kind):
    """It is of no kind that binds; its column may still be carried to the result as it stands."""
    path = write_parquet(column(values, kind))
    assert ColumnKind.OTHER is described(path).columns[0].kind
    assert [tuple(column(values, kind).column("v").to_pylist())] == score_parquet([path], [carried("v")]).cells


F32, F64, I64, TEXT = Dtype.FLOAT32, Dtype.FLOAT64, Dtype.INT64, Dtype.STRING
NS = pa.timestamp("ns", "UTC")

# (id, values, type in the file, column, cells, codes of the rejects)
VALUES = [
    (
        "B52 dictionary",
        ["x", None, "y"],
        pa.dictionary(pa.int8(), pa.string()),
        feature("v", TEXT),
        "xy",
        ["null_value"],
    ),
    ("B52 carried", ["x", None], pa.dictionary(pa.int8(), pa.string()), carried("v"), ["x", None], []),
    ("B53 decimal", ["1.10"], pa.decimal128(10, 2), feature("v", F64), [1.1], []),
    ("B54 nanoseconds", [1_700_000_000_000_000_001], NS, carried("v"), [1_700_000_000_000_000_001], []),
    ("B55 null as NaN", [1.0, None], pa.float64(), feature("v", F32), [1.0, None], []),
    ("B55 null rejected", [1.0, None], pa.float64(), feature("v", F32, NullAction.REJECT), [1.0], ["null_value"]),
    ("B55 null filled", [None], pa.string(), feature("v", TEXT, NullAction.FILL, fill="?"), ["?"], []),
    ("B55 null in whole numbers", [1, None], pa.int64(), feature("v", I64), [1], ["null_value"]),
    ("B56 float16", [1.5], pa.float16(), feature("v", F32), [1.5], []),
    ("B56 uint64", [2**64 - 1, 7], pa.uint64(), feature("v", I64), [7], ["out_of_range"]),
    ("B56 large_string", ["x", None], pa.large_string(), feature("v", TEXT), ["x"], ["null_value"]),
    ("B56 string_view", ["x", None], pa.string_view(), feature("v", TEXT), ["x"], ["null_value"]),
]


@pytest.mark.parametrize(
    ("values", "kind", "spec", "cells", "codes"), [case[1:] for case in VALUES], ids=[case[0] for case in VALUES]
)
def test_a_value_is_read_exactly_or_its_row_rejected(score_parquet, write_parquet, values, kind, spec, cells, codes):
    """In the type that the tensor wants; what is carried keeps the type of the file."""
    decimal = pa.types.is_decimal(kind)
    array = pa.array(values).cast(kind) if decimal else pa.array(values, kind)
    found = score_parquet([write_parquet(pa.table({"v": array}))], [spec])
    given = [getattr(cell, "value", cell) for (cell,) in found.cells]
    assert list(cells) == [None if isinstance(cell, float) and isnan(cell) else cell for cell in given]
    assert codes == [reject["code"] for reject in found.rejects]


def test_b56_views_are_carried_beside_a_reject(score_parquet, write_parquet):
    """Also a type that Arrow cannot filter."""
    path = write_parquet(pa.table({"v": [1.0, None, 3.0], "k": pa.array(["a", "b", None], pa.string_view())}))
    found = score_parquet([path], [feature("v", nulls=NullAction.REJECT), carried("k")])
    assert [(1.0, "a"), (3.0, None)] == found.cells


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize("spec", [feature("v", TEXT), carried("v")], ids=["feature", "carried"])
def test_text_that_is_no_utf8_rejects_its_row(score_parquet, write_parquet, kind, spec):
    """Whatever wrote it; the bytes are shown, and the rows around it stay."""
    raw = pa.array([b"a", b"x\xff", b"c"], {pa.large_string(): pa.large_binary()}.get(kind, pa.binary()))
    path = write_parquet(pa.table({"v": raw.view(kind)}))
    found = score_parquet([path], [spec])
    assert [("a",), ("c",)] == found.cells
    assert [(1, None, "v", "bad_encoding")] == found.faults()
    assert r"x\\xff" in found.rejects[0]["raw"]


def test_b57_a_wide_file_is_read_and_a_wider_one_refused_by_number(score_parquet, write_parquet, monkeypatch):
    """Five thousand columns of any name; beyond the limit the message says it."""
    names = [f"c{i}" for i in range(5_000)] + ['"; DROP TABLE jobs; --', "a\nb", "\x1b[2J", "\u202egnp"]
    path = write_parquet(pa.table([[float(i)] for i in range(len(names))], names=names))
    assert [(5000.0, 5001.0, 5003.0)] == score_parquet([path], [feature(names[i]) for i in (-4, -3, -1)]).cells
    monkeypatch.setattr(column_names, "MAX_COLUMNS", 5_000)
    with pytest.raises(InputRefused, match="at most 5,000 columns; got 5,004"):
        described(path)


def test_a_footer_beyond_the_limit_is_refused_unread(tmp_path):
    """By its length, which stands at the end of the file."""
    path = tmp_path / "in.parquet"
    with path.open("wb") as file:
        file.truncate(MAX_FOOTER_BYTES + 100)
        file.seek(0, 2)
        file.write((MAX_FOOTER_BYTES + 1).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(InputRefused, match=f"{MAX_FOOTER_BYTES:,} bytes"):
        described(path)


def test_b58_rows_come_out_as_they_went_in(score_parquet, write_parquet):
    """Over row groups, files and chunks; each knows its position."""
    paths = [
        write_parquet(column([float(100 * n + i) for i in range(100)]), f"{n}.parquet", row_group_size=30)
        for n in (0, 1)
    ]
    for options in ({}, {"chunk_rows": 37, "whole_groups": False}):
        found = score_parquet(paths, [V], **options)
        assert list(range(200)) == found.rows
        assert [(float(row),) for row in range(200)] == found.cells


def test_b59_labels_of_any_kind_cost_no_row(score_parquet, write_parquet):
    """Missing, unknown or of another type: they are carried, and judged where accuracy is measured."""
    labels = [
        (pa.array(["yes", None, "klingon"]), ["yes", None, "klingon"]),
        (pa.array([1.5, None, float("nan")]), ["1.5", "None", "nan"]),
        (pa.array([datetime(2026, 1, 1, tzinfo=UTC), None, None]), ["2026-01-01 00:00:00+00:00", "None", "None"]),
    ]
    for values, shown in labels:
        found = score_parquet([write_parquet(pa.table({"v": [1.0, 2.0, 3.0], "y": values}))], [V, carried("y")])
        assert shown == [cell[1] if pa.types.is_string(values.type) else str(cell[1]) for cell in found.cells]
