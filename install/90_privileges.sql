-- Privileges ------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.migrate_grant(role text, access text)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	relation regclass;
	function regprocedure;
BEGIN
	IF access IS NULL OR access NOT IN ('reader', 'deployer') THEN
		RAISE EXCEPTION 'unknown access "%"', access
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Use "reader" or "deployer".';
	END IF;
	IF role IS NULL OR to_regrole(quote_ident(role)) IS NULL THEN
		RAISE EXCEPTION 'role "%" does not exist', role
			USING ERRCODE = 'undefined_object';
	END IF;
	EXECUTE format('GRANT USAGE ON SCHEMA migrate TO %I', role);
	-- scripts may hold secrets, and conflicts keys of rows, and keys of rows are not for everybody
	FOR relation IN
		SELECT c.oid
		FROM pg_class c
		WHERE c.relnamespace = 'migrate'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname NOT IN ('script', 'restore_conflict')
	LOOP
		EXECUTE format('GRANT SELECT ON %s TO %I', relation, role);
	END LOOP;
	FOR function IN
		SELECT p.oid
		FROM pg_proc p
		JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
		WHERE e.extname = 'migrate_ext'
			AND p.proname <> 'migrate_grant' AND p.prorettype <> 'trigger'::regtype
			AND (p.provolatile <> 'v' OR access = 'deployer')
	LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', function, role);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.migrate_grant(text, text) IS
'Grants a role what it needs; run it as the owner of the extension.
role: name of the role; access: reader (status, history, plan, never the text of scripts) or deployer (that, and every function that changes something).
A deployer''s scripts still run with the deployer''s own privileges.
Raises 22023 (unknown access), 42704 (unknown role), 42501 (the caller is not the owner).';

-- Default privileges of the database may have granted what this script created
-- to roles that must not have it (Supabase does so in schema public).
DO $$
DECLARE
	granted record;
BEGIN
	FOR granted IN
		SELECT 'FUNCTION ' || p.oid::pg_catalog.regprocedure AS object, a.grantee
		FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid,
			pg_catalog.pg_extension e,
			pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
		WHERE d.deptype = 'e' AND d.refobjid = e.oid AND e.extname = 'migrate_ext' AND a.grantee <> p.proowner
		UNION
		SELECT 'TABLE ' || c.oid::pg_catalog.regclass, a.grantee
		FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,
			pg_catalog.aclexplode(c.relacl) a
		WHERE n.nspname = 'migrate' AND c.relkind IN ('r', 'v') AND a.grantee <> c.relowner
		UNION
		SELECT 'SCHEMA ' || n.nspname, a.grantee
		FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a
		WHERE n.nspname IN ('migrate', 'migrate_backup') AND a.grantee <> n.nspowner
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', granted.object,
			CASE WHEN granted.grantee = 0 THEN 'PUBLIC'
				 ELSE granted.grantee::pg_catalog.regrole::text END);
	END LOOP;
END
$$;
