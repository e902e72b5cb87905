"""A result with types that others know as well."""

import pyarrow as pa
import pyarrow.dataset as ds


def with_common_types(rows: ds.Dataset) -> ds.Dataset:
    """The same rows; float16 is read as float32, a decimal of more than 38 digits as text: SQL engines have neither."""
    common = pa.schema([field.with_type(_common(field.type)) for field in rows.schema])
    if not isinstance(rows, ds.FileSystemDataset) or common == rows.schema:
        return rows
    return ds.dataset(rows.files, schema=common, format="parquet")


def _common(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_decimal256(kind):
        return pa.string()
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_common(kind.value_type), kind.list_size)
    if pa.types.is_list(kind):
        return pa.list_(_common(kind.value_type))
    return kind
