"""Keys and labels of JSON lines as text, read by DuckDB on a connection that can open this one file."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from scoring.core.errors import InputRefused
from scoring.query.relations import quoted, text

BATCH_ROWS = 131_072
MEMORY = "500MB"
_LOOK_LINES = 1_000
_SHOWN = 100

_NESTED = "json_type({0}) IN ('OBJECT', 'ARRAY')"
# A text is no number, though it may read NaN.
_NO_NUMBER = "json_type(label) = 'DOUBLE' AND isnan(TRY_CAST(label ->> '$' AS DOUBLE))"


class JsonLabels:
    """Objects on lines of their own, plain UTF-8. A number keeps its value, not its spelling: 1.50 is read as 1.5."""

    def __init__(self, path: Path, *, key: str, label: str, true: str, false: str) -> None:
        """key, label: names of the two members. true, false: what labels of these values are called."""
        self._path = path
        self._key = key
        self._label = label
        self._words = {"true": true, "false": false}
        self._connection = duckdb.connect(
            ":memory:", config={"memory_limit": MEMORY, "python_enable_replacements": "false"}
        )
        self._connection.execute(f"SET allowed_paths = [{text(str(path))}]")
        self._connection.execute("SET temp_directory = ''")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def names(self) -> list[str]:
        """Members of the first objects, with those of the two that stand further down; empty without an object."""
        lines = f"FROM read_ndjson_objects({text(str(self._path))}) LIMIT {_LOOK_LINES}"
        names = [
            name for (name,) in self._all(f"SELECT DISTINCT unnest(json_keys(json)) AS name FROM ({lines}) ORDER BY 1")
        ]
        wanted = dict.fromkeys((self._key, self._label))
        return names and [*names, *(name for name in wanted if name not in names and self._stands_somewhere(name))]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """`key` and `label`; null where an object lacks the member or has no value there.

        Raises InputRefused for what is no object, and for a key or a label that is one.
        """
        label = " ".join(f"WHEN {text(word)} THEN {text(name)}" for word, name in self._words.items())
        query = (
            f"SELECT key ->> '$' AS key, CASE WHEN {_NO_NUMBER} THEN NULL"
            f" WHEN json_type(label) = 'BOOLEAN' THEN CASE label ->> '$' {label} END ELSE label ->> '$' END AS label,"
            f" CASE WHEN {_NESTED.format('key')} THEN key WHEN {_NESTED.format('label')} THEN label END AS nested"
            f" FROM (SELECT {quoted(self._key)} AS key, {quoted(self._label)} AS label FROM {self._members()})"
        )
        try:
            with closing(self._connection.sql(query).to_arrow_reader(BATCH_ROWS)) as reader:
                for batch in reader:
                    self._require_plain(batch)
                    yield batch.select(["key", "label"])
        except (duckdb.Error, OSError) as error:
            raise self._refused(error) from error

    def _require_plain(self, batch: pa.RecordBatch) -> None:
        nested = batch.column("nested").drop_null()
        if len(nested):
            raise InputRefused(
                f"{self._path}: an object or an array can be neither key nor label",
                expected=f"a number, a text or true or false in {self._key!r} and {self._label!r}",
                got=nested[0].as_py()[:_SHOWN],
                remedy="write the value alone",
            )

    def _members(self) -> str:
        columns = ", ".join(f"{text(name)}: 'JSON'" for name in (self._key, self._label))
        return f"read_json({text(str(self._path))}, format = 'newline_delimited', columns = {{{columns}}})"

    def _stands_somewhere(self, name: str) -> bool:
        return bool(self._all(f"SELECT 1 FROM {self._members()} WHERE {quoted(name)} IS NOT NULL LIMIT 1"))

    def _all(self, query: str) -> list[tuple[str]]:
        try:
            return self._connection.execute(query).fetchall()
        except duckdb.Error as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> InputRefused:
        return InputRefused(
            f"{self._path} cannot be read as JSON lines",
            expected="one object per line",
            got=str(error).splitlines()[0][:300],
            remedy="export it again, or write CSV or Parquet",
        )
