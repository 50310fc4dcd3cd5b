-- A directory of the server: migrate_load().
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
\set sqlstate '\\echo :LAST_ERROR_SQLSTATE'
CREATE SCHEMA load_test;
SET search_path = load_test, public;

-- A directory of our own below the data directory; its name is never shown.
CREATE FUNCTION dir(sub text DEFAULT '') RETURNS text LANGUAGE sql AS
$$ SELECT current_setting('data_directory') || '/migrate_load_test' || sub $$;
CREATE PROCEDURE shell(command text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (SELECT WHERE false) TO PROGRAM %L', format('cd "%s" && %s', dir(), command));
END
$$;
CREATE PROCEDURE write(file text, content text) LANGUAGE plpgsql AS $$
BEGIN
	CALL shell(format('mkdir -p "$(dirname "%s")"', file));
	EXECUTE format('COPY (SELECT WHERE false) TO PROGRAM %L', format('cd "%s" && printf %%s "%s" | base64 -d > "%s"',
		dir(), translate(encode(convert_to(content, 'UTF8'), 'base64'), E'\n', ''), file));
END
$$;
-- what migrate_load() raises, without the name of the directory
CREATE FUNCTION try_load(directory text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
	context text;
BEGIN
	RETURN (SELECT string_agg(concat_ws(' ', l.version, l.name, l.action), E'\n') FROM migrate_load(directory) l);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
	RETURN replace(concat_ws(E'\n', sqlstate || ': ' || sqlerrm, 'DETAIL: ' || nullif(detail, ''), 'HINT: ' || nullif(hint, ''),
		'CONTEXT: ' || nullif(regexp_replace(context, '\n?(SQL statement|SQL expression|PL/pgSQL).*', ''), '')), dir(), 'DIR');
END
$$;
\pset format unaligned
DO $$ BEGIN EXECUTE format('COPY (SELECT WHERE false) TO PROGRAM %L', format('rm -rf "%s" && mkdir "%s"', dir(), dir())); END $$;

--
-- The seed layout
--
CALL write('migrations/001_one.sql', E'-- Description: the first\nCREATE TABLE load_test.one ();\n');
CALL write('migrations/002_two.sql', E'CREATE TABLE load_test.two ();\n');
CALL write('migrations/010_ten.sql', E'SELECT ''äöü €'';\n');
CALL write('rollbacks/001_rollback_one.sql', E'DROP TABLE load_test.one;\n');
CALL write('rollbacks/002_rollback_two.sql', E'DROP TABLE load_test.two;\n');
-- what is no migration is left alone
CALL write('schema_version.sql', 'nonsense');
CALL write('seeds/003_data.sql', 'nonsense');
CALL write('migrations/README.md', 'nonsense');
CALL write('migrations/.004_hidden.sql', 'nonsense');
CALL write('migrations/005_five.sql~', 'nonsense');
CALL write('rollbacks/notes.sql', 'nonsense');
SELECT * FROM migrate_load(dir());
SELECT version, name, state, rollback FROM migrate_status();
SELECT version, version_text, description FROM migrate.migration ORDER BY version;
SELECT body FROM migrate.script WHERE version = 10;
-- again, with slashes behind and a way back in it
SELECT * FROM migrate_load(directory => dir('//migrations/..//'));
-- what changed
CALL write('migrations/002_two.sql', E'-- comment\nCREATE TABLE load_test.two ();\n');
CALL write('migrations/003_three.sql', E'SELECT 3;\n');
CALL write('migrations/010_ten.sql', E'SELECT 10;\n');
CALL write('rollbacks/001_rollback_one.sql', E'DROP TABLE IF EXISTS load_test.one;\n');
SELECT * FROM migrate_load(dir());
-- they run
SELECT version, name, statements FROM migrate_apply();
SELECT version, name, statements FROM migrate_rollback(2);
:sqlstate
CALL write('rollbacks/003_rollback_three.sql', 'SELECT -3;');
CALL write('rollbacks/010_rollback_ten.sql', 'SELECT -10;');
SELECT * FROM migrate_load(dir());
SELECT version, name, statements FROM migrate_rollback(0);
SELECT count(migrate_unregister(version)) FROM migrate.migration;

--
-- Other layouts
--

-- golang-migrate: both directions in one directory, which is given itself
CALL shell('rm -rf *');
CALL write('1_one.up.sql', 'SELECT 1;');
CALL write('1_one.down.sql', 'SELECT -1;');
CALL write('10_ten.up.sql', 'SELECT 10;');
CALL write('9_nine.up.sql', 'SELECT 9;');
SELECT * FROM migrate_load(dir());
SELECT version, rollback FROM migrate_status();
SELECT count(migrate_unregister(version)) FROM migrate.migration;
-- dbmate, goose, Flyway, diesel, Prisma, a byte order mark and carriage returns, side by side
CALL shell('rm -rf *');
CALL write('migrations/20240101000001_dbmate.sql', E'-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT -1;\n');
CALL write('migrations/20240101000002_goose.sql', E'-- +goose Up\nSELECT 2;\n-- +goose Down\nSELECT -2;\n');
CALL write('migrations/V3__Flyway.sql', 'SELECT 3;');
CALL write('migrations/U3__Flyway.sql', 'SELECT -3;');
CALL write('migrations/2024-01-01-000004_diesel/up.sql', 'SELECT 4;');
CALL write('migrations/2024-01-01-000004_diesel/down.sql', 'SELECT -4;');
CALL write('migrations/20240101000005_prisma/migration.sql', 'SELECT 5;');
CALL write('migrations/20240101000006_windows.sql', E'﻿-- Description: six\r\nSELECT 6;\r\n');
CALL write('migrations/deep/er/20240101000007_too_deep.sql', 'nonsense');
SELECT * FROM migrate_load(dir());
SELECT version, rollback FROM migrate_status();
SELECT version, description FROM migrate.migration WHERE description IS NOT NULL;
-- without its file a migration stays, and so does a down script
CALL shell('rm -rf migrations/2024* migrations/U3*');
SELECT * FROM migrate_load(dir());
SELECT count(*) FROM migrate_status() WHERE rollback = 'down script';
-- the down file of a migration that is registered is enough
CALL shell('rm -rf *');
CALL write('migrations/U3__Flyway.sql', 'SELECT -33;');
SELECT * FROM migrate_load(dir());
SELECT count(migrate_unregister(version)) FROM migrate.migration;

--
-- Errors: nothing of the directory is registered
--

-- two files for one script
CALL shell('rm -rf *');
CALL write('migrations/001_one.sql', 'SELECT 1;');
CALL write('migrations/1_other.sql', 'SELECT 1;');
CALL write('migrations/002_two.sql', 'SELECT 2;');
SELECT regexp_replace(try_load(dir()), '"DIR/migrations/(001_one|1_other).sql"', '"..."', 'g');
CALL shell('rm migrations/1_other.sql');
CALL write('rollbacks/002_rollback_two.sql', 'SELECT -2;');
CALL write('migrations/002_two.down.sql', 'SELECT -2;');
SELECT regexp_replace(try_load(dir()), '"DIR/[a-z]*/002_[a-z_.]*sql"', '"..."', 'g');
CALL shell('rm migrations/002_two.down.sql');
CALL write('migrations/002_two.sql', E'-- migrate:up\nSELECT 2;\n-- migrate:down\nSELECT -2;\n');
SELECT try_load(dir());
-- a down script alone
CALL write('migrations/002_two.sql', 'SELECT 2;');
CALL write('rollbacks/003_rollback_three.sql', 'SELECT -3;');
SELECT try_load(dir());
-- a wrong script: the file is named, with the line
CALL write('rollbacks/003_rollback_three.sql', E'\nSELEC -3;');
CALL write('migrations/003_three.sql', 'SELECT 3;');
SELECT try_load(dir());
CALL shell('rm rollbacks/003_rollback_three.sql');
CALL write('migrations/003_three.sql', E'SELECT 3;\n\n-- migrate: nonsense\n');
SELECT try_load(dir());
-- a version or a name that cannot be used
CALL shell('rm migrations/003_three.sql');
CALL write('migrations/000_zero.sql', 'SELECT 0;');
SELECT try_load(dir());
CALL shell('rm migrations/000_zero.sql');
CALL write('migrations/003_a+b.sql', 'SELECT 0;');
SELECT try_load(dir());
CALL shell('rm migrations/003_a+b.sql');
CALL write('migrations/R__views.sql', 'SELECT 0;');
SELECT try_load(dir());
CALL shell('rm migrations/R__views.sql');
-- an empty file
CALL write('migrations/003_empty.sql', '');
SELECT try_load(dir());
-- one that is not text
CALL shell('printf "SELECT 1; -- \\377\\n" > migrations/003_empty.sql');
SELECT try_load(dir());
CALL shell('printf "SELECT 1; -- \\000\\n" > migrations/003_empty.sql');
SELECT try_load(dir());
-- one that is too large
SET migrate.script_limit = '1kB';
CALL write('migrations/003_empty.sql', rpad('SELECT 3;', 1025));
SELECT try_load(dir());
CALL write('migrations/003_empty.sql', rpad('SELECT 3;', 1024));
SELECT try_load(dir());
SELECT count(migrate_unregister(version)) FROM migrate.migration;
RESET migrate.script_limit;
-- one that is not there
CALL shell('rm migrations/003_empty.sql && ln -s nowhere migrations/003_link.sql');
SELECT try_load(dir());
CALL shell('rm migrations/003_link.sql');
-- one that cannot be read
CALL write('migrations/003_secret.sql', 'SELECT 3;');
CALL shell('chmod 0 migrations/003_secret.sql');
SELECT try_load(dir());
CALL shell('rm -f migrations/003_secret.sql');
-- a link to one that is there
CALL write('elsewhere/three.txt', 'SELECT 3;');
CALL shell('ln -s ../elsewhere/three.txt migrations/003_link.sql');
SELECT try_load(dir());
SELECT count(migrate_unregister(version)) FROM migrate.migration;

-- the directory
SELECT try_load(dir('/nowhere'));
SELECT try_load(dir('/migrations/001_one.sql'));
SELECT try_load(dir('/elsewhere'));
SELECT try_load('supabase');
SELECT try_load('');
SELECT try_load('../..');
SELECT version FROM migrate_load(NULL);
:sqlstate
SELECT version FROM migrate.migration;

-- where nothing can be changed
BEGIN READ ONLY;
SELECT try_load(dir());
ROLLBACK;
SELECT try_load(dir());
CALL write('migrations/001_one.sql', 'SELECT 11;');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT try_load(dir());
ROLLBACK;
-- what is applied is not changed
SELECT version, statements FROM migrate_apply(1);
SELECT try_load(dir());
CALL write('migrations/001_one.sql', 'SELECT 1;');
SELECT try_load(dir());
-- a script that is running
SELECT migrate_register(4, 'nested', 'SELECT * FROM migrate_load(load_test.dir());');
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_unregister(4);

-- reading files takes the privilege for it
CREATE ROLE regress_load_user;
GRANT USAGE ON SCHEMA load_test TO regress_load_user;
SELECT set_config('load_test.dir', dir(), false) IS NOT NULL AS set;
SET ROLE regress_load_user;
SELECT version FROM migrate_load('/');
:sqlstate
RESET ROLE;
SELECT migrate_grant('regress_load_user', 'deployer');
SET ROLE regress_load_user;
SELECT version FROM migrate_load('/');
:sqlstate
RESET ROLE;
GRANT pg_read_server_files TO regress_load_user;
SET ROLE regress_load_user;
SELECT * FROM migrate_load(current_setting('load_test.dir'));
RESET ROLE;

-- what is called like a migration but is no file is refused, anything else not
CALL shell('mkfifo migrations/099_pipe.sql migrations/pipe');
SELECT try_load(dir());
CALL shell('rm migrations/099_pipe.sql');
CALL shell('ln -s nowhere migrations/nowhere');
SELECT try_load(dir()) IS NOT NULL AS loaded;

DO $$ BEGIN EXECUTE format('COPY (SELECT WHERE false) TO PROGRAM %L', format('rm -rf "%s"', dir())); END $$;
RESET load_test.dir;
RESET search_path;
DROP SCHEMA load_test CASCADE;
DROP EXTENSION migrate_ext CASCADE;
DROP ROLE regress_load_user;
CREATE EXTENSION migrate_ext;
