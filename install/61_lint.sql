/*
 * Lint: what may go wrong with a migration on this database as it is now.
 */

CREATE FUNCTION migrate.lint_rules()
RETURNS TABLE (rule text, section text, matches text, severity text, optional boolean, hint text)
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_lint_rules_list';
COMMENT ON FUNCTION migrate.lint_rules() IS
'The rules of lint: what each matches, and what the severity of its findings comes from: lock (who waits and how long: the strongest lock, what is done under it, the size), loss (medium while the data are kept, else error), break (medium: what runs against the schema may break), proof (error: it was found out that it fails), advice (low). Optional ones are off unless migrate.lint_rules names them.';

CREATE TABLE migrate.lint_override (
	rule		text NOT NULL,
	relation	text,
	reason		text NOT NULL CHECK (reason <> ''),
	expires_at	timestamptz,
	created_by	text NOT NULL DEFAULT session_user,
	created_at	timestamptz NOT NULL DEFAULT now(),
	UNIQUE NULLS NOT DISTINCT (rule, relation)
);
COMMENT ON TABLE migrate.lint_override IS
'rules that do not matter for a relation here; whoever may write to it decides';
COMMENT ON COLUMN migrate.lint_override.rule IS 'name of a rule, as in migrate.lint_rules()';
COMMENT ON COLUMN migrate.lint_override.relation IS 'qualified and quoted name of the relation, as findings have it; NULL = any';
COMMENT ON COLUMN migrate.lint_override.reason IS 'why it does not matter';
COMMENT ON COLUMN migrate.lint_override.expires_at IS 'from when on it matters again; NULL = never';
COMMENT ON COLUMN migrate.lint_override.created_by IS 'who said so';
COMMENT ON COLUMN migrate.lint_override.created_at IS 'and when';
COMMENT ON CONSTRAINT lint_override_reason_check ON migrate.lint_override IS 'a reason is asked for';
COMMENT ON CONSTRAINT lint_override_rule_relation_key ON migrate.lint_override IS 'one for each rule and relation';
COMMENT ON INDEX migrate.lint_override_rule_relation_key IS 'finds the override of a rule and relation';
SELECT pg_catalog.pg_extension_config_dump('migrate.lint_override', '');

CREATE FUNCTION @extschema@.migrate_lint(version bigint DEFAULT NULL)
RETURNS TABLE (version bigint, statement integer, line integer, rule text, severity text, relation text,
	message text, hint text, lock_mode text, work text, bytes bigint, proved boolean)
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'migrate_lint';
COMMENT ON FUNCTION @extschema@.migrate_lint(bigint) IS
'What may go wrong with pending migrations on this database as it is now; runs nothing, and waits for nothing.
version: the one to look at; NULL = all pending ones. Relations made by earlier migrations of the plan are known to be new.
statement and line count from 1 (NULL = the whole script); severity: low, medium, high or error (it will fail, or lose data for good).
lock_mode, work (catalog, scan, index build, rewrite) and bytes (of the relation) are what the severity comes from; proved: by the catalogs, not from the text alone.
Raises what migrate_plan() raises for a version that is not there.';

CREATE FUNCTION @extschema@.migrate_lint_script(script text)
RETURNS TABLE (version bigint, statement integer, line integer, rule text, severity text, relation text,
	message text, hint text, lock_mode text, work text, bytes bigint, proved boolean)
LANGUAGE c STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'migrate_lint_script';
COMMENT ON FUNCTION @extschema@.migrate_lint_script(text) IS
'The same for the text of a script that is not registered, for editors and CI.
Raises 42601 and the like for a script that does not parse, 22023 for a malformed directive.';
