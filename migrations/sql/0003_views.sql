-- Revision 0003: the views that CONTRACT promises. utc(x) turns microseconds into the dialect's time; {now} is the clock.

CREATE VIEW job_progress AS
WITH counted AS (
    -- Live jobs alone: settled ones carry their totals.
    SELECT
        j.job_id,
        count(*) AS chunks_done,
        sum(p.rows_scored) AS rows_scored,
        sum(CASE WHEN p.committed_at >= j.working_since THEN p.rows_scored + p.rows_rejected ELSE 0 END) AS rows_lately
    FROM jobs j
    JOIN parts p ON p.job_id = j.job_id
    WHERE j.chunks_done IS NULL
    GROUP BY j.job_id
),
summed AS (
    SELECT
        j.*,
        coalesce(j.chunks_done, c.chunks_done, 0) AS done,
        coalesce(j.chunks_failed, (
            SELECT count(*) FROM steps s WHERE s.job_id = j.job_id AND s.kind = 'score' AND s.state = 'failed'
        )) AS failed,
        coalesce(j.rows_scored, c.rows_scored, 0) AS scored,
        coalesce(j.rows_rejected, (
            SELECT coalesce(sum(h.rows_rejected), 0) FROM chunks h WHERE h.job_id = j.job_id AND h.rows_rejected > 0
        ) + (
            SELECT coalesce(sum(p.rejected_in_scoring), 0) FROM parts p
            WHERE p.job_id = j.job_id AND p.rejected_in_scoring > 0
        )) AS rejected,
        CASE WHEN j.finished_at IS NULL THEN c.rows_lately ELSE j.rows_scored + j.rows_rejected END AS rows_timed,
        CASE WHEN j.finished_at IS NULL THEN {now} - j.working_since ELSE j.finished_at - j.started_at END AS timed_us
    FROM jobs j
    LEFT JOIN counted c ON c.job_id = j.job_id
),
timed AS (
    SELECT
        s.*,
        CASE WHEN s.timed_us > 0 THEN CAST(s.rows_timed AS DOUBLE PRECISION) * 1000000 / s.timed_us END AS speed
    FROM summed s
)
SELECT
    t.job_id,
    m.name AS model,
    m.version,
    t.state,
    t.priority,
    t.runner,
    t.schedule,
    utc(t.slot) AS slot,
    utc(t.submitted_at) AS submitted_at,
    utc(t.started_at) AS started_at,
    utc(t.finished_at) AS finished_at,
    t.round,
    t.chunks_total,
    t.done AS chunks_done,
    t.failed AS chunks_failed,
    t.rows_total,
    t.scored AS rows_scored,
    t.rejected AS rows_rejected,
    t.speed AS rows_per_second,
    CASE
        WHEN t.finished_at IS NOT NULL OR t.speed IS NULL OR t.speed = 0 THEN NULL
        WHEN coalesce(t.rows_total, t.rows_expected) <= t.scored + t.rejected THEN 0
        ELSE (coalesce(t.rows_total, t.rows_expected) - t.scored - t.rejected) / t.speed
    END AS eta_seconds,
    t.output,
    t.error_code,
    t.error,
    t.gate,
    utc(o.expected_by) AS expected_by,
    -- Late: no good end by then. It stays so for a job that ended well, but after that time.
    CASE
        WHEN o.expected_by IS NULL THEN NULL
        WHEN t.state = 'succeeded' THEN t.finished_at > o.expected_by
        ELSE {now} > o.expected_by
    END AS late,
    t.result_table,
    utc(t.purged_at) AS purged_at
FROM timed t
JOIN model_versions m ON m.id = t.model_version_id
LEFT JOIN slots o ON o.schedule = t.schedule AND o.slot = t.slot;

CREATE VIEW chunk_progress AS
SELECT
    c.job_id,
    c.chunk,
    s.state,
    s.attempt AS attempts,
    c.first_row,
    c.rows,
    p.rows_scored,
    coalesce(p.rows_rejected, c.rows_rejected) AS rows_rejected,
    s.worker,
    utc(s.started_at) AS started_at,
    utc(s.finished_at) AS finished_at,
    CASE WHEN s.state = 'succeeded' THEN CAST(s.finished_at - s.started_at AS DOUBLE PRECISION) / 1000000 END AS seconds,
    p.part_path AS part,
    s.error_code,
    s.error
FROM chunks c
JOIN steps s ON s.job_id = c.job_id AND s.kind = 'score' AND s.chunk = c.chunk
LEFT JOIN parts p ON p.job_id = c.job_id AND p.chunk = c.chunk;

CREATE VIEW job_failures AS
SELECT
    a.job_id,
    CASE WHEN a.chunk >= 0 THEN a.chunk END AS chunk,
    a.attempt,
    a.kind,
    a.worker,
    utc(a.ended_at) AS failed_at,
    a.error_code,
    a.error
FROM attempts a
WHERE a.outcome IN ('retryable', 'permanent');

CREATE VIEW batch_accuracy AS
SELECT
    j.job_id,
    m.name AS model,
    m.version,
    j.schedule,
    utc(j.slot) AS slot,
    utc(j.finished_at) AS finished_at,
    f.metric,
    f.value,
    f.rows,
    f.coverage,
    f.reason,
    f.bound
FROM job_metrics f
JOIN jobs j ON j.job_id = f.job_id
JOIN model_versions m ON m.id = j.model_version_id
-- A matrix is no number: `accuracy --json` prints it.
WHERE f.detail IS NULL;

CREATE VIEW chunk_accuracy AS
SELECT f.job_id, f.chunk, f.metric, f.value, f.rows, f.reason
FROM chunk_metrics f;

CREATE VIEW batch_drift AS
SELECT
    d.job_id,
    m.name AS model,
    m.version,
    utc(j.slot) AS slot,
    d.feature,
    d.metric,
    d.value,
    d.threshold,
    d.alert
FROM drift d
JOIN jobs j ON j.job_id = d.job_id
JOIN model_versions m ON m.id = j.model_version_id;

CREATE VIEW job_rejects AS
SELECT r.job_id, r.chunk, r.code, r.column_name, r.rows
FROM reject_counts r;

CREATE VIEW job_warnings AS
SELECT w.job_id, w.chunk, w.code, w.column_name, w.rows
FROM warning_counts w;

CREATE VIEW parity_checks AS
SELECT
    m.name AS model,
    m.version,
    p.runtime,
    p.provider,
    p.passed,
    p.tolerance,
    p.max_difference,
    p.worst,
    p.rows,
    p.rows_with_nulls,
    utc(p.checked_at) AS checked_at
FROM parity_proofs p
JOIN model_versions m ON m.id = p.model_version_id;

CREATE VIEW processes AS
SELECT
    s.process,
    s.kind,
    s.host,
    s.version,
    utc(s.started_at) AS started_at,
    utc(s.last_seen_at) AS last_seen_at,
    s.slots,
    s.doing
FROM processes_seen s;

CREATE VIEW accuracy_history AS
SELECT
    f.job_id,
    m.name AS model,
    m.version,
    j.schedule,
    utc(j.slot) AS slot,
    f.revision,
    utc(f.measured_at) AS measured_at,
    f.metric,
    f.value,
    f.rows,
    f.coverage,
    CASE WHEN f.coverage >= 1 THEN 'complete' ELSE 'partial' END AS status,
    f.reason
FROM past_metrics f
JOIN jobs j ON j.job_id = f.job_id
JOIN model_versions m ON m.id = j.model_version_id;

CREATE VIEW job_labels AS
SELECT
    l.job_id,
    l.revision,
    l.file,
    l.key_column,
    l.label_column,
    l.labels,
    l.keys_unknown,
    l.keys_doubled,
    l.keys_replaced,
    l.keys_shared,
    utc(l.added_at) AS added_at,
    utc(l.measured_at) AS measured_at
FROM label_files l;

CREATE VIEW schedules AS
SELECT
    c.name AS schedule,
    c.cron,
    c.timezone,
    c.model,
    c.overlap,
    c.catch_up,
    c.paused,
    c.managed,
    c.revision,
    utc(c.next_slot) AS next_slot,
    (SELECT count(*) FROM slots s WHERE s.schedule = c.name AND s.look_at IS NOT NULL) AS slots_waiting,
    utc(l.slot) AS last_slot,
    l.state AS last_slot_state,
    l.job_id AS last_job_id,
    j.state AS last_job_state,
    -- Of the newest slot whose time has come: what is expected tomorrow does not hide what is missing today.
    (
        SELECT CASE WHEN k.state = 'succeeded' THEN k.finished_at > e.expected_by ELSE {true} END
        FROM slots e
        LEFT JOIN jobs k ON k.job_id = e.job_id
        WHERE e.schedule = c.name AND e.expected_by < {now}
        ORDER BY e.slot DESC
        LIMIT 1
    ) AS late,
    utc(c.created_at) AS created_at,
    utc(c.changed_at) AS changed_at
FROM cron_schedules c
LEFT JOIN slots l ON l.schedule = c.name AND l.slot = (SELECT max(s.slot) FROM slots s WHERE s.schedule = c.name)
LEFT JOIN jobs j ON j.job_id = l.job_id;

CREATE VIEW schedule_slots AS
SELECT
    s.schedule,
    utc(s.slot) AS slot,
    s.state,
    s.reason,
    s.origin,
    s.job_id,
    j.state AS job_state,
    utc(s.start_by) AS start_by,
    utc(s.input_by) AS input_by,
    utc(s.expected_by) AS expected_by,
    CASE
        WHEN s.expected_by IS NULL THEN NULL
        WHEN j.state = 'succeeded' THEN j.finished_at > s.expected_by
        ELSE {now} > s.expected_by
    END AS late,
    s.error_code,
    s.error,
    utc(s.decided_at) AS decided_at
FROM slots s
LEFT JOIN jobs j ON j.job_id = s.job_id;

CREATE VIEW schedule_history AS
SELECT
    h.name AS schedule,
    h.revision,
    h.change,
    utc(h.changed_at) AS changed_at,
    CAST(h.definition AS TEXT) AS definition
FROM schedule_changes h;
