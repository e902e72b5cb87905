"""Rows in = rows scored + rows rejected: three counts that know nothing of each other must agree."""

from collections.abc import Sequence
from dataclasses import dataclass

from scoring.core.errors import AccountingBroken


@dataclass(frozen=True, kw_only=True)
class ChunkCount:
    """What three witnesses say of one chunk."""

    chunk: int
    # From the ledger's chunk row, written by the split.
    first_row: int
    rows: int
    # From the footers of the part file and its rejects, read again at the end.
    scored: int
    rejected: int


def check_accounts(source_rows: int, counts: Sequence[ChunkCount]) -> None:
    """Raise AccountingBroken unless the chunks cover [0, source_rows) without a gap and every row has its file.

    source_rows: rows that the reader of the input counted, rejects included.
    counts: all chunks of the job in chunk order.
    """
    position = 0
    for number, count in enumerate(counts):
        if (count.chunk, count.first_row) != (number, position):
            raise AccountingBroken(
                "the chunks are not contiguous",
                expected=f"chunk {number} from row {position}",
                got=f"chunk {count.chunk} from row {count.first_row}",
                remedy="nothing was published as a success; report this with `scoring failures`",
            )
        if count.scored + count.rejected != count.rows:
            raise AccountingBroken(
                f"the files of chunk {number} do not hold its rows",
                expected=f"{count.rows} rows",
                got=f"{count.scored} scored + {count.rejected} rejected",
                remedy="the files were changed after they were written; score the job again",
            )
        position += count.rows
    if position != source_rows:
        raise AccountingBroken(
            "the chunks do not cover the input",
            expected=f"{source_rows} rows as counted while reading",
            got=f"{position} rows in {len(counts)} chunks",
            remedy="score the job again",
        )
