-- Revision 0001: all tables. {serial}, {document}, {blob} and {no_rowid} are the dialect's own words (migrations/frozen.py).

CREATE TABLE meta (
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT meta_key PRIMARY KEY (key)
);

CREATE TABLE processes_seen (
    process TEXT NOT NULL,
    kind TEXT NOT NULL,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    slots INTEGER NOT NULL,
    queues {document} NOT NULL,
    doing TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    CONSTRAINT processes_seen_key PRIMARY KEY (process),
    CONSTRAINT processes_seen_kind CHECK (kind IN ('worker', 'scheduler')),
    CONSTRAINT processes_seen_slots CHECK (slots >= 0)
);

CREATE TABLE models (
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT models_key PRIMARY KEY (name)
);

CREATE TABLE model_versions (
    id {serial},
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    spec_sha256 TEXT NOT NULL,
    path TEXT NOT NULL,
    signature {document} NOT NULL,
    spec {document} NOT NULL,
    micro_batch_rows INTEGER,
    created_at BIGINT NOT NULL,
    CONSTRAINT model_versions_key PRIMARY KEY (id),
    CONSTRAINT model_versions_version UNIQUE (name, version),
    CONSTRAINT model_versions_content UNIQUE (name, sha256, spec_sha256),
    CONSTRAINT model_versions_from_one CHECK (version >= 1),
    CONSTRAINT model_versions_model FOREIGN KEY(name) REFERENCES models (name)
);

CREATE TABLE model_aliases (
    name TEXT NOT NULL,
    alias TEXT NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT model_aliases_key PRIMARY KEY (name, alias),
    CONSTRAINT model_aliases_version FOREIGN KEY(name, version) REFERENCES model_versions (name, version)
);

CREATE TABLE jobs (
    number {serial},
    job_id TEXT NOT NULL,
    state TEXT NOT NULL,
    round INTEGER NOT NULL,
    runner TEXT NOT NULL,
    priority TEXT NOT NULL,
    model_version_id BIGINT NOT NULL,
    schedule TEXT,
    slot BIGINT,
    idempotency_key TEXT,
    definition_sha256 TEXT NOT NULL,
    inputs {document} NOT NULL,
    options {document} NOT NULL,
    binding {document} NOT NULL,
    output TEXT NOT NULL,
    output_held BOOLEAN NOT NULL,
    chunk_rows INTEGER NOT NULL,
    whole_groups BOOLEAN NOT NULL,
    max_failures INTEGER NOT NULL,
    micro_batch_rows INTEGER,
    rows_expected BIGINT,
    rows_total BIGINT,
    chunks_total INTEGER,
    chunks_done INTEGER,
    chunks_failed INTEGER,
    rows_scored BIGINT,
    rows_rejected BIGINT,
    error_code TEXT,
    error TEXT,
    gate TEXT,
    submitted_at BIGINT NOT NULL,
    started_at BIGINT,
    working_since BIGINT,
    finished_at BIGINT,
    CONSTRAINT jobs_key PRIMARY KEY (number),
    CONSTRAINT jobs_id UNIQUE (job_id),
    CONSTRAINT jobs_idempotency_key UNIQUE (idempotency_key),
    CONSTRAINT jobs_state CHECK (state IN ('accepted', 'running', 'finalizing', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT jobs_priority CHECK (priority IN ('high', 'normal', 'low')),
    CONSTRAINT jobs_gate CHECK (gate IN ('passed', 'missed')),
    CONSTRAINT jobs_counts CHECK (round >= 1 AND max_failures >= 1 AND chunk_rows >= 1),
    CONSTRAINT jobs_finished_when_settled CHECK ((finished_at IS NULL) = (state IN ('accepted', 'running', 'finalizing'))),
    CONSTRAINT jobs_started CHECK (state = 'accepted' OR state = 'cancelled' OR started_at IS NOT NULL),
    CONSTRAINT jobs_success_without_error CHECK (state <> 'succeeded' OR error_code IS NULL OR error_code = 'gate_missed'),
    CONSTRAINT jobs_failure_with_reason CHECK (state <> 'failed' OR error_code IS NOT NULL),
    CONSTRAINT jobs_model FOREIGN KEY(model_version_id) REFERENCES model_versions (id)
);
CREATE INDEX jobs_live ON jobs (runner, priority, number) WHERE output_held = {true};
CREATE INDEX jobs_model_version ON jobs (model_version_id);
CREATE UNIQUE INDEX jobs_output_held ON jobs (output) WHERE output_held = {true};

CREATE TABLE steps (
    job_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    runner TEXT NOT NULL,
    priority TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    worker TEXT,
    lease_until BIGINT,
    due_at BIGINT,
    rung_at BIGINT,
    rings INTEGER NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    error_code TEXT,
    error TEXT,
    CONSTRAINT steps_key PRIMARY KEY (job_id, kind, chunk),
    CONSTRAINT steps_kind CHECK (kind IN ('split', 'score', 'finalize')),
    CONSTRAINT steps_state CHECK (state IN ('pending', 'running', 'retrying', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT steps_chunk CHECK ((kind = 'score') = (chunk >= 0) AND chunk >= -1),
    CONSTRAINT steps_counts CHECK (attempt >= 0 AND failures >= 0 AND failures <= attempt),
    CONSTRAINT steps_lease_while_running CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CONSTRAINT steps_due_while_waiting CHECK (due_at IS NULL OR state IN ('pending', 'retrying')),
    CONSTRAINT steps_rung_while_due CHECK (rung_at IS NULL OR due_at IS NOT NULL),
    CONSTRAINT steps_finished_when_settled CHECK ((finished_at IS NULL) = (state IN ('pending', 'running', 'retrying'))),
    CONSTRAINT steps_running_by_someone CHECK (state <> 'running' OR (worker IS NOT NULL AND attempt >= 1)),
    CONSTRAINT steps_job FOREIGN KEY(job_id) REFERENCES jobs (job_id)
){no_rowid};
CREATE INDEX steps_failed ON steps (job_id, kind) WHERE state = 'failed';
CREATE INDEX steps_leased ON steps (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX steps_live ON steps (job_id, finished_at) WHERE finished_at IS NULL AND kind != 'finalize';
CREATE INDEX steps_ringable ON steps (job_id, rung_at, chunk, kind, due_at) WHERE due_at IS NOT NULL AND rung_at IS NULL;
CREATE INDEX steps_unscored ON steps (job_id, bytes) WHERE finished_at IS NULL AND bytes > 0;
CREATE INDEX steps_rung ON steps (priority, rung_at) WHERE rung_at IS NOT NULL;

CREATE TABLE attempts (
    job_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    worker TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    error_code TEXT,
    error TEXT,
    CONSTRAINT attempts_key PRIMARY KEY (job_id, kind, chunk, attempt),
    CONSTRAINT attempts_step FOREIGN KEY(job_id, kind, chunk) REFERENCES steps (job_id, kind, chunk),
    CONSTRAINT attempts_from_one CHECK (attempt >= 1),
    CONSTRAINT attempts_outcome CHECK (outcome IN ('completed', 'retryable', 'permanent', 'released', 'cancelled')),
    CONSTRAINT attempts_reason CHECK (outcome NOT IN ('retryable', 'permanent') OR error_code IS NOT NULL)
){no_rowid};

CREATE TABLE chunks (
    job_id TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    first_row BIGINT NOT NULL,
    rows INTEGER NOT NULL,
    rows_rejected INTEGER NOT NULL,
    bytes BIGINT NOT NULL,
    source {document} NOT NULL,
    position {document} NOT NULL,
    CONSTRAINT chunks_key PRIMARY KEY (job_id, chunk),
    CONSTRAINT chunks_order UNIQUE (job_id, first_row, chunk),
    CONSTRAINT chunks_counts CHECK (chunk >= 0 AND first_row >= 0 AND rows >= 0),
    CONSTRAINT chunks_rejected CHECK (rows_rejected >= 0 AND rows_rejected <= rows),
    CONSTRAINT chunks_job FOREIGN KEY(job_id) REFERENCES jobs (job_id)
);
CREATE INDEX chunks_rejects ON chunks (job_id, rows_rejected) WHERE rows_rejected > 0;

CREATE TABLE parts (
    job_id TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    rows_scored INTEGER NOT NULL,
    rows_rejected INTEGER NOT NULL,
    rejected_in_scoring INTEGER NOT NULL,
    part_staged TEXT NOT NULL,
    part_path TEXT NOT NULL,
    part_bytes BIGINT NOT NULL,
    part_sha256 TEXT NOT NULL,
    rejects_staged TEXT,
    rejects_path TEXT,
    rejects_bytes BIGINT,
    rejects_sha256 TEXT,
    committed_at BIGINT NOT NULL,
    CONSTRAINT parts_key PRIMARY KEY (job_id, chunk),
    CONSTRAINT parts_chunk FOREIGN KEY(job_id, chunk) REFERENCES chunks (job_id, chunk),
    CONSTRAINT parts_every_row CHECK (rows_scored >= 0 AND rows_scored + rows_rejected = rows),
    CONSTRAINT parts_rejected_in_scoring CHECK (rejected_in_scoring >= 0 AND rejected_in_scoring <= rows_rejected),
    CONSTRAINT parts_rejects CHECK ((rejects_path IS NOT NULL) = (rows_rejected > 0))
);
CREATE INDEX parts_counted ON parts (job_id, committed_at, rows_scored, rows_rejected);
CREATE INDEX parts_rejecting ON parts (job_id, rejected_in_scoring) WHERE rejected_in_scoring > 0;

CREATE TABLE reject_counts (
    job_id TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    code TEXT NOT NULL,
    column_name TEXT NOT NULL,
    rows INTEGER NOT NULL,
    CONSTRAINT reject_counts_key PRIMARY KEY (job_id, chunk, code, column_name),
    CONSTRAINT reject_counts_chunk FOREIGN KEY(job_id, chunk) REFERENCES chunks (job_id, chunk),
    CONSTRAINT reject_counts_some CHECK (rows > 0)
){no_rowid};

CREATE TABLE chunk_sums (
    job_id TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    sums {blob} NOT NULL,
    CONSTRAINT chunk_sums_key PRIMARY KEY (job_id, chunk),
    CONSTRAINT chunk_sums_chunk FOREIGN KEY(job_id, chunk) REFERENCES chunks (job_id, chunk)
);

CREATE TABLE chunk_metrics (
    job_id TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    metric TEXT NOT NULL,
    value DOUBLE PRECISION,
    rows BIGINT NOT NULL,
    reason TEXT,
    CONSTRAINT chunk_metrics_key PRIMARY KEY (job_id, chunk, metric),
    CONSTRAINT chunk_metrics_chunk FOREIGN KEY(job_id, chunk) REFERENCES chunks (job_id, chunk)
){no_rowid};

CREATE TABLE job_metrics (
    job_id TEXT NOT NULL,
    metric TEXT NOT NULL,
    value DOUBLE PRECISION,
    rows BIGINT NOT NULL,
    coverage DOUBLE PRECISION,
    reason TEXT,
    bound DOUBLE PRECISION,
    detail {document},
    CONSTRAINT job_metrics_key PRIMARY KEY (job_id, metric),
    CONSTRAINT job_metrics_reason CHECK (value IS NOT NULL OR reason IS NOT NULL OR detail IS NOT NULL),
    CONSTRAINT job_metrics_job FOREIGN KEY(job_id) REFERENCES jobs (job_id)
);

CREATE TABLE drift (
    job_id TEXT NOT NULL,
    feature TEXT NOT NULL,
    metric TEXT NOT NULL,
    value DOUBLE PRECISION,
    threshold DOUBLE PRECISION,
    alert BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT drift_key PRIMARY KEY (job_id, feature, metric),
    CONSTRAINT drift_job FOREIGN KEY(job_id) REFERENCES jobs (job_id)
);
