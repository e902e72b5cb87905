"""Schedules and their slots, labels that come later, result tables, retention."""

from alembic import op

from migrations import frozen

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    frozen.drop_views("0001_views.sql")
    frozen.run("0002_tables.sql")
    frozen.run("0002_views.sql")
    if op.get_bind().dialect.name == "postgresql":
        frozen.run("0002_functions.sql")
