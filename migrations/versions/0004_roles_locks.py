"""Roles, and rows to lock, in tables of their own: who may write to one of them must not write to the other."""

from migrations import frozen

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    frozen.run("0004_tables.sql")
