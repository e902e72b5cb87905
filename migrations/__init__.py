"""Alembic migrations of the ledger, for SQLite and Postgres alike. `scoring db upgrade` runs them."""
