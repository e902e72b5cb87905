"""Rows of result tables: the newest batch, what Postgres refuses, what stays of an interrupted copy, indexes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import repeat

import pytest
from sqlalchemy import text

from scoring.core.arguments import job_options
from scoring.core.errors import LeaseLost, LedgerAway, OutputRefused, TableRefused
from scoring.core.result_table import PartitionBy, TableName
from scoring.ledger import jobs, steps
from scoring.ledger.database import Tx
from scoring.ledger.result_indexes import Indexed, build_indexes
from scoring.pipeline.to_table import copy_rows
from tests.ledger.desk import FAILED, Desk, part, score_of
from tests.ledger.result_desk import SLOT, build, finished, indexes, rows, sql, submit, table, write
from tests.waiting import wait_for


@pytest.mark.parametrize("kind", [None, PartitionBy.JOB, PartitionBy.SLOT])
def test_the_view_shows_the_newest_batch(kind: PartitionBy | None, results_desk: Desk) -> None:
    """By slot where there is one, of succeeded jobs only; a live job's rows are not in it."""
    newest = "SELECT DISTINCT job_id FROM latest_scores"
    first = finished(results_desk, wanted=table(by=kind))
    assert [(first.id,)] == sql(results_desk, newest)
    late = finished(results_desk, schedule="a", slot=datetime(2001, 1, 1, tzinfo=UTC))
    assert [(first.id,)] == sql(results_desk, newest)
    tomorrow = finished(results_desk, schedule="a", slot=datetime(2999, 1, 1, tzinfo=UTC))
    assert [(tomorrow.id,)] == sql(results_desk, newest)
    live = submit(results_desk, schedule="a", slot=datetime(2999, 1, 2, tzinfo=UTC))
    write(results_desk, live)
    assert [(tomorrow.id,)] == sql(results_desk, newest)
    assert late.id != tomorrow.id


def test_what_postgres_does_not_take_fails_the_chunk_in_words(results_desk: Desk) -> None:
    """With the column where Postgres names it; no row stays."""
    job = submit(results_desk)
    with pytest.raises(TableRefused, match=r"0x00.*column 100%"):
        write(results_desk, job, rows(name="a\0b"))
    sql(results_desk, "ALTER TABLE scores ADD CHECK (score < 1)")
    with pytest.raises(TableRefused, match="violates check constraint"):
        write(results_desk, job)
    sql(results_desk, "ALTER TABLE scores DROP COLUMN score CASCADE")
    with pytest.raises(TableRefused, match=r'column "score".*does not exist'):
        write(results_desk, job)
    assert [(0,)] == sql(results_desk, "SELECT count(*) FROM scores")
    sql(results_desk, "DROP TABLE scores")
    with pytest.raises(TableRefused, match="no such table"):
        write(results_desk, job)


def test_a_copy_that_is_stopped_leaves_no_row(results_desk: Desk) -> None:
    """The lease is looked at between two blocks."""
    job = submit(results_desk)

    def stop() -> None:
        raise LeaseLost("taken")

    with pytest.raises(LeaseLost, match="taken"):
        results_desk.run(lambda tx: copy_rows(tx, job, 0, rows(), stop))
    assert [(0,)] == sql(results_desk, "SELECT count(*) FROM scores")


def test_the_time_outs_of_a_copy_end_with_it(results_desk: Desk) -> None:
    """What follows in the transaction is a plain move of the ledger."""
    job = submit(results_desk)
    with results_desk.ledger.write() as tx:
        copy_rows(tx, job, 0, rows(), lambda: None)
        assert ["30s", "10s"] == [tx.scalar(text(f"SHOW {name}_timeout")) for name in ("statement", "lock")]


def test_indexes_are_built_once_the_last_writer_is_done(results_desk: Desk) -> None:
    """(job_id, _row) and the keys; a second job finds them."""
    options = job_options(key="100%")
    one, two = submit(results_desk, options=options), submit(results_desk, options=options)
    write(results_desk, one)
    write(results_desk, two)
    assert Indexed.LEFT is build(results_desk, one)
    results_desk.run(
        lambda tx: tx.execute(text(f"UPDATE jobs SET state = 'finalizing', started_at = 1 WHERE job_id = '{one.id}'"))
    )
    assert Indexed.BUILT is build(results_desk, two)
    assert [
        "CREATE INDEX scores_idx1 ON public.scores USING btree (job_id, _row)",
        'CREATE INDEX scores_idx2 ON public.scores USING btree ("100%")',
    ] == indexes(results_desk)
    assert Indexed.LEFT is build(results_desk, one)


def test_a_partition_has_the_keys_alone(results_desk: Desk) -> None:
    """Its rows are all of one job; another live job does not matter."""
    one = submit(results_desk, table(by=PartitionBy.JOB), options=job_options(key="100%"))
    two = submit(results_desk)
    write(results_desk, one)
    assert [Indexed.BUILT, Indexed.BUILT] == [build(results_desk, job) for job in (one, two)]
    assert ['("100%")', "(_row)"] == sorted(made.partition("btree ")[2] for made in indexes(results_desk))


def test_values_that_no_index_takes_do_no_harm(results_desk: Desk) -> None:
    """A text of 10 000 characters that do not compress is too long for a btree: the rows stay."""
    job = submit(results_desk, options=job_options(key="100%"))
    long = "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(10_000))
    write(results_desk, job, rows(name=long))
    assert Indexed.REFUSED is build(results_desk, job)
    assert [(3,)] == sql(results_desk, "SELECT count(*) FROM scores")


def test_long_names_are_told_apart(results_desk: Desk) -> None:
    """Partitions and indexes of two tables that differ in their last letter."""
    for last in "ab":
        name = TableName(schema="public", name="t" * 54 + last)
        for job in [submit(results_desk, table(name, by=PartitionBy.JOB)) for _ in range(2)]:
            write(results_desk, job)
            assert Indexed.BUILT is build(results_desk, job)


def test_each_slot_is_indexed_whatever_the_others_do(results_desk: Desk) -> None:
    """A job of the same slot is waited for, and nobody else."""
    wanted = table(by=PartitionBy.SLOT)
    one = submit(results_desk, wanted, schedule="a", slot=SLOT)
    submit(results_desk, wanted)
    assert Indexed.BUILT is build(results_desk, one)
    two = submit(results_desk, wanted, schedule="a", slot=SLOT + timedelta(hours=1))
    submit(results_desk, wanted, schedule="b", slot=SLOT + timedelta(hours=1))
    assert Indexed.LEFT is build(results_desk, two)


def test_a_submit_waits_for_no_index(results_desk: Desk) -> None:
    """While one is being built the next job gets its partition; a second builder leaves it to the first."""
    one = submit(results_desk, table(by=PartitionBy.JOB))
    with results_desk.ledger.write() as tx:
        assert Indexed.BUILT is build_indexes(tx, one, "_row")[0]
        submit(results_desk)
        assert Indexed.LEFT is build(results_desk, one)


def test_an_attempt_that_lost_its_lease_leaves_no_row(results_desk: Desk) -> None:
    """It has copied its rows and wakes up after the chunk was scored by another: they go with its transaction."""
    job = submit(results_desk)
    results_desk.split_into(job.id, 1)
    slow = results_desk.claim(score_of(job.id, 0))

    def wake_up_late(tx: Tx) -> None:
        copy_rows(tx, job, 0, rows(name="slow"), lambda: None)
        results_desk.run(lambda tx: steps.take_over(tx, job.id))
        write(results_desk, job)
        results_desk.complete(job.id, 0)
        steps.complete_chunk(tx, slow, part(0))

    with pytest.raises(LeaseLost):
        results_desk.run(wake_up_late)
    assert [("x", 3)] == sql(results_desk, 'SELECT "100%", count(*) FROM scores GROUP BY 1')


def test_a_connection_that_breaks_in_a_copy_is_an_outage(results_desk: Desk) -> None:
    """Not a fault of the chunk: it is tried again once, and then handed back."""
    job = submit(results_desk)

    def broken(tx: Tx, *, times: Iterator[bool]) -> None:
        backend = tx.scalar(text("SELECT pg_backend_pid()")) if next(times) else None
        copy_rows(tx, job, 0, rows(), lambda: cut(results_desk, backend))

    with pytest.raises(LedgerAway):
        results_desk.run(partial(broken, times=repeat(True)))
    results_desk.run(partial(broken, times=iter([True, False])))
    assert [(3,)] == sql(results_desk, "SELECT count(*) FROM scores")


def cut(desk: Desk, backend: object) -> None:
    with desk.ledger.write() as tx:
        tx.execute(text("SELECT pg_terminate_backend(:backend, 5000)"), {"backend": backend})


AGAIN = {
    None: "ALTER TABLE scores RENAME TO old; CREATE TABLE scores (LIKE old)",
    PartitionBy.JOB: "DROP TABLE {partition}",
    PartitionBy.SLOT: "ALTER TABLE scores DETACH PARTITION {partition}",
}


@pytest.mark.parametrize("kind", AGAIN)
def test_a_table_that_lost_rows_fails_the_job_for_good(kind: PartitionBy | None, results_desk: Desk) -> None:
    """Made again, its partition dropped or detached: the next chunk is refused, and so is a retry, at once."""
    job = submit(results_desk, table(by=kind))
    results_desk.split_into(job.id, 1)
    write(results_desk, job)
    sql(results_desk, AGAIN[kind].format(partition=f"scores_{job.id if kind is PartitionBy.JOB else 'no_slot'}"))
    with pytest.raises(TableRefused, match=r"lost rows.*--overwrite"):
        write(results_desk, job, chunk=1)
    results_desk.complete(job.id, 0)
    results_desk.finish(job.id, FAILED)
    with pytest.raises(OutputRefused, match=r"cannot be retried.*--overwrite"):
        results_desk.run(lambda tx: jobs.retry(tx, job.id))


COPIES_THAT_WAIT = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'COPY %'"
)


def test_a_table_that_is_replaced_while_rows_go_in_is_refused(results_desk: Desk) -> None:
    """Between the look at it and the COPY, which finds the new one: no row stays in either."""
    job = submit(results_desk)

    with ThreadPoolExecutor(1) as pool:
        with results_desk.ledger.write() as tx:
            tx.execute(text("ALTER TABLE scores RENAME TO old"))
            tx.execute(text("CREATE TABLE scores (LIKE old)"))
            late = pool.submit(write, results_desk, job)
            wait_for(lambda: [(1,)] == sql(results_desk, COPIES_THAT_WAIT), "the copy to wait")
        with pytest.raises(TableRefused, match="lost rows"):
            late.result()
    assert [(0, 0)] == sql(results_desk, "SELECT (SELECT count(*) FROM scores), (SELECT count(*) FROM old)")


def test_rows_that_a_trigger_drops_are_missed(results_desk: Desk) -> None:
    """COPY says how many it took."""
    job = submit(results_desk)
    sql(results_desk, "CREATE FUNCTION drop_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    sql(results_desk, "CREATE TRIGGER t BEFORE INSERT ON scores FOR EACH ROW EXECUTE FUNCTION drop_it()")
    with pytest.raises(TableRefused, match=r"expected 3 rows more; got 0: a trigger.*retry"):
        write(results_desk, job)
    sql(results_desk, "DROP FUNCTION drop_it() CASCADE")
    write(results_desk, job)
    assert [(3,)] == sql(results_desk, "SELECT count(*) FROM scores")
