-- The two checksums of a script, and the chain of the ledger.
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
\set sqlstate '\\echo :LAST_ERROR_SQLSTATE'
CREATE SCHEMA checksum_test;
SET search_path = checksum_test, public;

--
-- One of the exact text, one of its tokens
--
CREATE TABLE variant (number int PRIMARY KEY, body text);
-- what a register call says after the first text has been registered
CREATE FUNCTION compare(first text, second text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM migrate_register(1, 'x', first);
	result := migrate_register(1, 'x', second);
	PERFORM migrate_unregister(1);
	RETURN result;
END
$$;

-- the checksum of the exact text is what sha256sum says of the file
SELECT migrate_register(1, 'x', E'-- äöü\nSELECT 1;\n');
SELECT checksum = sha256(convert_to(body, getdatabaseencoding())) AS exact,
	checksum = token_checksum AS same, length(token_checksum)
FROM migrate.script;
SELECT migrate_unregister(1);

-- comments and white space do not change a migration
SELECT compare('SELECT 1, 2;', second), second FROM (VALUES
	('SELECT 1, 2;'),
	('SELECT  1,2 ;'),
	(E'SELECT 1,\n\t2;\n\n'),
	(E'SELECT 1,\r\n2;\r\n'),
	(E'-- a comment\nSELECT 1, /* 3, /* nested */ */ 2; --'),
	('SELECT/**/1,2;'),
	(E'﻿SELECT 1, 2;'),
	(E'\\restrict somekey\nSELECT 1, 2;\n\\unrestrict somekey\n')) v(second);

-- anything else does
SELECT compare('SELECT ''a b'', 12, "c" FROM d;', second), second FROM (VALUES
	('SELECT ''a  b'', 12, "c" FROM d;'),
	('SELECT ''a b'', 1, 2, "c" FROM d;'),
	('SELECT ''a b'', 12, "C" FROM d;'),
	('SELECT ''a b'', 12, c FROM d;'),
	('SELECT ''a b'', 12, "c" FROM D;'),
	('select ''a b'', 12, "c" FROM d;'),
	('SELECT $$a b$$, 12, "c" FROM d;'),
	('SELECT ''a b'', 12, "c" FROM d'),
	('SELECT ''a b'', 12, "c" FROM d;;'),
	('SELECT ''a -- b'', 12, "c" FROM d;'),
	('BEGIN; SELECT ''a b'', 12, "c" FROM d; COMMIT;')) v(second);

-- directives count as statements do, in whatever spelling
SELECT compare(E'-- migrate: lock_timeout = 1s\n-- migrate: search_path = a, b\nSELECT 1;', second), second FROM (VALUES
	(E'--MIGRATE:Lock_Timeout=1s  \n\n--  migrate:   SEARCH_PATH  =   a, b\r\nSELECT 1;'),
	(E'-- why\n-- migrate: lock_timeout = 1s\n/* and */\n-- migrate: search_path = a, b\nSELECT 1;'),
	(E'-- migrate: lock_timeout = 2s\n-- migrate: search_path = a, b\nSELECT 1;'),
	(E'-- migrate: lock_timeout = 1s\n-- migrate: search_path = b, a\nSELECT 1;'),
	(E'-- migrate: lock_timeout = 1s\nSELECT 1;'),
	(E'-- migrate: lock_timeout = 1s\n-- migrate: search_path = a, b\n-- migrate: role = c\nSELECT 1;'),
	(E'-- migrate: lock_timeout = 1s\n-- migrate: search_path = a, b\n-- migrate: no-transaction\nSELECT 1;'),
	(E'-- migrate - lock_timeout = 1s\n-- migrate - search_path = a, b\nSELECT 1;')) v(second);

-- the body of a function is one token, and what it says is kept to the letter
SELECT compare('DO $$ BEGIN NULL; END $$;', 'DO $$ BEGIN NULL;  END $$;');
SELECT compare('DO $$ BEGIN NULL; END $$;', 'DO $$ BEGIN NULL; /**/ END $$;');
-- so is a string, but for the carriage returns of its lines
SELECT compare(E'SELECT ''a\nb'';', E'SELECT ''a\r\nb'';');
SELECT compare(E'SELECT ''a\nb'';', E'SELECT ''a\rb'';');
SELECT compare(E'DO $$\nBEGIN\nEND\n$$;\n', E'DO $$\r\nBEGIN\r\nEND\r\n$$;\r\n');
-- and the data of COPY
SELECT compare(E'COPY variant FROM stdin;\n1\ta\n\\.\n', E'/* data */ COPY variant FROM stdin;\r\n1\ta\r\n\\.\r\n');
SELECT compare(E'COPY variant FROM stdin;\n1\ta\n\\.\n', E'COPY variant FROM stdin;\n1\tb\n\\.\n');
SELECT compare(E'COPY variant FROM stdin;\n1\ta\n\\.\n', E'COPY variant FROM stdin;\n1\ta \n\\.\n');
SELECT compare(E'COPY variant FROM stdin;\n1\ta\n\\.\n', E'COPY variant FROM stdin;\n1\ta\n2\tb\n\\.\n');
SELECT compare(E'COPY variant FROM stdin;\n\\.\n', E'COPY variant FROM stdin;\n1\ta\n\\.\n');

-- settings do not matter
CREATE FUNCTION digests(OUT text text, OUT tokens text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM migrate_register(1, 'x', E'-- 1\nSELECT ''a\\'', "b", 1.5, now(), E''\\'''' -- '';\n;');
	SELECT encode(checksum, 'hex'), encode(token_checksum, 'hex') INTO text, tokens FROM migrate.script;
	PERFORM migrate_unregister(1);
END
$$;
CREATE TABLE before AS SELECT * FROM digests();
SET standard_conforming_strings = off;
SET escape_string_warning = on;
SET bytea_output = escape;
SET DateStyle = 'German';
SET IntervalStyle = 'sql_standard';
SET extra_float_digits = 0;
SET quote_all_identifiers = on;

SET TimeZone = 'Asia/Tokyo';
SELECT before = digests.* AS same FROM before, digests();
RESET standard_conforming_strings;
RESET escape_string_warning;
RESET bytea_output;
RESET DateStyle;
RESET IntervalStyle;
RESET extra_float_digits;
RESET quote_all_identifiers;
RESET TimeZone;
-- nor do they for what is in a string that is run
CREATE TABLE kept (a text);
SELECT migrate_register(1, 'standard', E'INSERT INTO kept VALUES (''back\\slash''), (E''back\\\\slash'');');
SET standard_conforming_strings = off;
SELECT version, name, statements FROM migrate_apply();
SHOW standard_conforming_strings;
RESET standard_conforming_strings;
SELECT * FROM kept;

--
-- What the status says of the registered text and the applied one
--
CREATE VIEW status AS
SELECT version, state, checksum FROM migrate_status() ORDER BY version;
SELECT migrate_register(2, 'two', 'SELECT 2;');
SELECT migrate_register(3, 'three', 'SELECT 3;');
SELECT * FROM status;
SELECT version, name, statements FROM migrate_apply();
SELECT * FROM status;
SELECT migrate_register(2, 'two', '/* two */ SELECT 2;');
SELECT * FROM status;
-- and back
SELECT migrate_register(2, 'two', 'SELECT 2;');
SELECT * FROM status;
-- after a repair the next text counts
SELECT migrate_repair(3, 'because');
SELECT * FROM status;
SELECT migrate_register(3, 'three', 'SELECT 33;');
SELECT * FROM status;
-- a baseline of what is not registered has none; that of what is has one
SELECT migrate_baseline(4);
SELECT migrate_register(5, 'five', 'SELECT 5;');
SELECT migrate_baseline(5);
SELECT * FROM status;
SELECT migrate_register(4, 'four', 'SELECT 4;');
SELECT * FROM status;
SELECT migrate_register(4, 'four', 'SELECT 44;');
:sqlstate
-- a text that was changed behind our back
UPDATE migrate.script SET body = 'SELECT 22;', checksum = sha256('SELECT 22;'), token_checksum = sha256('22')
WHERE version = 2;
SELECT * FROM status;
DELETE FROM migrate.script WHERE version = 2;
SELECT * FROM status;
-- registered again, it is compared with what was applied
SELECT migrate_register(2, 'two', 'SELECT 22;');
:sqlstate
SELECT migrate_register(2, 'two', 'SELECT 2;');
SELECT * FROM status;

-- the ledger has the checksums of what ran, and of what is taken as if it had
SELECT l.entry, l.event, l.version, l.checksum = s.checksum AS text, l.token_checksum = s.token_checksum AS tokens
FROM migrate.ledger l LEFT JOIN migrate.script s ON s.version = l.version AND s.direction = 'up'
ORDER BY l.entry;

--
-- The ledger is a chain that is only added to
--
SELECT * FROM migrate.ledger_break;
SELECT count(*), max(entry) FROM migrate.ledger;
SELECT previous_hash IS NULL AS first, hash = migrate.ledger_hash(l) AS whole FROM migrate.ledger l WHERE entry = 1;
-- the hash is the same under all settings
SET DateStyle = 'German';
SET IntervalStyle = 'sql_standard';
SET TimeZone = 'Asia/Tokyo';
SET bytea_output = escape;
SET extra_float_digits = 0;
SELECT * FROM migrate.ledger_break;
SELECT migrate_repair(5, 'written under other settings');
RESET DateStyle;
RESET IntervalStyle;
RESET TimeZone;
RESET bytea_output;
RESET extra_float_digits;
SELECT * FROM migrate.ledger_break;

-- for its owner too
UPDATE migrate.ledger SET reason = 'another' WHERE entry = 1;
:sqlstate
UPDATE migrate.ledger SET reason = 'another' WHERE false;
:sqlstate
DELETE FROM migrate.ledger WHERE entry = 1;
:sqlstate
TRUNCATE migrate.ledger CASCADE;
:sqlstate
SET session_replication_role = replica;
DELETE FROM migrate.ledger;
:sqlstate
RESET session_replication_role;
-- in a script too
SELECT migrate_register(9, 'forge', E'SELECT 1;\nDELETE FROM migrate.ledger;');
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_unregister(9);

-- who removes the trigger is found out
CREATE FUNCTION tamper(command text) RETURNS TABLE (entry bigint, version bigint, problem text)
LANGUAGE plpgsql AS $$
BEGIN
	ALTER TABLE migrate.ledger DISABLE TRIGGER ledger_append_only;
	EXECUTE command;
	RETURN QUERY SELECT * FROM migrate.ledger_break b ORDER BY b.entry;
END
$$;
-- each column is part of the hash
CREATE FUNCTION breaks(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	SELECT string_agg(t.entry || ' ' || t.problem, ', ') INTO result FROM tamper(command) t;
	RAISE 'take it back';
EXCEPTION WHEN raise_exception THEN
	RETURN result;
END
$$;
SELECT attname, breaks(format('UPDATE migrate.ledger SET %I = %s WHERE entry = 3', attname,
	CASE atttypid::regtype::text
		WHEN 'bigint' THEN '77' WHEN 'integer' THEN '77'
		WHEN 'text' THEN CASE attname WHEN 'event' THEN '''failed''' ELSE '''77''' END
		WHEN 'bytea' THEN '''\x77''' WHEN 'interval' THEN '''77 s''' ELSE '''2001-01-01''' END))
FROM pg_attribute
WHERE attrelid = 'migrate.ledger'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'entry'
ORDER BY attnum;
-- a changed entry, with its hash or without
BEGIN;
SELECT * FROM tamper('UPDATE migrate.ledger SET role = ''somebody else'' WHERE entry = 3');
ROLLBACK;
BEGIN;
SELECT * FROM tamper('UPDATE migrate.ledger l SET role = ''somebody else'',
	hash = migrate.ledger_hash((SELECT n FROM (SELECT l.entry, l.version, l.name, l.event, l.at, l.duration,
		l.statements, l.rows, l.rows_kept, l.snapshot_before, l.snapshot_after, l.restore_point, l.restore_lsn, ''somebody else''::text, l.session_role, l.client, l.application, l.environment,
		l.xid, l.checksum, l.token_checksum, l.reason, l.previous_hash, l.hash) n)::text::migrate.ledger)
	WHERE entry = 3');
ROLLBACK;
-- a missing one: the first, one in between
BEGIN;
SELECT * FROM tamper('UPDATE migrate.migration SET entry = 2 WHERE entry = 1; DELETE FROM migrate.ledger WHERE entry = 1');
ROLLBACK;
BEGIN;
SELECT * FROM tamper('DELETE FROM migrate.ledger WHERE entry = 4');
ROLLBACK;
-- the numbers closed up
BEGIN;
SELECT * FROM tamper('DELETE FROM migrate.ledger WHERE entry = 4; UPDATE migrate.migration SET entry = 3 WHERE entry > 3; UPDATE migrate.ledger SET entry = entry - 1 WHERE entry > 4');
ROLLBACK;
-- two that changed places
BEGIN;
SELECT * FROM tamper('UPDATE migrate.migration SET entry = 1 WHERE entry IN (5, 6); UPDATE migrate.ledger SET entry = 100 WHERE entry = 5; UPDATE migrate.ledger SET entry = 5 WHERE entry = 6; UPDATE migrate.ledger SET entry = 6 WHERE entry = 100');
ROLLBACK;
SELECT * FROM migrate.ledger_break;

--
-- The directives of a script are part of what was applied
--
CREATE ROLE regress_checksum;
SELECT migrate_register(6, 'six', E'-- migrate: role = regress_checksum\n-- migrate: search_path = checksum_test\n-- migrate: requires = 2, 3\nSELECT 6;');
SELECT version FROM migrate_apply();
SELECT migrate_register(6, 'six', E'-- migrate: search_path = checksum_test\n-- migrate: requires = 2, 3\nSELECT 6;');
:sqlstate
\set VERBOSITY terse
SELECT migrate_register(6, 'six', E'-- migrate: role = regress_checksum_other\n-- migrate: search_path = checksum_test\n-- migrate: requires = 2, 3\nSELECT 6;');
:sqlstate
SELECT migrate_register(6, 'six', E'-- migrate: role = regress_checksum\n-- migrate: search_path = public\n-- migrate: requires = 2, 3\nSELECT 6;');
:sqlstate
SELECT migrate_register(6, 'six', E'-- migrate: role = regress_checksum\n-- migrate: search_path = checksum_test\n-- migrate: requires = 2\nSELECT 6;');
:sqlstate
SELECT migrate_register(6, 'six', E'-- migrate: role = regress_checksum\n-- migrate: search_path = checksum_test\n-- migrate: requires = 2, 3\n-- migrate: lock_timeout = 0\nSELECT 6;');
:sqlstate
\set VERBOSITY default
SELECT version, state, checksum FROM migrate_status() WHERE version = 6;
SELECT migrate_register(6, 'six', E'--migrate:ROLE=regress_checksum\n\n-- MIGRATE: Search_Path =checksum_test\n--  migrate:requires = 2, 3\nSELECT 6;');
SELECT version, state, checksum FROM migrate_status() WHERE version = 6;
SELECT migrate_register(6, 'six', E'--migrate:ROLE=regress_checksum\n\n-- MIGRATE: Search_Path =checksum_test\n--  migrate:requires = 2, 3\nSELECT 6;', 'SELECT 6;');
SELECT version FROM migrate_rollback();
SELECT migrate_unregister(6);
DROP ROLE regress_checksum;
SELECT * FROM migrate.ledger_break;

RESET search_path;
DROP SCHEMA checksum_test CASCADE;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
