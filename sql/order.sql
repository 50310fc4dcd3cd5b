-- The order of migrations: out of order, and directive "requires"
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
CREATE TABLE order_log (n serial, what text);
CREATE FUNCTION order_take() RETURNS text[] LANGUAGE sql AS
$$ WITH gone AS (DELETE FROM order_log RETURNING n, what) SELECT array_agg(what ORDER BY n) FROM gone $$;
CREATE FUNCTION order_register(version bigint, directive text DEFAULT '') RETURNS text LANGUAGE sql AS
$$ SELECT migrate_register(version, 'm' || version,
	format(E'%s\nINSERT INTO public.order_log (what) VALUES (''up %s'');', directive, version),
	format('INSERT INTO public.order_log (what) VALUES (''down %s'');', version)) $$;

-- as text 9 comes after 10; as version before
SELECT order_register(v) FROM unnest('{100, 9, 10, 20260101000000, 1}'::bigint[]) v;
SELECT version FROM migrate_apply();
SELECT order_take();
SELECT version FROM migrate_rollback(9);
SELECT order_take();

-- an earlier version that turns up late: visible in status and plan
SELECT version FROM migrate_apply(10);
SELECT order_register(5), order_register(7);
SELECT version, state FROM migrate_status();
SELECT step, version, note FROM migrate_plan();
SELECT step, version, note FROM migrate_plan(5);

-- 55000: refused, also when another one is asked for; nothing runs
SELECT order_take();
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM migrate_apply(5);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM migrate_apply(100);
\echo :LAST_ERROR_SQLSTATE
SELECT order_take();

-- allowed by the setting: in the order of versions, and on the record
SET migrate.out_of_order = on;
SELECT version FROM migrate_apply(5);
SELECT version FROM migrate_apply(100);
RESET migrate.out_of_order;
SELECT order_take();
SELECT version, state FROM migrate_status();
SELECT entry, version, event FROM migrate_history() WHERE entry > 8;
-- version is the latest, not the last one applied; down goes by version
SELECT migrate_version();
SELECT version FROM migrate_rollback(1);
SELECT order_take();

-- a version below the applied ones that was forgotten and comes back
SELECT migrate_unregister(7);
SELECT version FROM migrate_apply();
SELECT order_register(7);
SELECT * FROM migrate_apply();
\echo :LAST_ERROR_SQLSTATE
SELECT migrate_unregister(7);
SELECT order_take();

-- 22023: no setting
SET migrate.out_of_order = 'perhaps';
\echo :LAST_ERROR_SQLSTATE

-- requires: registered and pending, both run, the required one first
SELECT version FROM migrate_rollback(0);
SELECT order_take();
SELECT order_register(30, '-- migrate: requires = 10, 9');
SELECT step, version, note FROM migrate_plan(30);
SELECT version FROM migrate_apply(30);
SELECT order_take();
-- nothing that is required can be forgotten while it is applied
SELECT migrate_unregister(9);
\echo :LAST_ERROR_SQLSTATE
-- applied or baselined already is enough
SELECT migrate_baseline(35);
SELECT order_register(36, '-- migrate: requires = 35');
SELECT version FROM migrate_apply(36);

-- 55000: a requirement that nobody has registered; those before do not run
SELECT order_register(39);
SELECT order_register(40, '-- migrate: requires = 9, 38, 37');
SELECT version, state FROM migrate_status() WHERE version >= 35;
SELECT step, version, note FROM migrate_plan(40);
SELECT * FROM migrate_apply(40);
\echo :LAST_ERROR_SQLSTATE
SELECT version FROM migrate_apply(39);
SELECT * FROM migrate_apply(40);
\echo :LAST_ERROR_SQLSTATE
-- registered, but late
SELECT order_register(37), order_register(38);
SELECT * FROM migrate_apply(40);
\echo :LAST_ERROR_SQLSTATE
SET migrate.out_of_order = on;
SELECT version FROM migrate_apply(40);
RESET migrate.out_of_order;

-- 22023: itself, a later one, twice, no version
SELECT order_register(50, '-- migrate: requires = 50');
\echo :LAST_ERROR_SQLSTATE
SELECT order_register(50, '-- migrate: requires = 60');
\echo :LAST_ERROR_SQLSTATE
SELECT order_register(50, '-- migrate: requires = 7, 7');
\echo :LAST_ERROR_SQLSTATE
SELECT order_register(50, '-- migrate: requires = abc');
\echo :LAST_ERROR_SQLSTATE
SELECT order_register(50, '-- migrate: requires');
\echo :LAST_ERROR_SQLSTATE

SELECT * FROM migrate.ledger_break;
DROP FUNCTION order_take, order_register;
DROP TABLE order_log;
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
