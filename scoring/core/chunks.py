"""What a chunk is: a contiguous range of the job's rows, and where its data lie."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from scoring.core.errors import InputRefused
from scoring.core.limits import MAX_CHUNKS

CHUNK_BYTES = 16 * 2**20
"""Decoded bytes that an `auto` chunk aims at: large enough to hide the books, small enough to share out the tail."""

MIN_CHUNK_ROWS = 1_000
"""Fewer rows only where these would be more than …"""

WIDE_CHUNK_BYTES = 4 * CHUNK_BYTES
"""… as many decoded bytes."""

CHUNK_TEXT_BYTES = 8 * CHUNK_BYTES
"""Text with which an `auto` chunk ends, however few its rows: the rows that it was sized by may be shorter."""

MAX_CHUNK_ROWS = 131_072
MAX_GROUP_ROWS = 262_144
"""A Parquet row group of up to this many rows is a chunk as it stands."""

MAX_GROUP_CHUNKS = 16
"""… unless its rows are so wide that it would be as large as this many chunks."""

MAX_DECODE_RATIO = 1.25
"""A row group is referenced where at most this many times the chunk's rows must be decoded, else copied."""


HIGH_BYTES = 1 << 30
"""Bytes of chunk files that wait for a worker: at this mark the split hands back …"""

LOW_BYTES = 1 << 29
"""… and at this one it goes on, so that the disk stays bounded and a lone worker turns to the chunks."""


def auto_chunk_rows(row_bytes: int) -> int:
    """Rows per chunk for rows of `row_bytes` decoded bytes."""
    fewest = max(1, min(MIN_CHUNK_ROWS, WIDE_CHUNK_BYTES // max(1, row_bytes)))
    return max(fewest, min(MAX_CHUNK_ROWS, CHUNK_BYTES // max(1, row_bytes)))


def whole_group_rows(chunk_rows: int) -> int:
    """Rows up to which a Parquet row group is a chunk as it stands, for `auto` chunks of `chunk_rows`."""
    chunks = MAX_GROUP_CHUNKS if chunk_rows >= MIN_CHUNK_ROWS else 1
    return min(MAX_GROUP_ROWS, chunks * chunk_rows)


def check_chunks(chunks: int) -> None:
    """Raises InputRefused for more chunks than one job may have."""
    if chunks > MAX_CHUNKS:
        raise InputRefused(
            "too many chunks for one job",
            expected=f"at most {MAX_CHUNKS:,}",
            got=f"{chunks:,}",
            remedy="say a larger --chunk-rows, or none",
        )


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """Tells whether a file is still the one that was seen first."""

    path: str
    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, kw_only=True)
class RowGroupRef:
    """Rows [offset, offset + length) of one row group of one input file."""

    file: str
    row_group: int
    offset: int
    length: int


@dataclass(frozen=True, kw_only=True)
class RejectCount:
    """Rejected rows of one chunk with one reason; `column` is "" where the whole row is at fault."""

    code: str
    column: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class WarningCount:
    """Rows of one chunk that were scored although something was decided about a value of theirs (WarningCode)."""

    code: str
    column: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """One chunk as the splitter made it; never changed afterwards."""

    chunk: int
    # Position of the first row in the job's input, over its files in order, rejects counted.
    first_row: int
    # Rows of the range, those that the split rejected included.
    rows: int
    # Chunk file under STORE/work/<job>/, relative to it; None where `refs` are used.
    path: str | None
    # Row groups of the input that hold the rows, in order; empty where `path` is used.
    refs: tuple[RowGroupRef, ...] = ()
    # Bytes that the chunk file takes on disk; 0 for references.
    bytes: int = 0
    # SHA-256 of the chunk file; "" for references.
    sha256: str = ""
    # Rejects of the split, in a file beside the chunk file, relative to STORE/work/<job>/; None where there are none.
    rejects_path: str | None = None
    # SHA-256 of that file; "" where there is none.
    rejects_sha256: str = ""
    # Rows that the split rejected, and why.
    rows_rejected: int = 0
    reject_counts: tuple[RejectCount, ...] = ()
    # Of the clean rows in the chunk file; those of references are counted when they are read.
    warning_counts: tuple[WarningCount, ...] = ()
    # Fingerprints of the input files behind `refs`.
    fingerprints: tuple[Fingerprint, ...] = ()

    def source_json(self) -> dict[str, Any]:
        """What the ledger keeps in one JSON column; the rest are columns of their own."""
        return {
            "path": self.path,
            "sha256": self.sha256,
            "rejects_path": self.rejects_path,
            "rejects_sha256": self.rejects_sha256,
            "refs": [asdict(ref) for ref in self.refs],
            "warnings": [asdict(count) for count in self.warning_counts],
            "fingerprints": [asdict(fingerprint) for fingerprint in self.fingerprints],
        }

    @classmethod
    def from_source(
        cls, data: Mapping[str, Any], *, chunk: int, first_row: int, rows: int, rows_rejected: int, bytes: int
    ) -> "Chunk":
        return cls(
            chunk=chunk,
            first_row=first_row,
            rows=rows,
            rows_rejected=rows_rejected,
            bytes=bytes,
            path=data["path"],
            sha256=data["sha256"],
            rejects_path=data["rejects_path"],
            rejects_sha256=data.get("rejects_sha256", ""),
            refs=tuple(RowGroupRef(**ref) for ref in data["refs"]),
            warning_counts=tuple(WarningCount(**count) for count in data.get("warnings", ())),
            fingerprints=tuple(Fingerprint(**fingerprint) for fingerprint in data["fingerprints"]),
        )


@dataclass(frozen=True, kw_only=True)
class StagedFile:
    """A file that waits under OUT/_staging/ for the commit that names it."""

    # Relative to OUT.
    staged: str
    # Relative to OUT: where promotion moves it.
    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """The result of one chunk, as its commit records it."""

    chunk: int
    rows_scored: int
    # All rejected rows of the chunk: rows_scored + rows_rejected = rows of the chunk.
    rows_rejected: int
    part: StagedFile
    # All rejected rows, those of the split included; None where there are none.
    rejects: StagedFile | None
    # Of all rejected rows; they replace the counts that the split recorded with the chunk.
    reject_counts: tuple[RejectCount, ...] = ()
    # Of all rows that were handed to the model, by whatever step.
    warning_counts: tuple[WarningCount, ...] = ()
    # Mergeable accuracy sums (core/accuracy), or None without a label.
    sums: bytes | None = None
