"""Revisions of labels: whole files, named after their content, merged part by part."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from scoring.core.errors import ChunkCorrupt
from scoring.data.label_revisions import SCHEMA, LateLabels, store_labels

ROWS = 300_000


def batches(rows: list[int], label: str, step: int = 7) -> Iterator[pa.RecordBatch]:
    for first in range(0, len(rows), step):
        taken = rows[first : first + step]
        yield pa.RecordBatch.from_arrays([pa.array(taken, pa.int64()), pa.array([label] * len(taken))], schema=SCHEMA)


def stored(folder: Path, rows: list[int], label: str, step: int = 7) -> Path:
    return folder / store_labels(folder, batches(rows, label, step)).name


def test_the_same_labels_give_the_same_file(tmp_path: Path) -> None:
    """However they came in batches; nothing else is left in the folder."""
    rows = list(range(ROWS))
    first = store_labels(tmp_path / "a", batches(rows, "1", 50_000))
    again = store_labels(tmp_path / "b", batches(rows, "1", 77_777))
    assert first == again
    assert [f"{first.sha256}.parquet"] == [path.name for path in (tmp_path / "a").iterdir()]
    assert first != store_labels(tmp_path / "b", batches(rows, "0", 50_000))


def test_a_store_that_breaks_leaves_nothing(tmp_path: Path) -> None:
    """A file is whole or not there."""

    def torn() -> Iterator[pa.RecordBatch]:
        yield from batches([1, 2], "1")
        raise ValueError

    with pytest.raises(ValueError):
        store_labels(tmp_path, torn())
    assert [] == list(tmp_path.iterdir())


def test_the_latest_label_of_a_row_wins(tmp_path: Path) -> None:
    """Part by part: rows that were rejected are skipped, rows without a label stay as the input has them."""
    files = [stored(tmp_path, [0, 2, 3, 9], "old"), stored(tmp_path, [2, 5], "new"), stored(tmp_path, [], "none")]
    late = LateLabels(files)
    first = late.align(np.array([0, 2, 3, 4]), pa.array([None, "in", None, "in"], pa.string()))
    assert ["old", "new", "old", "in"] == first.to_pylist()
    assert [] == late.align(np.array([], np.int64), None).to_pylist()
    assert ["new", None] == late.align(np.array([5, 7]), None).to_pylist()
    assert ["old"] == late.align(np.array([9]), pa.array(["in"])).to_pylist()


def test_parts_of_any_size_read_the_same_labels(tmp_path: Path) -> None:
    """A part may begin in one row group of a revision and end in another."""
    random = np.random.default_rng(3)
    labelled = np.flatnonzero(random.random(ROWS) < 0.7)
    path = stored(tmp_path, labelled.tolist(), "x", 100_000)
    bounds = [0, 1, 131_072, 131_073, 200_000, ROWS]
    late = LateLabels([path])
    seen = [
        first + np.flatnonzero(late.align(np.arange(first, stop), None).is_valid().to_numpy(zero_copy_only=False))
        for first, stop in pairwise(bounds)
    ]
    assert np.array_equal(labelled, np.concatenate(seen))


@pytest.mark.parametrize("harm", ["gone", "torn", "flipped"])
def test_a_damaged_revision_is_named(tmp_path: Path, harm: str) -> None:
    """Checksums tell what a footer does not."""
    path = stored(tmp_path, list(range(1_000)), "1", 1_000)
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(data if harm == "flipped" else data[:300])
    if harm == "gone":
        path.unlink()
    with pytest.raises(ChunkCorrupt, match="gone or damaged"):
        LateLabels([path]).align(np.arange(1_000), None)
