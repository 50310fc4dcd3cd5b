/*
 * Single statements as migrations, for tools/regression-ddl.sh.
 */

CREATE SEQUENCE checks.step_number;
COMMENT ON SEQUENCE checks.step_number IS 'versions of the statements';

CREATE FUNCTION checks.hold(script text)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found record;
BEGIN
	FOR found IN SELECT * FROM checks.difference()
	LOOP
		RAISE INFO 'DIFFERENT % % % after %', found.what, found.kind, found.name, regexp_replace(script, '\s+', ' ', 'g');
	END LOOP;
END
$$;
COMMENT ON FUNCTION checks.hold(text) IS 'says where the snapshot is not what a full render gives';

CREATE FUNCTION checks.step(script text, every bigint)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	version bigint := nextval('checks.step_number');
BEGIN
	PERFORM tool.migrate_register(version, 'step', script);
	PERFORM tool.migrate_apply(version);
	IF version % every = 0 THEN
		PERFORM checks.hold(script);
	END IF;
END
$$;
COMMENT ON FUNCTION checks.step(text, bigint) IS 'runs a statement as a migration, and checks the snapshot';

GRANT USAGE ON SCHEMA checks TO PUBLIC;
GRANT USAGE ON SEQUENCE checks.step_number TO PUBLIC;
