"""The join of labels and results by key: in DuckDB, in a database file of its own, so that memory does not grow."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from scoring.core.errors import InputRefused, StorageFault

MEMORY = "700MB"
"""Of DuckDB: what does not fit is spilled to the folder. The process as a whole stays well under 2 GB."""

THREADS = 4
"""At most: each wants some memory of its own, and a host of 64 cores would have none left for the join."""

BATCH_ROWS = 131_072
EXAMPLES = 10

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
# DuckDB's own cast rounds 7.5, and takes 0x1F and 1_000 for numbers.
_WHOLE_NUMBER = r"\s*[+-]?[0-9]+(\.0*)?\s*"
# Labels match as text after trimming, and 1.0 is 1: two spellings of one label are no contradiction.
_CANONICAL = r"regexp_replace(label, '^([+-]?[0-9]+)\.0*$', '\1')"
# A key in a message.
_SHOWN = "coalesce(CAST(key AS VARCHAR), unread)"


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Some keys of a file: how many, and the first of them in alphabetical order."""

    count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the file holds."""

    # Keys with a label.
    labels: int
    # Keys that stand there more than once with one label.
    doubled: Keys


@dataclass(frozen=True, kw_only=True)
class Matched:
    """What the rows of one result made of it; each key counted once."""

    keys: int
    # Had a label before.
    replaced: int
    # In several rows.
    shared: int
    # More than once in the file.
    doubled: int


class LabelJoin:
    """One file of labels, matched with the results of one job or of several in turn.

    folder: private and empty; holds the database and what is spilled. No other file can be opened, and no address.
    """

    def __init__(self, folder: Path, key_type: pa.DataType, *, memory: str = MEMORY) -> None:
        """key_type: of the results' key."""
        self._connection = duckdb.connect(
            folder / "labels.duckdb",
            config={
                "memory_limit": memory,
                "threads": min(THREADS, os.cpu_count() or 1),
                "temp_directory": str(folder),
                "preserve_insertion_order": "false",
                "python_enable_replacements": "false",
            },
        )
        # Every key is unknown until a result has it.
        self._unknown = "labels"
        self._run("SET TimeZone = 'UTC'")
        self._run("SET enable_external_access = false")
        self._run("SET lock_configuration = true")
        self._type = str(self._connection.from_arrow(pa.schema([("key", key_type)]).empty_table()).types[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def give(self, batches: Iterator[pa.RecordBatch]) -> Given:
        """Take the labels: `key` and `label` as text, no null label. Raises InputRefused for a contradiction."""
        key = self._key()
        # What the type cannot hold keeps its text: it is unknown, and counted once all the same.
        unread = f"CASE WHEN {key} IS NULL THEN key END"
        self._load("given", batches, f"{key} AS key, {unread} AS unread, {_CANONICAL} AS label")
        self._run(
            "CREATE TABLE labels AS SELECT key, unread, min(label) AS label, max(label) AS other, count(*) AS copies"
            " FROM given GROUP BY key, unread"
        )
        self._run("DROP TABLE given")
        self._require_one_label()
        return Given(labels=self._count("labels"), doubled=self._keys("labels WHERE copies > 1"))

    def match(self, batches: Iterator[pa.RecordBatch]) -> Matched:
        """Take the rows of one result in place of the last one's: `key`, `_row`, and `labelled` (bool: had a label)."""
        for table in ("rows", "matched", "known"):
            self._run(f"DROP TABLE IF EXISTS {table}")
        self._load("rows", batches, "key, _row, labelled")
        self._run("CREATE TABLE matched AS SELECT key, _row, label, labelled FROM rows JOIN labels USING (key)")
        self._run(
            "CREATE TABLE known AS SELECT key, count(*) AS rows, bool_or(labelled) AS had FROM matched GROUP BY key"
        )
        self._run(
            f"CREATE TABLE still_unknown AS SELECT key, unread, label FROM {self._unknown} ANTI JOIN known USING (key)"
        )
        self._run("DROP TABLE rows; DROP TABLE IF EXISTS unknown; ALTER TABLE still_unknown RENAME TO unknown")
        self._unknown = "unknown"
        counts = "SELECT count(*), count(*) FILTER (had), count(*) FILTER (rows > 1) FROM known"
        [(keys, replaced, shared)] = self._run(counts).fetchall()
        doubled = self._count("labels SEMI JOIN known USING (key) WHERE copies > 1")
        return Matched(keys=keys, replaced=replaced, shared=shared, doubled=doubled)

    def labels(self) -> Iterator[pa.RecordBatch]:
        """`_row` and `label` of the last match, sorted by `_row`."""
        return self._stream("SELECT _row, label FROM matched ORDER BY _row")

    def unknown(self) -> Keys:
        """Keys that no result so far has, or that cannot be read as the type of the key."""
        return self._keys(self._unknown)

    def unknown_rows(self) -> Iterator[pa.RecordBatch]:
        """`key`, as in the file, and `label` of every unknown key."""
        return self._stream(f"SELECT {_SHOWN} AS key, label FROM {self._unknown} ORDER BY 1")

    def _key(self) -> str:
        """The key as the result has it, from its text; NULL where it cannot be that."""
        if self._type == "VARCHAR":
            return "key"
        cast = f"TRY_CAST(key AS {self._type})"
        if self._type.removeprefix("U") in _INTEGERS:
            return f"CASE WHEN regexp_full_match(key, '{_WHOLE_NUMBER}') THEN {cast} END"
        return cast

    def _require_one_label(self) -> None:
        wrong = "labels WHERE label <> other AND key IS NOT NULL"
        found = self._keys(wrong)
        if found.count:
            examples = self._run(f"SELECT {_SHOWN}, label, other FROM {wrong} ORDER BY 1 LIMIT 3").fetchall()
            raise InputRefused(
                f"keys that stand in the file twice with different labels: {found.count:,}",
                expected="one label per key",
                got="; ".join(f"{key!r}: {label!r} and {other!r}" for key, label, other in examples),
                remedy="leave the right one; a later call may replace a label",
            )

    def _keys(self, relation: str) -> Keys:
        examples = self._run(f"SELECT {_SHOWN} FROM {relation} ORDER BY 1 LIMIT {EXAMPLES}").fetchall()
        return Keys(count=self._count(relation), examples=tuple(key or "" for (key,) in examples))

    def _count(self, relation: str) -> int:
        [(count,)] = self._run(f"SELECT count(*) FROM {relation}").fetchall()
        return int(count)

    def _load(self, table: str, batches: Iterator[pa.RecordBatch], columns: str) -> None:
        """Stream batches into a table of the file. What their reader raises goes through as it is."""
        first = next(batches, None)
        if first is None:
            raise ValueError("a stream needs a batch, for its schema")
        source = _Remembering(chain([first], batches))
        reader = pa.RecordBatchReader.from_batches(first.schema, source)
        self._connection.register("stream", reader)
        try:
            self._run(f"CREATE TABLE {table} AS SELECT {columns} FROM stream")
        finally:
            self._connection.unregister("stream")
        if source.error is not None:
            raise source.error

    def _stream(self, query: str) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._connection.sql(query).to_arrow_reader(BATCH_ROWS)
        except (duckdb.Error, pa.ArrowException) as error:
            raise _fault(error) from error

    def _run(self, statement: str) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.execute(statement)
        except (duckdb.Error, pa.ArrowException) as error:
            raise _fault(error) from error


class _Remembering:
    """Batches up to the error of their reader, which is kept: DuckDB would make a text of it, and never let it go."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self.error: BaseException | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> pa.RecordBatch:
        try:
            return next(self._batches)
        except StopIteration:
            raise
        except BaseException as error:  # noqa: BLE001  # `_load` raises it, an interrupt too
            self.error = error
            raise StopIteration from None


def _fault(error: Exception) -> StorageFault:
    """The statements are ours and cannot be wrong: what fails is the disk, or the memory."""
    return StorageFault(
        "the labels could not be joined",
        expected="memory, and room in SCORING_HOME, for the join",
        got=str(error).splitlines()[0][:300],
        remedy="free some, then repeat the call",
    )
