/*
 * What stands on a table, as it is now: indexes, constraints, triggers, rules,
 * policies, extended statistics.
 */

CREATE FUNCTION migrate.index_statistics(index oid) RETURNS json
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT json_object_agg(a.attnum, a.attstattarget ORDER BY a.attnum)
	FROM pg_attribute a
	WHERE a.attrelid = index AND a.attnum > 0 AND a.attstattarget >= 0;
END;
COMMENT ON FUNCTION migrate.index_statistics(oid) IS
'statistics targets of the expressions of an index, by column number';

CREATE FUNCTION migrate.index_definition(index oid) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'migrate_index_definition';
COMMENT ON FUNCTION migrate.index_definition(oid) IS 'what pg_get_indexdef() says, sooner for plain indexes';

CREATE VIEW migrate.live_index AS
SELECT 'pg_class'::regclass::oid AS class, c.oid AS object, 'index' AS kind,
	migrate.relation_name(c.oid) AS name,
	migrate.properties_json(
		'create', CASE WHEN q.text LIKE '%::character varying])::text[]%' THEN migrate.stable_expression(q.text) ELSE q.text END,
		'partition_of', CASE WHEN c.relispartition THEN
			migrate.parent_name(c.oid) END,
		'table', CASE WHEN i.indisclustered OR i.indisreplident THEN r.name END,
		'clustered', CASE WHEN i.indisclustered THEN true END,
		'replica_identity', CASE WHEN i.indisreplident THEN true END,
		'statistics', CASE WHEN i.indexprs IS NOT NULL THEN migrate.index_statistics(c.oid) END,
		'tablespace', CASE WHEN c.reltablespace <> 0 THEN
			migrate.tablespace_name(c.reltablespace) END,
		'comment', migrate.comment('pg_class'::regclass, c.oid)) AS definition
FROM pg_class c
JOIN pg_index i ON i.indexrelid = c.oid
CROSS JOIN LATERAL (SELECT migrate.user_relation_name(i.indrelid) AS name OFFSET 0) r
CROSS JOIN LATERAL (SELECT migrate.index_definition(c.oid) AS text WHERE r.name IS NOT NULL OFFSET 0) q
WHERE (i.indisvalid OR c.relkind = 'I')
	AND NOT EXISTS (SELECT FROM pg_constraint k
					WHERE k.conrelid = i.indrelid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
	AND NOT migrate.is_member('pg_class'::regclass, c.oid)
	AND NOT migrate.is_member('pg_class'::regclass, i.indrelid);
COMMENT ON VIEW migrate.live_index IS
'indexes as they are now; not those of constraints, and not those that a failed CREATE INDEX CONCURRENTLY left behind';

CREATE VIEW migrate.live_constraint AS
SELECT 'pg_constraint'::regclass::oid AS class, k.oid AS object, 'constraint' AS kind,
	quote_ident(k.conname) || ' on ' || r.name AS name,
	migrate.properties_json(
		'create', CASE WHEN q.text LIKE '%::character varying])::text[]%' THEN migrate.stable_expression(q.text) ELSE q.text END,
		'inherited', CASE WHEN k.contype = 'c' AND k.coninhcount > 0 THEN true END,
		'partition_of', CASE WHEN c.relispartition THEN
			migrate.parent_name(c.oid) END,
		'clustered', CASE WHEN i.indisclustered THEN true END,
		'replica_identity', CASE WHEN i.indisreplident THEN true END,
		'index_options', migrate.options_json(c.reloptions),
		'index_statistics', CASE WHEN i.indexprs IS NOT NULL THEN migrate.index_statistics(c.oid) END,
		'index_tablespace', CASE WHEN c.reltablespace <> 0 THEN
			migrate.tablespace_name(c.reltablespace) END,
		'index_comment', migrate.comment('pg_class'::regclass, c.oid),
		'comment', migrate.comment('pg_constraint'::regclass, k.oid)) AS definition
FROM pg_constraint k
CROSS JOIN LATERAL (SELECT migrate.user_relation_name(k.conrelid) AS name OFFSET 0) r
LEFT JOIN pg_class c ON k.contype IN ('p', 'u', 'x') AND c.oid = k.conindid
LEFT JOIN pg_index i ON i.indexrelid = c.oid
CROSS JOIN LATERAL (SELECT pg_get_constraintdef(k.oid) AS text WHERE r.name IS NOT NULL OFFSET 0) q
WHERE (k.contype IN ('p', 'u', 'x') OR k.contype = 'f' AND k.conparentid = 0 OR k.contype = 'c' AND k.conislocal)
	AND NOT migrate.is_member('pg_constraint'::regclass, k.oid)
	AND NOT migrate.is_member('pg_class'::regclass, k.conrelid);
COMMENT ON VIEW migrate.live_constraint IS
'constraints of tables as they are now, with their indexes; not those that only a parent table gives';

CREATE VIEW migrate.live_trigger AS
SELECT 'pg_trigger'::regclass::oid AS class, t.oid AS object, 'trigger' AS kind,
	quote_ident(t.tgname) || ' on ' || r.name AS name,
	migrate.properties_json(
		'create', CASE WHEN q.text LIKE '%::character varying])::text[]%' THEN migrate.stable_expression(q.text) ELSE q.text END,
		'enabled', CASE WHEN t.tgparentid = 0 AND t.tgenabled = 'O' THEN NULL ELSE
			CASE t.tgenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END END,
		'comment', migrate.comment('pg_trigger'::regclass, t.oid)) AS definition
FROM pg_trigger t
CROSS JOIN LATERAL (SELECT migrate.user_relation_name(t.tgrelid) AS name OFFSET 0) r
LEFT JOIN pg_trigger p ON p.oid = t.tgparentid
CROSS JOIN LATERAL (SELECT CASE WHEN t.tgparentid = 0 THEN pg_get_triggerdef(t.oid) END AS text WHERE r.name IS NOT NULL OFFSET 0) q
WHERE (NOT t.tgisinternal AND t.tgparentid = 0 OR p.tgenabled <> t.tgenabled AND t.tgconstraint = 0)
	AND NOT migrate.is_member('pg_trigger'::regclass, t.oid)
	AND NOT migrate.is_member('pg_class'::regclass, t.tgrelid);
COMMENT ON VIEW migrate.live_trigger IS
'triggers as they are now; of those that a partition has from its parent, the ones that are enabled otherwise';

CREATE VIEW migrate.live_rule AS
SELECT 'pg_rewrite'::regclass::oid AS class, w.oid AS object, 'rule' AS kind,
	quote_ident(w.rulename) || ' on ' || r.name AS name,
	migrate.properties_json(
		'create', migrate.stable_expression(rtrim(pg_get_ruledef(w.oid), E'; \n')),
		'enabled', CASE w.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
		'comment', migrate.comment('pg_rewrite'::regclass, w.oid)) AS definition
FROM pg_rewrite w
CROSS JOIN LATERAL (SELECT migrate.user_relation_name(w.ev_class) AS name OFFSET 0) r
WHERE w.rulename <> '_RETURN'
	AND r.name IS NOT NULL
	AND NOT migrate.is_member('pg_rewrite'::regclass, w.oid)
	AND NOT migrate.is_member('pg_class'::regclass, w.ev_class);
COMMENT ON VIEW migrate.live_rule IS 'rewrite rules as they are now, but those that make a view';

CREATE VIEW migrate.live_policy AS
SELECT 'pg_policy'::regclass::oid AS class, p.oid AS object, 'policy' AS kind,
	quote_ident(p.polname) || ' on ' || r.name AS name,
	migrate.properties_json(
		'restrictive', CASE WHEN NOT p.polpermissive THEN true END,
		'command', CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' END,
		'roles', CASE WHEN p.polroles <> '{0}' THEN
			(SELECT json_agg(pg_get_userbyid(o) ORDER BY pg_get_userbyid(o) COLLATE "C") FROM unnest(p.polroles) o) END,
		'using', migrate.stable_expression(pg_get_expr(p.polqual, p.polrelid)),
		'with_check', migrate.stable_expression(pg_get_expr(p.polwithcheck, p.polrelid)),
		'comment', migrate.comment('pg_policy'::regclass, p.oid)) AS definition
FROM pg_policy p
CROSS JOIN LATERAL (SELECT migrate.user_relation_name(p.polrelid) AS name OFFSET 0) r
WHERE r.name IS NOT NULL
	AND NOT migrate.is_member('pg_policy'::regclass, p.oid)
	AND NOT migrate.is_member('pg_class'::regclass, p.polrelid);
COMMENT ON VIEW migrate.live_policy IS 'row-level security policies as they are now';

CREATE VIEW migrate.live_statistics AS
SELECT 'pg_statistic_ext'::regclass::oid AS class, s.oid AS object, 'statistics' AS kind,
	n.name || '.' || quote_ident(s.stxname) AS name,
	migrate.properties_json(
		'create', pg_get_statisticsobjdef(s.oid),
		'target', CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget END,
		'owner', pg_get_userbyid(s.stxowner),
		'comment', migrate.comment('pg_statistic_ext'::regclass, s.oid)) AS definition
FROM pg_statistic_ext s
JOIN migrate.user_namespace n ON n.oid = s.stxnamespace
CROSS JOIN LATERAL (SELECT migrate.user_relation_name(s.stxrelid) AS name OFFSET 0) r
WHERE r.name IS NOT NULL
	AND NOT migrate.is_member('pg_statistic_ext'::regclass, s.oid)
	AND NOT migrate.is_member('pg_class'::regclass, s.stxrelid);
COMMENT ON VIEW migrate.live_statistics IS 'extended statistics objects as they are now';
