"""The types of a Parquet file that may feed a model: an allow-list."""

from collections.abc import Callable

import pyarrow as pa

from scoring.core.source import ColumnKind, FileColumn

_EXTENSION = b"ARROW:extension:name"

_KINDS: tuple[tuple[Callable[[pa.DataType], bool], ColumnKind], ...] = (
    (pa.types.is_floating, ColumnKind.FLOAT),
    (pa.types.is_integer, ColumnKind.INTEGER),
    (pa.types.is_boolean, ColumnKind.BOOL),
    (pa.types.is_decimal, ColumnKind.DECIMAL),
    (pa.types.is_string, ColumnKind.STRING),
    (pa.types.is_large_string, ColumnKind.STRING),
    (pa.types.is_string_view, ColumnKind.STRING),
)
"""What a cell or an element of a list may be, dictionary-coded or plain."""

_MOMENTS = (pa.types.is_date, pa.types.is_timestamp, pa.types.is_time)
_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)


def file_column(field: pa.Field) -> FileColumn:
    """What the column can feed; OTHER where it is not on the list."""
    unknown = (field.metadata or {}).get(_EXTENSION)
    if unknown is not None:
        # Its storage may be numbers, but what they mean only the extension knows.
        told = f"extension {unknown.decode('utf-8', 'replace')} of {field.type}"
        return FileColumn(name=field.name, kind=ColumnKind.OTHER, type=told)
    if isinstance(field.type, pa.FixedShapeTensorType):
        return _tensor(field)
    if is_list(field.type):
        return _list(field)
    kind = ColumnKind.MOMENT if any(test(field.type) for test in _MOMENTS) else _kind(field.type)
    return FileColumn(name=field.name, kind=kind, type=str(field.type))


def is_list(kind: pa.DataType) -> bool:
    """Of the five layouts that Arrow has for lists."""
    return any(test(kind) for test in _LISTS)


def _kind(kind: pa.DataType) -> ColumnKind:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return next((found for test, found in _KINDS if test(kind)), ColumnKind.OTHER)


def _list(field: pa.Field) -> FileColumn:
    dims: list[int | None] = []
    kind = field.type
    while is_list(kind):
        dims.append(kind.list_size if pa.types.is_fixed_size_list(kind) else None)
        kind = kind.value_type
    return _listed(field, _kind(kind), tuple(dims))


def _tensor(field: pa.Field) -> FileColumn:
    kind: pa.FixedShapeTensorType = field.type
    # Another order of the axes in memory would have to be undone row by row.
    plain = kind.permutation is None or list(kind.permutation) == sorted(kind.permutation)
    return _listed(field, _kind(kind.value_type) if plain else ColumnKind.OTHER, tuple(kind.shape))


def _listed(field: pa.Field, element: ColumnKind, dims: tuple[int | None, ...]) -> FileColumn:
    if element is ColumnKind.OTHER:
        return FileColumn(name=field.name, kind=ColumnKind.OTHER, type=str(field.type))
    return FileColumn(name=field.name, kind=ColumnKind.LIST, type=str(field.type), element=element, dims=dims)
