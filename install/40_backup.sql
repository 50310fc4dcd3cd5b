-- Backups: rows that migrations destroyed or changed -------------------------------------

CREATE SCHEMA migrate_backup;
COMMENT ON SCHEMA migrate_backup IS
'rows kept by migrate_ext, in tables named for what they came from; see migrate_backups()';

CREATE TABLE migrate.backup (
	backup			bigint PRIMARY KEY CHECK (backup > 0),
	version			bigint NOT NULL,
	direction		text NOT NULL CHECK (direction IN ('up', 'down')),
	entry			bigint,
	statement		integer,
	at				timestamptz NOT NULL DEFAULT clock_timestamp(),
	what			text NOT NULL CHECK (what IN ('table', 'column', 'rows', 'sequence')),
	operation		text NOT NULL,
	schema_name		text NOT NULL,
	relation_name	text NOT NULL,
	column_name		text,
	relation_oid	oid NOT NULL,
	owner			text NOT NULL,
	key_columns		text[] NOT NULL,
	kept_as			text,
	kept_oid		oid,
	moved			boolean NOT NULL,
	rows			bigint,
	bytes			bigint,
	last_value		bigint,
	is_called		boolean,
	restored_at		timestamptz,
	restored_rows	bigint,
	conflicts		bigint
);
CREATE INDEX backup_version ON migrate.backup (version, direction, backup);
COMMENT ON INDEX migrate.backup_pkey IS 'finds the last backup';
COMMENT ON INDEX migrate.backup_version IS 'finds what one migration destroyed or changed';
COMMENT ON TABLE migrate.backup IS
'what migrations destroyed or changed: one row for each table, column, sequence, or table with changed rows';
COMMENT ON COLUMN migrate.backup.backup IS 'number of the backup, in the order they were made';
COMMENT ON COLUMN migrate.backup.version IS 'version of the migration';
COMMENT ON COLUMN migrate.backup.direction IS 'whose script it was: up or down';
COMMENT ON COLUMN migrate.backup.entry IS 'ledger entry of that run';
COMMENT ON COLUMN migrate.backup.statement IS 'which statement of the script it was, counting from 1; NULL = after the last';
COMMENT ON COLUMN migrate.backup.at IS 'when it was made, by the clock';
COMMENT ON COLUMN migrate.backup.what IS 'what is kept: a table, a column, single rows of a table, or where a sequence was';
COMMENT ON COLUMN migrate.backup.operation IS 'what the statement was about to do, such as drop table';
COMMENT ON COLUMN migrate.backup.schema_name IS 'schema of the relation at that time';
COMMENT ON COLUMN migrate.backup.relation_name IS 'name of the relation at that time';
COMMENT ON COLUMN migrate.backup.column_name IS 'name of the column at that time; NULL = not about one column';
COMMENT ON COLUMN migrate.backup.relation_oid IS 'OID of the relation at that time';
COMMENT ON COLUMN migrate.backup.owner IS 'owner of the relation at that time';
COMMENT ON COLUMN migrate.backup.key_columns IS 'columns that find a row: the primary key, else another unique key; empty = there was none';
COMMENT ON COLUMN migrate.backup.kept_as IS 'name of the table in migrate_backup; NULL for sequences';
COMMENT ON COLUMN migrate.backup.kept_oid IS 'its OID when it was made';
COMMENT ON COLUMN migrate.backup.moved IS 'the storage of the table was taken over, not copied; the number of rows of a large one is an estimate then';
COMMENT ON COLUMN migrate.backup.rows IS 'how many rows are kept';
COMMENT ON COLUMN migrate.backup.bytes IS 'how much space they take';
COMMENT ON COLUMN migrate.backup.last_value IS 'last_value of a sequence';
COMMENT ON COLUMN migrate.backup.is_called IS 'is_called of a sequence';
COMMENT ON COLUMN migrate.backup.restored_at IS 'when the rows were put back; NULL = they were not';
COMMENT ON COLUMN migrate.backup.restored_rows IS 'how many rows were put back';
COMMENT ON COLUMN migrate.backup.conflicts IS 'how many rows were left as they are, because they changed since';

SELECT pg_catalog.pg_extension_config_dump('migrate.backup', '');

CREATE TRIGGER owner_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON migrate.backup
	FOR EACH STATEMENT EXECUTE FUNCTION migrate.owner_only();
ALTER TABLE migrate.backup ENABLE ALWAYS TRIGGER owner_only;
COMMENT ON TRIGGER owner_only ON migrate.backup IS 'only the functions of migrate_ext write here';
