-- Revision 0003: the registry's checks and proofs, and what was decided about rows that were scored.

ALTER TABLE model_versions ADD COLUMN about {document};
ALTER TABLE model_versions ADD COLUMN served_path TEXT;
ALTER TABLE model_versions ADD COLUMN served_sha256 TEXT;
ALTER TABLE model_versions ADD COLUMN parity {document};
ALTER TABLE model_versions ADD COLUMN baseline {document};
ALTER TABLE model_versions ADD COLUMN removed_at BIGINT;

CREATE TABLE parity_proofs (
    model_version_id BIGINT NOT NULL,
    reference TEXT NOT NULL,
    runtime TEXT NOT NULL,
    provider TEXT NOT NULL,
    passed BOOLEAN NOT NULL,
    tolerance DOUBLE PRECISION NOT NULL,
    max_difference DOUBLE PRECISION,
    worst TEXT,
    rows BIGINT NOT NULL,
    rows_with_nulls BIGINT NOT NULL,
    checked_at BIGINT NOT NULL,
    CONSTRAINT parity_proofs_key PRIMARY KEY (model_version_id, reference, runtime, provider),
    CONSTRAINT parity_proofs_version FOREIGN KEY(model_version_id) REFERENCES model_versions (id),
    CONSTRAINT parity_proofs_worst CHECK (passed OR worst IS NOT NULL)
);

CREATE TABLE warning_counts (
    job_id TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    code TEXT NOT NULL,
    column_name TEXT NOT NULL,
    rows INTEGER NOT NULL,
    CONSTRAINT warning_counts_key PRIMARY KEY (job_id, chunk, code, column_name),
    CONSTRAINT warning_counts_part FOREIGN KEY(job_id, chunk) REFERENCES parts (job_id, chunk),
    CONSTRAINT warning_counts_some CHECK (rows > 0)
){no_rowid};
