-- Restore: kept rows go back -------------------------------------------------------------

CREATE FUNCTION migrate.row_image(record)
RETURNS bigint
AS 'MODULE_PATHNAME', 'migrate_row_image' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION migrate.row_image(record) IS
'hash of the values of a row, in the form in which they are kept: tells whether a row is still what it was';

CREATE TABLE migrate.restore_conflict (
	backup	bigint NOT NULL,
	key		text,
	reason	text NOT NULL
);
CREATE INDEX restore_conflict_backup ON migrate.restore_conflict (backup);
COMMENT ON INDEX migrate.restore_conflict_backup IS 'finds the conflicts of one backup';
COMMENT ON TABLE migrate.restore_conflict IS
'kept rows that were not put back, because they changed since: at most 1000 for each backup';
COMMENT ON COLUMN migrate.restore_conflict.backup IS 'number of the backup that holds the row';
COMMENT ON COLUMN migrate.restore_conflict.key IS 'key of the row; NULL = it has none';
COMMENT ON COLUMN migrate.restore_conflict.reason IS 'why it was left as it is';

SELECT pg_catalog.pg_extension_config_dump('migrate.restore_conflict', '');

CREATE TRIGGER owner_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON migrate.restore_conflict
	FOR EACH STATEMENT EXECUTE FUNCTION migrate.owner_only();
ALTER TABLE migrate.restore_conflict ENABLE ALWAYS TRIGGER owner_only;
COMMENT ON TRIGGER owner_only ON migrate.restore_conflict IS 'only the functions of migrate_ext write here';

CREATE FUNCTION @extschema@.migrate_restore(backup bigint,
	OUT relation text, OUT restored bigint, OUT conflicts bigint, OUT detail text)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'migrate_restore';
COMMENT ON FUNCTION @extschema@.migrate_restore(bigint) IS
'Puts back what one backup holds, where nothing else has taken its place; what is there already stays.
backup: its number, as in migrate_backups().  The caller must be a superuser, or could act as the owner the relation had.
Returns how many rows were put back, how many were left as they are (listed in migrate.restore_conflict, at most 1000), and in words what came of it.
Raises 22004 (NULL), 42704 (no such backup), 42501 (not the owner), 23503 (the rows refer to others that are not there), 55P03 (a deployment is under way).';
