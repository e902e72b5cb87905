"""Who is alive, and what the deployment remembers of itself."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, PrimaryKeyConstraint, Table, Text

from scoring.ledger.records import ProcessKind
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
