"""The digest of a result's content: every value counts, and nothing else does."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.data.content import VERSION, ContentDigest

COLUMNS = {
    "int64": pa.array([1, None, 3, 4], pa.int64()),
    "float16": pa.array([1.5, None, -0.0, 4.0], pa.float16()),
    "float32": pa.array([1.5, None, float("nan"), 4.0], pa.float32()),
    "bool": pa.array([True, None, False, True]),
    "text": pa.array(["a", None, "", "ü"]),
    "large text": pa.array(["a", None, "", "ü"], pa.large_string()),
    "view": pa.array(["a", None, "", "a text longer than twelve bytes"], pa.string_view()),
    "bytes": pa.array([b"a", None, b"", b"\0"]),
    "dictionary": pa.array(["a", None, "b", "a"]).dictionary_encode(),
    "decimal": pa.array([Decimal("1.50"), None, Decimal("2.25"), Decimal("0.00")], pa.decimal128(9, 2)),
    "time": pa.array([1, None, 3, 4], pa.timestamp("us", "UTC")),
    "list": pa.array([[1.0, None], None, [], [4.0]], pa.list_(pa.float32())),
    "fixed list": pa.array([[1.0, 2.0], None, [3.0, None], [4.0, 5.0]], pa.list_(pa.float32(), 2)),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": ""}, {"a": 2, "b": "y"}]),
    "map": pa.array([[("a", 1)], None, [], [("b", 2), ("c", 3)]], pa.map_(pa.string(), pa.int32())),
    "nulls": pa.nulls(4),
}


def digest(table: pa.Table, rows: int) -> str:
    found = ContentDigest()
    for first in range(0, table.num_rows, rows):
        for batch in table.slice(first, rows).to_batches():
            found.update(batch)
    return found.hexdigest()


@pytest.mark.parametrize("kind", COLUMNS)
def test_the_cut_into_batches_does_not_count(kind: str) -> None:
    """One batch, or one for each row."""
    table = pa.table({"c": COLUMNS[kind]})
    assert digest(table, 4) == digest(table, 1) == digest(table, 3)


@pytest.mark.parametrize("kind", [kind for kind in COLUMNS if kind != "nulls"])
def test_each_value_and_its_place_count(kind: str) -> None:
    """A null for a value, two rows in the other order, a row less."""
    column = COLUMNS[kind]
    orders = ([0, 1, 2, 3], [None, 1, 2, 3], [2, 1, 0, 3], [0, 1, 2, None], [0, 1, 2])
    plain = column.cast(pa.large_string()) if kind == "view" else column
    found = {digest(pa.table({"c": plain.take(pa.array(order, pa.int64()))}), 4) for order in orders}
    assert len(orders) == len(found)


def test_names_types_and_order_of_columns_count() -> None:
    """The same values in another shape are another result."""
    one, two = pa.array([1], pa.int64()), pa.array([1], pa.int32())
    tables = [pa.table(columns) for columns in ({"a": one, "b": two}, {"b": two, "a": one}, {"a": one, "c": two})]
    tables += [pa.table({"a": one, "b": one}), pa.table({"a": one})]
    assert len(tables) == len({digest(table, 1) for table in tables})


def test_texts_do_not_run_into_each_other() -> None:
    """`a`, `bc` is not `ab`, `c`; no text is not an empty one."""
    texts = (["a", "bc"], ["ab", "c"], ["abc", ""], ["abc", None])
    assert len(texts) == len({digest(pa.table({"c": pa.array(text, pa.string())}), 2) for text in texts})


def test_how_a_file_is_written_does_not_count(tmp_path: Path) -> None:
    """Compression, encoding and row groups."""
    table = pa.table({name: column for name, column in COLUMNS.items() if name != "view"})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd", row_group_size=1)
    pq.write_table(table, tmp_path / "b.parquet", compression="none", use_dictionary=False)
    read = [pq.read_table(tmp_path / name) for name in ("a.parquet", "b.parquet")]
    assert digest(read[0], 4) == digest(read[1], 2)


WORDS = pa.array(["a", None, "b", "a"])
INDEXED = WORDS.dictionary_encode()


@pytest.mark.parametrize(
    ("plain", "indexed"),
    [
        (WORDS, INDEXED),
        (pa.StructArray.from_arrays([WORDS], ["a"]), pa.StructArray.from_arrays([INDEXED], ["a"])),
        (pa.ListArray.from_arrays([0, 1, 4], WORDS), pa.ListArray.from_arrays([0, 1, 4], INDEXED)),
        (pa.LargeListArray.from_arrays([0, 1, 4], WORDS), pa.LargeListArray.from_arrays([0, 1, 4], INDEXED)),
        (pa.FixedSizeListArray.from_arrays(WORDS, 2), pa.FixedSizeListArray.from_arrays(INDEXED, 2)),
        (
            pa.MapArray.from_arrays([0, 4], ["k", "l", "m", "n"], WORDS),
            pa.MapArray.from_arrays([0, 4], ["k", "l", "m", "n"], INDEXED),
        ),
    ],
    ids=lambda column: str(column.type)[:16],
)
def test_a_dictionary_counts_as_its_values(plain: pa.Array, indexed: pa.Array) -> None:
    """However deep it stands: it is a way to write them."""
    assert plain.type != indexed.type
    assert digest(pa.table({"c": plain}), 2) == digest(pa.table({"c": indexed}), 2)


def test_the_rules_stay_as_they_are() -> None:
    """A digest that somebody has kept stays comparable; other rules take another version."""
    table = pa.table({name: column for name, column in COLUMNS.items() if name != "view"})
    assert (1, "b056ad7baeffab03734c6db6a7615cd0038349f3c04d667ae1a731043b5d6439") == (VERSION, digest(table, 4))
