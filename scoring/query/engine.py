"""DuckDB over Arrow tables and result files: it opens the files that it was handed, and no other file or address."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import duckdb
import pyarrow as pa

from scoring.core.errors import UsageError
from scoring.query.answer import distinct, known_types
from scoring.query.faults import in_words
from scoring.query.parameters import NO_PARAMETERS
from scoring.query.relations import FileRows, JobRows, declare_job, declare_jobs, text
from scoring.query.statement import Statement, read_statement, require_select

BATCH_ROWS = 10_000

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All that a query may name. Nothing is loaded before a query names it."""

    # View → its rows now.
    views: Mapping[str, Callable[[], pa.Table]]
    # results_<model> and latest_<model> → the jobs whose rows it shows.
    models: Mapping[str, Callable[[], Sequence[JobRows]]] = field(default_factory=dict)
    # One of JOB_FUNCTIONS → what gives the rows for its argument; raises NotFound, UsageError or InputMissing.
    jobs: Mapping[str, Callable[[str], FileRows]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class QueryLimits:
    # Longest time of the statement; None: until it ends.
    seconds: float | None = None
    # What DuckDB may hold in memory: bytes with a unit, or a share of what the machine or its container has.
    memory: str = "50%"
    # Folder for what does not fit into memory; None: nothing is spilled.
    spill: Path | None = None


NO_LIMITS = QueryLimits()


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The answer, as a stream."""

    schema: pa.Schema
    # Read once. Raises what `run_query` raises.
    batches: Iterator[pa.RecordBatch]


@contextmanager
def run_query(
    sql: str, catalog: Catalog, limits: QueryLimits = NO_LIMITS, parameters: Mapping[str, object] = NO_PARAMETERS
) -> Iterator[Rows]:
    """Stream the rows of one SELECT in batches of at most BATCH_ROWS. parameters: the values of `$name`.

    Every column has a name of its own; types that only DuckDB knows are shown as text.

    Raises UsageError for a statement that is refused, cannot be bound or fails on its data, and StorageFault where a
    part file cannot be read.
    """
    connection = duckdb.connect(":memory:", config={"python_enable_replacements": "false"})
    thread = ThreadPoolExecutor(1)
    try:
        with in_words():
            statement = read_statement(connection, sql, parameters)
            lock(connection, limits, _declare(connection, statement, catalog))
            require_select(connection, sql)
            answer = known_types(connection, sql, dict(parameters) or None)
            names = distinct(answer.columns)
            reader = _heeding_ctrl_c(connection, thread, lambda: answer.to_arrow_reader(BATCH_ROWS))
        schema = pa.schema([field.with_name(name) for field, name in zip(reader.schema, names, strict=True)])
        yield Rows(
            schema=schema, batches=(batch.rename_columns(names) for batch in _batches(connection, thread, reader))
        )
    finally:
        thread.shutdown()
        connection.close()


def _batches(
    connection: duckdb.DuckDBPyConnection, thread: ThreadPoolExecutor, reader: pa.RecordBatchReader
) -> Iterator[pa.RecordBatch]:
    while True:
        # Not around the yield: an error of whoever writes the rows is not the query's.
        with in_words():
            batch = _heeding_ctrl_c(connection, thread, lambda: next(reader, None))
        if batch is None:
            return
        yield batch


def _heeding_ctrl_c(connection: duckdb.DuckDBPyConnection, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Do `work` in the thread: inside one long task DuckDB never looks for a signal, while Python's own wait does."""
    running = thread.submit(work)
    try:
        return running.result()
    except KeyboardInterrupt:
        connection.interrupt()
        raise


def _declare(connection: duckdb.DuckDBPyConnection, statement: Statement, catalog: Catalog) -> set[str]:
    """Make the relations that the statement names, and no others; returns the files that they read."""
    named = {name.lower(): name for name in (*catalog.views, *catalog.models)}
    paths: set[str] = set()
    for name in sorted(named if statement.shows_all else statement.relations):
        if name not in named:
            raise _unknown(name, tuple(named.values()))
        if name in catalog.views:
            connection.register(name, catalog.views[name]())
        else:
            jobs = () if statement.shows_all else catalog.models[named[name]]()
            declare_jobs(connection, name, jobs)
            paths.update(path for job in jobs for path in job.rows.paths)
    for function, reference in sorted(statement.jobs):
        rows = catalog.jobs[function](reference)
        declare_job(connection, f"{function}:{reference}", rows)
        paths.update(rows.paths)
    for function in sorted({function for function, _ in statement.jobs}):
        connection.execute(f"CREATE MACRO {function}(job) AS TABLE FROM query_table('{function}:' || job)")
    return paths


def lock(connection: duckdb.DuckDBPyConnection, limits: QueryLimits, paths: Iterable[str] = ()) -> None:
    """From here on only the files of `paths` can be opened, and no setting changed. The last two lines stay last."""
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET memory_limit = {text(limits.memory)}")
    connection.execute(f"SET temp_directory = {text(str(limits.spill or ''))}")
    if limits.seconds is not None:
        connection.execute(f"SET max_execution_time = {round(limits.seconds * 1000)}")
    connection.execute("SET allowed_paths = ?", [sorted(paths)])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _unknown(name: str, known: Sequence[str]) -> UsageError:
    close = get_close_matches(name, [k.lower() for k in known], n=1)
    return UsageError(
        f"no view is called {name!r}",
        expected=", ".join(known),
        got=name,
        remedy=f"did you mean {close[0]}?" if close else "choose one of them, or results('JOB')",
    )
