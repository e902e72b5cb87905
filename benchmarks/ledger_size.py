"""What is asked of a ledger that holds a job of a million chunks, most of them done."""

import time
from collections.abc import Callable

import psycopg

from scoring.core.ids import JobId
from scoring.core.states import Priority
from scoring.ledger import publish, reports, schema_version, steps
from scoring.ledger.database import Ledger
from tests.ledger.desk import Desk, part, score_of
from tests.servers import PostgresServer
from tests.servers.postgres import plain

DONE = 0.9
"""Share of the chunks that are done."""

PAGE = 200
"""Steps that are rung at once."""

REPS = 10
SMALL = 30_000
"""Chunks of the ledger that the large one is compared with."""

MOST_MILLISECONDS = {"status": 200.0, "publish a page": 50.0}

COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
PENDING = {
    "state": "'pending'",
    "due_at": "1",
    **dict.fromkeys(("finished_at", "worker", "started_at"), "NULL"),
    "attempt": "0",
}


def compare(chunks: int) -> bool:
    """Print the median of each question; True where `status` and a page of due chunks come within what is promised."""
    server = PostgresServer()
    server.start()
    try:
        before, after = _measured(server, SMALL), _measured(server, chunks)
    finally:
        server.close()
    print(f"{'milliseconds, median of ' + str(REPS):34}{SMALL:>12,}{chunks:>12,} chunks")
    for name, small in before.items():
        print(f"{name:34}{small:>12.1f}{after[name]:>12.1f}")
    return all(after[name] < most for name, most in MOST_MILLISECONDS.items())


def _measured(server: PostgresServer, chunks: int) -> dict[str, float]:
    url = server.create_database()
    schema_version.upgrade(url)
    desk = Desk(Ledger.open(url))
    try:
        return _asked(desk, _filled(desk, url, chunks))
    finally:
        desk.ledger.close()


def _filled(desk: Desk, url: str, chunks: int) -> JobId:
    """A job whose first chunk is done by the real moves, and multiplied then."""
    job, done = desk.submit(), int(chunks * DONE)
    desk.split_into(job.id, 1)
    desk.complete(job.id, 0)
    with psycopg.connect(plain(url), autocommit=True) as connection:
        _multiply(connection, "chunks", {"first_row": "n * 10"}, 1, chunks)
        _multiply(connection, "steps", {}, 1, done)
        _multiply(connection, "steps", PENDING, done, chunks)
        _multiply(connection, "parts", {}, 1, done)
        _multiply(connection, "attempts", {}, 1, done)
        connection.execute("VACUUM ANALYZE")  # as the server does by itself, now and then
    return job.id


def _multiply(
    connection: psycopg.Connection[tuple[object, ...]], table: str, changes: dict[str, str], first: int, end: int
) -> None:
    columns = [str(name) for (name,) in connection.execute(COLUMNS, (table,))]
    values = [{"chunk": "n", **changes}.get(name, f"t.{name}") for name in columns]
    query = (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}"  # noqa: S608  # our own names alone
        f" FROM {table} t, generate_series({first}, {end - 1}) n WHERE t.chunk = 0"
    )
    connection.execute(query.encode())


def _asked(desk: Desk, job_id: JobId) -> dict[str, float]:
    """Milliseconds of each question."""
    window = iter(range(PAGE, PAGE * (REPS + 1), PAGE))
    due = iter(desk.ledger.look(lambda tx: steps.open_steps(tx, job_id, limit=10 * REPS)))

    def a_page() -> None:
        most = next(window)
        desk.run(lambda tx: publish.publish_due(tx, scope=None, priority=Priority.NORMAL, window=most))

    def a_chunk() -> None:
        number = next(step.id.chunk for step in due if step.id.chunk >= 0)
        claim = desk.claim(score_of(job_id, number))
        desk.run(lambda tx: steps.complete_chunk(tx, claim, part(number)))

    return {
        "status": _median(lambda: desk.ledger.look(lambda tx: reports.job_facts(tx, job_id))),
        "publish a page": _median(a_page),
        "claim and commit a chunk": _median(a_chunk),
        "rescue": _median(lambda: desk.run(steps.rescue_expired)),
        "is it time to finalize": _median(lambda: desk.arm(job_id)),
    }


def _median(question: Callable[[], object]) -> float:
    took = []
    for _ in range(REPS):
        begun = time.perf_counter()
        question()
        took.append(1_000 * (time.perf_counter() - begun))
    return sorted(took)[REPS // 2]
