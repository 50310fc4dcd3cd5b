--
-- Objects that are no relation: every kind is rendered, dropped, and made again
-- from its definition; then it is rendered the same.
--
SET client_min_messages = warning;
CREATE ROLE regress_kinds_me SUPERUSER;
SET ROLE regress_kinds_me;
CREATE ROLE regress_kinds_owner;
CREATE ROLE "regress_kinds_ "" other";
GRANT CREATE ON DATABASE :"DBNAME" TO regress_kinds_owner;
CREATE SCHEMA kinds;
CREATE SCHEMA "kinds ""q";
GRANT ALL ON SCHEMA kinds TO regress_kinds_owner;
CREATE TABLE kinds.published (id integer PRIMARY KEY, name text, secret text);
CREATE TABLE kinds."Pub 2" (id integer PRIMARY KEY, "it's" text);

-- types
CREATE TYPE kinds.mood AS ENUM ('sad', 'it''s ok', 'happy');
ALTER TYPE kinds.mood ADD VALUE 'so-so' BEFORE 'happy';
COMMENT ON TYPE kinds.mood IS 'how one feels';
ALTER TYPE kinds.mood OWNER TO regress_kinds_owner;
CREATE TYPE kinds.nothing AS ENUM ();
CREATE TYPE "kinds ""q"."Mood ""x" AS ENUM ('a "b"');
REVOKE ALL ON TYPE "kinds ""q"."Mood ""x" FROM PUBLIC;
GRANT USAGE ON TYPE "kinds ""q"."Mood ""x" TO "regress_kinds_ "" other" WITH GRANT OPTION;
CREATE DOMAIN kinds.word AS varchar(10) COLLATE "C" DEFAULT 'a''b'
	CONSTRAINT word_short CHECK (length(VALUE) < 8) CONSTRAINT "Word" CHECK (VALUE <> 'x');
COMMENT ON CONSTRAINT word_short ON DOMAIN kinds.word IS 'short';
COMMENT ON DOMAIN kinds.word IS 'a word';
GRANT USAGE ON DOMAIN kinds.word TO regress_kinds_owner;
ALTER DOMAIN kinds.word ADD CONSTRAINT word_late CHECK (VALUE <> 'y') NOT VALID;
CREATE DOMAIN kinds.words AS kinds.word[];
CREATE DOMAIN kinds.present AS kinds.word NOT NULL;
CREATE FUNCTION kinds.float_diff(double precision, double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE RETURN $1 - $2;
CREATE TYPE kinds.span AS RANGE (SUBTYPE = double precision, SUBTYPE_DIFF = kinds.float_diff, MULTIRANGE_TYPE_NAME = "Spans");
CREATE TYPE kinds.texts AS RANGE (SUBTYPE = text, COLLATION = "C", SUBTYPE_OPCLASS = text_pattern_ops);
CREATE TYPE kinds.steps;
CREATE FUNCTION kinds.canonical(kinds.steps) RETURNS kinds.steps LANGUAGE internal IMMUTABLE STRICT AS 'int4range_canonical';
CREATE TYPE kinds.steps AS RANGE (SUBTYPE = integer, CANONICAL = kinds.canonical);
CREATE TYPE kinds.shell;
COMMENT ON TYPE kinds.shell IS 'to be';
CREATE TYPE kinds.base;
CREATE FUNCTION kinds.base_in(cstring) RETURNS kinds.base LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION kinds.base_out(kinds.base) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE FUNCTION kinds.base_typmod_in(cstring[]) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'varchartypmodin';
CREATE FUNCTION kinds.base_typmod_out(integer) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'varchartypmodout';
CREATE TYPE kinds.base (INPUT = kinds.base_in, OUTPUT = kinds.base_out, TYPMOD_IN = kinds.base_typmod_in,
	TYPMOD_OUT = kinds.base_typmod_out, INTERNALLENGTH = variable, ALIGNMENT = int4, STORAGE = extended,
	CATEGORY = 'x', PREFERRED = true, DEFAULT = 'none''', DELIMITER = ';', COLLATABLE = true);
CREATE TYPE kinds.small;
CREATE FUNCTION kinds.small_in(cstring) RETURNS kinds.small LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION kinds.small_out(kinds.small) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE FUNCTION kinds.small_receive(internal) RETURNS kinds.small LANGUAGE internal IMMUTABLE STRICT AS 'int4recv';
CREATE FUNCTION kinds.small_send(kinds.small) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'int4send';
CREATE TYPE kinds.small (INPUT = kinds.small_in, OUTPUT = kinds.small_out, RECEIVE = kinds.small_receive,
	SEND = kinds.small_send, LIKE = integer);

-- a domain whose constraint and default need functions of the domain
CREATE DOMAIN kinds.circular AS integer;
CREATE FUNCTION kinds.is_circular(kinds.circular) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION kinds.first_circular() RETURNS kinds.circular LANGUAGE sql IMMUTABLE AS 'SELECT 1';
ALTER DOMAIN kinds.circular ADD CONSTRAINT is_circular CHECK (kinds.is_circular(VALUE));
ALTER DOMAIN kinds.circular SET DEFAULT kinds.first_circular();

-- functions
CREATE FUNCTION kinds.plain(a integer, INOUT b text DEFAULT 'x''\y', OUT c kinds.mood, VARIADIC d kinds.word[] DEFAULT '{}')
RETURNS SETOF record LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER LEAKPROOF PARALLEL RESTRICTED COST 7 ROWS 9
SET search_path = kinds, pg_temp SET work_mem = '1MB'
AS $function$
BEGIN
	-- $$ 'quoted' \
	RETURN NEXT;
END
$function$;
COMMENT ON FUNCTION kinds.plain IS 'plain';
REVOKE ALL ON FUNCTION kinds.plain FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kinds.plain TO regress_kinds_owner;
CREATE FUNCTION kinds.standard(a integer) RETURNS kinds.mood LANGUAGE sql
BEGIN ATOMIC
	SELECT 'sad'::kinds.mood WHERE a > 1;
	SELECT 'happy'::kinds.mood;
END;
CREATE FUNCTION kinds.short(integer) RETURNS integer IMMUTABLE RETURN $1 + 1;
ALTER FUNCTION kinds.short(integer) OWNER TO regress_kinds_owner;
ALTER FUNCTION kinds.short(integer) DEPENDS ON EXTENSION plpgsql;
CREATE FUNCTION kinds.short(text) RETURNS TABLE (x text) SUPPORT array_unnest_support LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION kinds.rank() RETURNS bigint LANGUAGE internal WINDOW IMMUTABLE STRICT AS 'window_rank';
CREATE FUNCTION "kinds ""q"."F ""x"("kinds ""q"."Mood ""x") RETURNS "kinds ""q"."Mood ""x" LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE PROCEDURE kinds.work(a integer, OUT b integer, OUT c text) LANGUAGE plpgsql AS 'BEGIN b := a; END';
COMMENT ON PROCEDURE kinds.work IS 'works';
ALTER PROCEDURE kinds.work OWNER TO regress_kinds_owner;
GRANT EXECUTE ON PROCEDURE kinds.work TO "regress_kinds_ "" other";
CREATE PROCEDURE kinds.work2() LANGUAGE sql BEGIN ATOMIC END;

-- aggregates
CREATE AGGREGATE kinds.count_all(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0');
COMMENT ON AGGREGATE kinds.count_all(*) IS 'counts';
ALTER AGGREGATE kinds.count_all(*) OWNER TO regress_kinds_owner;
REVOKE ALL ON FUNCTION kinds.count_all() FROM PUBLIC;
CREATE AGGREGATE kinds.average(double precision) (SFUNC = float8_accum, STYPE = double precision[], SSPACE = 24,
	FINALFUNC = float8_avg, FINALFUNC_MODIFY = SHAREABLE, COMBINEFUNC = float8_combine, INITCOND = '{0,0,0}', PARALLEL = SAFE,
	MSFUNC = float8_accum, MINVFUNC = float8_accum, MSTYPE = double precision[], MSSPACE = 8, MFINALFUNC = float8_avg,
	MFINALFUNC_MODIFY = READ_WRITE, MINITCOND = '{0,0,0}');
CREATE AGGREGATE kinds.average_numeric(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_avg,
	COMBINEFUNC = numeric_avg_combine, SERIALFUNC = numeric_avg_serialize, DESERIALFUNC = numeric_avg_deserialize,
	PARALLEL = RESTRICTED);
CREATE AGGREGATE kinds.percentile(double precision ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal,
	FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_WRITE);
COMMENT ON AGGREGATE kinds.percentile(double precision ORDER BY anyelement) IS 'ordered set';
GRANT EXECUTE ON FUNCTION kinds.percentile(double precision, anyelement) TO regress_kinds_owner;
CREATE AGGREGATE kinds.rank_of(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal,
	FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
COMMENT ON AGGREGATE kinds.rank_of(VARIADIC "any" ORDER BY VARIADIC "any") IS 'hypothetical set';
CREATE AGGREGATE kinds.least_of(integer) (SFUNC = int4smaller, STYPE = integer, SORTOP = <);

-- operators
CREATE FUNCTION kinds.small_less(kinds.small, kinds.small) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4lt';
CREATE FUNCTION kinds.small_equal(kinds.small, kinds.small) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4eq';
CREATE FUNCTION kinds.small_differs(kinds.small, kinds.small) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4ne';
CREATE FUNCTION kinds.small_compare(kinds.small, kinds.small) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'btint4cmp';
CREATE FUNCTION kinds.small_compare(kinds.small, integer) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'btint4cmp';
CREATE FUNCTION kinds.small_less(kinds.small, integer) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4lt';
CREATE FUNCTION kinds.small_minus(kinds.small) RETURNS kinds.small LANGUAGE internal IMMUTABLE STRICT AS 'int4um';
CREATE OPERATOR kinds.= (FUNCTION = kinds.small_equal, LEFTARG = kinds.small, RIGHTARG = kinds.small,
	COMMUTATOR = OPERATOR(kinds.=), NEGATOR = OPERATOR(kinds.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR kinds.<> (FUNCTION = kinds.small_differs, LEFTARG = kinds.small, RIGHTARG = kinds.small,
	COMMUTATOR = OPERATOR(kinds.<>), NEGATOR = OPERATOR(kinds.=), RESTRICT = neqsel, JOIN = neqjoinsel);
-- its commutator stays a shell
CREATE OPERATOR kinds.< (FUNCTION = kinds.small_less, LEFTARG = kinds.small, RIGHTARG = kinds.small,
	COMMUTATOR = OPERATOR(kinds.>), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR kinds.< (FUNCTION = kinds.small_less, LEFTARG = kinds.small, RIGHTARG = integer);
CREATE OPERATOR kinds.- (FUNCTION = kinds.small_minus, RIGHTARG = kinds.small);
COMMENT ON OPERATOR kinds.- (NONE, kinds.small) IS 'negates';
ALTER OPERATOR kinds.- (NONE, kinds.small) OWNER TO regress_kinds_owner;
CREATE OPERATOR FAMILY kinds.small_order USING btree;
COMMENT ON OPERATOR FAMILY kinds.small_order USING btree IS 'order';
CREATE OPERATOR CLASS kinds."Small order" DEFAULT FOR TYPE kinds.small USING btree FAMILY kinds.small_order AS
	OPERATOR 1 kinds.<, OPERATOR 3 kinds.=, FUNCTION 1 kinds.small_compare(kinds.small, kinds.small);
COMMENT ON OPERATOR CLASS kinds."Small order" USING btree IS 'class';
ALTER OPERATOR CLASS kinds."Small order" USING btree OWNER TO regress_kinds_owner;
ALTER OPERATOR FAMILY kinds.small_order USING btree ADD
	OPERATOR 1 kinds.< (kinds.small, integer), FUNCTION 1 (kinds.small, integer) kinds.small_compare(kinds.small, integer);
CREATE OPERATOR CLASS kinds.hollow FOR TYPE kinds.small USING hash AS STORAGE kinds.small;
CREATE OPERATOR CLASS kinds.near FOR TYPE point USING gist AS STORAGE box,
	OPERATOR 15 pg_catalog.<->(point, point) FOR ORDER BY float_ops,
	FUNCTION 1 gist_point_consistent(internal, point, smallint, oid, internal), FUNCTION 2 gist_box_union(internal, internal),
	FUNCTION 3 gist_point_compress(internal), FUNCTION 5 gist_box_penalty(internal, internal, internal),
	FUNCTION 6 gist_box_picksplit(internal, internal), FUNCTION 7 gist_box_same(box, box, internal),
	FUNCTION 8 gist_point_distance(internal, point, smallint, oid, internal), FUNCTION 9 gist_point_fetch(internal);
CREATE ACCESS METHOD kinds_index TYPE INDEX HANDLER bthandler;
CREATE ACCESS METHOD kinds_table TYPE TABLE HANDLER heap_tableam_handler;
COMMENT ON ACCESS METHOD kinds_table IS 'another heap';

-- casts
CREATE CAST (kinds.small AS integer) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (kinds.mood AS kinds.small) WITH INOUT;
CREATE FUNCTION kinds.mood_to_integer(kinds.mood) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE CAST (kinds.mood AS integer) WITH FUNCTION kinds.mood_to_integer(kinds.mood) AS ASSIGNMENT;
COMMENT ON CAST (kinds.mood AS integer) IS 'by place';

-- collations, conversions, languages, transforms
CREATE COLLATION kinds.plain (PROVIDER = libc, LOCALE = 'C');
CREATE COLLATION kinds.mixed (PROVIDER = libc, LC_COLLATE = 'C', LC_CTYPE = 'POSIX');
COMMENT ON COLLATION kinds.mixed IS 'mixed';
ALTER COLLATION kinds.mixed OWNER TO regress_kinds_owner;
CREATE CONVERSION kinds.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE DEFAULT CONVERSION kinds."Latin 2" FOR 'LATIN2' TO 'UTF8' FROM iso8859_to_utf8;
COMMENT ON CONVERSION kinds.latin IS 'latin';
CREATE TRUSTED LANGUAGE "kinds L" HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
CREATE LANGUAGE kinds_untrusted HANDLER plpgsql_call_handler;
COMMENT ON LANGUAGE "kinds L" IS 'like plpgsql';
ALTER LANGUAGE "kinds L" OWNER TO regress_kinds_owner;
REVOKE USAGE ON LANGUAGE "kinds L" FROM PUBLIC;
CREATE FUNCTION kinds.speak() RETURNS integer LANGUAGE "kinds L" AS 'BEGIN RETURN 1; END';
CREATE FUNCTION kinds.from_sql(internal) RETURNS internal LANGUAGE internal IMMUTABLE AS 'prsd_lextype';
CREATE TRANSFORM FOR kinds.small LANGUAGE "kinds L" (FROM SQL WITH FUNCTION kinds.from_sql(internal),
	TO SQL WITH FUNCTION kinds.small_receive(internal));
CREATE TRANSFORM FOR kinds.base LANGUAGE "kinds L" (FROM SQL WITH FUNCTION kinds.from_sql(internal));
COMMENT ON TRANSFORM FOR kinds.base LANGUAGE "kinds L" IS 'one way';
CREATE FUNCTION kinds.transformed(kinds.small) RETURNS integer TRANSFORM FOR TYPE kinds.small LANGUAGE "kinds L" AS 'BEGIN RETURN 1; END';

-- text search
CREATE TEXT SEARCH PARSER kinds.parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
	HEADLINE = prsd_headline, LEXTYPES = prsd_lextype);
COMMENT ON TEXT SEARCH PARSER kinds.parser IS 'parser';
CREATE TEXT SEARCH TEMPLATE kinds.template (INIT = dsimple_init, LEXIZE = dsimple_lexize);
COMMENT ON TEXT SEARCH TEMPLATE kinds.template IS 'template';
CREATE TEXT SEARCH DICTIONARY kinds.dictionary (TEMPLATE = kinds.template, STOPWORDS = english, ACCEPT = false);
CREATE TEXT SEARCH DICTIONARY kinds."Dictionary" (TEMPLATE = snowball, LANGUAGE = german);
COMMENT ON TEXT SEARCH DICTIONARY kinds."Dictionary" IS 'German';
ALTER TEXT SEARCH DICTIONARY kinds."Dictionary" OWNER TO regress_kinds_owner;
CREATE TEXT SEARCH CONFIGURATION kinds.configuration (PARSER = kinds.parser);
ALTER TEXT SEARCH CONFIGURATION kinds.configuration ADD MAPPING FOR word, asciiword WITH kinds."Dictionary", kinds.dictionary, simple;
ALTER TEXT SEARCH CONFIGURATION kinds.configuration ADD MAPPING FOR email WITH simple;
COMMENT ON TEXT SEARCH CONFIGURATION kinds.configuration IS 'configuration';
CREATE TEXT SEARCH CONFIGURATION kinds.empty (PARSER = "default");

-- foreign objects
CREATE FOREIGN DATA WRAPPER kinds_wrapper;
CREATE FOREIGN DATA WRAPPER "kinds W" VALIDATOR postgresql_fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER "kinds W" IS 'wrapper';
ALTER FOREIGN DATA WRAPPER kinds_wrapper OPTIONS ("b o" 'it''s', a '1=2');
GRANT USAGE ON FOREIGN DATA WRAPPER "kinds W" TO regress_kinds_owner;
CREATE SERVER kinds_server TYPE 'it''s' VERSION '1' FOREIGN DATA WRAPPER "kinds W" OPTIONS (host 'a=b', dbname 'd''b');
COMMENT ON SERVER kinds_server IS 'server';
ALTER SERVER kinds_server OWNER TO regress_kinds_owner;
GRANT USAGE ON FOREIGN SERVER kinds_server TO "regress_kinds_ "" other";
CREATE SERVER "kinds S" FOREIGN DATA WRAPPER kinds_wrapper;
CREATE USER MAPPING FOR PUBLIC SERVER "kinds S";
CREATE USER MAPPING FOR regress_kinds_owner SERVER kinds_server OPTIONS (user 'u', password 'very secret');

-- what stands beside the schema
CREATE FUNCTION kinds.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''%'', tg_tag; END';
CREATE EVENT TRIGGER kinds_watch ON ddl_command_end WHEN TAG IN ('DROP TABLE', 'CREATE CAST') EXECUTE FUNCTION kinds.watch();
ALTER EVENT TRIGGER kinds_watch ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER kinds_watch IS 'watches';
CREATE EVENT TRIGGER "kinds E" ON sql_drop EXECUTE FUNCTION kinds.watch();
ALTER EVENT TRIGGER "kinds E" DISABLE;
SET client_min_messages = error;		-- wal_level may be too low
CREATE PUBLICATION kinds_all FOR ALL TABLES WITH (publish = 'insert, delete', publish_via_partition_root = true);
CREATE PUBLICATION "kinds P" FOR TABLE kinds.published (id, name) WHERE (id > 1 AND name <> 'x'), kinds."Pub 2" WITH (publish = 'insert');
COMMENT ON PUBLICATION "kinds P" IS 'some';
CREATE PUBLICATION kinds_schemas FOR TABLES IN SCHEMA kinds, "kinds ""q" WITH (publish = '');
ALTER PUBLICATION kinds_schemas OWNER TO regress_kinds_owner;
CREATE SUBSCRIPTION kinds_sub CONNECTION 'host=nowhere dbname=x password=''very secret''' PUBLICATION b, "A ""p"
	WITH (connect = false, slot_name = kinds_slot, binary = true, streaming = on, two_phase = true, disable_on_error = true, synchronous_commit = 'local');
COMMENT ON SUBSCRIPTION kinds_sub IS 'from there';
CREATE SUBSCRIPTION "kinds S" CONNECTION 'dbname=secret' PUBLICATION p WITH (connect = false, slot_name = NONE, streaming = off);
SET client_min_messages = warning;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_kinds_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_kinds_owner GRANT EXECUTE ON FUNCTIONS TO "regress_kinds_ "" other" WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_kinds_owner REVOKE ALL ON TYPES FROM PUBLIC, regress_kinds_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_kinds_owner IN SCHEMA "kinds ""q" GRANT SELECT, INSERT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_kinds_owner IN SCHEMA kinds GRANT USAGE ON SEQUENCES TO "regress_kinds_ "" other" WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE "regress_kinds_ "" other" GRANT USAGE ON SCHEMAS TO regress_kinds_owner;

-- privileges on what the server and extensions made
REVOKE EXECUTE ON FUNCTION pg_sleep(double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_sleep(double precision) TO regress_kinds_owner WITH GRANT OPTION;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
GRANT SELECT (rolname), UPDATE (rolname) ON pg_authid TO regress_kinds_owner;
GRANT USAGE ON TYPE int4range TO "regress_kinds_ "" other";
SET ROLE regress_kinds_owner;
GRANT EXECUTE ON FUNCTION pg_sleep(double precision) TO "regress_kinds_ "" other";
SET ROLE regress_kinds_me;

-- what only some servers have is called new, made again, and not shown
SELECT EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i') AS icu,
	current_setting('server_version_num')::integer >= 160000 AS v16,
	current_setting('server_version_num')::integer >= 170000 AS v17,
	current_setting('server_version_num')::integer >= 180000 AS v18 \gset
\if :icu
CREATE COLLATION kinds.new_icu (PROVIDER = icu, LOCALE = 'de-u-co-phonebk', DETERMINISTIC = false);
\if :v16
CREATE COLLATION kinds.new_rules (PROVIDER = icu, LOCALE = 'en', RULES = '&a < g');
\endif
\endif
\if :v17
CREATE COLLATION kinds.new_builtin (PROVIDER = builtin, LOCALE = 'C.UTF-8');
CREATE DOMAIN kinds.new_domain AS integer CONSTRAINT new_named NOT NULL;
CREATE FUNCTION kinds.new_login() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER kinds_new ON login EXECUTE FUNCTION kinds.new_login();
ALTER EVENT TRIGGER kinds_new DISABLE;
CREATE SCHEMA kinds_new;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_kinds_owner IN SCHEMA kinds_new GRANT MAINTAIN ON TABLES TO "regress_kinds_ "" other";
\endif
\if :v16
SET client_min_messages = error;
CREATE SUBSCRIPTION kinds_new CONNECTION '' PUBLICATION p
	WITH (connect = false, slot_name = NONE, streaming = parallel, origin = none, run_as_owner = true, password_required = false);
SET client_min_messages = warning;
\endif
\if :v18
SET client_min_messages = error;
CREATE PUBLICATION kinds_new FOR TABLE kinds.published WITH (publish_generated_columns = stored);
SET client_min_messages = warning;
ALTER DEFAULT PRIVILEGES FOR ROLE "regress_kinds_ "" other" GRANT SELECT ON LARGE OBJECTS TO regress_kinds_owner;
\endif

CREATE VIEW kinds_now AS
SELECT * FROM migrate.live_type UNION ALL SELECT * FROM migrate.live_function
UNION ALL SELECT * FROM migrate.live_operator UNION ALL SELECT * FROM migrate.live_operator_class
UNION ALL SELECT * FROM migrate.live_operator_family UNION ALL SELECT * FROM migrate.live_cast
UNION ALL SELECT * FROM migrate.live_access_method UNION ALL SELECT * FROM migrate.live_collation
UNION ALL SELECT * FROM migrate.live_conversion UNION ALL SELECT * FROM migrate.live_language
UNION ALL SELECT * FROM migrate.live_transform UNION ALL SELECT * FROM migrate.live_ts_parser
UNION ALL SELECT * FROM migrate.live_ts_template UNION ALL SELECT * FROM migrate.live_ts_dictionary
UNION ALL SELECT * FROM migrate.live_ts_configuration UNION ALL SELECT * FROM migrate.live_foreign_data_wrapper
UNION ALL SELECT * FROM migrate.live_server UNION ALL SELECT * FROM migrate.live_user_mapping
UNION ALL SELECT * FROM migrate.live_event_trigger UNION ALL SELECT * FROM migrate.live_publication
UNION ALL SELECT * FROM migrate.live_subscription UNION ALL SELECT * FROM migrate.live_default_privileges UNION ALL SELECT * FROM migrate.live_privileges UNION ALL SELECT * FROM migrate.live_extension;

-- the definitions; from 17 on NOT NULL of a domain has a name
SET search_path = pg_catalog, pg_temp;
SELECT kind, name, CASE WHEN kind = 'privileges' THEN replace(definition::text, definition ->> 'owner', 'server')
	ELSE definition::text END AS definition
FROM public.kinds_now
WHERE kind <> 'event trigger' AND name <> 'kinds.present' AND name !~ 'new|large'
ORDER BY kind COLLATE "C", name COLLATE "C";
-- each name is given once
SELECT kind, name FROM public.kinds_now GROUP BY 1, 2 HAVING count(*) > 1;
-- nothing secret
SELECT count(*) FROM public.kinds_now WHERE definition::text ~ 'secret' AND kind <> 'publication';

-- A type needs its functions and they need it: part 1 of the type follows the last of them.
CREATE TEMP TABLE saved AS
SELECT o.kind, o.name, o.definition, o.object::bigint AS place,
	(SELECT max(d.refobjid::bigint) FROM pg_depend d
	 WHERE d.refclassid = 'pg_proc'::regclass AND (d.classid = o.class AND d.objid = o.object
		OR d.classid = 'pg_constraint'::regclass AND d.objid IN (SELECT c.oid FROM pg_constraint c WHERE c.contypid = o.object))
	) AS last_function
FROM public.kinds_now o;
CREATE TEMP TABLE statement AS
SELECT s.kind, s.name, d.part, d.ordinality, d.statement,
	CASE WHEN d.part = 1 AND s.kind IN ('base type', 'range', 'domain') THEN 0 ELSE d.part END AS round,
	CASE WHEN d.part = 1 AND s.kind IN ('base type', 'range', 'domain') THEN greatest(s.place, s.last_function) ELSE s.place END AS place
FROM saved s, migrate.other_ddl(s.kind, s.name, s.definition) WITH ORDINALITY d;
SELECT part, statement FROM pg_temp.statement
WHERE (part > 0 OR kind IN ('operator class', 'domain', 'user mapping')) AND name <> 'kinds.present' AND name !~ 'new|large'
ORDER BY kind COLLATE "C", name COLLATE "C", ordinality;

-- drop
RESET search_path;
\if :v17
DROP EVENT TRIGGER kinds_new;
DROP SCHEMA kinds_new CASCADE;
\endif
\if :v18
DROP PUBLICATION kinds_new;
\endif
DROP EVENT TRIGGER kinds_watch;
DROP EVENT TRIGGER "kinds E";
DROP PUBLICATION kinds_all, "kinds P", kinds_schemas;
\if :v16
DROP SUBSCRIPTION kinds_new;
\endif
ALTER SUBSCRIPTION kinds_sub SET (slot_name = NONE);
DROP SUBSCRIPTION kinds_sub;
DROP SUBSCRIPTION "kinds S";
DROP FOREIGN DATA WRAPPER kinds_wrapper, "kinds W" CASCADE;
SET client_min_messages = error;
DROP LANGUAGE "kinds L", kinds_untrusted CASCADE;
DROP SCHEMA kinds, "kinds ""q" CASCADE;
SET client_min_messages = warning;
DROP ACCESS METHOD kinds_index;
DROP ACCESS METHOD kinds_table;
DROP OWNED BY regress_kinds_owner, "regress_kinds_ "" other";
GRANT EXECUTE ON FUNCTION pg_sleep(double precision) TO PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_kinds_owner;
SELECT kind, name FROM kinds_now;

-- and again
CREATE SCHEMA kinds;
CREATE SCHEMA "kinds ""q";
GRANT ALL ON SCHEMA kinds TO regress_kinds_owner;
CREATE TABLE kinds.published (id integer PRIMARY KEY, name text, secret text);
CREATE TABLE kinds."Pub 2" (id integer PRIMARY KEY, "it's" text);
\if :v17
CREATE SCHEMA kinds_new;
\endif
SET client_min_messages = error;
SET check_function_bodies = off;
SET search_path = '';
DO $$
DECLARE
	s record;
BEGIN
	FOR s IN SELECT * FROM pg_temp.statement ORDER BY round, place, part, ordinality
	LOOP
		EXECUTE s.statement;
	END LOOP;
END
$$;
SET client_min_messages = warning;
SET search_path = pg_catalog, pg_temp;
-- the same, but for the options of the user mapping and the connection strings
SELECT coalesce(s.kind, n.kind) AS kind, coalesce(s.name, n.name) AS name, s.definition AS before, n.definition AS after
FROM pg_temp.saved s FULL JOIN public.kinds_now n ON n.kind = s.kind AND n.name = s.name
WHERE s.definition::text IS DISTINCT FROM n.definition::text
ORDER BY 1 COLLATE "C", 2 COLLATE "C";

-- what is not here to be tried
SELECT * FROM migrate.other_ddl('extension', '"x-y"', '{"schema":"My schema","version":"1.0","comment":"it''s"}');
SELECT * FROM migrate.other_ddl('collation', 'kinds.icu',
	'{"create":"CREATE COLLATION kinds.icu (PROVIDER = icu, LOCALE = ''de'', DETERMINISTIC = false)","labels":{"a b":"it''s"}}');

RESET search_path;
SET client_min_messages = error;
DROP VIEW kinds_now;
\if :v17
DROP EVENT TRIGGER kinds_new;
DROP SCHEMA kinds_new CASCADE;
\endif
\if :v18
DROP PUBLICATION kinds_new;
\endif
DROP EVENT TRIGGER kinds_watch;
DROP EVENT TRIGGER "kinds E";
DROP PUBLICATION kinds_all, "kinds P", kinds_schemas;
\if :v16
DROP SUBSCRIPTION kinds_new;
\endif
ALTER SUBSCRIPTION kinds_sub SET (slot_name = NONE);
DROP SUBSCRIPTION kinds_sub;
DROP SUBSCRIPTION "kinds S";
DROP FOREIGN DATA WRAPPER kinds_wrapper, "kinds W" CASCADE;
DROP LANGUAGE "kinds L", kinds_untrusted CASCADE;
DROP SCHEMA kinds, "kinds ""q" CASCADE;
DROP ACCESS METHOD kinds_index;
DROP ACCESS METHOD kinds_table;
DROP OWNED BY regress_kinds_owner, "regress_kinds_ "" other";
GRANT EXECUTE ON FUNCTION pg_sleep(double precision) TO PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC;
RESET ROLE;
DROP TABLE pg_temp.saved, pg_temp.statement;
DROP ROLE regress_kinds_owner, "regress_kinds_ "" other", regress_kinds_me;
