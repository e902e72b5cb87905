"""Times that Python cannot say, before the year 1, after 9999 and finer than a microsecond, as text."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

_DAY = 86_400
_FIRST, _END = -62_135_596_800, 253_402_300_800
"""Seconds since 1970 of 0001-01-01 and of 10000-01-01."""
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

# A time as DuckDB writes it becomes one as we do; what has more to it, as `(BC)`, stays.
_ISO = r"^(\d+-\d\d-\d\d) ([0-9:.]+)(\+00)?$"


def far_times_as_text(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A column that holds such a time is text in that batch; others are handed on as they are."""
    for batch in batches:
        columns = [_text(column) if any(map(_is_far, _leaves(column))) else column for column in batch.columns]
        yield pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _leaves(column: pa.Array) -> Iterator[pa.Array]:
    kind = column.type
    if pa.types.is_map(kind):
        inner = [column.keys, column.items]
    elif pa.types.is_struct(kind):
        inner = column.flatten()
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        inner = [column.flatten()]
    else:
        yield column
        return
    for child in inner:
        yield from _leaves(child)


def _is_far(column: pa.Array) -> bool:
    kind = column.type
    if pa.types.is_date32(kind):
        return _beyond(column.cast(pa.int32()), _FIRST // _DAY, _END // _DAY)
    if not pa.types.is_timestamp(kind):
        return False
    numbers, factor = column.cast(pa.int64()), _PER_SECOND[kind.unit]
    fine = kind.unit == "ns" and pc.any(pc.not_equal(pc.multiply(pc.divide(numbers, 1000), 1000), numbers)).as_py()
    return bool(fine) or (kind.unit != "ns" and _beyond(numbers, _FIRST * factor, _END * factor))


def _beyond(numbers: pa.Array, first: int, end: int) -> bool:
    least, most = pc.min_max(numbers).as_py().values()
    return least is not None and (least < first or most >= end)


def _text(column: pa.Array) -> pa.Array:
    import duckdb  # only where there is such a time

    zone = "Z" if pa.types.is_timestamp(column.type) and column.type.tz else ""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        relation = connection.from_arrow(pa.table({"time": column}))
        text = f"regexp_replace(time::VARCHAR, '{_ISO}', '\\1T\\2{zone}') AS text"
        return relation.project(text).to_arrow_table().column("text").combine_chunks()
