"""What each Arrow type is called in Postgres."""

from dataclasses import dataclass

import pyarrow as pa

from scoring.core.errors import OutputRefused
from scoring.core.result_table import TableColumn, check_columns


@dataclass(frozen=True, kw_only=True)
class PgType:
    # As `format_type` writes it.
    name: str
    # Fixed for all servers; an array's header names that of its elements.
    oid: int


_SMALLINT = PgType(name="smallint", oid=21)
_INTEGER = PgType(name="integer", oid=23)
_BIGINT = PgType(name="bigint", oid=20)
_REAL = PgType(name="real", oid=700)
_DOUBLE = PgType(name="double precision", oid=701)
_TEXT = PgType(name="text", oid=25)
_BYTES = PgType(name="bytea", oid=17)

_PLAIN: dict[pa.DataType, PgType] = {
    pa.int8(): _SMALLINT,
    pa.int16(): _SMALLINT,
    pa.uint8(): _SMALLINT,
    pa.int32(): _INTEGER,
    pa.uint16(): _INTEGER,
    pa.int64(): _BIGINT,
    pa.uint32(): _BIGINT,
    pa.uint64(): PgType(name="numeric(20,0)", oid=1700),
    pa.float16(): _REAL,
    pa.float32(): _REAL,
    pa.float64(): _DOUBLE,
    pa.bool_(): PgType(name="boolean", oid=16),
    pa.string(): _TEXT,
    pa.large_string(): _TEXT,
    pa.string_view(): _TEXT,
    pa.binary(): _BYTES,
    pa.large_binary(): _BYTES,
    pa.binary_view(): _BYTES,
    pa.date32(): PgType(name="date", oid=1082),
}


def table_columns(schema: pa.Schema) -> tuple[TableColumn, ...]:
    """The columns of a table that holds rows of `schema`.

    Raises OutputRefused where Postgres has no type for a column, InputRefused where a name cannot be used.
    """
    found = [(field, pg_type(field.type)) for field in schema]
    odd = [f"column {field.name} of {field.type}" for field, kind in found if kind is None]
    if odd:
        raise OutputRefused(
            "not every column can be written into a table",
            expected="numbers, texts, bytes, booleans, dates, timestamps, decimals, or lists of numbers",
            got=", ".join(odd),
            remedy="leave them out (--key and --keep name what is carried), or write the input with other types",
        )
    columns = tuple(TableColumn(name=field.name, type=kind.name) for field, kind in found if kind is not None)
    check_columns(columns)
    return columns


def pg_type(kind: pa.DataType) -> PgType | None:
    """None where there is none."""
    if pa.types.is_dictionary(kind):
        return pg_type(kind.value_type)
    if is_list(kind):
        element = _plain_type(kind.value_type)
        return None if element is None else PgType(name=f"{element.name}[]", oid=element.oid)
    return _TEXT_LIKE.get(kind) or _plain_type(kind)


def oid_of(kind: pa.DataType) -> int:
    """Of the type itself, or of the elements of a list; 0 where Postgres has none."""
    found = pg_type(kind)
    return 0 if found is None else found.oid


def is_text_like(kind: pa.DataType) -> bool:
    """Texts and bytes: the types whose values differ in length."""
    return kind in _TEXT_LIKE


def is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _plain_type(kind: pa.DataType) -> PgType | None:
    """Types whose values all take the same number of bytes: what a list may hold."""
    if pa.types.is_timestamp(kind):
        zoned = kind.tz is not None
        return PgType(
            name="timestamp with time zone" if zoned else "timestamp without time zone", oid=1184 if zoned else 1114
        )
    if pa.types.is_decimal(kind):
        return _numeric(kind)
    return _FIXED.get(kind)


def _numeric(kind: pa.DataType) -> PgType | None:
    # A scale beyond these Postgres has from version 15 on only.
    if not 0 <= kind.scale <= kind.precision:
        return None
    return PgType(name=f"numeric({kind.precision},{kind.scale})", oid=1700)


_TEXT_LIKE = {kind: found for kind, found in _PLAIN.items() if found in (_TEXT, _BYTES)}
_FIXED = {kind: found for kind, found in _PLAIN.items() if found not in (_TEXT, _BYTES)}
