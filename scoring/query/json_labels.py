"""Keys and labels of JSON lines as text, read by DuckDB on a connection that can open this one file."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from scoring.core.errors import InputRefused
from scoring.query.relations import quoted, text

BATCH_ROWS = 131_072
MEMORY = "500MB"
_LOOK_LINES = 1_000


class JsonLabels:
    """Objects on lines of their own, plain UTF-8. A number keeps its value, not its spelling: 1.50 is read as 1.5."""

    def __init__(self, path: Path, *, key: str, label: str) -> None:
        """key, label: names of the two members, which are read as text whatever their type."""
        self._path = path
        self._key = key
        self._label = label
        self._connection = duckdb.connect(
            ":memory:", config={"memory_limit": MEMORY, "python_enable_replacements": "false"}
        )
        self._connection.execute(f"SET allowed_paths = [{text(str(path))}]")
        self._connection.execute("SET temp_directory = ''")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def names(self) -> list[str]:
        """Members of the first objects, with those of the two that stand further down; empty without an object."""
        lines = f"FROM read_ndjson_objects({text(str(self._path))}) LIMIT {_LOOK_LINES}"
        names = [
            name for (name,) in self._all(f"SELECT DISTINCT unnest(json_keys(json)) AS name FROM ({lines}) ORDER BY 1")
        ]
        wanted = dict.fromkeys((self._key, self._label))
        return names and [*names, *(name for name in wanted if name not in names and self._stands_somewhere(name))]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """`key` and `label`; null where an object lacks the member. Raises InputRefused for what is no object."""
        query = f"SELECT {quoted(self._key)} AS key, {quoted(self._label)} AS label FROM {self._members()}"
        try:
            yield from self._connection.sql(query).to_arrow_reader(BATCH_ROWS)
        except (duckdb.Error, OSError) as error:
            raise self._refused(error) from error
        finally:
            self._connection.close()

    def _members(self) -> str:
        columns = ", ".join(f"{text(name)}: 'VARCHAR'" for name in (self._key, self._label))
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
