/*
 * migrate_ext 1.0.0: carry a database safely from one schema version to the
 * next, and back.
 *
 * Tables stand in schema migrate, functions in the schema chosen at CREATE
 * EXTENSION.  C functions raise themselves to the owner of the extension for
 * the engine's own statements only; SQL functions read as their caller.
 * Nothing is granted to PUBLIC: see migrate_grant().
 */
\echo Use "CREATE EXTENSION migrate_ext" to load this file. \quit

-- Nothing in this script is looked up where others may have planted something.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Tables -------------------------------------------------------------------

CREATE SCHEMA migrate;
COMMENT ON SCHEMA migrate IS
'registry and ledger of migrate_ext; written by its functions only';

CREATE TABLE migrate.ledger (
	entry			bigint PRIMARY KEY CHECK (entry > 0),
	version			bigint NOT NULL,
	name			text NOT NULL,
	event			text NOT NULL CHECK (event IN ('applied', 'rolled back', 'baselined', 'repaired', 'drift accepted', 'failed')),
	at				timestamptz NOT NULL,
	duration		interval,
	statements		integer,
	rows			bigint,
	rows_kept		bigint,
	snapshot_before	bigint,
	snapshot_after	bigint,
	restore_point	text,
	restore_lsn		text,
	role			text NOT NULL,
	session_role	text NOT NULL,
	client			text,
	application		text,
	environment		text,
	xid				text,
	checksum		bytea,
	token_checksum	bytea,
	reason			text,
	previous_hash	bytea,
	hash			bytea NOT NULL
);
CREATE INDEX ledger_version ON migrate.ledger (version, entry);
COMMENT ON INDEX migrate.ledger_version IS 'the history of one migration';
COMMENT ON INDEX migrate.ledger_pkey IS 'finds the last entry';
COMMENT ON TABLE migrate.ledger IS
'append-only history: one row for each migration applied, rolled back, baselined, repaired, drift accepted or failed';
COMMENT ON COLUMN migrate.ledger.entry IS 'counts from 1 without gaps';
COMMENT ON COLUMN migrate.ledger.version IS 'version of the migration';
COMMENT ON COLUMN migrate.ledger.name IS 'name of the migration at that time';
COMMENT ON COLUMN migrate.ledger.event IS 'applied, rolled back, baselined, repaired, drift accepted or failed';
COMMENT ON COLUMN migrate.ledger.at IS 'when the entry was written, by the clock';
COMMENT ON COLUMN migrate.ledger.duration IS 'how long the script ran; NULL when none ran';
COMMENT ON COLUMN migrate.ledger.statements IS 'how many statements ran; NULL when none did';
COMMENT ON COLUMN migrate.ledger.rows IS 'how many rows they inserted, updated, deleted or copied, not counting those of triggers and functions';
COMMENT ON COLUMN migrate.ledger.rows_kept IS 'how many rows were kept in migrate_backup because the script destroyed or changed them; NULL when no script ran';
COMMENT ON COLUMN migrate.ledger.snapshot_before IS 'snapshot that equals the schema before the script; NULL = none was taken';
COMMENT ON COLUMN migrate.ledger.snapshot_after IS 'snapshot that equals the schema after the script';
COMMENT ON COLUMN migrate.ledger.restore_point IS 'restore point in the WAL, written before the first statement of the call; NULL = the role may not write one';
COMMENT ON COLUMN migrate.ledger.restore_lsn IS 'its position in the WAL';
COMMENT ON COLUMN migrate.ledger.role IS 'current role of the caller';
COMMENT ON COLUMN migrate.ledger.session_role IS 'role the session was opened as';
COMMENT ON COLUMN migrate.ledger.client IS 'network address of the client; NULL over a Unix socket';
COMMENT ON COLUMN migrate.ledger.application IS 'application_name of the session';
COMMENT ON COLUMN migrate.ledger.environment IS 'setting migrate.environment';
COMMENT ON COLUMN migrate.ledger.xid IS 'transaction that wrote the entry, for pg_xact_status()';
COMMENT ON COLUMN migrate.ledger.checksum IS 'SHA-256 of the exact text of the script';
COMMENT ON COLUMN migrate.ledger.token_checksum IS 'SHA-256 of the script without comments and white space';
COMMENT ON COLUMN migrate.ledger.reason IS 'what the caller gave as description or reason';
COMMENT ON COLUMN migrate.ledger.previous_hash IS 'hash of the entry before; NULL in the first';
COMMENT ON COLUMN migrate.ledger.hash IS 'migrate.ledger_hash() of this entry';

CREATE TABLE migrate.ledger_statement (
	entry			bigint,
	statement		integer,
	line			integer NOT NULL,
	command			text NOT NULL,
	duration		interval NOT NULL,
	lock_wait		interval,
	hold			interval,
	rows			bigint NOT NULL,
	wal_bytes		bigint NOT NULL,
	buffers			bigint NOT NULL,
	relations		jsonb,
	PRIMARY KEY (entry, statement)
);
COMMENT ON INDEX migrate.ledger_statement_pkey IS 'the statements of one entry';
COMMENT ON TABLE migrate.ledger_statement IS
'append-only: what each statement of a script really did, for entries of the ledger that are about one; of scripts with more than 1,000 statements the later ones only where they touched what was there before';
COMMENT ON COLUMN migrate.ledger_statement.entry IS 'entry of the ledger';
COMMENT ON COLUMN migrate.ledger_statement.statement IS 'counts the statements of the script from 1';
COMMENT ON COLUMN migrate.ledger_statement.line IS 'line of the script';
COMMENT ON COLUMN migrate.ledger_statement.command IS 'such as ALTER TABLE';
COMMENT ON COLUMN migrate.ledger_statement.duration IS 'how long it ran';
COMMENT ON COLUMN migrate.ledger_statement.lock_wait IS 'how long was waited before that for locks: of the first statement of a call, for all that the call was known to need; NULL = none were taken then';
COMMENT ON COLUMN migrate.ledger_statement.hold IS 'from its start to the end of the script, if it took a lock that keeps others from writing (SHARE or stronger) on what was there before; NULL = it took none';
COMMENT ON COLUMN migrate.ledger_statement.rows IS 'rows inserted, updated and deleted, those of triggers and cascades on what was there before included';
COMMENT ON COLUMN migrate.ledger_statement.wal_bytes IS 'bytes of WAL written';
COMMENT ON COLUMN migrate.ledger_statement.buffers IS 'blocks read, cached or not';
COMMENT ON COLUMN migrate.ledger_statement.relations IS 'an array: what it did to relations from before the transaction, for each one its name, the strongest lock newly taken (lock_mode), whether all its rows were written again (rewrite) or read (scan), whether an index was built (build), and rows';

-- There are no foreign keys between these tables.  Their checks would queue
-- trigger events, and then every migration would have to fire deferred
-- constraints; and a parallel pg_restore may load the tables in any order.
CREATE TABLE migrate.migration (
	version					bigint PRIMARY KEY CHECK (version > 0),
	name					text NOT NULL,
	version_text			text NOT NULL,
	description				text,
	author					text,
	date					text,
	release					text UNIQUE,
	requires				bigint[] NOT NULL DEFAULT '{}',
	entry					bigint,
	applied_checksum		bytea,
	applied_token_checksum	bytea
);
CREATE INDEX migration_pending ON migrate.migration (version) WHERE entry IS NULL;
CREATE INDEX migration_applied ON migrate.migration (version) WHERE entry IS NOT NULL;
COMMENT ON INDEX migrate.migration_pkey IS 'one migration for each version';
COMMENT ON INDEX migrate.migration_release_key IS 'one version for each release';
COMMENT ON INDEX migrate.migration_pending IS 'finds what an apply would do';
COMMENT ON INDEX migrate.migration_applied IS 'finds the current version and what a rollback would do';
COMMENT ON TABLE migrate.migration IS
'registry: the known migrations, and which of them are applied';
COMMENT ON COLUMN migrate.migration.version IS 'orders the migrations';
COMMENT ON COLUMN migrate.migration.name IS 'letters, digits, ".", "_" and "-"';
COMMENT ON COLUMN migrate.migration.version_text IS 'the version as the name of the file writes it, such as 003';
COMMENT ON COLUMN migrate.migration.description IS 'header "Description:"';
COMMENT ON COLUMN migrate.migration.author IS 'header "Author:"';
COMMENT ON COLUMN migrate.migration.date IS 'header "Date:"';
COMMENT ON COLUMN migrate.migration.release IS 'header "Release:", a name for this version';
COMMENT ON COLUMN migrate.migration.requires IS 'directive "requires": versions that must be applied first';
COMMENT ON COLUMN migrate.migration.entry IS 'ledger entry that applied or baselined it; NULL = not applied';
COMMENT ON COLUMN migrate.migration.applied_checksum IS 'checksum of the up script that counts as applied; NULL = not known, the next one registered is accepted';
COMMENT ON COLUMN migrate.migration.applied_token_checksum IS 'the same without comments and white space';

CREATE TABLE migrate.script (
	version				bigint,
	direction			text CHECK (direction IN ('up', 'down')),
	body				text NOT NULL,
	checksum			bytea NOT NULL,
	token_checksum		bytea NOT NULL,
	statements			integer NOT NULL,
	obstacle			text,
	nontransactional	boolean NOT NULL,
	registered_at		timestamptz NOT NULL DEFAULT clock_timestamp(),
	registered_by		text NOT NULL,
	registered_by_oid	oid NOT NULL,
	registered_session	text NOT NULL,
	registered_session_oid	oid NOT NULL,
	registered_login_oid	oid NOT NULL,
	PRIMARY KEY (version, direction)
);
COMMENT ON INDEX migrate.script_pkey IS 'one script for each direction';
COMMENT ON TABLE migrate.script IS
'registry: the up and down scripts; scripts may hold secrets, so only the owner reads their text';
COMMENT ON COLUMN migrate.script.version IS 'version of the migration';
COMMENT ON COLUMN migrate.script.direction IS 'up or down';
COMMENT ON COLUMN migrate.script.body IS 'the exact text';
COMMENT ON COLUMN migrate.script.checksum IS 'SHA-256 of the exact text';
COMMENT ON COLUMN migrate.script.token_checksum IS 'SHA-256 of the text without comments and white space';
COMMENT ON COLUMN migrate.script.statements IS 'how many statements run, a surrounding BEGIN and COMMIT not counted';
COMMENT ON COLUMN migrate.script.obstacle IS 'why migrate_apply() or migrate_rollback() cannot run it, with the line; NULL = they can';
COMMENT ON COLUMN migrate.script.nontransactional IS 'the obstacle is that it cannot run inside a transaction';
COMMENT ON COLUMN migrate.script.registered_at IS 'when this text was registered';
COMMENT ON COLUMN migrate.script.registered_by IS 'current role of who registered it: whoever applies it must be within reach of that role';
COMMENT ON COLUMN migrate.script.registered_by_oid IS 'its OID: a role of that name with another OID is somebody else';
COMMENT ON COLUMN migrate.script.registered_session IS 'role that RESET ROLE led to then: the one the session was opened as, or within a SECURITY DEFINER function the current one';
COMMENT ON COLUMN migrate.script.registered_session_oid IS 'its OID';
COMMENT ON COLUMN migrate.script.registered_login_oid IS 'OID of the role that RESET SESSION AUTHORIZATION led to then';

-- A view, not a table, is what deployments lock: VACUUM would take a lock on a
-- table that keeps deployers out.  Advisory locks with this objsubid cannot be
-- taken from SQL; one of them carries the version being run.
CREATE VIEW migrate.deployment AS
SELECT l.pid, v.version, a.usename AS role, a.xact_start AS started_at
FROM pg_catalog.pg_locks l
LEFT JOIN (SELECT pid, max((classid::bigint << 32) | objid::bigint) AS version
		   FROM pg_catalog.pg_locks
		   WHERE locktype = 'advisory' AND objsubid = 19783
			AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
		   GROUP BY pid) v
	ON v.pid = l.pid
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.granted AND l.mode = 'ExclusiveLock'
	AND l.relation = pg_catalog.to_regclass('migrate.deployment')
	AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database());
COMMENT ON VIEW migrate.deployment IS
'the one transaction that is changing the schema version, if there is one: it holds this view locked in EXCLUSIVE mode';

SELECT pg_catalog.pg_extension_config_dump('migrate.ledger', '');
SELECT pg_catalog.pg_extension_config_dump('migrate.ledger_statement', '');
SELECT pg_catalog.pg_extension_config_dump('migrate.migration', '');
SELECT pg_catalog.pg_extension_config_dump('migrate.script', '');

-- The ledger is append-only, for its owner too -------------------------------

CREATE FUNCTION migrate.ledger_refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE EXCEPTION 'the ledger is append-only'
		USING ERRCODE = 'object_not_in_prerequisite_state',
			  HINT = 'Record a correction with migrate_repair().';
END
$$;
COMMENT ON FUNCTION migrate.ledger_refuse() IS
'raises 55000: rows of the ledger are neither changed nor removed';
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON migrate.ledger
	FOR EACH STATEMENT EXECUTE FUNCTION migrate.ledger_refuse();
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON migrate.ledger_statement
	FOR EACH STATEMENT EXECUTE FUNCTION migrate.ledger_refuse();
COMMENT ON TRIGGER ledger_append_only ON migrate.ledger IS 'rows of the ledger are neither changed nor removed';
COMMENT ON TRIGGER ledger_append_only ON migrate.ledger_statement IS 'rows of the ledger are neither changed nor removed';
ALTER TABLE migrate.ledger ENABLE ALWAYS TRIGGER ledger_append_only;
ALTER TABLE migrate.ledger_statement ENABLE ALWAYS TRIGGER ledger_append_only;

-- A right to write all data must not reach the scripts that others will run.
CREATE FUNCTION migrate.owner_only() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'migrate_owner_only';
COMMENT ON FUNCTION migrate.owner_only() IS
'raises 42501 unless the owner of the table or a superuser writes to it';
CREATE TRIGGER owner_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON migrate.ledger
	FOR EACH STATEMENT EXECUTE FUNCTION migrate.owner_only();
CREATE TRIGGER owner_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON migrate.ledger_statement
	FOR EACH STATEMENT EXECUTE FUNCTION migrate.owner_only();
CREATE TRIGGER owner_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON migrate.migration
	FOR EACH STATEMENT EXECUTE FUNCTION migrate.owner_only();
CREATE TRIGGER owner_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON migrate.script
	FOR EACH STATEMENT EXECUTE FUNCTION migrate.owner_only();
ALTER TABLE migrate.ledger ENABLE ALWAYS TRIGGER owner_only;
ALTER TABLE migrate.ledger_statement ENABLE ALWAYS TRIGGER owner_only;
ALTER TABLE migrate.migration ENABLE ALWAYS TRIGGER owner_only;
ALTER TABLE migrate.script ENABLE ALWAYS TRIGGER owner_only;
COMMENT ON TRIGGER owner_only ON migrate.ledger IS 'only the functions of migrate_ext write here';
COMMENT ON TRIGGER owner_only ON migrate.ledger_statement IS 'only the functions of migrate_ext write here';
COMMENT ON TRIGGER owner_only ON migrate.migration IS 'only the functions of migrate_ext write here';
COMMENT ON TRIGGER owner_only ON migrate.script IS 'only the functions of migrate_ext write here';

CREATE FUNCTION migrate.ledger_hash(entry migrate.ledger) RETURNS bytea
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_ledger_hash';
COMMENT ON FUNCTION migrate.ledger_hash(migrate.ledger) IS
'SHA-256 over every column of a ledger entry but the hash itself; the same under all settings and in all encodings';

CREATE VIEW migrate.ledger_break AS
SELECT l.entry, l.version,
	CASE WHEN l.hash <> migrate.ledger_hash(l) THEN 'entry was changed'
		 ELSE 'an entry before it was changed or is missing' END AS problem
FROM (SELECT l, l.*,
		lag(l.hash) OVER w AS expected_hash,
		coalesce(lag(l.entry) OVER w, 0) + 1 AS expected_entry
	  FROM migrate.ledger l WINDOW w AS (ORDER BY l.entry)) l
WHERE l.hash <> migrate.ledger_hash(l.l)
	OR l.previous_hash IS DISTINCT FROM l.expected_hash
	OR l.entry <> l.expected_entry;
COMMENT ON VIEW migrate.ledger_break IS
'ledger entries whose hash does not fit, or does not follow from the entry before; none = the chain is whole';

-- What may be read without reading scripts -----------------------------------

CREATE VIEW migrate.script_summary AS
SELECT version, direction, checksum, token_checksum, statements, obstacle,
	nontransactional, registered_at, registered_by, registered_by_oid,
	registered_session, registered_session_oid, registered_login_oid
FROM migrate.script;
COMMENT ON VIEW migrate.script_summary IS 'migrate.script without the text';

CREATE VIEW migrate.step_up AS
SELECT m.version, m.name, m.version_text, m.description, s.statements, s.nontransactional,
	s.obstacle, s.registered_by, s.registered_by_oid, s.registered_session_oid, s.registered_login_oid,
	m.version < (SELECT max(a.version) FROM migrate.migration a WHERE a.entry IS NOT NULL) AS out_of_order,
	(SELECT min(r) FROM unnest(m.requires) r
	 WHERE NOT EXISTS (SELECT FROM migrate.migration n WHERE n.version = r)) AS unknown_requirement
FROM migrate.migration m LEFT JOIN migrate.script s ON s.version = m.version AND s.direction = 'up'
WHERE m.entry IS NULL;
COMMENT ON VIEW migrate.step_up IS 'the migrations that can be applied, with what a plan needs to know of them';

CREATE VIEW migrate.step_down AS
SELECT m.version, m.name, m.version_text, m.description, s.statements, s.nontransactional,
	s.obstacle, s.registered_by, s.registered_by_oid, s.registered_session_oid, s.registered_login_oid
FROM migrate.migration m LEFT JOIN migrate.script s ON s.version = m.version AND s.direction = 'down'
WHERE m.entry IS NOT NULL;
COMMENT ON VIEW migrate.step_down IS 'the migrations that can be rolled back, with what a plan needs to know of them';

-- Register ---------------------------------------------------------------------

CREATE FUNCTION @extschema@.migrate_register(version bigint, name text, up_script text, down_script text DEFAULT NULL)
RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'migrate_register';
COMMENT ON FUNCTION @extschema@.migrate_register(bigint, text, text, text) IS
'Registers a migration, or replaces one that is not applied.
version: 1 or more, orders the migrations; name: letters, digits, ".", "_", "-", at most 200 bytes;
up_script: SQL, at most migrate.script_limit; down_script: SQL, NULL = keep the one there is, empty = remove it.
Returns registered, replaced, comments changed or unchanged.
Raises 22004 or 22023 (version, name, script, directive), 42601 and others of the parser with the line,
42710 (applied with another text, or the release names another version), 54000 (too large), 55P03 (a deployment is under way).';

CREATE FUNCTION @extschema@.migrate_register_file(path text, content text)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'migrate_register_file';
COMMENT ON FUNCTION @extschema@.migrate_register_file(text, text) IS
'Registers the text of one migration file; version, name and direction are taken from its path.
path: as in the repository, in the layout of the seed project, the Supabase CLI, golang-migrate, dbmate, goose, Flyway, sqlx or diesel;
content: the text of the file.
Returns the version.
Raises 22023 (no migration file, or a version that cannot be used), 42704 (a down script without its up), and what migrate_register() raises.';

CREATE FUNCTION @extschema@.migrate_load(directory text)
RETURNS TABLE (version bigint, name text, action text) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'migrate_load';
COMMENT ON FUNCTION @extschema@.migrate_load(text) IS
'Registers every migration file of a directory of the server.
directory: absolute path; its migrations and rollbacks subdirectories are read where it has them, otherwise the directory itself.
Returns one row for each migration: registered, replaced, comments changed or unchanged.
Raises 42501 (the caller is not in pg_read_server_files), 22004 (NULL), 22023 (relative path), 42710 (two files for one version), 02000 (no migration file), and what migrate_register() raises.';

CREATE FUNCTION @extschema@.migrate_unregister(version bigint)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'migrate_unregister';
COMMENT ON FUNCTION @extschema@.migrate_unregister(bigint) IS
'Forgets a migration that is not applied.
Raises 42704 (unknown version), 55000 (it is applied), 55P03 (a deployment is under way).';

CREATE FUNCTION @extschema@.migrate_baseline(version bigint, description text DEFAULT NULL)
RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'migrate_baseline';
COMMENT ON FUNCTION @extschema@.migrate_baseline(bigint, text) IS
'Marks a version and every registered one below it as applied, without running anything.
version: need not be registered; description: recorded in the ledger.
Returns how many were marked.
Raises 22004 or 22023 (version), 55P03 (a deployment is under way).';

CREATE FUNCTION @extschema@.migrate_adopt(source text)
RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'migrate_adopt';
COMMENT ON FUNCTION @extschema@.migrate_adopt(text) IS
'Takes over the history of another tool: marks what it has applied as baselined.
source: supabase, golang-migrate, rails, dbmate, flyway or sqitch; its table is read as the caller, or as its owner where that one has less.
Returns how many were marked.
Raises 22023 (unknown source, or a version that is not a whole number), 42P01 (the tool has no table here), 55000 (its last run failed), 55P03 (a deployment is under way).';

CREATE FUNCTION @extschema@.migrate_repair(version bigint, reason text)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'migrate_repair';
COMMENT ON FUNCTION @extschema@.migrate_repair(bigint, text) IS
'Accepts, on the record, that the script of an applied migration has changed: the next text registered counts as applied.
reason: recorded in the ledger.
Raises 22004 or 22023 (no reason), 42704 (unknown version), 55000 (it is not applied), 55P03 (a deployment is under way).';

-- Apply and roll back --------------------------------------------------------------

CREATE FUNCTION @extschema@.migrate_apply(version bigint DEFAULT NULL)
RETURNS TABLE (version bigint, name text, statements integer, duration interval, snapshot bigint, rows_kept bigint)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'migrate_apply';
COMMENT ON FUNCTION @extschema@.migrate_apply(bigint) IS
'Applies all pending migrations up to a version, in order, all or nothing.
version: NULL = the latest.
Returns one row for each migration applied, none when nothing is pending; snapshot and rows_kept are NULL where none was taken.
Raises 42704 (unknown version), 55000 (older than an applied one, a requirement is missing, nested call), 55P03 (a deployment is under way, or what the scripts change could not be locked within migrate.lock_patience; DETAIL says who is in the way), 25006 (read-only or standby), 25001 (isolation level, or a script that cannot run in a transaction), 42501 (script registered by a role you should not run scripts of), and what a script raises, with its place in CONTEXT and DETAIL.';

CREATE FUNCTION @extschema@.migrate_rollback(to_version bigint DEFAULT NULL)
RETURNS TABLE (version bigint, name text, statements integer, duration interval, snapshot bigint, rows_kept bigint)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'migrate_rollback';
COMMENT ON FUNCTION @extschema@.migrate_rollback(bigint) IS
'Rolls back every applied migration above a version, latest first, all or nothing.
to_version: the version to return to; NULL = roll back the last one, 0 = all.
Returns one row for each migration rolled back; snapshot and rows_kept are NULL where none was taken.
Raises 42704 (unknown version), 55000 (it is not applied, or a down script is missing), and what migrate_apply() raises.';

CREATE FUNCTION @extschema@.migrate_rehearse(version bigint DEFAULT NULL, round_trip boolean DEFAULT false)
RETURNS TABLE (version bigint, statement integer, line integer, command text, relation text, lock_mode text,
	rewrite boolean, rows bigint, wal_bytes bigint, lock_wait interval, duration interval, error text,
	direction text, scan boolean, build boolean, buffers bigint, hold interval,
	predicted_lock_mode text, predicted_rewrite boolean)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'migrate_rehearse';
COMMENT ON FUNCTION @extschema@.migrate_rehearse(bigint, boolean) IS
'Runs what migrate_apply(version) would run, backups and snapshots included, measures it, and undoes it.
version: NULL = the latest; round_trip: also roll back and apply again, and compare the schema.
Returns for each statement one row for each relation it did something to, and one without a relation for rows of what the migrations made themselves, or if there would be none: the strongest lock newly taken on what was there before, whether all rows were written again (rewrite) or read (scan) and an index built (build), rows written. What is measured of a statement as a whole (wal_bytes, buffers, lock_wait, duration, hold) stands in its first row only. lock_wait is the wait for the predicted locks, which are taken first; hold the time from there to the end of the script, for locks that keep others from writing.
The first error ends the rehearsal and is a row; differences that a round trip finds are rows with the command "round trip".
Locks are waited for as long as migrate.lock_timeout allows, and held as long as migrate.rehearse_budget does. A NOTICE says what was not undone: sequences, advisory locks. Files that were written, and what other servers were told, are not undone either.
Raises what migrate_apply() raises before its first step, and 55000 (round trip without snapshots, or of migrations older than an applied one).';

-- Where we are and how we got here ----------------------------------------------------

CREATE FUNCTION @extschema@.migrate_version()
RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce((SELECT max(m.version) FROM migrate.migration m WHERE m.entry IS NOT NULL), 0);
COMMENT ON FUNCTION @extschema@.migrate_version() IS
'The latest applied version; 0 when none is.';

CREATE FUNCTION @extschema@.migrate_version_of(release text)
RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_version bigint;
BEGIN
	SELECT m.version INTO found_version
	FROM migrate.migration m WHERE m.release = migrate_version_of.release;
	IF found_version IS NULL THEN
		RAISE EXCEPTION 'release "%" does not exist', release
			USING ERRCODE = 'undefined_object',
				  HINT = 'A release is named in the header of an up script: "-- Release: 2.0.0".';
	END IF;
	RETURN found_version;
END
$$;
COMMENT ON FUNCTION @extschema@.migrate_version_of(text) IS
'The version whose header says "-- Release: " and this name.
release: exactly as in the header, such as 2.0.0.
Raises 42704 (no migration has this release).';

CREATE FUNCTION migrate.plan_goes_down(target bigint) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	is_pending boolean;
BEGIN
	IF target < 0 THEN
		RAISE EXCEPTION 'version % is out of range', target
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Versions are whole numbers from 0.';
	END IF;
	SELECT m.entry IS NULL INTO is_pending FROM migrate.migration m WHERE m.version = target;
	IF target > 0 AND is_pending IS NULL THEN
		RAISE EXCEPTION 'migration % does not exist', target
			USING ERRCODE = 'undefined_object', HINT = 'See migrate_status() for the versions there are.';
	END IF;
	RETURN target < @extschema@.migrate_version() AND is_pending IS NOT TRUE;
END
$$;
COMMENT ON FUNCTION migrate.plan_goes_down(bigint) IS
'Tells whether the way to a version (NULL = the latest) is a rollback: a lower one that is not pending.
Raises 22023 (version below 0), 42704 (unknown version).';

CREATE FUNCTION @extschema@.migrate_plan(version bigint DEFAULT NULL)
RETURNS TABLE (step integer, version bigint, name text, direction text, statements integer,
	transactional boolean, rollback text, risk text, note text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
	WITH target AS MATERIALIZED (
		SELECT migrate_plan.version AS version,
			coalesce(migrate.plan_goes_down(migrate_plan.version), false) AS down
	)
	SELECT row_number() OVER (ORDER BY u.version)::integer, u.version, u.name, 'up', u.statements,
		NOT u.nontransactional,
		CASE WHEN d.version IS NULL THEN 'none' ELSE 'down script' END,
		NULL,
		nullif(concat_ws('; ',
			CASE WHEN u.statements IS NULL THEN 'no up script is registered' END,
			u.obstacle,
			CASE WHEN u.out_of_order THEN
				'out of order: ' || @extschema@.migrate_version() || ' is applied' END,
			CASE WHEN u.unknown_requirement IS NOT NULL THEN
				'requires ' || u.unknown_requirement || ', which is not registered' END), '')
	FROM target t
	JOIN migrate.step_up u ON NOT t.down AND (t.version IS NULL OR u.version <= t.version)
	LEFT JOIN migrate.script_summary d ON d.version = u.version AND d.direction = 'down'
	UNION ALL
	SELECT row_number() OVER (ORDER BY d.version DESC)::integer, d.version, d.name, 'down', d.statements,
		NOT d.nontransactional,
		CASE WHEN d.statements IS NULL THEN 'none' ELSE 'down script' END,
		NULL,
		CASE WHEN d.statements IS NULL THEN 'no down script is registered' ELSE d.obstacle END
	FROM target t
	JOIN migrate.step_down d ON t.down AND d.version > t.version
	ORDER BY 1;
END;
COMMENT ON FUNCTION @extschema@.migrate_plan(bigint) IS
'What migrate_apply(version), or for a lower version migrate_rollback(version), would do; changes nothing.
version: NULL = the latest.
rollback is "down script" or "none"; risk is NULL where no finding was made; note names what stands in the way.
Raises 22023 (version below 0), 42704 (unknown version).';

CREATE FUNCTION @extschema@.migrate_status()
RETURNS TABLE (version bigint, name text, state text, applied_at timestamptz, applied_by text,
	duration interval, environment text, checksum text, rollback text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000
BEGIN ATOMIC
	SELECT m.version, m.name,
		CASE WHEN l.event = 'applied' AND m.entry > min(m.entry) OVER later THEN 'applied out of order'
			 WHEN m.entry IS NOT NULL THEN l.event
			 WHEN m.version < @extschema@.migrate_version() THEN 'out of order'
			 WHEN r.version IS NOT NULL THEN 'rolled back'
			 ELSE 'pending' END,
		l.at, l.role, l.duration, l.environment,
		CASE WHEN m.entry IS NULL THEN NULL
			 WHEN m.applied_checksum IS NULL OR u.version IS NULL THEN 'unknown'
			 WHEN m.applied_checksum = u.checksum THEN 'ok'
			 WHEN m.applied_token_checksum = u.token_checksum THEN 'comments'
			 ELSE 'changed' END,
		CASE WHEN d.version IS NULL THEN 'none' ELSE 'down script' END
	FROM migrate.migration m
	LEFT JOIN migrate.ledger l ON l.entry = m.entry
	LEFT JOIN (SELECT DISTINCT h.version FROM migrate.ledger h WHERE h.event = 'rolled back') r
		ON r.version = m.version
	LEFT JOIN migrate.script_summary u ON u.version = m.version AND u.direction = 'up'
	LEFT JOIN migrate.script_summary d ON d.version = m.version AND d.direction = 'down'
	WINDOW later AS (ORDER BY m.version DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
	ORDER BY m.version;
END;
COMMENT ON FUNCTION @extschema@.migrate_status() IS
'Every registered migration and its state: applied, applied out of order (after a later version), baselined, pending, out of order (pending, but older than an applied one) or rolled back.
checksum compares the registered up script with the one that was applied: ok, comments (only comments or white space differ), changed, unknown (none was recorded); NULL when not applied.';

CREATE FUNCTION @extschema@.migrate_history(version bigint DEFAULT NULL)
RETURNS TABLE (entry bigint, at timestamptz, event text, version bigint, name text, duration interval,
	statements integer, rows bigint, role text, session_role text, client text, application text,
	environment text, reason text, rows_kept bigint, snapshot_before bigint, snapshot_after bigint,
	restore_point text, restore_lsn text, wal_bytes bigint, hold interval)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000
BEGIN ATOMIC
	SELECT l.entry, l.at, l.event, l.version, l.name, l.duration, l.statements, l.rows, l.role,
		l.session_role, l.client, l.application, l.environment, l.reason,
		l.rows_kept, l.snapshot_before, l.snapshot_after, l.restore_point, l.restore_lsn,
		s.wal_bytes, s.hold
	FROM migrate.ledger l,
		LATERAL (SELECT sum(t.wal_bytes)::bigint AS wal_bytes, max(t.hold) AS hold
				 FROM migrate.ledger_statement t WHERE t.entry = l.entry) s
	WHERE migrate_history.version IS NULL OR l.version = migrate_history.version
	ORDER BY l.entry;
END;
COMMENT ON FUNCTION @extschema@.migrate_history(bigint) IS
'The ledger, oldest entry first.
version: only the entries of this one; NULL = all.
wal_bytes is what its statements wrote; hold is how long the script kept others from writing to a relation, up to its end: see migrate_statements().';

CREATE FUNCTION @extschema@.migrate_statements(version bigint DEFAULT NULL)
RETURNS TABLE (entry bigint, at timestamptz, event text, version bigint, statement integer, line integer,
	command text, relation text, lock_mode text, rewrite boolean, rows bigint, wal_bytes bigint,
	lock_wait interval, duration interval, hold interval, scan boolean, build boolean, buffers bigint)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000
BEGIN ATOMIC
	SELECT l.entry, l.at, l.event, l.version, s.statement, s.line, s.command,
		r.relation, r.lock_mode, r.rewrite, r.rows,
		CASE WHEN r.n = 1 THEN s.wal_bytes END,
		CASE WHEN r.n = 1 THEN s.lock_wait END,
		CASE WHEN r.n = 1 THEN s.duration END,
		CASE WHEN r.n = 1 THEN s.hold END,
		r.scan, r.build,
		CASE WHEN r.n = 1 THEN s.buffers END
	FROM migrate.ledger l
	JOIN migrate.ledger_statement s ON s.entry = l.entry,
		LATERAL (
			SELECT a.n, e.relation, e.lock_mode, coalesce(e.rewrite, false) AS rewrite, coalesce(e.scan, false) AS scan,
				coalesce(e.build, false) AS build, coalesce(e.rows, 0) AS rows
			FROM jsonb_array_elements(s.relations) WITH ORDINALITY a (value, n),
				jsonb_to_record(a.value) e (relation text, lock_mode text, rewrite boolean, scan boolean, build boolean, rows bigint)
			UNION ALL
			SELECT others.n, NULL, NULL, NULL, NULL, NULL, others.rows
			FROM (SELECT count(a.*) + 1 AS n, s.rows - coalesce(sum((a.value->>'rows')::bigint), 0)::bigint AS rows
				  FROM jsonb_array_elements(s.relations) a (value)) others
			WHERE others.n = 1 OR others.rows > 0
		) r
	WHERE migrate_statements.version IS NULL OR l.version = migrate_statements.version
	ORDER BY l.entry, s.statement, r.n;
END;
COMMENT ON FUNCTION @extschema@.migrate_statements(bigint) IS
'What each statement of the scripts on the record really did, oldest first: one row for each relation from before the transaction that it did something to, and one without a relation for rows of what the migrations made themselves, or if there would be none.
version: only the scripts of this one; NULL = all.
The columns are those of migrate_rehearse(); what is measured of a statement as a whole stands in its first row only.';

