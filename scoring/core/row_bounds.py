"""How many rows a job can have at most, before its split has counted them."""

from collections.abc import Sequence

from scoring.core.source import FileFormat, InputFile, Position

LEAST_ROW_BYTES = 2
"""A row of text is one byte and its line end at least: an empty line is no row."""


def rows_at_most(
    files: Sequence[InputFile], position: Position, *, encoding: str, limit: int | None, expected: int | None
) -> int | None:
    """An upper bound that holds whatever the files hold; None where there is none, as for compressed ones.

    position: where the split stands; expected: rows as told by the footers of Parquet files.
    """
    bound = expected if files[0].format is FileFormat.PARQUET else _of_text(files, position, encoding)
    return min((number for number in (bound, limit) if number is not None), default=None)


def _of_text(files: Sequence[InputFile], position: Position, encoding: str) -> int | None:
    ahead = files[position.file :]
    if any(file.compression for file in ahead):
        return None
    left = [file.fingerprint.size for file in ahead]
    # Positions count bytes of UTF-8; in another encoding they tell nothing of the bytes that are left.
    if encoding.lower() in ("utf-8", "utf8"):
        left[0] = max(0, left[0] - position.byte)
    # The last row of a file may lack its line end.
    return position.row + sum(-(-size // LEAST_ROW_BYTES) for size in left)
