"""Who is alive, who may do what, and what the deployment remembers of itself."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, PrimaryKeyConstraint, Table, Text

from scoring.ledger.records import ProcessKind
from scoring.ledger.role_rights import RoleKind
from scoring.ledger.tables.base import DOCUMENT, metadata, one_of

processes = Table(
    "processes_seen",
    metadata,
    Column("process", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("queues", DOCUMENT, nullable=False),
    Column("doing", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("process", name="processes_seen_key"),
    CheckConstraint(one_of("kind", ProcessKind), name="processes_seen_kind"),
    CheckConstraint("slots >= 0", name="processes_seen_slots"),
)

meta = Table(
    "meta",
    metadata,
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("key", name="meta_key"),
)

# Roles in Postgres that were made for the ledger; an upgrade grants them their rights anew.
roles = Table(
    "roles",
    metadata,
    Column("role", Text, nullable=False),
    Column("kind", Text, nullable=False),
    PrimaryKeyConstraint("role", "kind", name="roles_key"),
    CheckConstraint(one_of("kind", RoleKind), name="roles_kind"),
)

# Rows to lock.
locks = Table(
    "locks",
    metadata,
    Column("name", Text, nullable=False),
    # Never written: who may update it may lock the row.
    Column("note", Text),
    PrimaryKeyConstraint("name", name="locks_key"),
)
