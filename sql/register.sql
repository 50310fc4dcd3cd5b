-- What may be registered, replaced and forgotten, and what is refused.
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
RESET client_min_messages;
\set sqlstate '\\echo :LAST_ERROR_SQLSTATE'
CREATE SCHEMA register_test;
SET search_path = register_test, public;
CREATE VIEW registered AS
SELECT m.version, m.name, m.version_text, s.direction, s.statements, s.obstacle
FROM migrate.migration m LEFT JOIN migrate.script s USING (version)
ORDER BY m.version, s.direction DESC;
CREATE VIEW history AS
SELECT entry, event, version, name, statements, rows, reason FROM migrate_history();
CREATE VIEW status AS
SELECT version, name, state, checksum, rollback FROM migrate_status();

--
-- A migration that is not applied
--

-- new: with and without a down script
SELECT migrate_register(1, 'create_users', 'CREATE TABLE users (id int);', 'DROP TABLE users;');
SELECT migrate_register(2, 'add_email', 'ALTER TABLE users ADD email text;');
SELECT * FROM registered;
SELECT body FROM migrate.script ORDER BY version, direction DESC;

-- parameters have names
SELECT migrate_register(version => 3, name => 'Add-Phone.v2', up_script => 'SELECT 1; SELECT 2;', down_script => 'SELECT 3;');

-- the same text again: nothing happens, and a down script that is not given stays
SELECT migrate_register(1, 'create_users', 'CREATE TABLE users (id int);', 'DROP TABLE users;');
SELECT migrate_register(1, 'create_users', 'CREATE TABLE users (id int);');
SELECT migrate_register(2, 'add_email', 'ALTER TABLE users ADD email text;', NULL);
SELECT * FROM status;

-- nothing happens, so it can be done where nothing can be changed
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT migrate_register(1, 'create_users', 'CREATE TABLE users (id int);', 'DROP TABLE users;');
COMMIT;

-- only comments and white space
SELECT migrate_register(1, 'create_users', E'-- the first one\nCREATE TABLE\n  users (id int);');
SELECT migrate_register(1, 'create_users', E'-- the first one\nCREATE TABLE\n  users (id int);', '/* gone */ DROP TABLE users;');
SELECT body FROM migrate.script WHERE version = 1 ORDER BY direction DESC;

-- another text: replaced while pending
SELECT migrate_register(1, 'create_users', 'CREATE TABLE users (id bigint);');
SELECT migrate_register(1, 'create_users', 'CREATE TABLE users (id bigint);', 'DROP TABLE IF EXISTS users;');
SELECT migrate_register(2, 'add_email', 'ALTER TABLE users ADD email text;', 'ALTER TABLE users DROP email;');

-- another name
SELECT migrate_register(3, 'add_phone', 'SELECT 1; SELECT 2;', 'SELECT 3;');
SELECT * FROM registered;

-- an empty down script removes the one there is, once
SELECT migrate_register(3, 'add_phone', 'SELECT 1; SELECT 2;', '');
SELECT migrate_register(3, 'add_phone', 'SELECT 1; SELECT 2;', '');
SELECT version, rollback FROM migrate_status() WHERE version = 3;

-- one of comments only counts as missing
SELECT migrate_register(3, 'add_phone', 'SELECT 1; SELECT 2;', 'SELECT 3;');
SELECT migrate_register(3, 'add_phone', 'SELECT 1; SELECT 2;', '-- nothing to undo');
SELECT migrate_register(4, 'no_way_back', 'SELECT 1;', E'\n  /* nothing */ ;\n');
SELECT version, rollback FROM migrate_status() WHERE version >= 3;

-- an up script of comments only is accepted, with a notice
SELECT migrate_register(5, 'placeholder', '-- does nothing, on purpose');
SELECT version, statements FROM registered WHERE version = 5;

-- forget them
SELECT migrate_unregister(3);
SELECT migrate_unregister(version => 4);
SELECT migrate_unregister(5);
SELECT count(*) FROM migrate.script WHERE version > 2;
SELECT * FROM status;

--
-- Header
--
SELECT migrate_register(10, 'clean_artwork', $$
-- Migration: 010_clean_artwork
-- Description: removes what nobody uses: the old columns
--   AUTHOR:   data team
-- Date: 2024-05-01
-- Release: 2.0.0
-- Author: the first one counts
-- Reviewer: not a field of the header

SELECT 1;
-- Description: not in the header any more
$$);
SELECT description, author, date, release, requires FROM migrate.migration WHERE version = 10;
SELECT migrate_version_of('2.0.0');
SELECT migrate_version_of(release => '2.0.0');

-- replaced with the text, also when only comments changed
SELECT migrate_register(10, 'clean_artwork', $$
-- Description: removes the old columns
-- Author:
-- Release: 2.0.1
SELECT 1;
$$);
SELECT description, author, date, release FROM migrate.migration WHERE version = 10;
SELECT migrate_version_of('2.0.0');
:sqlstate
SELECT migrate_version_of('2.0.1');
SELECT migrate_version_of('2.0');
:sqlstate
SELECT migrate_version_of(NULL);
:sqlstate

-- a release names one version
SELECT migrate_register(11, 'other', E'-- Release: 2.0.1\nSELECT 1;');
:sqlstate
SELECT migrate_register(10, 'clean_artwork', E'-- Release: 2.0.1\nSELECT 1;');
SELECT migrate_register(10, 'clean_artwork', 'SELECT 1;');
SELECT migrate_register(11, 'other', E'-- Release: 2.0.1\nSELECT 1;');
SELECT migrate_version_of('2.0.1');
SELECT migrate_unregister(11);
SELECT migrate_version_of('2.0.1');
:sqlstate

--
-- What a migration requires
--
SELECT migrate_register(12, 'needs', E'-- migrate: requires = 10, 2\nSELECT 1;');
SELECT requires FROM migrate.migration WHERE version = 12;
SELECT migrate_register(12, 'needs', E'-- migrate: requires = 10, 2\n-- migrate: requires=7\nSELECT 1;');
SELECT requires FROM migrate.migration WHERE version = 12;
SELECT version, note FROM migrate_plan() WHERE version = 12;
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(12, 'needs', E'-- migrate: requires = 12\nSELECT 1;');
:sqlstate
SELECT migrate_register(12, 'needs', E'-- migrate: requires = 10, 13\nSELECT 1;');
:sqlstate
SELECT migrate_register(12, 'needs', E'-- migrate: requires = 10, 10\nSELECT 1;');
:sqlstate
SELECT requires FROM migrate.migration WHERE version = 12;
SELECT migrate_unregister(12);
SELECT migrate_unregister(10);

--
-- A migration that is applied
--
SET client_min_messages = warning;
SELECT version, name, statements FROM migrate_apply();
RESET client_min_messages;
SELECT * FROM status;

-- the same text again, and other comments
SELECT migrate_register(1, 'create_users', 'CREATE TABLE users (id bigint);');
SELECT migrate_register(1, 'create_users', E'-- Release: 1.0.0\nCREATE TABLE users (id bigint);');
SELECT migrate_version_of('1.0.0');
SELECT * FROM status;
SELECT * FROM history;

-- another text is refused, and nothing of the call stays
SELECT migrate_register(1, 'renamed', 'CREATE TABLE users (id int);', 'SELECT 1;');
:sqlstate
SELECT * FROM status;
SELECT migrate_register(1, 'create_users', '-- nothing at all');
:sqlstate

-- accepted when that is on the record
SELECT migrate_repair(1, 'the id was narrowed by hand');
SELECT * FROM status;
SELECT migrate_register(1, 'create_users', 'CREATE TABLE users (id int);');
SELECT * FROM status;
SELECT migrate_register(1, 'create_users', 'CREATE TABLE users (id bigint);');
:sqlstate

-- the text may also be the one that is there
SELECT migrate_repair(2, 'by mistake');
SELECT migrate_register(2, 'add_email', 'ALTER TABLE users ADD email text;');
SELECT * FROM status;

-- the down script may be replaced or removed, on the record
SELECT migrate_register(2, 'add_email', 'ALTER TABLE users ADD email text;', 'ALTER TABLE users DROP COLUMN email;');
SELECT migrate_register(2, 'add_email', 'ALTER TABLE users ADD email text;', E'-- comment\nALTER TABLE users DROP COLUMN email;');
SELECT migrate_register(2, 'add_email', 'ALTER TABLE users ADD email text;', '');
SELECT migrate_register(2, 'add_email', 'ALTER TABLE users ADD email text;', 'ALTER TABLE users DROP email;');
SELECT * FROM history;
SELECT * FROM migrate.ledger_break;

-- the checksums in the ledger are those of what was accepted or replaced
SELECT l.entry, l.reason, l.checksum = sha256(convert_to(t.body, getdatabaseencoding())) AS right_one, l.checksum IS NULL AS none
FROM migrate.ledger l LEFT JOIN (VALUES (4, 'CREATE TABLE users (id int);'), (6, 'ALTER TABLE users ADD email text;'),
	(7, 'ALTER TABLE users DROP COLUMN email;')) t (entry, body) USING (entry)
WHERE l.event = 'repaired' ORDER BY l.entry;

-- another name alone, on the record; the same name again is nothing
SELECT migrate_register(2, 'add_e-mail', 'ALTER TABLE users ADD email text;');
SELECT migrate_register(2, 'add_e-mail', 'ALTER TABLE users ADD email text;');
SELECT migrate_register(2, 'add_email', 'ALTER TABLE users ADD email text;', 'ALTER TABLE users DROP email;');
SELECT version, name, state, checksum FROM status WHERE version = 2;
SELECT event, version, name, reason FROM history WHERE entry > 8;
-- undone with its transaction
BEGIN;
SELECT migrate_register(2, 'other', 'ALTER TABLE users ADD email text;');
ROLLBACK;
SELECT name FROM status WHERE version = 2;
-- not where nothing can be changed
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT migrate_register(2, 'other', 'ALTER TABLE users ADD email text;');
:sqlstate
ROLLBACK;
SELECT * FROM migrate.ledger_break;

-- it cannot be forgotten
SELECT migrate_unregister(2);
:sqlstate

-- rolled back it can be replaced and forgotten; its history stays
SET client_min_messages = warning;
SELECT version, name, statements FROM migrate_rollback();
RESET client_min_messages;
SELECT * FROM status;
SELECT migrate_register(2, 'add_email', 'ALTER TABLE users ADD email varchar;');
SELECT migrate_unregister(2);
SELECT entry, event, version, name FROM migrate_history(2);

-- an older one that comes late
SELECT migrate_register(5, 'five', 'SELECT 5;');
SET client_min_messages = warning;
SELECT version, name, statements FROM migrate_apply();
RESET client_min_messages;
SELECT migrate_register(4, 'four', 'SELECT 4;');
SELECT * FROM status;

--
-- Bad input
--

-- versions
SELECT migrate_register(NULL, 'x', 'SELECT 1;');
:sqlstate
SELECT migrate_register(0, 'x', 'SELECT 1;');
:sqlstate
SELECT migrate_register(-1, 'x', 'SELECT 1;');
:sqlstate
SELECT migrate_register('x', 'x', 'SELECT 1;');
:sqlstate
SELECT migrate_register('9223372036854775808', 'x', 'SELECT 1;');
:sqlstate
SELECT migrate_register('009223372036854775807', 'the_last', 'SELECT 1;');
SELECT migrate_unregister(9223372036854775807);

-- names
SELECT migrate_register(20, NULL, 'SELECT 1;');
:sqlstate
SELECT migrate_register(20, '', 'SELECT 1;');
:sqlstate
SELECT migrate_register(20, 'two words', 'SELECT 1;');
:sqlstate
SELECT migrate_register(20, 'a/b', 'SELECT 1;');
:sqlstate
SELECT migrate_register(20, 'a''b', 'SELECT 1;');
:sqlstate
SELECT migrate_register(20, E'a\nb', 'SELECT 1;');
:sqlstate
SELECT migrate_register(20, 'naïve', 'SELECT 1;');
:sqlstate
SELECT migrate_register(20, repeat('n', 201), 'SELECT 1;');
:sqlstate
SELECT migrate_register(20, repeat('n', 200), 'SELECT 1;');
SELECT migrate_unregister(20);

-- scripts
SELECT migrate_register(20, 'x', NULL);
:sqlstate
SELECT migrate_register(20, 'x', '');
:sqlstate
SELECT migrate_register(20, 'x', E' \t\r\n\f ');
:sqlstate
SELECT migrate_register(20, 'x', 'SELEC 1;');
:sqlstate
SELECT migrate_register(20, 'x', 'SELECT 1;', E'SELECT 1;\nSELEC 2;');
:sqlstate

-- versions that are not there, or cannot be
SELECT migrate_unregister(20);
:sqlstate
SELECT migrate_unregister(NULL);
:sqlstate
SELECT migrate_unregister(0);
:sqlstate

-- a transaction that cannot change anything
BEGIN READ ONLY;
SELECT migrate_register(20, 'x', 'SELECT 1;');
:sqlstate
ROLLBACK;
BEGIN READ ONLY;
SELECT migrate_register_file('020_x.sql', 'SELECT 1;');
:sqlstate
ROLLBACK;
BEGIN READ ONLY;
SELECT migrate_unregister(4);
:sqlstate
ROLLBACK;

-- one that does not see what others have just done
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT migrate_register(4, 'four', 'SELECT 44;');
:sqlstate
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT migrate_unregister(4);
:sqlstate
ROLLBACK;

-- what is new hurts nobody
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT migrate_register(20, 'x', 'SELECT 1;');
ROLLBACK;

-- a script that is running
SELECT migrate_register(20, 'nested', 'SELECT public.migrate_register(21, ''x'', ''SELECT 1;'');');
SELECT version FROM migrate_apply(20);
:sqlstate
SELECT migrate_unregister(4);
SELECT version FROM migrate_apply(20);
:sqlstate
SELECT migrate_register(20, 'nested', 'SELECT public.migrate_register_file(''021_x.sql'', ''SELECT 1;'');');
SELECT version FROM migrate_apply(20);
:sqlstate
SELECT migrate_register(20, 'nested', 'SELECT public.migrate_unregister(5);');
SELECT version FROM migrate_apply(20);
:sqlstate

-- nothing of all that stayed
SELECT * FROM status;
SELECT * FROM migrate.ledger_break;

-- a role that was granted nothing
CREATE ROLE regress_register_nobody;
GRANT USAGE ON SCHEMA public TO regress_register_nobody;
SET ROLE regress_register_nobody;
SELECT public.migrate_register(30, 'x', 'SELECT 1;');
:sqlstate
SELECT public.migrate_register_file('030_x.sql', 'SELECT 1;');
:sqlstate
SELECT public.migrate_unregister(20);
:sqlstate
SELECT public.migrate_version_of('1.0.0');
:sqlstate
RESET ROLE;
REVOKE USAGE ON SCHEMA public FROM regress_register_nobody;
DROP ROLE regress_register_nobody;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA register_test CASCADE;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
