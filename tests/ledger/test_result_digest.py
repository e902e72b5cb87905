"""What the server digests of a table's rows is what the parts' rows give, bit by bit."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from scoring.core.errors import LedgerAway, SettingsError, TableRefused
from scoring.core.result_table import PartitionBy
from scoring.data.pg_rows import RowsDigest
from scoring.data.pg_types import table_columns
from scoring.data.pgcopy import fields_of, instant_field
from scoring.ledger.database import Tx
from scoring.ledger.result_digest import StoredRows, require_readable, stored_rows
from scoring.ledger.result_sql import execute
from tests.ledger.desk import Desk
from tests.ledger.result_desk import SLOT, rows, sql, submit, table, write

NAN = np.array([0x7FF8000000000001, 0x7FF0000000000000, 0x8000000000000000, 1], np.uint64).view(np.float64)
COLUMNS = {
    "_row": pa.array([0, 1, 2, 3], pa.int64()),
    "100%": pa.array(["a", None, "", "ü"]),
    "words": pa.array(["a", None, "b", "a"]).dictionary_encode(),
    "bytes": pa.array([b"a", None, b"", b"\0"]),
    "double": pa.array(NAN),
    "half": pa.array([1.5, None, -0.0, 4.0], pa.float16()),
    "small": pa.array([1, None, -3, 4], pa.int8()),
    "unsigned": pa.array([0, None, 1, 2**64 - 1], pa.uint64()),
    "sure": pa.array([True, None, False, True]),
    "decimal": pa.array([Decimal("-1.50"), None, Decimal("0.00"), Decimal("12345678.90")], pa.decimal128(10, 2)),
    "day": pa.array([1, None, -3, 4], pa.date32()),
    "zoned": pa.array([1, None, -3, 4], pa.timestamp("us", "UTC")),
    "local": pa.array([1, None, -3, 4], pa.timestamp("ms")),
    "list": pa.array([[1.0, None], None, [], [4.0]], pa.list_(pa.float32())),
    "fixed": pa.array([[1, 2], None, [3, None], [4, 5]], pa.list_(pa.int32(), 2)),
    "decimals": pa.array([[Decimal("1.5")], None, [], [None]], pa.list_(pa.decimal128(5, 1))),
}
BATCH = pa.record_batch(COLUMNS)


def test_both_sides_digest_alike(results_desk: Desk) -> None:
    """Every type that a table takes, with nulls, empty lists, NaNs of any kind; however the part is cut in batches."""
    columns = table_columns(BATCH.schema)
    job = submit(results_desk, table(columns=columns))
    write(results_desk, job, BATCH)
    digest = RowsDigest()
    for first in range(0, 4, 3):
        digest.update(BATCH.slice(first, 3))
    found = results_desk.ledger.look(lambda tx: stored_rows(tx, job, "_row", columns))
    assert {0: StoredRows(rows=4, digest=digest.hexdigest())} == found
    for change in ("double = 'NaN' WHERE _row = 0", "list = '{}' WHERE _row = 1", "_row = 9 WHERE _row = 2"):
        sql(results_desk, f"UPDATE scores SET {change}")
        before, found = found, results_desk.ledger.look(lambda tx: stored_rows(tx, job, "_row", columns))
        assert before[0].digest != found[0].digest
    sql(results_desk, 'ALTER TABLE scores RENAME COLUMN "100%" TO other')
    with pytest.raises(TableRefused, match="100%"):
        results_desk.ledger.look(lambda tx: stored_rows(tx, job, "_row", columns))


@pytest.mark.parametrize("slot", [SLOT, None])
def test_the_slot_of_a_job_is_digested_too(results_desk: Desk, slot: datetime | None) -> None:
    """Where the table has one; null where the job has none."""
    job = submit(results_desk, table(by=PartitionBy.SLOT), slot=slot, schedule=slot and "nightly")
    write(results_desk, job)
    digest = RowsDigest(fields_of([slot and instant_field(slot)]))
    digest.update(rows())
    found = results_desk.ledger.look(lambda tx: stored_rows(tx, job, "_row", table().columns))
    assert {0: StoredRows(rows=3, digest=digest.hexdigest())} == found


def test_who_cannot_read_the_table_does_not_find_fault_with_it(
    results_desk: Desk, desk_of: Callable[[str], Desk]
) -> None:
    """A worker may not, and is told so; where the table is locked the ledger is away."""
    job, hand = submit(results_desk), desk_of("hand")
    with pytest.raises(SettingsError, match=r"public\.scores is not for this role"):
        hand.ledger.look(lambda tx: require_readable(tx, job))
    results_desk.run(lambda tx: execute(tx, "GRANT SELECT ON scores TO hand"))

    def impatient(tx: Tx) -> None:
        execute(tx, "SET LOCAL lock_timeout = '10ms'")
        stored_rows(tx, job, "_row", table().columns)

    with results_desk.ledger.write() as tx:
        execute(tx, "LOCK TABLE scores")
        with pytest.raises(LedgerAway):
            hand.ledger.look(impatient)
