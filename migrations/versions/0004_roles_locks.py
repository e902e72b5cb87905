"""Roles, and rows to lock, in tables of their own: who may write to one of them must not write to the other.

And functions by which roles that own nothing make and index result tables, and triggers that hold what no role changes.
"""

from alembic import op

from migrations import frozen

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    frozen.run("0004_tables.sql")
    if op.get_bind().dialect.name == "postgresql":
        frozen.run("0004_functions.sql")
        frozen.run("0004_triggers.sql")
