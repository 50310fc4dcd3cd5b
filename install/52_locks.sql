/*
 * Who is in the way of a migration.
 */

CREATE FUNCTION migrate.lock_blocker(relation oid, conflicting text[], viewer oid)
RETURNS TABLE (pid integer, gid text, blocker text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 10
BEGIN ATOMIC
	WITH entry AS (
		SELECT l.pid, l.virtualtransaction, l.granted, string_agg(l.mode, ', ' ORDER BY l.mode) AS modes
		FROM pg_locks l
		WHERE l.locktype = 'relation' AND l.relation = $1 AND l.mode = ANY (conflicting)
			AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
			AND l.pid IS DISTINCT FROM pg_backend_pid()
		GROUP BY l.pid, l.virtualtransaction, l.granted
	), known AS (
		SELECT e.*, p.gid, p.owner, a.usename, a.query,
			clock_timestamp() - coalesce(a.xact_start, p.prepared) AS age,
			CASE
				WHEN a.backend_type <> 'client backend' THEN a.backend_type
				WHEN a.state = 'active' THEN 'active, query ' || to_char(clock_timestamp() - a.query_start, 'HH24:MI:SS') || ' old'
				WHEN a.state LIKE 'idle%' THEN a.state || ' for ' || to_char(clock_timestamp() - a.state_change, 'HH24:MI:SS')
				ELSE a.state
			END AS state,
			pg_has_role(viewer, 'pg_read_all_stats', 'USAGE') OR
				a.usesysid IS NOT NULL AND pg_has_role(viewer, a.usesysid, 'USAGE') OR
				a.backend_type <> 'client backend' AS visible
		FROM entry e
		LEFT JOIN pg_stat_activity a ON a.pid = e.pid
		LEFT JOIN pg_locks t ON e.pid IS NULL AND t.pid IS NULL AND t.locktype = 'transactionid' AND t.granted
			AND t.virtualtransaction = e.virtualtransaction
		LEFT JOIN pg_prepared_xacts p ON p.transaction = t.transactionid
	)
	SELECT k.pid, k.gid,
		CASE WHEN k.pid IS NULL
			THEN format('Prepared transaction "%s" (role %s, %s old)', k.gid, k.owner, to_char(k.age, 'HH24:MI:SS'))
			ELSE format('Process %s (%s)', k.pid,
				CASE WHEN k.visible
					THEN concat_ws(', ', 'role ' || k.usename, k.state, 'transaction ' || to_char(k.age, 'HH24:MI:SS') || ' old')
					ELSE concat_ws(', ', 'role ' || k.usename, 'its state is not yours to see') END)
		END
		|| CASE WHEN k.granted THEN ' holds ' ELSE ' waits for ' END || k.modes
		|| CASE WHEN k.visible AND k.query <> '' THEN ': ' || migrate.shorten(left(k.query, 100)) ELSE '.' END
	FROM known k
	-- one that is idle by now has just let go
	WHERE k.state IS NULL OR k.state NOT LIKE 'idle for%'
	ORDER BY k.granted DESC, k.age DESC NULLS LAST, k.pid;
END;
COMMENT ON FUNCTION migrate.lock_blocker(oid, text[], oid) IS
'who holds or waits for one of some lock modes on a relation, oldest transaction first;
viewer: the role that will read it: what pg_stat_activity hides from it is left out';
