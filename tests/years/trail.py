"""Every row of `slots` that comes or changes its state, noted by the database itself, in the order of the commits."""

from sqlalchemy import text

from scoring.ledger.clock import instant, maybe_instant
from scoring.ledger.database import Tx
from tests.years.oracle import Move

_FIELDS = "schedule, slot, state, reason, origin, max_parallel, start_by, job_id"
_NEW = ", ".join(f"NEW.{name}" for name in _FIELDS.split(", "))
_TABLE = (
    "CREATE TABLE trail (number {serial}, old TEXT, schedule TEXT, slot BIGINT, state TEXT, reason TEXT, origin TEXT,"
    " max_parallel INTEGER, start_by BIGINT, job_id TEXT)"
)
_INSERT = f"INSERT INTO trail (old, {_FIELDS}) VALUES"
_SQLITE = (
    _TABLE.format(serial="INTEGER PRIMARY KEY AUTOINCREMENT"),
    f"CREATE TRIGGER came AFTER INSERT ON slots BEGIN {_INSERT} (NULL, {_NEW}); END",
    f"""CREATE TRIGGER moved AFTER UPDATE ON slots WHEN OLD.state <> NEW.state
        BEGIN {_INSERT} (OLD.state, {_NEW}); END""",
)
_POSTGRES = (
    _TABLE.format(serial="BIGSERIAL PRIMARY KEY"),
    f"""CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN {_INSERT} (CASE WHEN TG_OP = 'UPDATE' THEN OLD.state END, {_NEW}); RETURN NEW; END $$""",
    "CREATE TRIGGER came AFTER INSERT ON slots FOR EACH ROW EXECUTE FUNCTION note()",
    "CREATE TRIGGER moved AFTER UPDATE ON slots FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION note()",
)


def lay_trail(tx: Tx) -> None:
    for statement in _SQLITE if tx.dialect.name == "sqlite" else _POSTGRES:
        tx.exec_driver_sql(statement)


def trail(tx: Tx, after: int) -> tuple[int, list[Move]]:
    """Number of the last move, and the moves since the one numbered `after`."""
    rows = tx.execute(text("SELECT * FROM trail WHERE number > :after ORDER BY number"), {"after": after}).all()
    moves = [
        Move(
            schedule=row.schedule,
            slot=instant(row.slot),
            old=row.old,
            state=row.state,
            reason=row.reason,
            origin=row.origin,
            max_parallel=row.max_parallel,
            start_by=maybe_instant(row.start_by),
            job_id=row.job_id,
        )
        for row in rows
    ]
    return (rows[-1].number if rows else after), moves
