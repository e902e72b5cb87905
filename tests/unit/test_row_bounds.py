"""How many rows an input can have at most: never fewer than it has."""

import pytest

from scoring.core.chunks import Fingerprint
from scoring.core.row_bounds import rows_at_most
from scoring.core.source import FileFormat, InputFile, Position


def file_of(size: int, format: FileFormat = FileFormat.CSV, compression: str | None = None) -> InputFile:
    seen = Fingerprint(path="/data/a", size=size, mtime_ns=0, inode=0)
    return InputFile(path="/data/a", format=format, fingerprint=seen, compression=compression)


@pytest.mark.parametrize(
    ("files", "position", "options", "bound"),
    [
        ([file_of(5)], Position(), {}, 3),  # "a\nb\nc"
        ([file_of(5), file_of(3)], Position(), {}, 5),
        ([file_of(100)], Position(byte=60, row=2), {}, 22),
        ([file_of(100), file_of(10)], Position(file=1, byte=4, row=7), {}, 10),
        ([file_of(100)], Position(byte=60, row=2), {"encoding": "utf-16"}, 52),  # the offset is another text's
        ([file_of(100)], Position(byte=102, row=9), {}, 9),
        ([file_of(100, compression="gzip")], Position(), {}, None),
        ([file_of(100, compression="gzip"), file_of(4)], Position(file=1, row=8), {}, 10),
        ([file_of(100)], Position(), {"limit": 20}, 20),
        ([file_of(100, compression="zstd")], Position(), {"limit": 20}, 20),
        ([file_of(100)], Position(), {"expected": 7}, 50),  # of a text it is an estimate
        ([file_of(100, FileFormat.PARQUET)], Position(), {"expected": 7}, 7),
        ([file_of(100, FileFormat.PARQUET)], Position(), {}, None),
    ],
)
def test_the_bound(files: list[InputFile], position: Position, options: dict[str, object], bound: int | None) -> None:
    """Bytes tell it, footers, or --limit; what is compressed may hold any number."""
    given: dict[str, object] = {"encoding": "utf-8", "limit": None, "expected": None} | options
    assert bound == rows_at_most(files, position, **given)  # type: ignore[arg-type]
