"""A digest of what a result says, whatever it is written like.

SHA-256 over a JSON list: the version of these rules, then the columns in their order: [name, Arrow type as read from
Parquet, digest, …]. The digests of a column are SHA-256 over streams that run through all its rows, in row order:

* validity: a byte per row, 1 for a value, 0 for null;
* lengths, for text, bytes and lists: int64, of each value that is not null;
* values that are not null, little endian as Arrow holds them: bools a byte each, text in UTF-8, one after the other.

The items of a list are a column of their own in its place, and so are the members of a struct. A dictionary counts as
its values, by its type too. Compression, encodings, row groups and the cut into parts therefore do not count; one bit
of one value does.
"""

import json
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from scoring.data.arrays import values_of
from scoring.data.digests import Digest, new_digest

VERSION = 1
"""Of the rules above: it is digested too, so that digests by other rules never agree by chance."""

_VALID, _LENGTHS, _VALUES = "valid", "lengths", "values"
_OFFSETS: dict[Callable[[pa.DataType], bool], type[np.int32] | type[np.int64]] = {
    pa.types.is_string: np.int32,
    pa.types.is_binary: np.int32,
    pa.types.is_list: np.int32,
    pa.types.is_map: np.int32,
    pa.types.is_large_string: np.int64,
    pa.types.is_large_binary: np.int64,
    pa.types.is_large_list: np.int64,
}
_LISTS: dict[Callable[[pa.DataType], bool], Callable[[pa.Field], pa.DataType]] = {
    pa.types.is_list: pa.list_,
    pa.types.is_large_list: pa.large_list,
}


class ContentDigest:
    """Fed with batches in row order; memory does not grow with them."""

    def __init__(self) -> None:
        self._schema: pa.Schema | None = None
        # By column and place within it, in the order of their first values.
        self._streams: dict[tuple[str, ...], Digest] = {}

    def update(self, batch: pa.RecordBatch) -> None:
        """All batches have one schema."""
        if self._schema is None:
            self._schema = batch.schema
        for number, column in enumerate(batch.columns):
            self._feed(column, (str(number),))

    def hexdigest(self) -> str:
        """64 hexadecimal digits. Of no batch at all: the digest of a result without columns."""
        columns = [
            [field.name, str(plain_type(field.type)), *self._of_column(str(number))]
            for number, field in enumerate(self._schema or ())
        ]
        whole = new_digest()
        whole.update(json.dumps([VERSION, *columns]).encode())
        return whole.hexdigest()

    def _of_column(self, number: str) -> Iterator[str]:
        yield from (stream.hexdigest() for place, stream in sorted(self._streams.items()) if place[0] == number)

    def _add(self, place: tuple[str, ...], data: bytes | memoryview) -> None:
        self._streams.setdefault(place, new_digest()).update(data)

    def _feed(self, array: pa.Array, place: tuple[str, ...]) -> None:
        array = _plain(array)
        self._add((*place, _VALID), _bytes(values_of(array.is_valid())))
        present = array.drop_null() if array.null_count else array
        kind, values = array.type, (*place, _VALUES)
        if pa.types.is_struct(kind):
            for number, member in enumerate(present.flatten()):
                self._feed(member, (*values, f"{number:06d}"))
        elif pa.types.is_fixed_size_list(kind):
            self._feed(present.flatten(), values)
        elif pa.types.is_boolean(kind):
            self._add(values, _bytes(values_of(present)))
        elif (width := _offset_type(kind)) is not None:
            self._feed_lengths(present, place, width)
        elif not pa.types.is_null(kind):
            self._add(values, _slice(present.buffers()[1], present.offset, len(present), kind.bit_width // 8))

    def _feed_lengths(self, present: pa.Array, place: tuple[str, ...], width: type[np.int32] | type[np.int64]) -> None:
        count, values = len(present), (*place, _VALUES)
        offsets = np.frombuffer(
            _slice(present.buffers()[1], present.offset, count + 1, np.dtype(width).itemsize), width
        )
        self._add((*place, _LENGTHS), _bytes(np.diff(offsets).astype(np.int64)))
        if pa.types.is_map(present.type):
            first, last = int(offsets[0]), int(offsets[-1])  # keys and items are not cut like the array itself
            self._feed(present.keys[first:last], (*values, "keys"))
            self._feed(present.items[first:last], (*values, "items"))
        elif pa.types.is_nested(present.type):
            self._feed(present.flatten(), values)
        else:
            first, last = (int(offsets[0]), int(offsets[-1])) if count else (0, 0)
            self._add(values, _slice(present.buffers()[2], first, last - first, 1))


def plain_type(kind: pa.DataType) -> pa.DataType:
    """That of the values, however deep a dictionary stands in it: a dictionary is a way to write them."""
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if pa.types.is_struct(kind):
        return pa.struct([_plain_field(field) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_plain_field(kind.key_field), _plain_field(kind.item_field), keys_sorted=kind.keys_sorted)
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_plain_field(kind.value_field), kind.list_size)
    make = next((make for is_kind, make in _LISTS.items() if is_kind(kind)), None)
    return kind if make is None else make(_plain_field(kind.value_field))


def _plain_field(field: pa.Field) -> pa.Field:
    return field.with_type(plain_type(field.type))


def _plain(array: pa.Array) -> pa.Array:
    """The same values in a type whose buffers are simple."""
    if pa.types.is_dictionary(array.type):
        return array.dictionary_decode()
    if pa.types.is_string_view(array.type):
        return array.cast(pa.large_string())
    return array.cast(pa.large_binary()) if pa.types.is_binary_view(array.type) else array


def _offset_type(kind: pa.DataType) -> type[np.int32] | type[np.int64] | None:
    return next((width for is_kind, width in _OFFSETS.items() if is_kind(kind)), None)


def _slice(buffer: pa.Buffer | None, start: int, count: int, width: int) -> memoryview:
    """`count` items of `width` bytes; an empty array may have no buffer."""
    return memoryview(buffer if buffer is not None else b"")[start * width : (start + count) * width]


def _bytes(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values).tobytes()
