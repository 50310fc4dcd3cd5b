-- Restore: kept rows go back -------------------------------------------------------------

CREATE FUNCTION migrate.row_image(record)
RETURNS bigint
AS 'MODULE_PATHNAME', 'migrate_row_image' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION migrate.row_image(record) IS
'hash of the values of a row, in the form in which they are kept: tells whether a row is still what it was';

CREATE TABLE migrate.restore_conflict (
	backup	bigint,
	number	integer,
	key		text,
	reason	text NOT NULL,
	PRIMARY KEY (backup, number)
);
COMMENT ON INDEX migrate.restore_conflict_pkey IS 'the conflicts of one backup';
COMMENT ON TABLE migrate.restore_conflict IS
'kept rows that were not put back, because what is there now was written by somebody else: the first 1,000 of each backup';
COMMENT ON COLUMN migrate.restore_conflict.backup IS 'number of the backup';
COMMENT ON COLUMN migrate.restore_conflict.number IS 'counts from 1';
COMMENT ON COLUMN migrate.restore_conflict.key IS 'key of the row; NULL = the table has none';
COMMENT ON COLUMN migrate.restore_conflict.reason IS 'why the row was left as it is';

SELECT pg_catalog.pg_extension_config_dump('migrate.restore_conflict', '');

CREATE TRIGGER owner_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON migrate.restore_conflict
	FOR EACH STATEMENT EXECUTE FUNCTION migrate.owner_only();
ALTER TABLE migrate.restore_conflict ENABLE ALWAYS TRIGGER owner_only;
COMMENT ON TRIGGER owner_only ON migrate.restore_conflict IS 'only the functions of migrate_ext write here';

CREATE FUNCTION @extschema@.migrate_restore(backup bigint)
RETURNS TABLE (relation text, restored bigint, conflicts bigint, detail text)
AS 'MODULE_PATHNAME', 'migrate_restore' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.migrate_restore(bigint) IS
'Puts the rows of one backup back where they belong, as a rollback does: rows that somebody else has written since are left as they are and counted as conflicts.
backup: its number, from migrate_backups().
The caller must own the table. No trigger of the table fires; constraints hold.
Raises 42704 (no such backup), 42P01 (no such table now), 42501 (not its owner), 55000 (put back already), 55P03 (a deployment is under way), 23503 (a foreign key would not hold).';
