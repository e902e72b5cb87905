"""The bar of a job on stderr: rows, rows per second, time left. Without a terminal there is none."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from scoring.core.errors import LedgerAway


@contextmanager
def progress_bar(look: Callable[[], Mapping[str, object]], *, rows: int | None = None) -> Iterator[Callable[[], None]]:
    """Gives a function that looks at the job and draws it.

    look: the job's columns of `job_progress`; rows: what the input seems to hold, until its rows are counted.
    """
    if not sys.stderr.isatty():
        yield lambda: None
        return
    # Here: rich takes a tenth of a second, and a bar is drawn for few of the calls.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=32),
        TextColumn("{task.fields[rows]} rows"),
        TextColumn("{task.fields[speed]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("accepted", total=rows, rows="0", speed="", left="")

        def draw() -> None:
            try:
                job = look()
            except LedgerAway:
                return  # whoever works or waits goes on, and says so; the bar stands still
            done = _count(job["rows_scored"]) + _count(job["rows_rejected"])
            bar.update(
                task,
                description=str(job["state"]),
                completed=done,
                total=_count(job["rows_total"]) or rows,
                rows=f"{done:,}",
                speed=_speed(job["rows_per_second"]),
                left=_left(job["eta_seconds"]),
            )

        yield draw


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _speed(value: object) -> str:
    return f"{value:,.0f} rows/s" if isinstance(value, int | float) else ""


def _left(value: object) -> str:
    if not isinstance(value, int | float):
        return ""
    minutes, seconds = divmod(round(value), 60)
    return f"{minutes}:{seconds:02d} left"
