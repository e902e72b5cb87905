"""`python -m benchmarks.unprotected run …`: the program without what makes it survive.

No lease is kept, no file is hashed, nothing is flushed to the disk, no page has or is asked for a checksum.
"""

import os
import sys
from collections.abc import Callable
from typing import Any


def main() -> None:
    _flush_nothing()
    _hash_no_file()
    _check_no_page()
    _keep_no_lease()
    from scoring.cli.main import main as command

    command()


def _flush_nothing() -> None:
    os.fsync = lambda _file: None  # type: ignore[assignment]
    from scoring.ledger import connect

    opened = connect._sqlite_engine
    connect._sqlite_engine = lambda *given, **more: opened(*given, "PRAGMA synchronous = OFF", **more)


def _hash_no_file() -> None:
    # Before the modules that take it by name.
    from scoring.data import digests

    digests.digest_of = lambda _path: ""


def _check_no_page() -> None:
    import pyarrow.parquet as pq

    class Unchecked(pq.ParquetFile):  # type: ignore[misc]
        def __init__(self, *given: Any, **more: Any) -> None:
            super().__init__(*given, **more | {"page_checksum_verification": False})

    pq.ParquetFile = Unchecked
    pq.read_table = _with(pq.read_table, page_checksum_verification=False)
    pq.write_table = _with(pq.write_table, write_page_checksum=False)


def _with(function: Callable[..., Any], **fixed: bool) -> Callable[..., Any]:
    return lambda *given, **more: function(*given, **more | fixed)


def _keep_no_lease() -> None:
    from scoring.pipeline.lease import Lease

    Lease.__enter__ = lambda lease: lease  # type: ignore[method-assign]
    Lease.__exit__ = lambda *_: None  # type: ignore[method-assign]
    Lease.end = lambda _lease: None  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main())  # type: ignore[func-returns-value]
