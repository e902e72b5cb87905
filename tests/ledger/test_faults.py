"""A ledger that goes away says so, and says apart what has failed and what nobody knows."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from scoring.core.errors import ExitCode, LedgerAway, SettingsError
from scoring.core.ids import JobId
from scoring.core.outcome import Verdict, judge
from scoring.ledger import jobs, meta, parts, steps
from scoring.ledger.attempts import lock_job
from scoring.ledger.database import Ledger, OutcomeUnknown, Tx
from scoring.ledger.faults import Contended
from scoring.ledger.silence import answers
from scoring.ledger.writable import takes_changes
from tests.faults.proxy import TcpProxy, rerouted
from tests.ledger.desk import LEASE, Desk, part, score_of
from tests.servers.postgres import plain


def _terminate(desk: Desk, victim: Tx) -> None:
    """End the server process behind `victim`, and wait until it is gone."""
    process = victim.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with desk.ledger.read() as tx:
        assert tx.execute(text("SELECT pg_terminate_backend(:process, 5000)"), {"process": process}).scalar_one()


def _once(desk: Desk, work: Callable[[Tx], None]) -> None:
    """One transaction, without the second try that `run` gives it."""
    with desk.ledger.write() as tx:
        work(tx)


@pytest.mark.fault("F42", "the backend is terminated at the COMMIT", "said to be unknown, and read again")
def test_a_connection_that_breaks_at_the_commit_leaves_the_outcome_unknown(postgres_desk: Desk) -> None:
    """Nobody may delete files then: the row is read again."""
    desk = postgres_desk
    job = desk.running(1)
    claim = desk.claim(score_of(job.id, 0))

    def complete(tx: Tx) -> None:
        steps.complete_chunk(tx, claim, part(0))
        _terminate(desk, tx)

    with pytest.raises(OutcomeUnknown):
        _once(desk, complete)
    assert not desk.ledger.look(lambda tx: steps.was_committed(tx, claim))


def test_a_connection_that_breaks_before_it_is_known_to_have_failed(postgres_desk: Desk) -> None:
    """Nothing was committed: the work may be done again."""

    def remember(tx: Tx) -> None:
        _terminate(postgres_desk, tx)
        meta.remember(tx, "a", "b")

    with pytest.raises(LedgerAway) as caught:
        _once(postgres_desk, remember)
    assert not isinstance(caught.value, OutcomeUnknown)


@pytest.mark.fault("F39", "the backend of a pooled connection is terminated", "a new connection does the work")
def test_a_dead_connection_in_the_pool_costs_nothing(postgres_desk: Desk) -> None:
    """The server restarted while nobody asked: a new connection does the work."""
    desk = postgres_desk
    broken: list[bool] = []

    def once(tx: Tx) -> str:
        if not broken:
            broken.append(True)
            _terminate(desk, tx)
        return meta.remember(tx, "a", "b")

    assert "b" == desk.run(once)


@pytest.fixture
def wire(migrated_postgres: str) -> Iterator[TcpProxy]:
    """Between `far_desk` and its server."""
    with TcpProxy(urlsplit(migrated_postgres).port or 0) as proxy:
        yield proxy


@pytest.fixture
def far_desk(postgres_desk: Desk, wire: TcpProxy, migrated_postgres: str) -> Iterator[Desk]:
    """A desk whose answers may be lost."""
    ledger = Ledger.open(rerouted(migrated_postgres, wire.port))
    yield Desk(ledger)
    ledger.close()


COMMIT = b"COMMIT\0"


@pytest.mark.fault("F42", "the answer to the COMMIT is dropped, the connection reset", "read again, and taken for done")
def test_a_move_whose_answer_is_lost_is_found_done(far_desk: Desk, wire: TcpProxy) -> None:
    """The rows say so; nothing is done twice."""
    job = far_desk.running(1)
    claim = far_desk.claim(score_of(job.id, 0))
    wire.lose_reply(to=COMMIT, after=b"INSERT INTO parts")
    tries: list[int] = []

    def complete(tx: Tx) -> str:
        tries.append(1)
        steps.complete_chunk(tx, claim, part(0))
        return "now"

    def happened(tx: Tx) -> str | None:
        return "then" if steps.was_committed(tx, claim) else None

    assert ("then", [1], 1) == (far_desk.ledger.run_once(complete, happened), tries, wire.losses)


@pytest.mark.fault("F42", "the connection breaks before the server gets the COMMIT", "read again, and done again")
def test_a_move_that_has_not_happened_is_made_again(postgres_desk: Desk) -> None:
    """Once more is enough."""
    desk = postgres_desk
    job = desk.running(1)
    claim = desk.claim(score_of(job.id, 0))
    tries: list[int] = []

    def complete(tx: Tx) -> int:
        tries.append(1)
        steps.complete_chunk(tx, claim, part(0))
        if len(tries) == 1:
            _terminate(desk, tx)
        return len(tries)

    assert 2 == desk.ledger.run_once(complete, lambda tx: -1 if steps.was_committed(tx, claim) else None)
    assert 1 == len(desk.ledger.look(lambda tx: parts.committed_parts(tx, job.id)))


def test_a_claim_knows_itself_again(postgres_desk: Desk) -> None:
    """The attempt that another thread of the process has now bears the same number and the same worker's name."""
    desk = postgres_desk
    job = desk.running(1)
    with suppress(InterruptedError), desk.ledger.write() as tx:
        undone = steps.claim(tx, score_of(job.id, 0), desk.worker, LEASE)
        raise InterruptedError
    claim = desk.claim(score_of(job.id, 0))
    assert undone is not None
    assert claim == replace(undone, started_at=claim.started_at)
    assert desk.ledger.look(lambda tx: steps.was_claimed(tx, claim))
    assert not desk.ledger.look(lambda tx: steps.was_claimed(tx, undone))


@pytest.mark.fault("F45", "two transactions lock two rows the other way round", "one is undone and done again")
def test_a_real_deadlock_is_undone_and_done_again(postgres_desk: Desk) -> None:
    """Both moves are made in the end."""
    desk = postgres_desk
    found = [desk.submit().id for _ in range(2)]
    meeting = threading.Barrier(2)
    tries: list[int] = []

    def lock(order: list[JobId]) -> None:
        def work(tx: Tx) -> None:
            tries.append(1)
            lock_job(tx, order[0])
            if len(tries) <= 2:
                meeting.wait(20)
            lock_job(tx, order[1])

        desk.run(work)

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(lock, order) for order in (found, found[::-1])]:
            future.result(20)
    assert 3 == len(tries)


def test_a_deadlock_is_undone_and_done_again(desk: Desk) -> None:
    """Whole: `work` runs from its start."""
    tries: list[int] = []

    def contended_twice(tx: Tx) -> int:
        tries.append(1)
        if len(tries) < 3:
            raise Contended("deadlock detected")
        return len(tries)

    assert 3 == desk.run(contended_twice)


def test_a_transaction_that_raises_leaves_nothing(desk: Desk) -> None:
    """Not even the job that it has just inserted."""
    new = desk.new()

    def insert_and_trip(tx: Tx) -> float:
        return len(jobs.insert_job(tx, new).id) / 0

    with pytest.raises(ZeroDivisionError):
        desk.run(insert_and_trip)
    assert [] == desk.ledger.look(jobs.running)


def test_a_server_that_is_not_there_is_exit_6() -> None:
    """One sentence, without the password."""
    with pytest.raises(LedgerAway) as caught:
        Ledger.open("postgresql+psycopg://scoring:s3cret@127.0.0.1:1/nothing")
    assert ExitCode.UNREACHABLE == caught.value.exit_code
    assert "s3cret" not in str(caught.value)
    assert "SCORING_DATABASE_URL" in caught.value.remedy


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://host/db", "oracle://host/db"])
def test_a_ledger_of_another_kind_is_refused(url: str) -> None:
    """Two databases are supported, and a ledger must outlive its process."""
    with pytest.raises(SettingsError):
        Ledger.open(url)


@pytest.mark.fault("F46", "a claim on a read-only server", "the ledger is away; no attempt is counted")
def test_a_read_only_server_is_away_and_burns_no_attempt(postgres_desk: Desk) -> None:
    """As after a fail-over to a standby."""
    job = postgres_desk.running(1)

    def claim(tx: Tx) -> None:
        tx.execute(text("SET TRANSACTION READ ONLY"))
        steps.claim(tx, score_of(job.id, 0), "host:1", LEASE)

    with pytest.raises(LedgerAway, match="takes no changes now"):
        _once(postgres_desk, claim)
    assert 0 == postgres_desk.step(score_of(job.id, 0)).attempt


def test_a_ledger_that_answers_is_not_said_to_be_silent(postgres_desk: Desk) -> None:
    """A statement that takes too long, or waits for a lock, came to a server that is there."""

    def work_slowly(tx: Tx) -> None:
        tx.execute(text("SET LOCAL statement_timeout = 1"))
        tx.execute(text("SELECT pg_sleep(10)"))

    with pytest.raises(LedgerAway, match="locked or too slow"):
        _once(postgres_desk, work_slowly)


def test_a_server_that_lets_one_look_alone_is_told_apart(fresh_postgres: Callable[[], str]) -> None:
    """`scoring doctor` asks: questions are answered as ever, and no job would be taken."""
    url = fresh_postgres()
    assert takes_changes(url)
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{url.rpartition("/")[2]}" SET default_transaction_read_only = on'.encode())
    assert not takes_changes(url)


@pytest.mark.fault("F65", "the server of the ledger says disk_full", "as when it is away: no attempt is counted")
def test_a_server_without_room_is_as_good_as_away(postgres_desk: Desk) -> None:
    """In words that name the disk; a scheduler waits, a step is handed back."""

    def write(tx: Tx) -> None:
        tx.execute(text("DO $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$"))

    with pytest.raises(LedgerAway, match="the disk of the ledger is full") as caught:
        postgres_desk.run(write)
    assert Verdict.RELEASED is judge(caught.value).verdict


@pytest.mark.fault("F47", "the settings of every connection are read", "statement, lock and idle time-outs are set")
def test_no_connection_waits_for_ever(postgres_desk: Desk) -> None:
    """Statement, lock and idle time-outs are set on every connection."""
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    with postgres_desk.ledger.read() as tx:
        assert all(tx.scalar(text(f"SHOW {name}")) != "0" for name in names)


def test_opening_a_current_ledger_does_not_load_the_migrations(tmp_path: Path) -> None:
    """Alembic takes longer to import than a small job takes to score."""
    path = tmp_path / "ledger.db"
    Ledger.open(f"sqlite:///{path}").close()
    code = (
        "import sys; from scoring.ledger.database import Ledger;"
        f"Ledger.open('sqlite:///{path}').close(); sys.exit('alembic' in sys.modules)"
    )
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


@pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux's")
def test_a_server_behind_an_abstract_socket_is_heard() -> None:
    """libpq writes it with an @; a healthy server must not be taken for a silent one."""
    name = f"scoring-{uuid4().hex}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0{name}/.s.PGSQL.5432")
        server.listen()
        server.settimeout(20)
        with ThreadPoolExecutor() as pool:
            answered = pool.submit(answers, f"@{name}".encode(), b"5432")
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"N")
                assert answered.result()
    assert not answers(f"@{name}".encode(), b"5432")
