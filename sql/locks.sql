-- Locks: what the scripts will lock is locked before the first statement runs.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
SET migrate.drift = 'accept';
CREATE ROLE regress_locks_owner;
CREATE ROLE regress_locks_other;
SELECT migrate_grant('regress_locks_owner', 'deployer'), migrate_grant('regress_locks_other', 'deployer');
CREATE SCHEMA locks_app;
CREATE SCHEMA locks_other;
GRANT USAGE ON SCHEMA locks_app TO regress_locks_owner, regress_locks_other;
SET search_path = public, locks_app;
CREATE TABLE locks_app.account (id int PRIMARY KEY, name text);
CREATE TABLE locks_app.invoice (id int PRIMARY KEY, account int);
CREATE TABLE locks_app.entry (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE locks_app.entry_1 PARTITION OF locks_app.entry FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE INDEX invoice_account ON locks_app.invoice (account);
CREATE VIEW locks_app.customer AS SELECT id, name FROM locks_app.account;
CREATE TABLE locks_other.account (id int);

-- what a script finds locked when its first statement begins
CREATE TABLE locks_held (n serial, step text, relation text, mode text);
CREATE FUNCTION locks_look(step text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO public.locks_held (step, relation, mode)
	SELECT step, c.relnamespace::regnamespace || '.' || c.relname, string_agg(l.mode, ', ' ORDER BY l.mode)
	FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
	WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND c.oid >= 16384
		AND c.relnamespace::regnamespace::text NOT IN ('migrate', 'migrate_backup', 'pg_toast')
		AND c.relname NOT LIKE 'locks\_held%' AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
	GROUP BY c.oid, c.relnamespace, c.relname
$$;
GRANT ALL ON locks_held, locks_held_n_seq TO PUBLIC;
-- apply a script that looks first, tell what it found, and undo it all
CREATE FUNCTION locks_try(script text) RETURNS TABLE (relation text, mode text) LANGUAGE plpgsql AS $$
DECLARE
	found jsonb;
	detail text;
BEGIN
	BEGIN
		PERFORM migrate_register(1, 'try', 'SELECT public.locks_look(''1'');' || script);
		PERFORM migrate_apply(1);
		SELECT jsonb_agg(jsonb_build_array(h.relation, h.mode) ORDER BY h.relation COLLATE "C") INTO found FROM public.locks_held h;
		RAISE EXCEPTION USING ERRCODE = 'ZZ000';
	EXCEPTION
		WHEN SQLSTATE 'ZZ000' THEN NULL;
		WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
			RAISE WARNING '%: % (%)', SQLSTATE, SQLERRM, detail;
	END;
	RETURN QUERY SELECT f->>0, f->>1 FROM jsonb_array_elements(found) f;
END $$;

-- one statement; several, the strongest mode once; several relations
SELECT * FROM locks_try('ALTER TABLE account ADD note text');
SELECT * FROM locks_try('COMMENT ON TABLE account IS ''x''; ALTER TABLE account ADD note text; CREATE INDEX ON account (name)');
SELECT * FROM locks_try('DROP TABLE invoice; CREATE TRIGGER t BEFORE UPDATE ON account FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()');
-- a mode that excludes what each of two modes excludes
SELECT * FROM locks_try('CREATE INDEX ON account (name)');
SELECT * FROM locks_try('CREATE INDEX ON account (name); COMMENT ON TABLE account IS ''x''');
SELECT * FROM locks_try('INSERT INTO account VALUES (1); CREATE INDEX ON account (name)');
-- nothing that shares: rows, reading
SELECT * FROM locks_try('INSERT INTO account VALUES (1); UPDATE invoice SET account = 1; CREATE TABLE c AS SELECT * FROM account');
-- parts of a partitioned table; the other side of a foreign key; the index of a table that is locked is not needed
SELECT * FROM locks_try('ALTER TABLE entry ADD note text');
SELECT * FROM locks_try('ALTER TABLE invoice ADD FOREIGN KEY (account) REFERENCES account NOT VALID');
SELECT * FROM locks_try('DROP INDEX invoice_account');
SELECT * FROM locks_try('ALTER INDEX invoice_account RENAME TO i');
SELECT * FROM locks_try('CREATE OR REPLACE VIEW customer AS SELECT id, name FROM account WHERE id > 0');
-- what is new, or temporary, or the server's own, or not there
SELECT * FROM locks_try('CREATE TABLE fresh (id int); ALTER TABLE fresh ADD note text; ALTER TABLE IF EXISTS nowhere ADD note text');
CREATE TEMP TABLE locks_temp (id int);
SELECT * FROM locks_try('ALTER TABLE locks_temp ADD note text');
DROP TABLE locks_temp;
-- names as the script resolves them
SELECT * FROM locks_try(E'\n-- migrate: search_path = locks_other\nALTER TABLE account ADD note text');
SELECT * FROM locks_try('SET search_path = locks_other; ALTER TABLE account ADD note text');
SELECT * FROM locks_try('SET LOCAL search_path = locks_other; ALTER TABLE account ADD note text; SET search_path = public, locks_app; ALTER TABLE invoice ADD note text');
SELECT * FROM locks_try('BEGIN; ALTER TABLE account ADD note text; COMMIT');
SHOW search_path;
-- all scripts of a call; and of the way back
SELECT migrate_register(1, 'one', 'SELECT locks_look(''up 1''); ALTER TABLE account ADD note text', 'SELECT locks_look(''down 1''); ALTER TABLE account DROP note');
SELECT migrate_register(2, 'two', 'SELECT locks_look(''up 2''); CREATE INDEX invoice_id ON invoice (id)', 'SELECT locks_look(''down 2''); DROP INDEX invoice_id');
SELECT version FROM migrate_apply();
SELECT step, relation, mode FROM locks_held ORDER BY n;
TRUNCATE locks_held;
SELECT version FROM migrate_rollback(0);
SELECT step, relation, mode FROM locks_held WHERE relation NOT LIKE '%\_pkey' ORDER BY step DESC, relation COLLATE "C";
TRUNCATE locks_held;
SELECT migrate_unregister(2);

-- They are released when the caller takes it back
BEGIN;
SAVEPOINT s;
SELECT version FROM migrate_apply();
ROLLBACK TO s;
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'account'::regclass;
COMMIT;

--
-- Privileges: nothing is locked for who could not lock it
--
ALTER TABLE account OWNER TO regress_locks_owner;
GRANT CREATE ON SCHEMA locks_app TO regress_locks_owner;
SET ROLE regress_locks_other;
-- the statement fails at its place, not here
SELECT * FROM locks_try('ALTER TABLE account ADD note text');
SELECT * FROM locks_try('ALTER TABLE locks_other.account ADD note text');
RESET ROLE;
-- tell what a role's script found, without running the rest
CREATE FUNCTION locks_fail() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'locked: %', (SELECT string_agg(relation || ' ' || mode, ', ' ORDER BY relation COLLATE "C") FROM public.locks_held);
END $$;
CREATE FUNCTION locks_of(role text, script text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('role', role, true);
	PERFORM migrate_register(1, 'try', 'SELECT public.locks_look(''1''), public.locks_fail();' || script);
	PERFORM migrate_apply(1);
	RETURN 'done';
EXCEPTION WHEN raise_exception THEN
	RETURN SQLERRM;
END $$;
SELECT locks_of('regress_locks_owner', 'ALTER TABLE account ADD note text');
-- a statement that will fail, at its place, keeps nothing else from being locked
SELECT locks_of('regress_locks_owner', 'SET ROLE regress_locks_nobody; ALTER TABLE locks_other.account ADD note text; ALTER TABLE account ADD note text');
SELECT locks_of('regress_locks_owner', 'ALTER TABLE invoice ADD note text');
SELECT locks_of('regress_locks_other', 'ALTER TABLE account ADD note text');
-- with what LOCK TABLE asks for
GRANT DELETE ON account TO regress_locks_other;
SELECT locks_of('regress_locks_other', 'ALTER TABLE account ADD note text');
REVOKE DELETE ON account FROM regress_locks_other;
GRANT SELECT, INSERT ON account TO regress_locks_other;
SELECT locks_of('regress_locks_other', 'ALTER TABLE account ADD note text');
-- with what CREATE TRIGGER and FOREIGN KEY ask for, in their mode only
GRANT TRIGGER ON account TO regress_locks_other;
SELECT locks_of('regress_locks_other', 'CREATE TRIGGER t BEFORE UPDATE ON account FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()');
SELECT locks_of('regress_locks_other', 'ALTER TABLE account ADD note text');
REVOKE ALL ON account FROM regress_locks_other;
GRANT REFERENCES ON account TO regress_locks_other;
SELECT locks_of('regress_locks_other', 'CREATE TABLE locks_ref (account int REFERENCES account)');
-- the role of the script counts
GRANT regress_locks_owner TO regress_locks_other;
SELECT locks_of('regress_locks_other', E'\n-- migrate: role = regress_locks_owner\nALTER TABLE account ADD note text');
SELECT locks_of('regress_locks_other', E'SET ROLE regress_locks_owner; ALTER TABLE account ADD note text');
REVOKE regress_locks_owner FROM regress_locks_other;
SELECT current_user = session_user AS same;

--
-- Who is in the way is told by a function
--
SELECT migrate.lock_blocker('account'::regclass, '{AccessShareLock,AccessExclusiveLock}', current_user::regrole);
SELECT migrate.lock_blocker(0, NULL, 0);

DROP FUNCTION locks_look, locks_try, locks_fail, locks_of;
DROP TABLE locks_held;
DROP SCHEMA locks_app, locks_other CASCADE;
DROP EXTENSION migrate_ext;
DROP ROLE regress_locks_owner, regress_locks_other;
CREATE EXTENSION migrate_ext;
