"""What JSON lines are before all of them are read: the members of the first rows, and the size."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import chain, islice

from scoring.core.columns import ColumnSpec
from scoring.core.errors import InputRefused
from scoring.core.options import CsvDialect
from scoring.core.source import ColumnKind, FileColumn, InputFile, SourceSchema
from scoring.data.column_names import check_width
from scoring.data.jsonl_blocks import LineBlock, read_lines
from scoring.data.jsonl_lines import BadLine, Number, Value, parse_line, spelled
from scoring.data.text_stream import is_soon_counted, open_text, unpacked_size

HEAD_ROWS = 1_000
"""A member that none of so many first rows has is no column of the file …"""

HEAD_BYTES = 8 * 2**20
"""… and where rows are long, the first ones are those within so many bytes."""

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Head:
    """The first rows of one file."""

    path: str
    # Those that are objects, by name; of a name that stands twice the last one.
    rows: tuple[Mapping[str, Value], ...]
    # Rows and bytes that were looked at, and whether these are the whole file.
    count: int
    bytes: int
    whole: bool

    @cached_property
    def names(self) -> tuple[str, ...]:
        """In the order in which they come."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row))

    def values(self, name: str) -> list[Value]:
        """The member in each row, None where it is missing."""
        return [row.get(name) for row in self.rows]


def read_head(file: InputFile, dialect: CsvDialect) -> Head:
    """Raises InputRefused where the file has rows and none of the first ones is an object."""
    blocks, whole = _first_blocks(file, dialect)
    rows: list[Mapping[str, Value]] = []
    refused = ""
    records = chain.from_iterable(block.records() for block in blocks if block.oversized is None)
    for record in islice(records, HEAD_ROWS):
        try:
            rows.append(dict(parse_line(record)))
        except BadLine as error:
            refused = refused or error.reason
    count = sum(len(block.starts) for block in blocks)
    if count and (not rows or _is_document(blocks)):
        raise InputRefused(
            f"{file.path} is no JSON lines",
            expected="one object per line",
            got=refused or "a line that is too long to be read",
            remedy="write each row as an object on a line of its own (`jq -c '.[]'` makes lines of an array)",
        )
    size = blocks[-1].end if blocks else 0
    return Head(path=file.path, rows=tuple(rows), count=count, bytes=size, whole=whole)


def check_members(head: Head, columns: Sequence[ColumnSpec]) -> None:
    """Raises InputRefused where no row of the head has a needed member (all of them named)."""
    missing = [name for name in dict.fromkeys(spec.name for spec in columns) if name not in head.names]
    if head.rows and missing:
        raise InputRefused(
            f"{head.path} lacks members that the model or the options need",
            expected=", ".join(missing),
            got=", ".join(head.names[:_SHOWN])
            + (", …" if len(head.names) > _SHOWN else "")
            + (f" in its first {HEAD_ROWS:,} rows" if len(head.rows) == HEAD_ROWS else ""),
            remedy=_hint(missing, head.names),
        )


def describe_json(files: Sequence[InputFile], dialect: CsvDialect) -> SourceSchema:
    """Members of the first file that has rows. Raises InputRefused where none has, and for what is no JSON lines."""
    heads = (read_head(file, dialect) for file in files)
    head = next((head for head in heads if head.count), None)
    if head is None:
        raise InputRefused(
            f"{files[0].path} is empty", expected="an object on each line", got="no line", remedy="check its export"
        )
    check_width(head.path, len(head.names))
    counted = head.count if head.whole and len(files) == 1 else _counted(files, dialect)
    return SourceSchema(
        columns=tuple(_column(name, head.values(name)) for name in head.names),
        rows=max(head.count, round(unpacked_size(files) / head.bytes * head.count)) if counted is None else counted,
        rows_exact=counted is not None,
        bytes=sum(file.fingerprint.size for file in files),
        sample={name: tuple(map(spelled, head.values(name))) for name in head.names},
    )


def _counted(files: Sequence[InputFile], dialect: CsvDialect) -> int | None:
    """Rows of all files; None where it would take long to count them."""
    if not is_soon_counted(files):
        return None
    return sum(len(block.starts) for file in files for block in _blocks(file, dialect))


def _blocks(file: InputFile, dialect: CsvDialect) -> Iterator[LineBlock]:
    with open_text(file, dialect.encoding, 0) as (text, start):
        yield from read_lines(text, offset=start, line=0)


def _first_blocks(file: InputFile, dialect: CsvDialect) -> tuple[list[LineBlock], bool]:
    """Blocks with the rows of the head, and whether there are no others."""
    blocks: list[LineBlock] = []
    rows = size = 0
    for block in _blocks(file, dialect):
        if rows >= HEAD_ROWS or size >= HEAD_BYTES:
            return blocks, False
        if len(block.starts):
            blocks.append(block)
            rows, size = rows + len(block.starts), size + len(block.text)
    return blocks, True


def _is_document(blocks: Sequence[LineBlock]) -> bool:
    """Whether the first line opens what others close. Lines of such a document may well be objects."""
    return next(blocks[0].records()) in (b"[", b"{")


def _column(name: str, values: Sequence[Value]) -> FileColumn:
    numbers = all(value is None or isinstance(value, Number) for value in values)
    return FileColumn(name=name, kind=ColumnKind.JSON, type="JSON", looks_numeric=numbers)


def _hint(missing: Sequence[str], names: Sequence[str]) -> str:
    tidy = {name.strip().lower(): name for name in names}
    near = {name: get_close_matches(name.strip().lower(), tidy, n=1) for name in missing}
    pairs = [f"{name!r} and {tidy[found[0]]!r}" for name, found in near.items() if found]
    if pairs:
        return f"names must match exactly: compare {', '.join(pairs)}"
    return "add the members, or name others in model.yaml"
