"""Result tables: found, made, checked, given partitions, emptied again."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from scoring.core.errors import OutputRefused, UsageError
from scoring.core.result_table import PartitionBy, TableName
from scoring.ledger import result_tables
from scoring.ledger.database import Ledger
from scoring.ledger.jobs import insert_job
from scoring.ledger.result_indexes import Indexed
from tests.ledger.desk import Desk
from tests.ledger.result_desk import SLOT, build, indexes, sql, submit, table, write


@pytest.mark.parametrize(
    ("written", "name"),
    [("scores", "public.scores"), ("Scores", "public.scores"), ("Lake._x1", "lake._x1"), ("pgx.jobs", "pgx.jobs")],
)
def test_a_name_is_folded_as_postgres_does(written: str, name: str, results_desk: Desk) -> None:
    """In the ledger's schema, unless another is named."""
    assert name == str(results_desk.run(lambda tx: result_tables.resolve(tx, written)))


@pytest.mark.parametrize(
    "written",
    ["a.b.c", "", "a-b", "1a", 'a"b', "x" * 56, "jobs", "Job_Progress", "alembic_version", "pg_catalog.x",
     "information_schema.x", "pg_toast.x", "ä"],
)  # fmt: skip
def test_a_name_that_is_no_users_is_refused(written: str, results_desk: Desk) -> None:
    """Bad grammar, too long, the ledger's own, the system's."""
    with pytest.raises(UsageError, match="--to-table"):
        results_desk.run(lambda tx: result_tables.resolve(tx, written))


def test_an_embedded_ledger_has_no_tables_for_results(tmp_path: Any) -> None:
    """The remedy names the setting."""
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    with pytest.raises(UsageError, match="SCORING_DATABASE_URL"):
        ledger.look(lambda tx: result_tables.resolve(tx, "scores"))
    ledger.close()


def test_the_table_is_made_with_the_job(results_desk: Desk) -> None:
    """job_id, chunk, then the result's columns; no index yet; the job names it."""
    job = submit(results_desk)
    assert "public.scores" == job.result_table
    write(results_desk, job)
    assert [(job.id, 0, n, "x", n / 2) for n in range(3)] == sql(results_desk, "SELECT * FROM scores ORDER BY _row")
    assert [] == indexes(results_desk)


def test_a_job_that_is_not_recorded_makes_no_table(results_desk: Desk) -> None:
    """Both happen in one transaction."""
    results_desk.submit(output="/results/taken")
    with pytest.raises(OutputRefused):
        submit(results_desk, output="/results/taken")
    assert [(None,)] == sql(results_desk, "SELECT to_regclass('scores')")


def test_two_submits_at_once_make_one_table(results_desk: Desk) -> None:
    """Each partition kind; nobody fails."""
    for kind in (None, PartitionBy.JOB, PartitionBy.SLOT):
        wanted = table(TableName(schema="public", name=f"t_{kind}"), by=kind)
        news = [results_desk.new(result_table=wanted) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda new: results_desk.run(lambda tx: insert_job(tx, new)), news))
        assert [new.id for new in news] == [job.id for job in made]


def test_a_table_that_does_not_fit_is_refused_with_every_difference(results_desk: Desk) -> None:
    """All at once, so that one ALTER is enough."""
    sql(
        results_desk,
        "CREATE TABLE scores (job_id integer, _row bigint, score double precision GENERATED ALWAYS AS (1) STORED,"
        " batch text NOT NULL, loaded_at timestamptz NOT NULL DEFAULT now())",
    )
    with pytest.raises(OutputRefused) as refused:
        submit(results_desk, table(by=PartitionBy.JOB))
    assert (
        "column job_id is integer, not text; column chunk integer is missing; column 100% text is missing;"
        " column score is generated; column batch is NOT NULL without a default; it is not partitioned by job_id"
    ) == refused.value.got


def test_a_view_is_no_table(results_desk: Desk) -> None:
    """Said in a word."""
    sql(results_desk, "CREATE OR REPLACE VIEW latest_x AS SELECT 1 AS one")
    with pytest.raises(OutputRefused, match="it is a view"):
        submit(results_desk, table(TableName(schema="public", name="latest_x")))


def test_a_name_of_the_newest_batch_that_is_taken_is_refused(results_desk: Desk) -> None:
    """Before and after the table is there; a view of the user's own on the table is welcome."""
    sql(results_desk, "CREATE TABLE latest_scores (a integer)")
    with pytest.raises(OutputRefused, match=r"public\.latest_scores, the view of its newest batch, is something else"):
        submit(results_desk)
    sql(results_desk, "DROP TABLE latest_scores")
    submit(results_desk)
    sql(results_desk, "DROP VIEW latest_scores; CREATE VIEW latest_scores AS SELECT 1 AS one")
    with pytest.raises(OutputRefused, match=r"public\.latest_scores"):
        submit(results_desk)
    sql(results_desk, "DROP VIEW latest_scores; CREATE MATERIALIZED VIEW latest_scores AS SELECT job_id FROM scores")
    submit(results_desk)


def test_a_foreign_table_of_the_partitions_name_is_refused(results_desk: Desk) -> None:
    """Rows in it would not be in the result table."""
    submit(results_desk, table(by=PartitionBy.SLOT))
    sql(results_desk, "ALTER TABLE scores DETACH PARTITION scores_no_slot")
    with pytest.raises(OutputRefused, match=r"scores_no_slot is no partition of it.*rename"):
        submit(results_desk)


def test_rows_that_are_being_read_stay_for_the_next_time(results_desk: Desk) -> None:
    """The drop of a partition gives up soon, in words, and is no outage of the ledger."""
    job = submit(results_desk, table(by=PartitionBy.JOB))
    with results_desk.ledger.write() as tx:
        tx.execute(text("SELECT count(*) FROM scores"))
        with pytest.raises(OutputRefused, match=r"stay in public\.scores.*tried again next time"):
            results_desk.run(lambda tx: result_tables.drop_rows(tx, job))
    results_desk.run(lambda tx: result_tables.drop_rows(tx, job))
    assert [(None,)] == sql(results_desk, f"SELECT to_regclass('scores_{job.id}')")


def test_a_users_own_table_is_taken_as_it_is(results_desk: Desk) -> None:
    """More columns with defaults, a varchar for a text, its indexes: all stay."""
    sql(
        results_desk,
        'CREATE TABLE scores (loaded_at date DEFAULT now(), score double precision, "100%" varchar(9), _row bigint,'
        " chunk integer, job_id text, PRIMARY KEY (job_id, _row))",
    )
    job = submit(results_desk)
    write(results_desk, job)
    assert Indexed.LEFT is build(results_desk, job)
    assert 1 == len(indexes(results_desk))
    assert [(3,)] == sql(results_desk, "SELECT count(*) FROM scores WHERE loaded_at IS NOT NULL")


def test_a_partition_for_each_job_is_dropped_with_it(results_desk: Desk) -> None:
    """The flag need not be repeated; the rows of other jobs stay."""
    one, two = submit(results_desk, table(by=PartitionBy.JOB)), submit(results_desk)
    write(results_desk, one)
    write(results_desk, two)
    partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'scores'::regclass"
    assert [(2,)] == sql(results_desk, partitions)
    results_desk.run(lambda tx: result_tables.drop_rows(tx, one))
    assert [(1,)] == sql(results_desk, partitions)
    assert [(two.id, 3)] == sql(results_desk, "SELECT job_id, count(*) FROM scores GROUP BY 1")
    results_desk.run(lambda tx: result_tables.drop_rows(tx, one))  # twice does no harm


def test_a_slots_partition_is_dropped_with_its_last_job(results_desk: Desk) -> None:
    """Jobs without a slot share one; a slot's rows carry it."""
    wanted = table(by=PartitionBy.SLOT)
    one = submit(results_desk, wanted, schedule="a", slot=SLOT)
    two = submit(results_desk, wanted, schedule="b", slot=SLOT)
    loose = submit(results_desk, wanted)
    for job in (one, two, loose):
        write(results_desk, job)
    counted = "SELECT slot, count(*) FROM scores GROUP BY 1 ORDER BY 1"
    assert [(SLOT, 6), (None, 3)] == sql(results_desk, counted)
    results_desk.run(lambda tx: result_tables.drop_rows(tx, one))
    assert [(SLOT, 3), (None, 3)] == sql(results_desk, counted)
    sql(results_desk, f"UPDATE jobs SET purged_at = 1 WHERE job_id = '{one.id}'")
    results_desk.run(lambda tx: result_tables.drop_rows(tx, two))
    assert [(None, 3)] == sql(results_desk, counted)
    assert [(1,)] == sql(results_desk, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'scores'::regclass")


def test_a_partition_is_made_while_others_read_and_write(results_desk: Desk) -> None:
    """A long query or a long COPY on the table holds no submit up."""
    submit(results_desk, table(by=PartitionBy.JOB))
    with results_desk.ledger.write() as tx:
        tx.execute(text("SELECT * FROM scores"))
        tx.execute(text("LOCK TABLE scores IN ROW EXCLUSIVE MODE"))
        with results_desk.ledger.write() as other:
            other.execute(text("SET LOCAL lock_timeout = '1s'"))
            insert_job(other, results_desk.new(result_table=table()))


def test_another_partitioning_than_ours_is_refused(results_desk: Desk) -> None:
    """By RANGE, or by another column."""
    columns = 'job_id text, chunk integer, _row bigint, "100%" text, score double precision'
    sql(results_desk, f"CREATE TABLE scores ({columns}) PARTITION BY RANGE (_row)")
    with pytest.raises(OutputRefused, match=r"RANGE \(_row\)"):
        submit(results_desk)
