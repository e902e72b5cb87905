-- Revision 0004, Postgres alone: what is done about result tables on behalf of roles that do not own them. These
-- functions run as the ledger's owner, to whom the tables belong, and do nothing but what their names say. They refuse
-- what is no result table: no table of the ledger has a column `_row`. Schemas that are not the ledger's take new
-- tables from those alone who may create there themselves. Later revisions replace these functions.

CREATE FUNCTION may_make_result_in(place TEXT) RETURNS BOOLEAN
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = {home}, pg_temp AS $body$
    SELECT has_schema_privilege(current_user, place, 'CREATE')
        AND (place = current_schema() OR has_schema_privilege(session_user, place, 'CREATE'))
$body$;

CREATE FUNCTION require_room_for_result(place TEXT) RETURNS VOID
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = {home}, pg_temp AS $body$
BEGIN
    IF NOT may_make_result_in(place) THEN
        RAISE EXCEPTION 'permission denied for schema %', place USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$body$;

CREATE FUNCTION result_relation(place TEXT, name TEXT) RETURNS REGCLASS
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = {home}, pg_temp AS $body$
DECLARE
    found OID := (
        SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = place AND c.relname = name AND c.relkind IN ('r', 'p')
    );
BEGIN
    IF (
        SELECT count(*) FROM pg_attribute
        WHERE attrelid = found AND NOT attisdropped AND attname IN ('job_id', 'chunk', '_row')
    ) < 3 OR found IS NULL THEN
        RAISE EXCEPTION 'permission denied: %.% is no result table', place, name USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN found::regclass;
END
$body$;

-- Whether the ledger may act on a table as its owner would. For the roles: with tables of the ledger's owner alone, not
-- with all those over which he happens to have power, as a superuser has it over all.
CREATE FUNCTION is_ledgers_own(relation OID) RETURNS BOOLEAN
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = {home}, pg_temp AS $body$
    SELECT c.relowner = j.relowner OR (session_user = current_user AND pg_has_role(c.relowner, 'USAGE'))
    FROM pg_class c, pg_class j
    WHERE c.oid = relation AND j.oid = 'jobs'::regclass
$body$;

-- The comment on what this program has made.
CREATE FUNCTION result_signature() RETURNS TEXT
LANGUAGE sql IMMUTABLE AS $body$
    SELECT 'Rows of scoring jobs. Made by batch-scoring, which builds its indexes too while this comment stands.'
$body$;

-- columns and types belong together. Only types of Postgres: one that somebody else has made, and any constraint, may
-- run code of his with the rights of whoever writes the rows.
CREATE FUNCTION make_result_table(place TEXT, name TEXT, columns TEXT[], types TEXT[], partition_by TEXT) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {home}, pg_temp AS $body$
DECLARE
    known TEXT := '^(smallint|integer|bigint|numeric\([0-9]+,[0-9]+\)|real|double precision|boolean|text|bytea|date'
        '|timestamp with time zone|timestamp without time zone)(\[\])?$';
    strange TEXT := (SELECT min(coalesce(t, 'NULL')) FROM unnest(types) t WHERE (t ~ known) IS NOT TRUE);
    body TEXT := (
        SELECT string_agg(
            format('%I %s', c, t) || CASE WHEN c IN ('job_id', 'chunk', '_row') THEN ' NOT NULL' ELSE '' END, ', ' ORDER BY n
        )
        FROM unnest(columns, types) WITH ORDINALITY AS x (c, t, n)
    );
BEGIN
    PERFORM require_room_for_result(place);
    IF strange IS NOT NULL THEN
        RAISE EXCEPTION 'permission denied for type %', strange USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('CREATE TABLE %I.%I (%s)', place, name, body)
        || coalesce(' PARTITION BY LIST (' || quote_ident(partition_by) || ')', '');
    PERFORM result_relation(place, name);
    EXECUTE format('COMMENT ON TABLE %I.%I IS %L', place, name, result_signature());
END
$body$;

-- Not PARTITION OF: that would wait for every reader and writer of the table, and keep them waiting. Nor of a table of
-- somebody else's on behalf of a role: to attach to it evaluates its constraints, with all rights of the ledger's owner.
CREATE FUNCTION make_result_partition(place TEXT, name TEXT, partition TEXT, value TEXT) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {home}, pg_temp AS $body$
DECLARE
    parent REGCLASS := result_relation(place, name);
BEGIN
    PERFORM require_room_for_result(place);
    IF NOT is_ledgers_own(parent) THEN
        RAISE EXCEPTION 'permission denied: %.% is not the ledger''s', place, name USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format(
        'CREATE TABLE %I.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE'
        ' INCLUDING COMPRESSION)', place, partition, parent
    );
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES IN (%L)', parent, place, partition, value);
    EXECUTE format('COMMENT ON TABLE %I.%I IS %L', place, partition, result_signature());
END
$body$;

-- The newest batch. Functions stand between it and the ledger's tables, so that migrations may alter these.
CREATE FUNCTION make_result_view(place TEXT, name TEXT, by_slot BOOLEAN) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {home}, pg_temp AS $body$
DECLARE
    batch TEXT := format(
        'SELECT * FROM %s WHERE job_id = (SELECT newest_batch(%L))', result_relation(place, name), place || '.' || name
    );
    slot TEXT := format('(SELECT newest_batch_slot(%L))', place || '.' || name);
BEGIN
    PERFORM require_room_for_result(place);
    IF by_slot THEN
        -- Twice, for a partition is found by `=` or by IS NULL, and by nothing that means both.
        batch := batch || ' AND slot = ' || slot || ' UNION ALL ' || batch || ' AND slot IS NULL AND ' || slot || ' IS NULL';
    END IF;
    EXECUTE format('CREATE VIEW %I.%I AS %s', place, 'latest_' || name, batch);
END
$body$;

-- Readers and producers see the table and the view of its newest batch, workers add rows to it and to its partition.
-- Only what is the owner's to give and not given yet: two submits that grant the same at once would stumble.
CREATE FUNCTION share_result_table(place TEXT, name TEXT, partition TEXT) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {home}, pg_temp AS $body$
DECLARE
    main OID := result_relation(place, name);
    part OID := result_relation(place, partition);
    latest OID := (
        SELECT v.oid FROM pg_class v JOIN pg_class t ON t.relnamespace = v.relnamespace
        WHERE t.oid = main AND v.relname = 'latest_' || name AND v.relkind = 'v'
    );
    gift RECORD;
BEGIN
    FOR gift IN
        SELECT DISTINCT p.rolname AS grantee, c.oid::regclass AS relation, w.wanted
        FROM roles r
        JOIN pg_roles p ON p.rolname = r.role
        CROSS JOIN LATERAL (
            SELECT unnest(ARRAY[main, latest]) AS oid, 'SELECT' AS wanted WHERE r.kind <> 'worker'
            UNION ALL
            SELECT unnest(ARRAY[main, part]), 'INSERT' WHERE r.kind = 'worker'
        ) w
        JOIN pg_class c ON c.oid = w.oid
        WHERE is_ledgers_own(c.oid) AND may_make_result_in(place)
    LOOP
        IF NOT has_schema_privilege(gift.grantee, place, 'USAGE') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', place, gift.grantee);
        END IF;
        IF NOT has_table_privilege(gift.grantee, gift.relation, gift.wanted) THEN
            EXECUTE format('GRANT %s ON %s TO %I', gift.wanted, gift.relation, gift.grantee);
        END IF;
    END LOOP;
END
$body$;

-- All indexes of a table that has none, and that this program has signed. False where another job was faster. Raises
-- lock_not_available where somebody writes to it.
CREATE FUNCTION index_result_table(place TEXT, name TEXT, indexes JSON) RETURNS BOOLEAN
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {home}, pg_temp AS $body$
DECLARE
    relation REGCLASS := result_relation(place, name);
    wanted RECORD;
BEGIN
    EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE', relation);
    IF obj_description(relation, 'pg_class') IS DISTINCT FROM result_signature()
        OR EXISTS (SELECT 1 FROM pg_index WHERE indrelid = relation) THEN
        RETURN false;
    END IF;
    FOR wanted IN
        SELECT i ->> 'name' AS index_name,
            (SELECT string_agg(format('%I', c), ', ' ORDER BY n) FROM json_array_elements_text(i -> 'columns') WITH ORDINALITY AS x (c, n)) AS columns
        FROM json_array_elements(indexes) i
    LOOP
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %s (%s)', wanted.index_name, relation, wanted.columns);
    END LOOP;
    EXECUTE format('ANALYZE %s', relation);
    RETURN true;
END
$body$;

REVOKE EXECUTE ON FUNCTION
    may_make_result_in(TEXT),
    require_room_for_result(TEXT),
    result_relation(TEXT, TEXT),
    is_ledgers_own(OID),
    result_signature(),
    make_result_table(TEXT, TEXT, TEXT[], TEXT[], TEXT),
    make_result_partition(TEXT, TEXT, TEXT, TEXT),
    make_result_view(TEXT, TEXT, BOOLEAN),
    share_result_table(TEXT, TEXT, TEXT),
    index_result_table(TEXT, TEXT, JSON)
FROM PUBLIC;
