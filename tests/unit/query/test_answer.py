"""An answer has names that differ and types that every reader knows."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pyarrow as pa
import pytest

from scoring.cli.sql_columns import readable
from scoring.core.errors import UsageError
from scoring.data.export import write_csv, write_json_lines, write_parquet
from scoring.query.answer import distinct
from scoring.query.engine import Catalog, Rows, run_query
from scoring.query.far_times import far_times_as_text
from tests.unit.query.test_query import ask

NOTHING = Catalog(views={})

SHOWN = [
    ("INTERVAL '1 day 2 hours'", "1 day 02:00:00"),
    ("12345678901234567890123456789012345678901::BIGNUM", "12345678901234567890123456789012345678901"),
    ("union_value(a := 'x')", "x"),
    ("'0101'::BIT", "0101"),
    ("'12:00:00+02'::TIMETZ", "12:00:00+02"),
    ("340282366920938463463374607431768211455::UHUGEINT", "340282366920938463463374607431768211455"),
    ("[{'a': INTERVAL 1 DAY}]", "[{'a': 1 day}]"),
    ("INTERVAL 1 DAY * $n", "3 days"),
    ("timestamp 'infinity'", "infinity"),
    ("timestamptz '294247-01-01'", "294247-01-01T00:00:00Z"),
    ("date '0044-03-15 (BC)'", "0044-03-15 (BC)"),
    ("timestamp_ns '2024-05-01 00:00:00.123456789'", "2024-05-01T00:00:00.123456789"),
    ("[date 'infinity', NULL]", "[infinity, NULL]"),
]


def told(value: str) -> pa.Table:
    given = {"n": 3} if "$n" in value else {}
    with run_query(f"SELECT {value} AS v; -- the end", NOTHING, parameters=given) as rows:
        return pa.Table.from_batches(far_times_as_text(rows.batches))


@pytest.mark.parametrize(("value", "shown"), SHOWN)
def test_what_only_duckdb_knows_is_shown_as_it_writes_it(value: str, shown: str) -> None:
    """As text in CSV, JSON and a table, nothing lost on the way."""
    assert [{"v": shown}] == told(value).to_pylist()


@pytest.mark.parametrize("value", [value for value, _ in SHOWN])
@pytest.mark.parametrize("write", [write_csv, write_json_lines, write_parquet])
def test_every_format_takes_every_answer(write: Any, value: str) -> None:
    """Parquet keeps the times as they are."""
    given = {"n": 3} if "$n" in value else {}
    with run_query(f"SELECT {value} AS v", NOTHING, parameters=given) as rows:
        form = {write_csv: "csv", write_parquet: "parquet"}.get(write, "json")
        with readable(rows, form) as read:
            assert 1 == write(BytesIO(), read.schema, read.batches)


def test_usual_times_stay_times() -> None:
    """Python's own years, microseconds and nothing finer; beside a far one in a column they are spelt alike."""
    usual = "timestamptz '2024-05-01 12:30:00.5'"
    assert [{"v": datetime(2024, 5, 1, 12, 30, 0, 500_000, tzinfo=UTC)}] == told(usual).to_pylist()
    beside = told(f"unnest([{usual}, timestamptz '-infinity', NULL])").to_pylist()
    assert [{"v": "2024-05-01T12:30:00.5Z"}, {"v": "-infinity"}, {"v": None}] == beside


def test_rows_keep_their_order_where_a_column_becomes_text() -> None:
    """The statement is asked as it stands, with one cast around it."""
    sql = "SELECT range AS n, to_days(range::INTEGER) AS d FROM range(3) ORDER BY range DESC;"
    assert [{"n": 2, "d": "2 days"}, {"n": 1, "d": "1 day"}, {"n": 0, "d": "00:00:00"}] == ask(NOTHING, sql)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["v", "w"], ["v", "w"]),
        (["v", "v", "v"], ["v", "v_1", "v_2"]),
        (["v", "v", "v_1"], ["v", "v_2", "v_1"]),
        (["v_1", "v", "v", "v_1"], ["v_1", "v", "v_2", "v_1_1"]),
    ],
)
def test_no_two_columns_have_one_name(names: list[str], expected: list[str]) -> None:
    """The first keeps it; a name that is taken goes on counting."""
    assert expected == distinct(names)


def test_a_join_loses_no_column() -> None:
    """JSON and Python know a column by its name."""
    assert [{"v": 1, "v_1": 2, "v_2": "1 day"}] == ask(NOTHING, "SELECT 1 AS v, 2 AS v, INTERVAL 1 DAY AS v")


def test_a_column_that_a_format_cannot_take_is_named() -> None:
    """With its type and what helps, whatever the library says about it."""
    interval = pa.array([pa.MonthDayNano([0, 1, 0])])
    batch = pa.record_batch({"fine": [1], "odd": interval})
    with (
        pytest.raises(UsageError, match=r"odd month_day_nano_interval.*varchar"),
        readable(Rows(schema=batch.schema, batches=iter([batch])), "csv") as rows,
    ):
        write_csv(BytesIO(), rows.schema, rows.batches)
