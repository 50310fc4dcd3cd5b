/*
 * What statements would do.
 */

CREATE FUNCTION migrate.prediction(script text)
RETURNS TABLE (statement integer, relation text, lock_mode text, scan boolean, build boolean, rewrite boolean, opaque boolean)
LANGUAGE c STRICT VOLATILE
AS 'MODULE_PATHNAME', 'migrate_prediction';
COMMENT ON FUNCTION migrate.prediction(text) IS
'For each statement of a script, which relations it would lock if it ran now, and how strongly; whether it would read all rows, build indexes, or write all rows again; and whether it runs code that cannot be looked into. Runs nothing, and waits for nothing. Raises a syntax error.';
