/*
 * Give back the space of what is old.
 */

CREATE FUNCTION migrate.backup_prune(older_than interval, OUT removed bigint, OUT bytes bigint)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'migrate_backup_prune';
COMMENT ON FUNCTION migrate.backup_prune(interval) IS
'Removes the backups that are older than an interval, with the tables that hold them; returns how many, and their size.';

CREATE FUNCTION migrate.snapshot_prune(older_than interval, OUT removed bigint, OUT bytes bigint)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'migrate_snapshot_prune';
COMMENT ON FUNCTION migrate.snapshot_prune(interval) IS
'Removes the snapshots that are older than an interval, but the last one and the one that drift is measured against, with what only they consist of; returns how many, and its size.';

CREATE FUNCTION @extschema@.migrate_prune(older_than interval)
RETURNS TABLE (what text, removed bigint, bytes bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 2
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF older_than IS NULL OR older_than < interval '0' THEN
		RAISE EXCEPTION 'older_than must be an interval that is not negative'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'As in migrate_prune(''90 days'').';
	END IF;
	what := 'backups';
	SELECT p.removed, p.bytes INTO removed, bytes FROM migrate.backup_prune(older_than) p;
	RETURN NEXT;
	what := 'snapshots';
	SELECT p.removed, p.bytes INTO removed, bytes FROM migrate.snapshot_prune(older_than) p;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION @extschema@.migrate_prune(interval) IS
'Gives back the space of what was kept longer ago than an interval; what is pruned cannot be restored, and a rollback to before a pruned snapshot is not verified.
older_than: such as ''90 days''; ''0'' = everything.
Returns how many of each kind were removed, and the bytes they took.
Raises 22023 (no interval, or a negative one), 55P03 (a deployment is under way), 2BP01 (something was built on a kept table).';
