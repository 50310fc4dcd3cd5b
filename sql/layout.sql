-- What a migration file's path says, and the scripts that it holds.
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
RESET client_min_messages;
\set sqlstate '\\echo :LAST_ERROR_SQLSTATE'
CREATE SCHEMA layout_test;
SET search_path = layout_test, public;
CREATE VIEW registered AS
SELECT m.version, m.version_text, m.name, s.direction, s.statements, s.body
FROM migrate.migration m LEFT JOIN migrate.script s USING (version)
ORDER BY m.version, s.direction DESC;
-- forget everything that is registered
CREATE FUNCTION forget() RETURNS void LANGUAGE sql AS
'SELECT migrate_unregister(version) FROM migrate.migration';

--
-- One file for each direction
--

-- our own
SELECT migrate_register_file('supabase/migrations/003_clean_artwork.sql', 'SELECT ''up'';');
SELECT migrate_register_file(path => 'supabase/rollbacks/003_rollback_clean_artwork.sql', content => 'SELECT ''down'';');
SELECT * FROM registered;
-- in whatever directory; both kinds of slashes
SELECT migrate_register_file('004_four.sql', 'SELECT ''up'';');
SELECT migrate_register_file('./004_four.sql', 'SELECT ''up'';');
SELECT migrate_register_file('/srv/app//migrations/./005_five.sql', 'SELECT ''up'';');
SELECT migrate_register_file('C:\app\migrations\006_six.sql', 'SELECT ''up'';');
SELECT migrate_register_file('C:\app\rollbacks\006_rollback_six.sql', 'SELECT ''down'';');
-- down scripts under other names
SELECT migrate_register_file('rollbacks/004_four_rollback.sql', 'SELECT ''down'';');
-- one directory deeper; but a project may be called anything
SELECT migrate_register_file('rollbacks/2024/005_rollback_five.sql', 'SELECT ''down'';');
SELECT migrate_register_file('down/migrations/008_eight.sql', 'SELECT ''up'';');
SELECT version, direction FROM registered WHERE version IN (5, 8);
SELECT migrate_register_file('down/005_five.sql', 'SELECT ''down'';');
SELECT migrate_register_file('rollback/006_anything.sql', 'SELECT ''another down'';');
-- a version without a name, and upper case
SELECT migrate_register_file('migrations/007.sql', 'SELECT ''up'';');
SELECT migrate_register_file('Rollbacks/007.SQL', 'SELECT ''down'';');
-- a name that begins like a rollback's is kept in an up file
SELECT migrate_register_file('migrations/008_rollback_segments.sql', 'SELECT ''up'';');
SELECT migrate_register_file('migrations/009_two words.sql', 'SELECT ''up'';');
SELECT * FROM registered;
SELECT forget();

-- Supabase CLI
SELECT migrate_register_file('supabase/migrations/20240102030405_create_users.sql', 'SELECT ''up'';');
-- golang-migrate
SELECT migrate_register_file('db/migrations/000003_create_users.up.sql', 'SELECT ''up'';');
SELECT migrate_register_file('db/migrations/000003_create_users.down.sql', 'SELECT ''down'';');
-- Flyway
SELECT migrate_register_file('sql/V4__Create_users.sql', 'SELECT ''up'';');
SELECT migrate_register_file('sql/U4__Create_users.sql', 'SELECT ''down'';');
SELECT migrate_register_file('sql/V005.sql', 'SELECT ''up'';');
SELECT migrate_register_file('sql/V6__a__b.sql', 'SELECT ''up'';');
-- sqlx: simple, reversible, not in a transaction
SELECT migrate_register_file('migrations/20240102030406_simple.sql', 'SELECT ''up'';');
SELECT migrate_register_file('migrations/20240102030407_reversible.up.sql', 'SELECT ''up'';');
SELECT migrate_register_file('migrations/20240102030407_reversible.down.sql', 'SELECT ''down'';');
SELECT migrate_register_file('migrations/20240102030408_alone.sql', E'-- no-transaction\nSELECT ''up'';');
-- diesel
SELECT migrate_register_file('migrations/2024-01-02-030409_create_users/up.sql', 'SELECT ''up'';');
SELECT migrate_register_file('migrations/2024-01-02-030409_create_users/down.sql', 'SELECT ''down'';');
-- Prisma
SELECT migrate_register_file('prisma/migrations/20240102030410_init/migration.sql', 'SELECT ''up'';');
SELECT * FROM registered;
SELECT version, transactional, note FROM migrate_plan() WHERE NOT transactional;
SELECT forget();

-- a file of one direction leaves the other script as it is
SELECT migrate_register_file('migrations/003_x.up.sql', 'SELECT ''up'';');
SELECT migrate_register_file('migrations/003_x.down.sql', 'SELECT ''down'';');
SELECT migrate_register_file('migrations/003_x.up.sql', 'SELECT ''another up'';');
SELECT migrate_register_file('migrations/003_x.down.sql', 'SELECT ''another down'';');
SELECT * FROM registered;
-- the name comes from the up file, and so does the spelling of the version
SELECT migrate_register_file('migrations/3_y.down.sql', 'SELECT ''another down'';');
SELECT migrate_register_file('migrations/0003_z.up.sql', 'SELECT ''another up'';');
SELECT * FROM registered;
SELECT forget();

--
-- Both directions in one file: each script keeps the lines of the file
--

-- dbmate
SELECT migrate_register_file('db/migrations/20240102030405_create_users.sql', $$-- Description: users
-- migrate:up
CREATE TABLE users (id int);

-- migrate:down
DROP TABLE users;
$$);
-- goose
SELECT migrate_register_file('00006_create_items.sql', $$-- +goose Up
-- +goose StatementBegin
SELECT 'up';
-- +goose StatementEnd
SELECT 'still up';

-- +goose Down
SELECT 'down';
$$);
SELECT version, version_text, name, direction, statements,
	regexp_split_to_array(body, '\n') AS lines FROM registered;
SELECT version, description FROM migrate.migration ORDER BY version;
SELECT forget();

-- upper and lower case, blanks, carriage returns, a byte order mark, options
SELECT migrate_register_file('7_x.sql', E'--migrate:UP transaction:true\t\r\nSELECT 1;\r\n  --   Migrate:Down\r\nSELECT 2;\r\n');
SELECT migrate_register_file('8_x.sql', E'﻿-- +GOOSE up\nSELECT 1;\n--+goose   down\nSELECT 2;');
SELECT migrate_register_file('9_x.sql', E'﻿-- migrate:up\r\nSELECT 1;\r\n');
SELECT version, direction, statements, regexp_split_to_array(body, '\n') AS lines FROM registered;
SELECT forget();

-- one direction in a transaction, the other not; goose says it once for both
SELECT migrate_register_file('7_x.sql', E'-- migrate:up transaction:false\nSELECT 1;\n-- migrate:down\nSELECT 2;');
SELECT migrate_register_file('8_x.sql', E'-- migrate:up\nSELECT 1;\n-- migrate:down transaction:false\nSELECT 2;');
SELECT migrate_register_file('9_x.sql', E'-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;');
SELECT version, direction, body, obstacle FROM migrate.script ORDER BY version, direction DESC;
SELECT forget();

-- without sections it is one script, in which what goose says of the file may stand
SELECT migrate_register_file('7_x.sql', E'-- +goose StatementBegin\nSELECT 1;\n-- +goose StatementEnd\n');
SELECT migrate_register_file('8_x.sql', E'SELECT 1;\n-- +goose NO TRANSACTION\n');
SELECT version, direction, regexp_split_to_array(body, '\n') AS lines FROM registered;
SELECT forget();

-- the up section alone; an empty down section removes the down script
SELECT migrate_register_file('7_x.sql', E'-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;');
SELECT migrate_register_file('7_x.sql', E'-- migrate:up\nSELECT 1;\n');
SELECT count(*) FROM migrate.script;
SELECT migrate_register_file('7_x.sql', E'-- migrate:up\nSELECT 1;\n-- migrate:down\n');
SELECT count(*) FROM migrate.script;
SELECT migrate_register_file('8_x.sql', E'-- migrate:up\nSELECT 1;\n-- migrate:down\n-- not possible\n');
SELECT count(*) FROM migrate.script;

-- directives of our own go along with both
SELECT migrate_register_file('9_x.sql', E'-- migrate: requires = 7\n-- migrate:up\n-- migrate: lock_timeout = 1s\nSELECT 1;\n-- migrate:down\n-- migrate: lock_timeout = 2s\nSELECT 2;');
SELECT requires FROM migrate.migration WHERE version = 9;
SELECT forget();

-- a marker is one also inside of a string, as it is for those tools
SELECT migrate_register_file('7_x.sql', E'-- migrate:up\nSELECT $x$\n-- migrate:down\n$x$;');
:sqlstate

-- they run, forth and back
SELECT migrate_register_file('7_x.sql', E'-- migrate:up\nCREATE TABLE layout_test.x ();\n-- migrate:down\nDROP TABLE layout_test.x;');
SET client_min_messages = warning;
SELECT version, name, statements FROM migrate_apply();
SELECT to_regclass('layout_test.x');
SELECT version, name, statements FROM migrate_rollback();
SELECT to_regclass('layout_test.x');
RESET client_min_messages;
SELECT forget();

--
-- Errors name the line of the file
--
SELECT migrate_register_file('7_x.sql', E'-- migrate:up\nSELECT 1;\n\nSELEC 2;\n-- migrate:down\nSELECT 3;');
:sqlstate
SELECT migrate_register_file('7_x.sql', E'-- migrate:up\nSELECT 1;\n\nSELECT 2;\n-- migrate:down\nSELECT 3;\nSELEC 4;');
:sqlstate
SELECT migrate_register_file('7_x.sql', E'-- migrate:up\r\nSELECT 1;\r\n\r\nSELEC 2;\r\n-- migrate:down\r\nSELECT 3;');
:sqlstate
SELECT migrate_register_file('7_x.sql', E'﻿-- migrate:up\nSELECT 1;\n\nSELEC 2;');
:sqlstate
SELECT migrate_register_file('7_x.sql', E'-- no-transaction\nSELEC 2;');
:sqlstate
SELECT migrate_register_file('7_x.sql', E'-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n-- migrate: bogus\n');
:sqlstate
SELECT migrate_register_file('rollbacks/007_rollback_x.sql', E'SELECT 1;');
:sqlstate
SELECT migrate_register_file('7_x.sql', E'-- migrate:up\nCREATE TABLE layout_test.x ();\n\n-- migrate:down\n\nDROP TABLE layout_test.x;\n\nDROP TABLE layout_test.nowhere;\n');
SET client_min_messages = warning;
SELECT version, name, statements FROM migrate_apply();
SELECT version, name, statements FROM migrate_rollback();
:sqlstate
RESET client_min_messages;
SELECT migrate_register_file('7_x.sql', E'-- migrate:up\nCREATE TABLE layout_test.x ();\n\n-- migrate:down\n\nDROP TABLE layout_test.x;\n');
SET client_min_messages = warning;
SELECT version, name, statements FROM migrate_rollback();
RESET client_min_messages;
SELECT forget();

--
-- Paths that are not those of migration files
--
SELECT migrate_register_file('', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('README.md', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('migrations/', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('migrations/.003_hidden.sql', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('migrations/003_x.sql.orig', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('migrations/003x.sql', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('schema_version.sql', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('V__x.sql', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('migrations/create_users/up.sql', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('migrations/2024-01-02-_x/up.sql', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file(NULL, 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('003_x.sql', NULL);
:sqlstate

-- paths of migration files that cannot be used
SELECT migrate_register_file('migrations/000_x.sql', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('migrations/9223372036854775808_x.sql', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('sql/V1.2__x.sql', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('sql/V1_2__x.sql', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('sql/U1.2__x.sql', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('migrations/00000000000000_diesel_initial_setup/up.sql', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('sql/R__views.sql', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('migrations/003_naïve.sql', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('migrations/003_' || repeat('n', 201) || '.sql', 'SELECT 1;');
:sqlstate
SELECT migrate_register_file('migrations/003_x.sql', '');
:sqlstate

--
-- Markers that do not belong together
--
SELECT migrate_register_file('7_x.sql', E'-- migrate:down\nSELECT 1;');
:sqlstate
SELECT migrate_register_file('7_x.sql', E'\n-- +goose Down\nSELECT 1;\n-- +goose Up\nSELECT 2;');
:sqlstate
SELECT migrate_register_file('7_x.sql', E'-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n-- migrate:up\nSELECT 3;');
:sqlstate
SELECT migrate_register_file('7_x.sql', E'-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n-- +goose Down\nSELECT 3;');
:sqlstate
SELECT migrate_register_file('7_x.sql', E'-- header\n\nSELECT 1;\n-- migrate:up\nSELECT 2;');
:sqlstate
SELECT migrate_register_file('7_x.sql', E'-- +goose Up\nSELECT 1;\n-- +goose up now\n');
:sqlstate
SELECT migrate_register_file('7_x.sql', E'-- +goose Up\n-- +goose ENVSUB ON\nSELECT 1;\n');
:sqlstate
SELECT migrate_register_file('7_x.sql', E'-- migrate:up transaction:maybe\nSELECT 1;\n');
:sqlstate
SELECT migrate_register_file('7_x.down.sql', E'SELECT 1;\n-- migrate:down\nSELECT 1;');
:sqlstate
SELECT migrate_register_file('rollbacks/7_x.sql', E'-- +goose Up\nSELECT 1;');
:sqlstate
SELECT migrate_register_file('7_x.sql', E'-- migrate:up\n-- migrate:down\nSELECT 1;');
:sqlstate
-- sql-migrate, and markers where one script is given
SELECT migrate_register_file('7_x.sql', E'-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;');
:sqlstate
SELECT migrate_register(7, 'x', E'SELECT 1;\n-- +goose Down\nSELECT 2;');
:sqlstate
SELECT migrate_register(7, 'x', E'-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;');
:sqlstate

-- nothing of all that stayed
SELECT version FROM migrate.migration;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA layout_test CASCADE;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
