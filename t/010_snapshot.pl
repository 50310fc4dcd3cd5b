# Snapshots that render only what changed are what a full render gives.
#
# Proven here, after every migration of the example project and after every step
# of a random sequence of DDL (some of it from outside):
# - the versions that stand are all objects of the schema, with their definitions;
# - what they need is what the catalog says they depend on;
# - fingerprints are equal if and only if the schemas are.
# MIGRATE_RANDOM_SEED (1 unless told) sets the sequence, MIGRATE_RANDOM_STEPS how long it is.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{MIGRATE_RANDOM_SEED} // 1;
my $steps = $ENV{MIGRATE_RANDOM_STEPS} // 300;
my $node = start_server('snapshot');

srand($seed);
note("MIGRATE_RANDOM_SEED=$seed");

my $check = slurp_file("$FindBin::RealBin/../test/checks.sql");

# Check the property in a database.
sub snapshot_is_full
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($db, $name) = @_;

	return is($node->safe_psql($db, 'SELECT * FROM checks.difference()'), '', $name);
}

sub fingerprints_tell
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($db) = @_;

	return is($node->safe_psql($db, 'SELECT checks.fingerprints()'), '', "$db: fingerprints are equal where schemas are");
}

# The example project, up and down.
$node->safe_psql('postgres', 'CREATE DATABASE example');
$node->safe_psql('example', "CREATE EXTENSION migrate_ext;\n$check");
run_file($node, 'example', "$project/schema_version.sql");
$node->safe_psql('example', "SELECT * FROM migrate_load('$project')");
my @up = files('migrations');
for my $version (1 .. @up)
{
	$node->safe_psql('example', "SELECT * FROM migrate_apply($version)");
	snapshot_is_full('example', "the example project at version $version");
}
for my $version (reverse 0 .. $#up)
{
	$node->safe_psql('example', "SELECT * FROM migrate_rollback($version)");
	snapshot_is_full('example', "the example project back at version $version");
}
fingerprints_tell('example');

# One of the arguments.
sub any { return $_[ int rand @_ ]; }
sub number { return 1 + int rand 4; }
sub schema { return any(qw(public s1 s2)); }
sub table { return schema() . '.t' . number(); }
sub column { return 'c' . number(); }
sub role { return any(qw(r1 r2 r3)); }
sub type { return any('integer', 'text', 'numeric(8, 2)', 's1.e1', 's1.d1', 's1.k1', 'timestamptz'); }

# Statements that the random sequence is made of; many cannot run where they come up.
my @statements = (
	sub { 'CREATE SCHEMA IF NOT EXISTS ' . any(qw(s1 s2)) },
	sub { any('ALTER SCHEMA s1 RENAME TO s3', 'ALTER SCHEMA s3 RENAME TO s1', 'ALTER SCHEMA s1 OWNER TO ' . role()) },
	(sub { 'CREATE TABLE ' . table() . ' (c1 ' . type() . ', c2 integer PRIMARY KEY, c3 ' . type() . ' DEFAULT NULL)' }) x 3,
	sub { 'CREATE TABLE ' . table() . ' (c1 integer GENERATED ALWAYS AS IDENTITY, c2 serial, c4 text CHECK (c4 <> \'\'))' },
	sub { 'CREATE TABLE ' . table() . ' (c1 integer, c2 integer) PARTITION BY LIST (c1)' },
	sub { my $n = number(); 'CREATE TABLE ' . table() . ' PARTITION OF ' . table() . " FOR VALUES IN ($n)" },
	sub { 'ALTER TABLE ' . table() . ' DETACH PARTITION ' . table() },
	sub { 'CREATE TABLE ' . table() . ' (c5 text) INHERITS (' . table() . ')' },
	sub { 'ALTER TABLE ' . table() . any(' INHERIT ', ' NO INHERIT ') . table() },
	(sub { 'ALTER TABLE ' . table() . ' ADD ' . column() . ' ' . type() }) x 2,
	sub { 'ALTER TABLE ' . table() . ' DROP ' . column() . any('', ' CASCADE') },
	(sub { 'ALTER TABLE ' . table() . ' RENAME ' . column() . ' TO ' . column() }) x 2,
	sub { 'ALTER TABLE ' . table() . ' ALTER ' . column() . any(' SET NOT NULL', ' DROP NOT NULL', ' SET DEFAULT NULL', ' DROP DEFAULT', ' SET STATISTICS 7', ' SET (n_distinct = 5)', ' TYPE text') },
	sub { 'ALTER TABLE ' . table() . ' RENAME TO t' . number() },
	sub { 'ALTER TABLE ' . table() . ' SET SCHEMA ' . schema() },
	sub { 'ALTER TABLE ' . table() . ' OWNER TO ' . role() },
	sub { 'ALTER TABLE ' . table() . any(' ENABLE ROW LEVEL SECURITY', ' REPLICA IDENTITY FULL', ' SET (fillfactor = 70)', ' SET (toast.autovacuum_enabled = off)', ' SET UNLOGGED', ' RESET (fillfactor)') },
	sub { 'ALTER TABLE ' . table() . ' ADD CONSTRAINT ' . any('k1', 'k2') . any(' UNIQUE (c1)', ' CHECK (c2 > 0)', ' FOREIGN KEY (c1) REFERENCES ' . table()) },
	sub { 'ALTER TABLE ' . table() . any(' DROP CONSTRAINT k1 CASCADE', ' RENAME CONSTRAINT k1 TO k2', ' VALIDATE CONSTRAINT k1') },
	sub { 'DROP TABLE ' . table() . any('', ' CASCADE') },
	sub { 'CREATE INDEX i' . number() . ' ON ' . table() . ' (' . column() . ')' },
	sub { any('DROP INDEX ', 'ALTER INDEX ') . schema() . '.i1' . any('', ' RENAME TO i2', ' SET (fillfactor = 80)') },
	sub { 'CREATE STATISTICS ' . schema() . '.x1 ON c1, c2 FROM ' . table() },
	sub { 'CREATE OR REPLACE VIEW ' . schema() . '.v' . number() . ' AS SELECT ' . any('*', column(), 'count(*)') . ' FROM ' . any(table(), schema() . '.v' . number()) },
	sub { 'CREATE MATERIALIZED VIEW ' . schema() . '.m1 AS SELECT * FROM ' . table() },
	sub { any('DROP VIEW ', 'DROP MATERIALIZED VIEW ') . schema() . any('.v1', '.v2', '.m1') . any('', ' CASCADE') },
	sub { any('CREATE TYPE s1.e1 AS ENUM (\'a\', \'b\')', 'ALTER TYPE s1.e1 ADD VALUE IF NOT EXISTS \'x' . number() . '\'', 'ALTER TYPE s1.e1 RENAME TO e2', 'ALTER TYPE s1.e2 RENAME TO e1', 'DROP TYPE s1.e1 CASCADE') },
	sub { any('CREATE DOMAIN s1.d1 AS integer CONSTRAINT dc CHECK (VALUE > 0)', 'ALTER DOMAIN s1.d1 DROP CONSTRAINT dc', 'ALTER DOMAIN s1.d1 ADD CONSTRAINT dc CHECK (VALUE > 1)', 'COMMENT ON CONSTRAINT dc ON DOMAIN s1.d1 IS \'c\'', 'ALTER DOMAIN s1.d1 RENAME CONSTRAINT dc TO dd', 'ALTER DOMAIN s1.d1 SET NOT NULL', 'DROP DOMAIN s1.d1 CASCADE') },
	sub { any('CREATE TYPE s1.k1 AS (a integer, b text)', 'ALTER TYPE s1.k1 ADD ATTRIBUTE d' . number() . ' text CASCADE', 'ALTER TYPE s1.k1 RENAME ATTRIBUTE a TO a2 CASCADE', 'ALTER TYPE s1.k1 SET SCHEMA s2', 'DROP TYPE s1.k1 CASCADE') },
	sub { any('CREATE TYPE s1.g1 AS RANGE (SUBTYPE = integer)', 'ALTER TYPE s1.g1 RENAME TO g2', 'DROP TYPE s1.g1 CASCADE', 'GRANT USAGE ON TYPE s1.g1 TO ' . role()) },
	sub { 'CREATE OR REPLACE FUNCTION ' . schema() . '.f' . number() . '(a integer) RETURNS integer LANGUAGE ' . any('sql', 'sql STABLE') . ' AS \'SELECT ' . number() . '\'' },
	sub { 'CREATE OR REPLACE FUNCTION ' . schema() . '.tf1() RETURNS trigger LANGUAGE plpgsql AS \'BEGIN RETURN NEW; END\'' },
	sub { 'ALTER FUNCTION ' . schema() . '.f1(integer)' . any(' RENAME TO f2', ' SET SCHEMA s2', ' STRICT', ' OWNER TO ' . role(), ' SET work_mem = \'1MB\'') },
	sub { 'DROP FUNCTION ' . schema() . any('.f1(integer)', '.f2(integer)', '.tf1()') . any('', ' CASCADE') },
	sub { 'CREATE OR REPLACE TRIGGER g' . number() . any(' BEFORE', ' AFTER') . ' INSERT ON ' . table() . ' FOR EACH ROW EXECUTE FUNCTION ' . schema() . '.tf1()' },
	sub { any('DROP TRIGGER g1 ON ' . table(), 'ALTER TRIGGER g1 ON ' . table() . ' RENAME TO g2', 'ALTER TABLE ' . table() . ' DISABLE TRIGGER ALL') },
	sub { 'CREATE POLICY p' . number() . ' ON ' . table() . ' TO ' . role() . ' USING (c1 IS NULL)' },
	sub { any('DROP POLICY p1 ON ', 'ALTER POLICY p1 ON ') . table() . any('', ' RENAME TO p2', ' TO r2') },
	sub { 'CREATE RULE u1 AS ON DELETE TO ' . table() . ' DO INSTEAD NOTHING' },
	sub { any('GRANT ', 'REVOKE ') . any('SELECT', 'INSERT', 'ALL') . any('', ' (c1)') . ' ON ' . any(table(), 'pg_catalog.pg_class', 'pg_catalog.pg_proc') . ' ' . any('TO ', 'FROM ') . any(role(), 'PUBLIC') },
	sub { any('GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO ', 'REVOKE EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) FROM ') . role() },
	sub { any('GRANT USAGE ON SCHEMA ' . schema() . ' TO ' . role(), 'REVOKE ALL ON SCHEMA public FROM ' . role(), 'GRANT USAGE ON LANGUAGE plpgsql TO ' . role()) },
	sub { 'COMMENT ON ' . any('TABLE ' . table(), 'COLUMN ' . table() . '.c1', 'SCHEMA ' . schema(), 'VIEW ' . schema() . '.v1', 'FUNCTION ' . schema() . '.f1(integer)') . ' IS ' . any('NULL', '\'one\'', '\'two\'') },
	sub { any('CREATE SEQUENCE ', 'DROP SEQUENCE ', 'ALTER SEQUENCE ') . schema() . '.q1' . any('', ' INCREMENT 2', ' OWNED BY ' . table() . '.c1', ' OWNED BY NONE') },
	sub { any('CREATE PUBLICATION b1 FOR TABLE ' . table(), 'ALTER PUBLICATION b1 ADD TABLE ' . table(), 'ALTER PUBLICATION b1 DROP TABLE ' . table(), 'ALTER PUBLICATION b1 SET (publish = \'insert\')', 'DROP PUBLICATION b1', 'CREATE PUBLICATION b1 FOR TABLES IN SCHEMA ' . schema()) },
	sub { any('CREATE SUBSCRIPTION z1 CONNECTION \'dbname=x\' PUBLICATION p WITH (connect = false, slot_name = NONE)', 'ALTER SUBSCRIPTION z1 CONNECTION \'dbname=y' . number() . '\'', 'ALTER SUBSCRIPTION z1 SET (binary = true)', 'ALTER SUBSCRIPTION z1 RENAME TO z2', 'ALTER SUBSCRIPTION z2 RENAME TO z1', 'COMMENT ON SUBSCRIPTION z1 IS \'c\'', 'DROP SUBSCRIPTION z1') },
	sub { 'ALTER DEFAULT PRIVILEGES IN SCHEMA ' . schema() . any(' GRANT SELECT ON TABLES TO ', ' REVOKE SELECT ON TABLES FROM ') . role() },
	sub { any('ALTER ROLE r1 RENAME TO r4', 'ALTER ROLE r4 RENAME TO r1', 'ALTER ROLE r2 RENAME TO "R 2"', 'ALTER ROLE "R 2" RENAME TO r2') },
	sub { 'CREATE OPERATOR ' . schema() . '.=== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq)' },
	sub { 'DROP OWNED BY ' . role() },
);

# Choose statements that run, one after the other.
sub choose
{
	my ($wanted) = @_;
	my @chosen;

	for (1 .. 8 * $wanted)
	{
		my $try = any(@statements)->();

		last if @chosen == $wanted;
		my ($rc) = $node->psql('random', (join ";\n", 'BEGIN', @chosen, $try, 'ROLLBACK'), on_error_stop => 1);
		push @chosen, $try if $rc == 0;
	}
	return @chosen;
}

# A random sequence.
$node->safe_psql('postgres', 'CREATE DATABASE random');
$node->safe_psql('random', <<"EOT");
CREATE ROLE r1; CREATE ROLE r2; CREATE ROLE r3;
CREATE SCHEMA s1; CREATE SCHEMA s2;
GRANT ALL ON SCHEMA public, s1, s2 TO r1, r2, r3;
CREATE EXTENSION migrate_ext;
$check
EOT
my ($done, $outside, @told) = (0, 0);
for my $version (1 .. $steps)
{
	my @chosen = choose(any(1, 1, 2, 4));
	my $script = join ";\n", @chosen;
	my $drift = rand() < 0.15;
	my ($rc) = $node->psql('random', $drift ? "BEGIN; $script; COMMIT" : <<"EOT", on_error_stop => 1);
BEGIN;
SELECT count(migrate_register($version, 'step', \$step\$$script\$step\$));
SELECT count(*) FROM migrate_apply($version);
COMMIT;
EOT
	next if $rc != 0;
	if ($drift)
	{
		$outside++;
		$node->safe_psql('random', 'SELECT migrate_snapshot()');
	}
	$done++;
	next if $node->safe_psql('random', 'SELECT EXISTS (SELECT FROM migrate.snapshot)') ne 't';
	snapshot_is_full('random', "step $version") or diag("seed $seed: $script");
}
cmp_ok($done, '>=', $steps / 2, 'enough steps ran');
note("$done of $steps steps ran, $outside of them from outside");
fingerprints_tell('random');
log_is_clean($node);
done_testing();
