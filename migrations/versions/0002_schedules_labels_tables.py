"""Schedules and their slots, labels that come later, result tables, retention."""

from migrations import frozen

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    frozen.drop_views()
    frozen.run("0002_tables.sql")
    frozen.run("0002_views.sql")
