-- Revision 0002: schedules and their slots, labels that come later, result tables, retention.

ALTER TABLE jobs ADD COLUMN result_table TEXT;
ALTER TABLE jobs ADD COLUMN result_oid BIGINT;
ALTER TABLE jobs ADD COLUMN purged_at BIGINT;
CREATE UNIQUE INDEX jobs_slot ON jobs (schedule, slot) WHERE slot IS NOT NULL;
CREATE INDEX jobs_of_schedule ON jobs (schedule, slot) WHERE output_held = {true};
CREATE INDEX jobs_result_table ON jobs (result_table) WHERE result_table IS NOT NULL;

CREATE TABLE cron_schedules (
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    cron TEXT NOT NULL,
    timezone TEXT NOT NULL,
    model TEXT NOT NULL,
    overlap TEXT NOT NULL,
    catch_up TEXT NOT NULL,
    definition {document} NOT NULL,
    managed BOOLEAN NOT NULL,
    paused BOOLEAN NOT NULL,
    next_slot BIGINT,
    paused_from BIGINT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    CONSTRAINT cron_schedules_key PRIMARY KEY (name),
    CONSTRAINT cron_schedules_overlap CHECK (overlap IN ('forbid', 'queue', 'allow')),
    CONSTRAINT cron_schedules_catch_up CHECK (catch_up IN ('none', 'latest', 'all')),
    CONSTRAINT cron_schedules_from_one CHECK (revision >= 1),
    CONSTRAINT cron_schedules_paused CHECK (NOT paused OR next_slot IS NULL)
);
CREATE INDEX cron_schedules_due ON cron_schedules (next_slot) WHERE next_slot IS NOT NULL;

CREATE TABLE schedule_changes (
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    change TEXT NOT NULL,
    definition {document} NOT NULL,
    changed_at BIGINT NOT NULL,
    CONSTRAINT schedule_changes_key PRIMARY KEY (name, revision),
    CONSTRAINT schedule_changes_change CHECK (change IN ('added', 'edited', 'paused', 'resumed', 'removed'))
);

CREATE TABLE slots (
    schedule TEXT NOT NULL,
    slot BIGINT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    origin TEXT NOT NULL,
    max_parallel INTEGER,
    look_at BIGINT,
    start_by BIGINT,
    input_by BIGINT,
    input_seen TEXT,
    expected_by BIGINT,
    late_said BOOLEAN NOT NULL,
    job_id TEXT,
    error_code TEXT,
    error TEXT,
    decided_at BIGINT NOT NULL,
    CONSTRAINT slots_key PRIMARY KEY (schedule, slot),
    CONSTRAINT slots_job FOREIGN KEY(job_id) REFERENCES jobs (job_id),
    CONSTRAINT slots_state CHECK (state IN ('waiting', 'submitted', 'skipped', 'refused')),
    CONSTRAINT slots_origin CHECK (origin IN ('cron', 'backfill', 'manual')),
    CONSTRAINT slots_look_while_waiting CHECK ((look_at IS NOT NULL) = (state = 'waiting')),
    CONSTRAINT slots_job_once_submitted CHECK ((job_id IS NOT NULL) = (state = 'submitted')),
    CONSTRAINT slots_skipped_for_a_reason CHECK (state <> 'skipped' OR reason IS NOT NULL),
    CONSTRAINT slots_refused_with_an_error CHECK (state <> 'refused' OR error_code IS NOT NULL),
    CONSTRAINT slots_parallel CHECK (max_parallel >= 1)
);
CREATE INDEX slots_waiting ON slots (schedule, slot) WHERE look_at IS NOT NULL;
CREATE INDEX slots_expected ON slots (expected_by) WHERE late_said = {false};
CREATE INDEX slots_expecting ON slots (schedule, slot) WHERE expected_by IS NOT NULL;

CREATE TABLE label_files (
    job_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    file TEXT NOT NULL,
    key_column TEXT NOT NULL,
    label_column TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    labels BIGINT NOT NULL,
    keys_unknown BIGINT NOT NULL,
    keys_doubled BIGINT NOT NULL,
    keys_replaced BIGINT NOT NULL,
    keys_shared BIGINT NOT NULL,
    added_at BIGINT NOT NULL,
    measured_at BIGINT,
    CONSTRAINT label_files_key PRIMARY KEY (job_id, revision),
    CONSTRAINT label_files_job FOREIGN KEY(job_id) REFERENCES jobs (job_id),
    CONSTRAINT label_files_counts CHECK (revision >= 1 AND labels >= 0 AND keys_unknown >= 0)
);

CREATE TABLE past_metrics (
    job_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    metric TEXT NOT NULL,
    value DOUBLE PRECISION,
    rows BIGINT NOT NULL,
    coverage DOUBLE PRECISION,
    reason TEXT,
    measured_at BIGINT NOT NULL,
    CONSTRAINT past_metrics_key PRIMARY KEY (job_id, revision, metric),
    CONSTRAINT past_metrics_job FOREIGN KEY(job_id) REFERENCES jobs (job_id),
    CONSTRAINT past_metrics_revision CHECK (revision >= 0),
    CONSTRAINT past_metrics_reason CHECK (value IS NOT NULL OR reason IS NOT NULL)
);

INSERT INTO past_metrics (job_id, revision, metric, value, rows, coverage, reason, measured_at)
SELECT f.job_id, 0, f.metric, f.value, f.rows, f.coverage, f.reason, coalesce(j.finished_at, j.submitted_at)
FROM job_metrics f
JOIN jobs j ON j.job_id = f.job_id
WHERE f.detail IS NULL AND f.rows > 0;
