"""The registry's checks and proofs, and what was decided about rows that were scored."""

from migrations import frozen

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    frozen.drop_views("0002_views.sql")
    frozen.run("0003_tables.sql")
    frozen.run("0003_views.sql")
