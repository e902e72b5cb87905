"""The one place where errors of DuckDB and of reading its stream become ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from scoring.core.errors import ScoringError, StorageFault, UsageError

# What is wrong with a file is an error of any kind; it names the file, or speaks of the format.
_PART = re.compile(r"part-\d{6,}\.parquet")
_OF_FILES = ("IO Error", "TProtocolException", "Serialization Error")


@contextmanager
def in_words() -> Iterator[None]:
    """Raise UsageError for what is wrong with the query, StorageFault for what is wrong with a file."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise _translated(_first_line(error)) from error


def _translated(text: str) -> ScoringError:
    # By text: pyarrow hands every error of the stream on as OSError, whatever DuckDB called it.
    if text.startswith("INTERRUPT"):
        return UsageError(
            "the query was stopped", expected="an answer in time", got=text, remedy="ask for less, or raise --timeout"
        )
    if text.startswith("Out of Memory"):
        return UsageError(
            "the query needs more memory than it may have",
            expected="half of the machine's memory, and room for the rest in SCORING_HOME",
            got=text,
            remedy="ask for less: fewer columns, a condition, a LIMIT",
        )
    if (_PART.search(text) and not text.startswith("Conversion Error")) or text.startswith(_OF_FILES):
        return StorageFault(
            "a result file cannot be read", got=text, remedy="restore the file, or score the job into a new output"
        )
    return UsageError("the query failed", expected="SQL as DuckDB writes it", got=text, remedy="correct the statement")


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
