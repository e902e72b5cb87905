-- Revision 0004, Postgres alone: what no role but the ledger's owner changes, though it may write to the column. What a
-- version of a model answers with stays; a settled job stays settled, but that a producer retries one that has failed;
-- attempts rise; what has succeeded, has. The conditions cost an update nothing that can be measured.

CREATE FUNCTION refuse_change() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path = {home}, pg_temp AS $body$
BEGIN
    IF pg_has_role((SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'permission denied for table %: %', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'insufficient_privilege';
END
$body$;

CREATE TRIGGER model_versions_stay BEFORE UPDATE OF signature, about, served_sha256 ON model_versions
FOR EACH ROW WHEN (
    OLD.about IS NOT NULL AND (
        NEW.about IS NULL
        OR NEW.signature::TEXT <> OLD.signature::TEXT
        OR NEW.served_sha256 IS DISTINCT FROM OLD.served_sha256
    )
) EXECUTE FUNCTION refuse_change('a version of a model stays what it is');

CREATE TRIGGER jobs_stay_settled
BEFORE UPDATE OF state, error_code, gate, chunks_done, chunks_failed, rows_scored, rows_rejected ON jobs
FOR EACH ROW WHEN (
    OLD.state IN ('cancelled', 'failed') AND NEW.state <> OLD.state
        AND NOT (OLD.state = 'failed' AND NEW.state = 'running' AND NEW.round = OLD.round + 1)
    OR OLD.state = 'succeeded' AND (
        (NEW.state, NEW.error_code, NEW.gate, NEW.chunks_done, NEW.chunks_failed, NEW.rows_scored, NEW.rows_rejected)
        IS DISTINCT FROM
        (OLD.state, OLD.error_code, OLD.gate, OLD.chunks_done, OLD.chunks_failed, OLD.rows_scored, OLD.rows_rejected)
    )
) EXECUTE FUNCTION refuse_change('a settled job stays settled');

CREATE TRIGGER steps_stay_done BEFORE UPDATE OF state, attempt ON steps
FOR EACH ROW WHEN (
    NEW.attempt < OLD.attempt OR OLD.state = 'succeeded' AND NEW.state <> 'succeeded' AND OLD.kind <> 'finalize'
) EXECUTE FUNCTION refuse_change('attempts rise, and what has succeeded stays');
