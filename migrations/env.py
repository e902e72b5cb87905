"""Alembic's entry: runs in the transaction that the ledger has opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
