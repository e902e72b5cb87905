"""Keys of labels meet keys of results; every key is counted once."""

import datetime
import gc
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from scoring.core.errors import InputRefused, StorageFault
from scoring.query.labels import Given, Keys, LabelJoin, Matched


def given(*rows: tuple[str | None, str]) -> Iterator[pa.RecordBatch]:
    keys, labels = zip(*rows, strict=True) if rows else ((), ())
    yield pa.RecordBatch.from_arrays(
        [pa.array(keys, pa.string()), pa.array(labels, pa.string())], names=["key", "label"]
    )


def result(keys: Sequence[Any], kind: pa.DataType, labelled: Sequence[bool] | None = None) -> Iterator[pa.RecordBatch]:
    had = labelled or [False] * len(keys)
    for row, key in enumerate(keys):
        arrays = [pa.array([key], kind), pa.array([row], pa.int64()), pa.array([had[row]])]
        yield pa.RecordBatch.from_arrays(arrays, names=["key", "_row", "labelled"])


def rows_of(join: LabelJoin) -> list[tuple[int, str]]:
    return [(row["_row"], row["label"]) for batch in join.labels() for row in batch.to_pylist()]


def test_every_key_finds_its_rows(tmp_path: Path) -> None:
    """Labels come out sorted by row; keys are counted as known, shared, replaced and doubled, each once."""
    with LabelJoin(tmp_path, pa.string()) as join:
        file = join.give(given(("b", "1"), ("a", "0"), ("b", "1.0"), ("zz", "1"), ("c", "0"), ("y", "0")))
        matched = join.match(result(["a", "b", "a", "d", "c"], pa.string(), [False, True, True, True, False]))
        assert Given(labels=5, doubled=Keys(count=1, examples=("b",))) == file
        assert Matched(keys=3, replaced=2, shared=1, doubled=1) == matched
        assert [(0, "0"), (1, "1"), (2, "0"), (4, "0")] == rows_of(join)
        assert Keys(count=2, examples=("y", "zz")) == join.unknown()
        [unknown] = join.unknown_rows()
        assert [{"key": "y", "label": "0"}, {"key": "zz", "label": "1"}] == unknown.to_pylist()


@pytest.mark.parametrize(
    ("kind", "key", "texts"),
    [
        (pa.int64(), 7, ["7", " 7 ", "+7", "7.0", "007"]),
        (pa.int32(), -7, ["-7", "-7.00"]),
        (pa.uint64(), 2**64 - 1, ["18446744073709551615"]),
        (pa.string(), "07", ["07"]),
        (pa.float64(), 0.1, ["0.1", "1e-1"]),
        (pa.date32(), datetime.date(2026, 1, 31), ["2026-01-31"]),
        (
            pa.timestamp("us"),
            datetime.datetime.fromisoformat("2026-01-31T06:00"),
            ["2026-01-31T06:00:00", "2026-01-31 06:00:00"],
        ),
    ],
    ids=str,
)
def test_a_key_is_read_as_the_type_of_the_result(tmp_path: Path, kind: pa.DataType, key: Any, texts: list[str]) -> None:
    """However the file spells it."""
    for number, text in enumerate(texts):
        folder = tmp_path / str(number)
        folder.mkdir()
        with LabelJoin(folder, kind) as join:
            join.give(given((text, "1")))
            assert 1 == join.match(result([key], kind)).keys


@pytest.mark.parametrize("text", ["", "7.5", "0x7", "1_0", "seven", "99999999999999999999", None])
def test_a_key_that_is_no_number_is_unknown(tmp_path: Path, text: str | None) -> None:
    """Not rounded, not guessed; and such keys contradict nobody, for they label nothing."""
    with LabelJoin(tmp_path, pa.int64()) as join:
        assert 1 == join.give(given((text, "1"), (text, "0"))).labels
        assert 0 == join.match(result([7, 8, 10], pa.int64())).keys
        assert Keys(count=1, examples=(text or "",)) == join.unknown()


def test_two_labels_of_one_key_are_refused_with_examples(tmp_path: Path) -> None:
    """Whether or not a result has the key; two spellings of one number are one label."""
    with LabelJoin(tmp_path, pa.int64()) as join, pytest.raises(InputRefused, match="twice") as refused:
        join.give(given(("7", "a"), ("7.0", "b"), ("8", "1"), ("8", "1.0")))
    assert "'7': 'a' and 'b'" in refused.value.got


def test_a_key_is_unknown_only_if_no_result_has_it(tmp_path: Path) -> None:
    """Several results in turn share one file; each has its own rows."""
    with LabelJoin(tmp_path, pa.int64()) as join:
        join.give(given(("1", "a"), ("2", "b"), ("3", "c")))
        assert 1 == join.match(result([1, 9], pa.int64())).keys
        assert [(0, "a")] == rows_of(join)
        assert 1 == join.match(result([8, 2], pa.int64())).keys
        assert [(1, "b")] == rows_of(join)
        assert Keys(count=1, examples=("3",)) == join.unknown()


def test_an_error_of_the_reader_goes_through_as_it_is(tmp_path: Path) -> None:
    """A file that is damaged half way is the file's fault, not the join's."""

    def torn() -> Iterator[pa.RecordBatch]:
        yield from given(("1", "a"))
        raise InputRefused("the file is damaged")

    with LabelJoin(tmp_path, pa.int64()) as join, pytest.raises(InputRefused, match="the file is damaged"):
        join.give(torn())


def test_an_error_of_the_reader_holds_nothing_fast(tmp_path: Path) -> None:
    """What the reader had open is let go once the error has been told: no connection outlives the program's end."""

    def torn(open_file: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        yield open_file
        raise InputRefused("the file is damaged")

    [open_file] = given(("1", "a"))
    with LabelJoin(tmp_path, pa.int64()) as join, pytest.raises(InputRefused):
        join.give(torn(open_file))
    seen = weakref.ref(open_file)
    del join, open_file
    gc.collect()
    assert seen() is None


def test_the_join_can_open_no_file(tmp_path: Path) -> None:
    """Its connection is locked to its own database."""
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (tmp_path / "own").mkdir()
    with LabelJoin(tmp_path / "own", pa.int64()) as join, pytest.raises(StorageFault, match="could not be joined"):
        join._run(f"SELECT * FROM '{tmp_path / 'secret.csv'}'")


def test_what_does_not_fit_into_memory_is_spilled(tmp_path: Path) -> None:
    """A join many times as large as its memory comes out whole."""
    rows, step = 150_000, 25_000

    def keys(first: int) -> pa.Array:
        return pa.array([f"customer-{row * 7919 % rows:0300}" for row in range(first, first + step)])

    def labels() -> Iterator[pa.RecordBatch]:
        for first in range(0, rows, step):
            yield pa.RecordBatch.from_arrays([keys(first), pa.array(["1"] * step)], names=["key", "label"])

    def numbered() -> Iterator[pa.RecordBatch]:
        for first in range(0, rows, step):
            numbers = pa.array(range(first, first + step), pa.int64())
            arrays = [keys(first), numbers, pa.array([False] * step)]
            yield pa.RecordBatch.from_arrays(arrays, names=["key", "_row", "labelled"])

    with LabelJoin(tmp_path, pa.string(), memory="60MB") as join:
        assert rows == join.give(labels()).labels
        assert rows == join.match(numbered()).keys
        assert rows == sum(batch.num_rows for batch in join.labels())
        assert 0 == join.unknown().count
