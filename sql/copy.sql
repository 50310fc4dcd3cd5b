-- COPY ... FROM stdin whose data stands in the script, as pg_dump writes it.
SET client_min_messages = warning;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
\set sqlstate '\\echo :LAST_ERROR_SQLSTATE'
CREATE SCHEMA copy_test;
SET search_path = copy_test, public;
-- forget everything that is not applied
CREATE FUNCTION forget() RETURNS void LANGUAGE sql AS
'SELECT migrate_unregister(version) FROM migrate.migration WHERE entry IS NULL';

--
-- Data
--

-- several tables, one of them empty, escapes, a column list
SELECT migrate_register(1, 'dump', $script$--
-- PostgreSQL database dump
--

\restrict somekey

SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE TABLE copy_test.users (
    id integer NOT NULL,
    name text,
    note text DEFAULT 'none'
);

CREATE TABLE copy_test.nobody (
    id integer
);

CREATE SEQUENCE copy_test.users_id_seq;

--
-- Data for Name: users; Type: TABLE DATA; Schema: copy_test; Owner: -
--

COPY copy_test.users (id, name, note) FROM stdin;
1	Alice	\N
2	Bob;	-- no comment
3	it's	/* neither
4	a\tb\\c\nd	$$ nor this
5	\i psql.sql	COMMIT;
6		\\.
7	ends	
\.


--
-- Data for Name: nobody; Type: TABLE DATA; Schema: copy_test; Owner: -
--

COPY copy_test.nobody (id) FROM stdin;
\.


SELECT pg_catalog.setval('copy_test.users_id_seq', 7, true);

ALTER TABLE ONLY copy_test.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

\unrestrict somekey
$script$, 'DROP TABLE copy_test.users, copy_test.nobody; DROP SEQUENCE copy_test.users_id_seq;');
SELECT version, name, statements FROM migrate_apply();
SELECT * FROM users ORDER BY id;
SELECT count(*) FROM nobody;
SELECT statements, rows FROM migrate_history(1);
SHOW search_path;

-- some of the columns; defaults and generated columns are filled in
CREATE TABLE filled (a int, b int DEFAULT 7, c int GENERATED ALWAYS AS (a * 2) STORED, d text);
SELECT migrate_register(2, 'columns', $script$
copy filled(D,a)from STDIN;
two	2
\.
COPY filled FROM stdin;
1	8	one
\.
$script$);
SELECT version, name, statements FROM migrate_apply();
SELECT * FROM filled ORDER BY a;

-- other formats and options; a block without a line end behind it
TRUNCATE filled;
SELECT migrate_register(3, 'formats', $script$
COPY filled (a, d) FROM stdin WITH (FORMAT csv, HEADER);
a,d
1,"a ""quoted"" value,
on two lines; and a -- dash"
2,
3,""
\.
COPY filled (a, d) FROM stdin WITH DELIMITER '|' NULL 'nil';
4|nil
nil|four
\.
/* STDOUT is the same to the server */ COPY filled (a) FROM STDOUT CSV;
5
\.$script$);
SELECT version, name, statements FROM migrate_apply();
SELECT a, d FROM filled ORDER BY a;
SELECT rows FROM migrate_history(3);

-- the data begins on the next line, whatever stands behind the semicolon
TRUNCATE filled;
SELECT migrate_register(4, 'same_line', $script$
COPY filled (a) FROM stdin; -- a comment
1
\.
COPY filled (a) FROM stdin; COPY filled (b) FROM stdin; SELECT 1;
2
3
\.
4
\.
BEGIN; COPY filled (a) FROM stdin; COMMIT;
5
\.
$script$);
SELECT version, name, statements FROM migrate_apply();
SELECT a, b FROM filled ORDER BY a, b;

-- carriage returns
TRUNCATE filled;
SELECT migrate_register(5, 'carriage_returns', E'COPY filled (a, d) FROM stdin;\r\n1\tone\r\n2\ttwo\r\n\\.\r\nINSERT INTO filled (a) VALUES (3);\r\n');
SELECT version, name, statements FROM migrate_apply();
SELECT a, d, length(d) FROM filled ORDER BY a;

-- the text is in the encoding of the database, whatever the client's is
TRUNCATE filled;
SELECT migrate_register(6, 'encoding', E'COPY filled (d) FROM stdin;\nä\n\\.\n');
SELECT migrate_register(7, 'script_encoding', E'SET client_encoding = ''LATIN1'';\nCOPY filled (d) FROM stdin;\nä\n\\.\n');
SET client_encoding = 'LATIN1';
SELECT version, name, statements FROM migrate_apply();
RESET client_encoding;
SELECT encode(convert_to(d, getdatabaseencoding()), 'hex') FROM filled;

-- triggers fire, rows go to partitions and through views, constraints hold
CREATE TABLE parted (a int, b text) PARTITION BY LIST (a);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
CREATE FUNCTION upper_b() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN new.b := upper(new.b); RETURN new; END';
CREATE TRIGGER t BEFORE INSERT ON parted FOR EACH ROW EXECUTE FUNCTION upper_b();
CREATE VIEW shown AS SELECT a, b FROM parted;
CREATE FUNCTION insert_shown() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN INSERT INTO parted VALUES (new.a, new.b || '' by view''); RETURN new; END';
CREATE TRIGGER t INSTEAD OF INSERT ON shown FOR EACH ROW EXECUTE FUNCTION insert_shown();
SELECT migrate_register(8, 'targets', $script$
COPY parted FROM stdin;
1	one
2	two
\.
COPY shown FROM stdin;
1	three
\.
CREATE TEMPORARY TABLE copy_temporary (a int) ON COMMIT DROP;
COPY copy_temporary FROM stdin;
9
\.
INSERT INTO parted SELECT 2, a FROM copy_temporary;
$script$);
SELECT version, name, statements FROM migrate_apply();
SELECT tableoid::regclass, * FROM parted ORDER BY b;

-- nor does the encoding that a COPY names: the script was converted when it came
TRUNCATE filled;
SELECT migrate_register(9, 'option_encoding', E'COPY filled (d) FROM stdin WITH (ENCODING ''LATIN1'');\nä\n\\.\nCOPY filled (d) FROM stdin WITH (FORMAT csv, ENCODING ''SQL_ASCII'', HEADER);\nd\nä\n\\.\nCOPY filled (d) FROM stdin ENCODING ''UTF8'';\nä\n\\.\n');
SELECT version, name, statements FROM migrate_apply();
SELECT d = 'ä' AS same, count(*) FROM filled GROUP BY 1;

--
-- What is wrong with a row is told with the line of the file
--
CREATE TABLE key (k int PRIMARY KEY);
CREATE TABLE target (a int PRIMARY KEY CHECK (a < 100), b text, c int REFERENCES key);
-- a value that is none of the type
SELECT migrate_register(10, 'bad_row', $script$-- Description: line 1
INSERT INTO key VALUES (1);

COPY target FROM stdin;
1	one	1
2	two	1
three	three	1
4	four	1
\.
SELECT 1;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
-- too few columns, too many
SELECT migrate_register(10, 'bad_row', $script$-- Description: line 1
INSERT INTO key VALUES (1);

COPY target FROM stdin;
1	one	1
2	two
\.
SELECT 1;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(10, 'bad_row', $script$-- Description: line 1
INSERT INTO key VALUES (1);

COPY target FROM stdin;
1	one	1	one
\.
SELECT 1;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
-- an empty line
SELECT migrate_register(10, 'bad_row', $script$-- Description: line 1
INSERT INTO key VALUES (1);

COPY target FROM stdin;
1	one	1

2	two	1
\.
SELECT 1;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
-- constraints
SELECT migrate_register(10, 'bad_row', $script$-- Description: line 1
INSERT INTO key VALUES (1);

COPY target FROM stdin;
1	one	1
2	two	1
1	again	1
\.
SELECT 1;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(10, 'bad_row', $script$-- Description: line 1
INSERT INTO key VALUES (1);

COPY target FROM stdin;
1	one	1
100	hundred	1
\.
SELECT 1;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(10, 'bad_row', $script$-- Description: line 1
INSERT INTO key VALUES (1);

COPY target FROM stdin;
1	one	1
\N	two	1
\.
SELECT 1;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(10, 'bad_row', $script$-- Description: line 1
INSERT INTO key VALUES (1);

COPY target FROM stdin;
1	one	1
2	two	2
\.
SELECT 1;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
-- a row of CSV can have several lines
SELECT migrate_register(10, 'bad_row', $script$-- Description: line 1
INSERT INTO key VALUES (1);

COPY target FROM stdin WITH CSV;
1,"on
two lines",1
x,y,z
\.
SELECT 1;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
-- a trigger
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN IF new.a = 2 THEN RAISE EXCEPTION ''2 is refused''; END IF; RETURN new; END';
CREATE TRIGGER refuse BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT migrate_register(10, 'bad_row', $script$-- Description: line 1
INSERT INTO key VALUES (1);

COPY target FROM stdin;
1	one	1
2	two	1
3	three	1
\.
SELECT 1;
$script$);
SELECT version FROM migrate_apply();
:sqlstate
DROP TRIGGER refuse ON target;
-- an error in the next statement is none of the data
SELECT migrate_register(10, 'bad_row', E'COPY key FROM stdin;\n1\n2\n\\.\n\nSELECT\n 1/0;\n');
SELECT version FROM migrate_apply();
:sqlstate
-- carriage returns and a byte order mark do not shift the lines
SELECT migrate_register(10, 'bad_row', E'﻿-- one\r\nCOPY key FROM stdin;\r\n1\r\nx\r\n\\.\r\n');
SELECT version FROM migrate_apply();
:sqlstate
-- nothing of all that stayed
SELECT count(*) FROM key;
SELECT count(*) FROM target;

--
-- What cannot be copied to
--
CREATE VIEW plain_view AS SELECT * FROM key;
CREATE MATERIALIZED VIEW materialized AS SELECT * FROM key;
CREATE SEQUENCE counter;
CREATE FUNCTION try_copy(command text, OUT code text, OUT message text, OUT detail text) AS $$
BEGIN
	PERFORM migrate_register(10, 'target', E'SELECT 1;\n\n' || command || E';\n1\n\\.\n');
	PERFORM migrate_apply(10);
	RAISE EXCEPTION 'it was not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	code := sqlstate;
	message := sqlerrm;
END
$$ LANGUAGE plpgsql;
\pset format unaligned
SELECT command, t.* FROM (VALUES
	(1, 'COPY nowhere FROM stdin'),
	(2, 'COPY key (nothing) FROM stdin'),
	(3, 'COPY key (k, k) FROM stdin'),
	(4, 'COPY key (ctid) FROM stdin'),
	(5, 'COPY filled (c) FROM stdin'),
	(6, 'COPY plain_view FROM stdin'),
	(7, 'COPY materialized FROM stdin'),
	(8, 'COPY counter FROM stdin'),
	(9, 'COPY key FROM stdin WITH (FORMAT binary)')) c(number, command), try_copy(command) t
ORDER BY number;
\pset format aligned
-- wrong options, with their place
SELECT migrate_register(10, 'options', E'SELECT 1;\n\nCOPY key FROM stdin\n  WITH (nonsense);\n1\n\\.\n');
SELECT version AS the_place_is_not_in_this_query FROM migrate_apply() WHERE version > 0;
:sqlstate
SELECT migrate_register(10, 'options', E'SELECT 1;\n\nCOPY key FROM stdin\n  WITH (FORMAT nonsense);\n1\n\\.\n');
SELECT version AS the_place_is_not_in_this_query FROM migrate_apply() WHERE version > 0;
:sqlstate
-- a transaction that is read-only
SELECT migrate_register(10, 'read_only', E'SET transaction_read_only = on;\nCOPY key FROM stdin;\n1\n\\.\n');
SELECT version FROM migrate_apply();
:sqlstate
-- inside of a block
SELECT migrate_register(10, 'inside', E'DO $$ BEGIN COPY key FROM stdin; END $$;\n');
SELECT version FROM migrate_apply();
:sqlstate
SELECT forget();

--
-- Privileges are those of the caller
--
CREATE ROLE regress_copy_user;
GRANT USAGE ON SCHEMA copy_test TO regress_copy_user;
SELECT migrate_grant('regress_copy_user', 'deployer');
CREATE TABLE guarded (a int, b int);
SET ROLE regress_copy_user;
SELECT migrate_register(11, 'guarded', E'COPY guarded FROM stdin;\n1\t2\n\\.\n');
SELECT version FROM migrate_apply();
:sqlstate
-- on some of the columns
RESET ROLE;
GRANT INSERT (a) ON guarded TO regress_copy_user;
SET ROLE regress_copy_user;
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(11, 'guarded', E'COPY guarded (a) FROM stdin;\n1\n\\.\n');
SELECT version FROM migrate_apply();
-- on the table, with row-level security
RESET ROLE;
GRANT INSERT (a, b) ON guarded TO regress_copy_user;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON guarded USING (true);
SET ROLE regress_copy_user;
SELECT migrate_register(12, 'row_security', E'\nCOPY guarded FROM stdin;\n1\t2\n\\.\n');
SELECT version FROM migrate_apply();
:sqlstate
SELECT migrate_register(12, 'row_security', E'\nSET row_security = off;\nCOPY guarded FROM stdin;\n1\t2\n\\.\n');
SELECT version FROM migrate_apply();
:sqlstate
RESET ROLE;
ALTER TABLE guarded DISABLE ROW LEVEL SECURITY;
SET ROLE regress_copy_user;
SELECT migrate_register(12, 'row_security', E'\nCOPY guarded FROM stdin;\n1\t2\n\\.\n');
SELECT version FROM migrate_apply();
RESET ROLE;
SELECT * FROM guarded ORDER BY b;

--
-- Where the data ends
--
SELECT migrate_register(20, 'no_end', E'SELECT 1;\nCOPY key FROM stdin;\n1\n2\n');
:sqlstate
SELECT migrate_register(20, 'no_end', E'SELECT 1;\nCOPY key FROM stdin;\n1\n \\.\n');
:sqlstate
SELECT migrate_register(20, 'no_end', E'SELECT 1;\nCOPY key FROM stdin;\n1\n\\. \n');
:sqlstate
SELECT migrate_register(20, 'no_end', 'SELECT 1;', E'SELECT 1;\nCOPY key FROM stdin;\n1\n');
:sqlstate
-- no data at all, at the end of the script
SELECT migrate_register(20, 'no_data', E'SELECT 1;\nCOPY key FROM stdin;\n');
SELECT migrate_register(21, 'no_data', E'SELECT 1;\nCOPY key FROM stdin');
SELECT version, statements FROM migrate_apply();
SELECT version, rows FROM migrate_history() WHERE version IN (20, 21);
-- an end without a beginning
SELECT migrate_register(22, 'no_begin', E'SELECT 1;\n1\n\\.\n');
:sqlstate
SELECT migrate_register(22, 'no_begin', E'COPY key FROM stdin;\n\\.\n\\.\n');
:sqlstate
SELECT forget();

RESET search_path;
DROP SCHEMA copy_test CASCADE;
DROP OWNED BY regress_copy_user;
DROP ROLE regress_copy_user;
DROP EXTENSION migrate_ext CASCADE;
CREATE EXTENSION migrate_ext;
