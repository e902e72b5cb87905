-- Revision 0002, Postgres alone: what the views latest_NAME of users ask. Postgres does not look into the body of a
-- function, so that no such view holds on to the tables of the ledger. Later revisions replace these functions, they
-- never drop them. They run as their owner, for readers see no table; pg_temp comes last, for it would come first.

CREATE FUNCTION newest_batch(result_table TEXT) RETURNS TEXT
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = {home}, pg_temp AS $body$
    SELECT j.job_id
    FROM jobs j
    WHERE j.result_table = newest_batch.result_table AND j.state = 'succeeded'
    ORDER BY coalesce(j.slot, j.submitted_at) DESC, j.number DESC
    LIMIT 1
$body$;

CREATE FUNCTION newest_batch_slot(result_table TEXT) RETURNS TIMESTAMPTZ
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = {home}, pg_temp AS $body$
    SELECT utc(j.slot)
    FROM jobs j
    WHERE j.job_id = newest_batch(newest_batch_slot.result_table)
$body$;

-- What publishers lock: rows, for any role may take an advisory lock.
INSERT INTO meta (key, value) VALUES ('lock:publisher:high', ''), ('lock:publisher:normal', ''), ('lock:publisher:low', '');
