"""Text of Parquet files: read as the words that the file keeps once, judged by them, spelled out within a bound.

The trap: a word of a megabyte, kept once in 50 kB, stands in a million rows. So no text is decoded before it is judged.
"""

from collections.abc import Collection, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scoring.core.columns import RAW_CHARACTERS, ColumnSpec, Dtype, NullAction, RejectCode
from scoring.core.conversions import Categories
from scoring.core.errors import InputRefused
from scoring.core.limits import MAX_CHUNK_TEXT_BYTES
from scoring.data.arrays import Ints, Mask, null_mask, text_array, values_of
from scoring.data.cell_size import text_bytes, too_large, too_large_reason
from scoring.data.faults import Faults

_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
# Text that the row groups of a chunk may always be spelled out to.
_SPELLED_BYTES = 2**28


def coded_columns(file: pq.ParquetFile, columns: Sequence[ColumnSpec], groups: Collection[int]) -> frozenset[str]:
    """Text columns to read as dictionaries: features, which become words anyway, and carried ones that might not fit
    into memory spelled out. For keys, each its own word, a dictionary would cost the most.

    file: opened with its columns of text as dictionaries. groups: the row groups that are to be read together.
    """
    schema = file.schema_arrow
    texts = [spec for spec in columns if spec.list_size is None and is_text(schema.field(spec.name).type)]
    carried = {spec.name for spec in texts if spec.dtype is None}
    coded = {spec.name for spec in texts if spec.dtype is Dtype.STRING or isinstance(spec.conversion, Categories)}
    return frozenset((coded - carried) | {name for name in carried if _might_burst(file, name, groups)})


def judge_text(
    slots: pa.RecordBatch, columns: Sequence[ColumnSpec], coded: Collection[str], faults: Faults
) -> pa.RecordBatch:
    """The batch with sound text only. A row with a cell that is too large or no UTF-8 is added to `faults`, and shows
    what can be shown of it; carried text stands spelled out.

    slots: rows as read, slots as columns. coded: columns that were read as dictionaries. Raises ArrowInvalid where the
    data are damaged, InputRefused where carried text is too much for one chunk.
    """
    judged = []
    for spec in columns:
        array = slots.column(spec.slot)
        if is_text(array.type):
            array = _judged(array, spec, faults)
            carried = spec.dtype is None and spec.name in coded
            filled = pa.types.is_dictionary(array.type) and spec.nulls is NullAction.FILL
            array = _spelled(array, spec) if carried or filled else array
        elif pa.types.is_nested(array.type):
            array.validate(full=True)
        judged.append(array)
    return pa.RecordBatch.from_arrays(judged, names=slots.schema.names)


def text_of(array: pa.Array) -> tuple[str | None, ...]:
    """Cells of text as Python strings, one for all rows with the same word; bytes that are no UTF-8 as \\xNN.

    Raises ArrowInvalid for damage.
    """
    cells = _Cells(array)
    texts = cells.texts(cells.no_text())
    return tuple(
        texts if cells.codes is None else (code if code is None else texts[code] for code in cells.codes.to_pylist())
    )


def row_text_bytes(batch: pa.RecordBatch) -> Ints | None:
    """[n] bytes of text in each row, over all columns; None where there is no column of text."""
    cells = [_Cells(column) for column in batch.columns if is_text(column.type)]
    if not cells:
        return None
    total = np.zeros(batch.num_rows, np.int64)
    for column in cells:
        if len(column.words):
            total += column.lengths if column.codes is None else column.lengths[column.word]
    return total


def is_text(kind: pa.DataType) -> bool:
    """Text, or a dictionary of text."""
    return _is_text(kind.value_type if pa.types.is_dictionary(kind) else kind)


def _is_text(kind: pa.DataType) -> bool:
    return any(test(kind) for test in _TEXTS)


def _might_burst(file: pq.ParquetFile, name: str, groups: Collection[int]) -> bool:
    """Whether the longest word of the column in each group, in every row of it, is too much."""
    most: int = sum(_longest(file, name, group) * file.metadata.row_group(group).num_rows for group in groups)
    return most > _SPELLED_BYTES


def _longest(file: pq.ParquetFile, name: str, group: int) -> int:
    """Bytes of the longest word in a row group: its words stand before its first row."""
    first = next(file.iter_batches(1, row_groups=[group], columns=[name], use_threads=False), None)
    words = None if first is None else _Cells(first.column(0)).words
    return int(text_bytes(words).max()) if words is not None and len(words) else 0


class _Cells:
    """A column of text as words, and the word of each row."""

    def __init__(self, array: pa.Array) -> None:
        self.array = array
        coded = pa.types.is_dictionary(array.type)
        self.words: pa.Array = array.dictionary if coded else array
        # None where each row has a word of its own.
        self.codes: pa.Array | None = array.indices if coded else None

    @cached_property
    def lengths(self) -> Ints:
        """Bytes of each word; 0 where it is null."""
        return text_bytes(self.words)

    @cached_property
    def word(self) -> Ints:
        """Index of each row's word; 0 where the row is null."""
        if self.codes is None:
            return np.arange(len(self.words))
        nulls = null_mask(self.codes)
        codes = values_of(self.codes).astype(np.int64)
        return codes if nulls is None else np.where(nulls, 0, codes)

    def rows(self, words: Mask) -> Mask:
        """True for the rows that have one of these words."""
        nulls = null_mask(self.array)
        found: Mask = words[self.word] if len(words) else np.zeros(len(self.array), np.bool_)
        return found if nulls is None else found & ~nulls

    def too_large(self) -> Mask:
        large = too_large(self.words)
        return np.zeros(len(self.words), np.bool_) if large is None else large

    def no_text(self) -> Mask:
        """Words that are no UTF-8. Raises ArrowInvalid for a code without a word."""
        try:
            self.array.validate(full=True)
            return np.zeros(len(self.words), np.bool_)
        except pa.ArrowInvalid:
            if self.codes is not None:
                pa.DictionaryArray.from_arrays(self.codes, self._raw, safe=True)
            return np.fromiter((not _decodes(word) for word in self._raw.to_pylist()), np.bool_, len(self.words))

    def texts(self, cut: Mask) -> list[str | None]:
        """The words; of those in `cut` what can be shown of them."""
        return [
            word if word is None else _shown(word) if short else word.decode()
            for word, short in zip(self._raw.to_pylist(), cut.tolist(), strict=True)
        ]

    @property
    def _raw(self) -> pa.Array:
        if pa.types.is_large_string(self.words.type):
            return self.words.view(pa.large_binary())
        return self.words.view(pa.binary_view() if pa.types.is_string_view(self.words.type) else pa.binary())


def _judged(array: pa.Array, spec: ColumnSpec, faults: Faults) -> pa.Array:
    cells = _Cells(array)
    bad, large = cells.no_text(), cells.too_large()
    at_fault = bad | large
    if not at_fault.any():
        return array
    faults.add(
        cells.rows(large),
        spec.name,
        RejectCode.CELL_TOO_LARGE,
        lambda row: too_large_reason(cells.lengths[cells.word[row]]),
    )
    faults.add(cells.rows(bad), spec.name, RejectCode.BAD_ENCODING, lambda row: "the text is no UTF-8")
    words = text_array(cells.texts(at_fault)).cast(cells.words.type)
    return words if cells.codes is None else pa.DictionaryArray.from_arrays(cells.codes, words)


def _spelled(array: pa.DictionaryArray, spec: ColumnSpec) -> pa.Array:
    cells = _Cells(array)
    total = int(cells.lengths[cells.word].sum()) if len(cells.words) else 0
    if total > MAX_CHUNK_TEXT_BYTES:
        raise InputRefused(
            f"column {spec.name} holds too much text for one chunk",
            expected=f"at most {MAX_CHUNK_TEXT_BYTES:,} bytes",
            got=f"{total:,} bytes in {len(array):,} rows",
            remedy="say a smaller --chunk-rows, or leave the column out",
        )
    return array.dictionary_decode()


def _shown(word: bytes) -> str:
    return word[:RAW_CHARACTERS].decode("utf-8", "backslashreplace")


def _decodes(word: bytes | None) -> bool:
    try:
        return word is None or word.decode() is not None
    except UnicodeDecodeError:
        return False
