"""The registry of models."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from scoring.ledger.tables.base import DOCUMENT, SERIAL, metadata

models = Table(
    "models",
    metadata,
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("name", name="models_key"),
)

model_versions = Table(
    "model_versions",
    metadata,
    Column("id", SERIAL, Identity(), nullable=False),
    Column("name", Text, ForeignKey("models.name", name="model_versions_model"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    # Of the canonical JSON of `spec`: the same file with another spec is another version.
    Column("spec_sha256", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("signature", DOCUMENT, nullable=False),
    Column("spec", DOCUMENT, nullable=False),
    Column("micro_batch_rows", Integer),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("id", name="model_versions_key"),
    UniqueConstraint("name", "version", name="model_versions_version"),
    UniqueConstraint("name", "sha256", "spec_sha256", name="model_versions_content"),
    CheckConstraint("version >= 1", name="model_versions_from_one"),
)

model_aliases = Table(
    "model_aliases",
    metadata,
    Column("name", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("name", "alias", name="model_aliases_key"),
    ForeignKeyConstraint(
        ["name", "version"], ["model_versions.name", "model_versions.version"], name="model_aliases_version"
    ),
)
