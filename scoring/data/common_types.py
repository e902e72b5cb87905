"""A result with types that others know as well."""

import pyarrow as pa


def common_types(schema: pa.Schema) -> pa.Schema:
    """The same columns; float16 is read as float32, a decimal of more than 38 digits as text: SQL has neither."""
    return pa.schema([field.with_type(_common(field.type)) for field in schema])


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
