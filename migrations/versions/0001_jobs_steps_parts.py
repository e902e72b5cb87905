"""Jobs, steps, chunks, parts, figures, models, processes, and the views over them."""

from migrations import frozen

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    frozen.run("0001_tables.sql")
    frozen.run("0001_views.sql")
