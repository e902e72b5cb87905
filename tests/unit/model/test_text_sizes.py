"""Rows of long texts: few in one run of the model, each of them once."""

import numpy as np
import pyarrow as pa
import pytest

from scoring.core.binding import InputBinding, Shape
from scoring.core.columns import Dtype
from scoring.core.limits import MAX_RUN_TEXT_BYTES
from scoring.model.feeds import Feeds

MIB = 2**20


def inputs(*slots, shape=Shape.COLUMN):
    return [InputBinding(input=slot, dtype=Dtype.STRING, shape=shape, slots=(slot,)) for slot in slots]


def bytes_of(feed) -> int:
    return sum(len(text.encode()) for tensor in feed.values() for text in tensor.ravel())


@pytest.mark.parametrize("coded", [False, True], ids=["plain", "coded"])
def test_a_run_takes_no_more_text_than_its_bound(coded):
    """Lone long rows among short ones, over two inputs: bounded by bytes, in order, and full where it can be."""
    rng = np.random.default_rng(1)
    words = ["a", "é" * (MIB // 4), "x" * MIB]
    codes = pa.array(rng.integers(0, 3, 200).astype(np.int32))
    column = pa.DictionaryArray.from_arrays(codes, pa.array(words))
    column = column if coded else column.dictionary_decode()
    batch = pa.RecordBatch.from_arrays([column, pa.array(["b"] * 200)], names=["s", "t"])
    runs = list(Feeds(batch, inputs("s", "t")).micro_batches(64))
    sizes = [bytes_of(feed) for _, feed in runs]
    assert MAX_RUN_TEXT_BYTES >= max(sizes)
    assert MAX_RUN_TEXT_BYTES - MIB <= min(sizes[:-1])
    assert column.to_pylist() == [text for _, feed in runs for text in feed["s"].ravel()]
    assert np.cumsum([0, *(len(feed["s"]) for _, feed in runs)])[:-1].tolist() == [first for first, _ in runs]


def test_lists_of_texts_count_all_of_their_elements():
    """Five rows of four texts of a megabyte: four rows to a run; in a slice, too."""
    texts = pa.array(["x" * MIB] * 24).dictionary_encode()
    column = pa.FixedSizeListArray.from_arrays(texts, 4).slice(1)
    runs = Feeds(pa.RecordBatch.from_arrays([column], names=["s"]), inputs("s", shape=Shape.MATRIX)).micro_batches(8)
    assert [4, 1] == [len(feed["s"]) for _, feed in runs]


def test_a_row_beyond_the_bound_is_run_alone():
    """It is legal; nothing smaller than a row can be run."""
    batch = pa.RecordBatch.from_arrays([pa.array(["x" * (MAX_RUN_TEXT_BYTES + 1)] * 2 + ["a", "b"])], names=["s"])
    assert [1, 1, 2] == [len(feed["s"]) for _, feed in Feeds(batch, inputs("s")).micro_batches(8)]


def test_short_texts_and_exact_groups_keep_their_rows():
    """The bound costs the ordinary batch nothing, and a fixed batch axis is not touched."""
    short = pa.RecordBatch.from_arrays([pa.array(["x" * 1_000] * 2_000)], names=["s"])
    assert [1_024, 976] == [len(feed["s"]) for _, feed in Feeds(short, inputs("s")).micro_batches(1_024)]
    long = pa.RecordBatch.from_arrays([pa.array(["x" * MIB] * 40)], names=["s"])
    assert [40] == [len(feed["s"]) for _, feed in Feeds(long, inputs("s")).micro_batches(64, exact=True)]
