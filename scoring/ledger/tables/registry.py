"""The registry of models."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
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
    # What the file says of itself: producer, opset, metadata. NULL for versions of earlier revisions.
    Column("about", DOCUMENT),
    # The copy that is loaded in its place, such as the one without a ZipMap; NULL: the file itself.
    Column("served_path", Text),
    Column("served_sha256", Text),
    # Reference rows with the answers to expect, and rows to compare later batches with: Reference.to_json().
    Column("parity", DOCUMENT),
    Column("baseline", DOCUMENT),
    # NULL while the version may be used.
    Column("removed_at", BigInteger),
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

parity_proofs = Table(
    "parity_proofs",
    metadata,
    Column(
        "model_version_id", BigInteger, ForeignKey("model_versions.id", name="parity_proofs_version"), nullable=False
    ),
    # Digest of the reference rows and the tolerance: other ones are another proof.
    Column("reference", Text, nullable=False),
    # Version of ONNX Runtime, and its execution provider.
    Column("runtime", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("tolerance", Double, nullable=False),
    # NULL where no output is a number, or where one was NaN and should not have been.
    Column("max_difference", Double),
    # The row and column that differ most, in words; NULL where nothing differs.
    Column("worst", Text),
    Column("rows", BigInteger, nullable=False),
    Column("rows_with_nulls", BigInteger, nullable=False),
    Column("checked_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("model_version_id", "reference", "runtime", "provider", name="parity_proofs_key"),
    CheckConstraint("passed OR worst IS NOT NULL", name="parity_proofs_worst"),
)
