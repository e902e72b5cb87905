"""S23: what each role may do in the database, tried one by one, and what none of them may."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from scoring.ledger import schema_version
from scoring.ledger.database import Ledger
from scoring.ledger.records import JobVerdict
from tests.ledger.desk import FAILED, Desk
from tests.ledger.staff import KINDS, login, staff
from tests.servers.postgres import plain

P, W, R = "submitter", "hand", "analyst"
BOTH = (P, W)

TRAP = (
    "CREATE FUNCTION lake.spring(int) RETURNS bool IMMUTABLE LANGUAGE plpgsql"
    " AS $$ BEGIN RAISE 'run as %', current_user; END $$;"
    " CREATE TABLE lake.trap (job_id text, chunk int, _row bigint, CHECK (lake.spring(1))) PARTITION BY LIST (job_id)"
)
"""In a schema of the producer's: whoever attaches a partition runs its function."""

DEEDS = [
    # What all may read, and what readers may not.
    ("SELECT * FROM job_progress", (P, W, R)),
    ("SELECT newest_batch('public.scores')", (P, W, R)),
    ("SELECT * FROM jobs", BOTH),
    ("SELECT * FROM meta", BOTH),
    ("SELECT * FROM roles", BOTH),
    ("SELECT version_num FROM alembic_version", BOTH),
    ("SELECT * FROM private.salaries", ()),
    # Jobs: made by producers, moved by both, defined once.
    ("INSERT INTO jobs SELECT * FROM jobs WHERE false", (P,)),
    ("UPDATE jobs SET error = 'x'", BOTH),
    ("SELECT 1 FROM jobs FOR UPDATE", BOTH),
    ("UPDATE jobs SET runner = 'here:x'", (P,)),
    ("UPDATE jobs SET rows_total = 1", (W,)),
    ("UPDATE jobs SET options = '{}'", ()),
    ("UPDATE jobs SET inputs = '[]'", ()),
    ("UPDATE jobs SET binding = '{}'", ()),
    ("UPDATE jobs SET output = '/elsewhere'", ()),
    ("UPDATE jobs SET model_version_id = 1", ()),
    ("UPDATE jobs SET max_failures = 100", ()),
    ("UPDATE jobs SET result_table = 'public.other'", ()),
    ("UPDATE jobs SET purged_at = 1", ()),
    ("UPDATE jobs SET state = 'failed' WHERE state = 'succeeded'", ()),
    ("UPDATE jobs SET rows_scored = 0 WHERE state = 'succeeded'", ()),
    ("UPDATE jobs SET state = 'succeeded' WHERE state = 'failed'", ()),
    ("UPDATE jobs SET state = 'running', round = round + 1, finished_at = NULL WHERE state = 'failed'", (P,)),
    ("DELETE FROM jobs", ()),
    # Steps and what comes of them: a worker's, and never taken away.
    ("INSERT INTO steps SELECT * FROM steps WHERE false", BOTH),
    ("UPDATE steps SET attempt = attempt + 1", (W,)),
    ("UPDATE steps SET worker = 'x'", (W,)),
    ("UPDATE steps SET rung_at = NULL, rings = 0", BOTH),
    ("UPDATE steps SET bytes = 0", ()),
    ("UPDATE steps SET attempt = 0", ()),
    ("UPDATE steps SET state = 'pending', finished_at = NULL WHERE kind = 'score' AND state = 'succeeded'", ()),
    ("DELETE FROM steps", ()),
    ("INSERT INTO attempts SELECT * FROM attempts WHERE false", BOTH),
    ("UPDATE attempts SET outcome = 'completed'", ()),
    ("DELETE FROM attempts", ()),
    ("INSERT INTO chunks SELECT * FROM chunks WHERE false", (W,)),
    ("UPDATE chunks SET rows = 1", ()),
    ("DELETE FROM chunks", ()),
    ("INSERT INTO parts SELECT * FROM parts WHERE false", (W,)),
    ("UPDATE parts SET part_sha256 = 'x'", ()),
    ("DELETE FROM parts", ()),
    ("DELETE FROM reject_counts", (W,)),
    ("DELETE FROM job_metrics", BOTH),
    ("DELETE FROM chunk_metrics", (P,)),
    ("INSERT INTO label_files SELECT * FROM label_files WHERE false", (P,)),
    ("DELETE FROM label_files", ()),
    # Models and schedules: a producer's; a worker proves and measures.
    ("INSERT INTO models VALUES ('other', 1)", (P,)),
    ("INSERT INTO model_versions SELECT * FROM model_versions WHERE false", (P,)),
    ("UPDATE model_versions SET removed_at = 1", (P,)),
    ("UPDATE model_versions SET micro_batch_rows = 1", (W,)),
    ("UPDATE model_versions SET sha256 = 'x'", ()),
    ("UPDATE model_versions SET path = 'models/of/another/name'", (P,)),  # its digest is another column
    ("UPDATE model_versions SET served_path = 'models/evil', served_sha256 = 'evil'", ()),
    ("UPDATE model_versions SET signature = '[]'", ()),
    ("UPDATE model_versions SET about = NULL", ()),
    ("DELETE FROM model_versions", ()),
    ("DELETE FROM model_aliases", (P,)),
    ("INSERT INTO parity_proofs SELECT * FROM parity_proofs WHERE false", BOTH),
    ("DELETE FROM parity_proofs", ()),
    ("UPDATE cron_schedules SET paused = false", (P,)),
    ("DELETE FROM cron_schedules", (P,)),
    ("UPDATE schedule_changes SET change = 'added'", ()),
    ("DELETE FROM slots", ()),
    # Processes, and what the deployment is held together by.
    ("DELETE FROM processes_seen", (W,)),
    ("UPDATE meta SET value = 'x'", ()),
    ("DELETE FROM meta", ()),
    ("SELECT 1 FROM locks FOR UPDATE", BOTH),
    ("UPDATE locks SET name = 'x'", ()),
    ("DELETE FROM locks", ()),
    ("INSERT INTO roles VALUES ('hand', 'producer')", ()),
    ("UPDATE roles SET kind = 'producer'", ()),
    ("UPDATE alembic_version SET version_num = '0001'", ()),
    ("UPDATE job_rejects SET rows = 0", ()),
    # The functions that run as the owner refuse what is no result table, or no place for one.
    ("SELECT make_result_table('pg_catalog', 'x', '{a}', '{integer}', NULL)", ()),
    ("SELECT make_result_table('private', 'x', '{job_id,chunk,_row}', '{text,integer,integer}', NULL)", ()),
    ("SELECT make_result_table('public', 'x', '{a}', '{integer}', NULL)", ()),  # without the columns of a result
    ("SELECT make_result_table('public', 'x', '{job_id,chunk,_row}', '{text,integer,evil}', NULL)", ()),
    (
        "SELECT make_result_table('public', 'x', '{job_id,chunk,_row}', '{text references jobs,integer,bigint}', NULL)",
        (),
    ),
    ("SELECT make_result_table('public', 'x', '{job_id,chunk,_row}', '{text unique,integer,bigint}', NULL)", ()),
    ("SELECT make_result_table('public', 'fits', '{job_id,chunk,_row}', '{text,integer,bigint}', NULL)", (P,)),
    (f"{TRAP}; SELECT make_result_partition('lake', 'trap', 'x', 'y')", ()),
    ("SELECT share_result_table('public', 'roles', 'roles')", ()),
    ("SELECT share_result_table('public', 'jobs', 'jobs')", ()),
    ("SELECT share_result_table('private', 'copied', 'copied'); SELECT * FROM private.copied", ()),
    ("SELECT make_result_view('public', 'chunks', false)", ()),
    ("SELECT make_result_partition('public', 'parts', 'x', 'y')", ()),
    ("SELECT index_result_table('public', 'jobs', '[]')", ()),
    ("SELECT result_relation('public', 'jobs')", ()),
    # The schema, the database, the server.
    ("TRUNCATE steps", ()),
    ("DROP TABLE steps", ()),
    ("DROP VIEW job_progress", ()),
    ("ALTER TABLE jobs ADD COLUMN mine int", ()),
    ("CREATE INDEX mine ON jobs (state)", ()),
    ("CREATE TRIGGER mine BEFORE UPDATE ON jobs EXECUTE FUNCTION suppress_redundant_updates_trigger()", ()),
    ("CREATE TABLE mine (a int)", ()),
    ("CREATE VIEW mine AS SELECT 1", ()),
    ("CREATE TEMP TABLE mine (a int)", ()),
    ("CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", ()),
    ("CREATE SCHEMA mine", ()),
    ("CREATE EXTENSION dblink", ()),
    ("CREATE ROLE mine", ()),
    ("ALTER ROLE analyst SUPERUSER", ()),
    ("SET ROLE scoring", ()),
    ("SET ROLE hand", (W,)),
    ("LOCK TABLE steps IN ACCESS EXCLUSIVE MODE", ()),
    ("SELECT pg_read_file('/etc/passwd')", ()),
    ("COPY (SELECT 1) TO PROGRAM 'true'", ()),
    ("SELECT lo_create(0)", ()),
]
"""(deed, the roles that may do it)"""

Attempt = Callable[[str, str], None]


@pytest.fixture(scope="module")
def attempt(fresh_postgres: Callable[[], str]) -> Iterator[Attempt]:
    """Tries a deed as a role, logged in with its password, and undoes it.

    There is a running job with a committed chunk, one that has succeeded and one that has failed.
    """
    owner = fresh_postgres()
    schema_version.upgrade(owner)
    ledger = Ledger.open(owner)
    desk = Desk(ledger)
    desk.model(about={})
    for verdict in (None, JobVerdict(), FAILED):
        job = desk.running(1)
        desk.complete(job.id, 0)
        if verdict is not None:
            desk.finish(job.id, verdict)
    ledger.close()
    with psycopg.connect(plain(owner)) as connection:
        connection.execute("CREATE SCHEMA private; CREATE TABLE private.salaries (a int)")
        connection.execute("CREATE TABLE private.copied (job_id text, chunk int, _row bigint)")
    with staff(owner):
        with psycopg.connect(plain(owner)) as connection:
            connection.execute("CREATE SCHEMA lake; GRANT CREATE, USAGE ON SCHEMA lake TO submitter, clock")
        connections = {role: psycopg.connect(plain(login(owner, role))) for role in KINDS}

        def attempt(role: str, deed: str) -> None:
            try:
                # Before it: a reader's sessions are read-only, and say that instead.
                connections[role].execute("SET TRANSACTION READ WRITE")
                connections[role].execute(deed.encode())
            finally:
                connections[role].rollback()

        yield attempt
        for connection in connections.values():
            connection.close()


@pytest.mark.parametrize("role", [P, W, R])
@pytest.mark.parametrize(("deed", "allowed"), DEEDS, ids=[deed for deed, _ in DEEDS])
def test_a_role_does_its_own_work_and_nothing_else(
    role: str, deed: str, allowed: tuple[str, ...], attempt: Attempt
) -> None:
    """S23, S20: Postgres itself says no, whatever the program would have asked."""
    if role in allowed:
        attempt(role, deed)
        return
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attempt(role, deed)


@pytest.mark.parametrize(("deed", "allowed"), DEEDS, ids=[deed for deed, _ in DEEDS])
def test_a_role_of_two_kinds_may_do_what_either_may(deed: str, allowed: tuple[str, ...], attempt: Attempt) -> None:
    """And no more: a scheduler submits and works."""
    if {P, W} & set(allowed) and deed != "SET ROLE hand":
        attempt("clock", deed)
        return
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        attempt("clock", deed)
