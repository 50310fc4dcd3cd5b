-- Compare what is predicted of a statement with what happens when it runs.
--
-- predict_check.observe(SOURCE, STATEMENT) predicts, runs and commits the statement,
-- and leaves a row in predict_check.result.  Compared are locks of SHARE UPDATE
-- EXCLUSIVE and above on tables, views and their like that were there before, and
-- which of them were written again as a whole.

CREATE SCHEMA predict_check;

CREATE TABLE predict_check.result (
	number serial,
	source text,
	statement text,
	verdict text,		-- same, different, opaque, error
	predicted text,
	observed text
);

-- The relations that count, with the files they are in.
CREATE FUNCTION predict_check.relations() RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce(jsonb_object_agg(c.oid, json_build_object('name', c.oid::regclass, 'file', c.relfilenode, 'kind', c.relkind)), '{}')
	FROM pg_class c
	WHERE c.relkind IN ('r', 'p', 'm', 'f', 'v') AND c.oid >= 16384
		AND c.relnamespace NOT IN ('predict_check'::regnamespace, 'migrate'::regnamespace, 'pg_toast'::regnamespace)
$$;

-- A lock as text, with what is written again.
CREATE FUNCTION predict_check.summary(name text, mode text, rewrite boolean) RETURNS text LANGUAGE sql AS
$$ SELECT name || ' ' || replace(mode, 'Lock', '') || CASE WHEN rewrite THEN ', rewrite' ELSE '' END $$;

CREATE FUNCTION predict_check.predicted(statement text, before jsonb, OUT locks text, OUT is_opaque boolean) LANGUAGE sql AS $$
	SELECT string_agg(predict_check.summary(r.value ->> 'name', p.lock_mode, p.rewrite AND r.value ->> 'kind' IN ('r', 'm')), '; '
				ORDER BY r.value ->> 'name')
			FILTER (WHERE p.lock_mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')),
		coalesce(bool_or(p.opaque), false)
	FROM migrate.prediction(statement) p
	LEFT JOIN jsonb_each(before) r ON r.key = p.relation::regclass::oid::text
	WHERE p.relation IS NULL OR r.key IS NOT NULL
$$;

CREATE FUNCTION predict_check.observed(before jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(predict_check.summary(r.value ->> 'name', l.mode,
				r.value ->> 'kind' IN ('r', 'm') AND c.relfilenode::text <> r.value ->> 'file'), '; ' ORDER BY r.value ->> 'name')
	FROM (SELECT DISTINCT ON (relation) relation, mode
		  FROM pg_locks
		  WHERE pid = pg_backend_pid() AND locktype = 'relation'
			AND mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
		  ORDER BY relation, array_position('{ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'::text[], mode) DESC) l
	JOIN jsonb_each(before) r ON r.key = l.relation::text
	LEFT JOIN pg_class c ON c.oid = l.relation
$$;

CREATE PROCEDURE predict_check.observe(source text, statement text) LANGUAGE plpgsql AS $$
DECLARE
	before jsonb := predict_check.relations();
	predicted text;
	observed text;
	is_opaque boolean;
	verdict text := 'error';
BEGIN
	BEGIN
		SELECT p.locks, p.is_opaque INTO predicted, is_opaque FROM predict_check.predicted(statement, before) p;
		EXECUTE statement;
		observed := predict_check.observed(before);
		verdict := CASE WHEN is_opaque THEN 'opaque' WHEN predicted IS NOT DISTINCT FROM observed THEN 'same' ELSE 'different' END;
	EXCEPTION WHEN OTHERS THEN
		observed := SQLERRM;
	END;
	INSERT INTO predict_check.result (source, statement, verdict, predicted, observed)
	VALUES (source, statement, verdict, predicted, observed);
	COMMIT;
END
$$;
