"""Record batches as Postgres's COPY wants them: exact bytes of a small case, and each type as a server reads it."""

import struct
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring.core.errors import InputRefused, OutputRefused, TableRefused
from scoring.data import pgcopy
from scoring.data.pg_types import table_columns
from scoring.data.pgcopy import HEADER, TRAILER, copy_blocks
from tests.servers.postgres import plain

ROUND = settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)


@pytest.fixture(scope="module")
def server(fresh_postgres: Callable[[], str]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(plain(fresh_postgres()), autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        yield connection


def read_back(server: psycopg.Connection[Any], batch: pa.RecordBatch) -> list[tuple[Any, ...]]:
    """The rows as a server has taken them, in order."""
    columns = table_columns(batch.schema)
    with server.transaction(force_rollback=True):
        declared = ", ".join(f'"{column.name}" {column.type}' for column in columns)
        server.execute(f"CREATE TEMP TABLE t (_n bigserial, {declared})")
        names = ", ".join(f'"{column.name}"' for column in columns)
        with server.cursor().copy(f"COPY t ({names}) FROM STDIN (FORMAT binary)") as copy:
            for block in copy_blocks(batch):
                copy.write(block)
        return server.cursor(binary=True).execute(f"SELECT {names} FROM t ORDER BY _n").fetchall()


def rows_of(batch: pa.RecordBatch) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def test_a_small_batch_gives_exactly_these_bytes() -> None:
    """Header, a row per row, trailer: the form that Postgres documents."""
    batch = pa.record_batch({"id": pa.array([7, -1], pa.int64()), "name": pa.array(["é", None])})
    head = struct.pack(">hi3s", 3, 3, b"job")
    first = head + struct.pack(">iqi2s", 8, 7, 2, "é".encode())
    second = head + struct.pack(">iqi", 8, -1, -1)
    assert HEADER + first + second + TRAILER == b"".join(copy_blocks(batch, (b"job",)))


def test_a_leading_null_is_a_length_alone() -> None:
    """A slot that a job does not have."""
    batch = pa.record_batch({"id": pa.array([7], pa.int32())})
    assert HEADER + struct.pack(">hiii", 2, -1, 4, 7) + TRAILER == b"".join(copy_blocks(batch, (None,)))


INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
WHEN = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001  # what has no zone is compared without
MILLIS = WHEN.map(lambda moment: moment.replace(microsecond=moment.microsecond // 1_000 * 1_000))
NANOS = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001  # as far as 64 bits go
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


def integers(kind: pa.DataType) -> st.SearchStrategy[int]:
    bits = kind.bit_width
    unsigned = str(kind).startswith("u")
    return st.integers(0, 2**bits - 1) if unsigned else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    limit = 10**precision - 1
    return st.integers(-limit, limit).map(lambda digits: Decimal(f"{digits}e-{scale}"))


SINGLE = st.floats(width=32, allow_nan=False)
SCALARS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    *((kind, integers(kind)) for kind in INTEGERS),
    (pa.float16(), st.integers(-2048, 2048).map(float)),
    (pa.float32(), SINGLE),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.bool_(), st.booleans()),
    (pa.date32(), st.dates()),
    (pa.timestamp("s"), WHEN.map(lambda moment: moment.replace(microsecond=0))),
    (pa.timestamp("ms"), MILLIS),
    (pa.timestamp("us"), WHEN),
    (pa.timestamp("ns"), NANOS),
    (pa.timestamp("us", "UTC"), WHEN.map(lambda moment: moment.replace(tzinfo=UTC))),
    (pa.decimal128(38, 0), decimals(38, 0)),
    (pa.decimal128(38, 38), decimals(38, 38)),
    (pa.decimal128(7, 3), decimals(7, 3)),
    (pa.decimal256(76, 5), decimals(76, 5)),
    (pa.decimal32(9, 2), decimals(9, 2)),
    (pa.decimal64(18, 17), decimals(18, 17)),
]
TEXTS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.string(), TEXT),
    (pa.large_string(), TEXT),
    (pa.string_view(), TEXT),
    (pa.dictionary(pa.int32(), pa.string()), TEXT),
    (pa.binary(), st.binary(max_size=20)),
    (pa.large_binary(), st.binary(max_size=20)),
]
LISTS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (shape(kind), st.lists(values | st.none(), max_size=4))
    for shape in (pa.list_, pa.large_list)
    for kind, values in [
        (pa.int64(), integers(pa.int64())),
        (pa.float32(), SINGLE),
        (pa.uint64(), integers(pa.uint64())),
    ]
]
FIXED_LISTS = [(pa.list_(pa.float32(), 3), st.lists(SINGLE, min_size=3, max_size=3))]
TYPES = [*SCALARS, *TEXTS, *LISTS, *FIXED_LISTS]


@pytest.mark.parametrize(("kind", "values"), TYPES, ids=[str(kind) for kind, _ in TYPES])
def test_a_server_reads_back_what_the_batch_holds(
    kind: pa.DataType, values: st.SearchStrategy[Any], server: psycopg.Connection[Any]
) -> None:
    """Whatever the values, with nulls or without, in any slice of a batch."""

    @ROUND
    @given(st.lists(values, max_size=12), st.lists(values | st.none(), max_size=12), st.integers(0, 3))
    def holds(full: list[Any], gaps: list[Any], cut: int) -> None:
        for cells in (full, gaps):
            whole = pa.record_batch({"before": pa.array(range(len(cells)), pa.int64()), "value": pa.array(cells, kind)})
            batch = whole.slice(cut)
            assert rows_of(batch) == read_back(server, batch)

    holds()


@ROUND
@given(st.data())
def test_columns_of_all_types_stand_side_by_side(server: psycopg.Connection[Any], data: st.DataObject) -> None:
    """Fixed and ragged ones in any order."""
    chosen = data.draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=6))
    rows = data.draw(st.integers(0, 8))
    columns = {
        f"c{place}": pa.array(data.draw(st.lists(values | st.none(), min_size=rows, max_size=rows)), kind)
        for place, (kind, values) in enumerate(chosen)
    }
    batch = pa.record_batch(columns)
    assert rows_of(batch) == read_back(server, batch)


def test_a_batch_of_many_blocks_is_one_copy(server: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few rows give the same rows as one of all."""
    batch = pa.record_batch({"n": pa.array(range(100)), "text": pa.array([f"{n}" * (n % 3) for n in range(100)])})
    whole = b"".join(copy_blocks(batch))
    monkeypatch.setattr(pgcopy, "BLOCK_ROWS", 7)
    assert 17 == len(list(copy_blocks(batch)))
    assert whole == b"".join(copy_blocks(batch))
    assert rows_of(batch) == read_back(server, batch)


def test_not_a_number_stays_one(server: psycopg.Connection[Any]) -> None:
    """In columns of floats and in lists of them."""
    batch = pa.record_batch({"x": pa.array([float("nan")]), "xs": pa.array([[float("nan"), 1.0]])})
    assert "(nan, [nan, 1.0])" == str(read_back(server, batch)[0])


def test_what_stands_behind_a_null_is_not_looked_at(server: psycopg.Connection[Any]) -> None:
    """Arrow leaves anything there, even what no date could be."""
    wild = pa.array([2**62, 0], pa.int64())
    valid = pa.py_buffer(b"\x02")
    moments = pa.Array.from_buffers(pa.timestamp("s"), 2, [valid, wild.buffers()[1]])
    assert [(None,), (datetime(1970, 1, 1),)] == read_back(server, pa.record_batch({"at": moments}))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (pa.array([1_001], pa.timestamp("ns")), "whole microseconds"),
        (pa.array([2**62], pa.timestamp("s")), "4714 BC"),
        (pa.array([-(2**62)], pa.timestamp("us")), "4714 BC"),
        (pa.array([2**31 - 1], pa.int32()).cast(pa.date32()), "5874897"),
    ],
)
def test_a_time_that_postgres_has_not_is_refused_with_its_column(cells: pa.Array, expected: str) -> None:
    """It would be cut or wrapped without a word."""
    with pytest.raises(TableRefused, match=f"column born.*{expected}"):
        list(copy_blocks(pa.record_batch({"born": cells})))


@pytest.mark.parametrize("day", [date(1, 1, 1), date(9999, 12, 31)])
def test_the_ends_of_the_calendar_are_kept(day: date, server: psycopg.Connection[Any]) -> None:
    """The bounds are Postgres's, not ours."""
    assert [(day,)] == read_back(server, pa.record_batch({"day": pa.array([day])}))


@pytest.mark.parametrize(
    "kind",
    [pa.struct([("a", pa.int64())]), pa.list_(pa.string()), pa.duration("s"), pa.time32("s"), pa.decimal128(5, -2)],
)
def test_a_column_without_a_type_is_refused_by_name(kind: pa.DataType) -> None:
    """At submit, before a row is scored."""
    with pytest.raises(OutputRefused, match="column odd"):
        table_columns(pa.schema([("odd", kind)]))


@pytest.mark.parametrize("name", ["job_id", "chunk", "slot", "ctid", "", "x" * 64])
def test_a_name_that_the_table_cannot_have_is_refused(name: str) -> None:
    """The remedy names `rename`."""
    with pytest.raises(InputRefused, match="rename"):
        table_columns(pa.schema([(name, pa.int64())]))
