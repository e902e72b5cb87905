"""The fast way through JSON lines: a parser with the types of the tensors, for blocks on which it can be trusted.

It takes NaN and Infinity for numbers, several objects on one line and one object over several lines, and ends the
process on a line that is `null`: a block with any of these never reaches it. Where it refuses, or has turned a number
into something else, the block is read line by line.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import pyarrow.json as pajson

from scoring.core.columns import ColumnSpec, Dtype
from scoring.core.conversions import Scale
from scoring.core.options import CsvDialect
from scoring.data.arrays import ARROW_TYPES, one_chunk, values_of
from scoring.data.exact import has_large
from scoring.data.jsonl_blocks import LineBlock
from scoring.data.jsonl_cells import Takes, as_named, takes
from scoring.data.jsonl_lines import Value
from scoring.data.jsonl_lists import list_type, whole_lists
from scoring.data.jsonl_spelling import text_of, text_type
from scoring.data.text_encoding import is_utf8

_CONSTANT = re.compile(rb"[:\[,]\s*-?(?:NaN|Inf)")


class TypedParser:
    """Parses blocks for the columns of one job, as far as it has seen how their texts are spelled."""

    def __init__(self, columns: Sequence[ColumnSpec], dialect: CsvDialect) -> None:
        self._columns = columns
        self._dialect = dialect
        # By member; None where the parser has no type that serves all its columns.
        self._types: dict[str, pa.DataType | None] = {}

    def learn(self, values: Callable[[str], Sequence[Value]]) -> None:
        """values: those of a member in some rows. What they are only decides which way is tried first."""
        self._types = {}
        for spec in sorted(self._columns, key=_stays_text):
            wanted = self._type(spec, values)
            known = self._types.setdefault(spec.name, wanted)
            # Numbers that are carried as well are parsed for the model, and their spelling is found.
            if known != wanted and not (_stays_text(spec) and _is_number(known) and _is_number(wanted)):
                self._types[spec.name] = None

    def arrays(self, block: LineBlock) -> list[pa.Array] | None:
        """A column per slot; None where the block must be read line by line."""
        types = {name: wanted for name, wanted in self._types.items() if wanted is not None}
        if len(types) < len(self._types) or not _trusted(block) or (table := _parse(block, types)) is None:
            return None
        arrays = []
        for spec in self._columns:
            array = self._column(one_chunk(table.column(spec.name)), spec, block)
            if array is None:
                return None
            arrays.append(array)
        return arrays

    def _type(self, spec: ColumnSpec, values: Callable[[str], Sequence[Value]]) -> pa.DataType | None:
        if spec.list_size is not None:
            return list_type(spec, values(spec.name))
        if _stays_text(spec):
            learnt = text_type(values(spec.name))
            return None if takes(spec) is Takes.TEXT and learnt in (pa.bool_(), pa.float64()) else learnt
        # The parser knows no half floats, and no numbers that mean null.
        if self._dialect.na or spec.dtype in (None, Dtype.FLOAT16):
            return None
        return pa.float64() if isinstance(spec.conversion, Scale) else ARROW_TYPES[spec.dtype]

    def _column(self, array: pa.Array, spec: ColumnSpec, block: LineBlock) -> pa.Array | None:
        if spec.list_size is not None:
            lists = whole_lists(array, spec)
            return lists if lists is not None and _exact(lists.values) else None
        if not _stays_text(spec):
            return array if _exact(array) else None
        text = text_of(array, spec.name, block)
        return None if text is None else as_named(text, self._dialect)


def _stays_text(spec: ColumnSpec) -> bool:
    return spec.list_size is None and takes(spec).text


def _is_number(kind: pa.DataType | None) -> bool:
    return kind is not None and (pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _trusted(block: LineBlock) -> bool:
    text = block.text
    constants = (b"NaN" in text or b"Inf" in text) and _CONSTANT.search(text) is not None
    return len(block.starts) > 0 and not constants and is_utf8(text) and block.objects() and not block.too_deep()


def _parse(block: LineBlock, types: Mapping[str, pa.DataType]) -> pa.Table | None:
    """One row per row of the block, a column per member; None where a cell is not of its type."""
    try:
        table = pajson.read_json(
            pa.BufferReader(block.text),
            read_options=pajson.ReadOptions(use_threads=False, block_size=len(block.text) + 1),
            parse_options=pajson.ParseOptions(
                explicit_schema=pa.schema(list(types.items())), unexpected_field_behavior="ignore"
            ),
        )
    except pa.ArrowInvalid:
        return None
    return table if table.num_rows == len(block.starts) else None


def _exact(array: pa.Array) -> bool:
    """Whether floats are what was written: neither infinite nor too large to be told from their neighbours."""
    return not pa.types.is_floating(array.type) or not has_large(values_of(array))
