"""Whatever a file holds: each row is scored or rejected, the right ones are, and scores are those of clean files.

Verdicts on cells come from an oracle of the tests (verdicts.py), not from our code.
"""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.checks import check_rows, rows_from
from tests.properties.tables import Table, csv_tables, json_tables, parquet_tables
from tests.rooms import Rooms

NULLS = st.sampled_from(["nan", "nan", "reject", "fill=0"])
CHUNK_ROWS = st.integers(1, 13)
CHUNK = st.integers(0, 12)


@settings(max_examples=60)
@given(table=csv_tables(), nulls=NULLS, chunk_rows=CHUNK_ROWS, resumed=CHUNK)
def test_every_row_of_csv_is_scored_or_rejected_as_the_contract_says(
    home: Rooms, workplace: Path, table: Table, nulls: str, chunk_rows: int, resumed: int
) -> None:
    """Rows in are rows scored and rows rejected, for the reasons of CONTRACT section 9, from whatever chunk on."""
    check(home, workplace, table, nulls, chunk_rows, resumed)


@settings(max_examples=60)
@given(table=json_tables(), nulls=NULLS, chunk_rows=CHUNK_ROWS, resumed=CHUNK)
def test_every_line_of_json_is_scored_or_rejected_as_the_contract_says(
    home: Rooms, workplace: Path, table: Table, nulls: str, chunk_rows: int, resumed: int
) -> None:
    """As for CSV."""
    check(home, workplace, table, nulls, chunk_rows, resumed)


@settings(max_examples=60)
@given(table=parquet_tables(), nulls=NULLS, chunk_rows=CHUNK_ROWS, resumed=CHUNK)
def test_every_row_of_parquet_is_scored_or_rejected_as_the_contract_says(
    home: Rooms, workplace: Path, table: Table, nulls: str, chunk_rows: int, resumed: int
) -> None:
    """As for CSV."""
    check(home, workplace, table, nulls, chunk_rows, resumed)


def check(home: Rooms, folder: Path, table: Table, nulls: str, chunk_rows: int, resumed: int) -> None:
    """resumed: number of the chunk after which the split dies and goes on; taken round the number of chunks."""
    path = folder / f"rows{table.suffix}"
    table.write(path)
    prepared = home.prepare("linear", path, key="id", nulls=nulls, chunk_rows=chunk_rows)
    scored = home.score(prepared)
    check_rows(table.rows, nulls, scored)
    if scored.positions:
        chunk = resumed % len(scored.positions)
        rest = home.score(prepared, scored.positions[chunk])
        assert rows_from(scored, (chunk + 1) * chunk_rows) == rows_from(rest, 0)
