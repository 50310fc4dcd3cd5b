# The example project, from nothing to its last version and back.
#
# Proven here:
# - migrate_load() and migrate_apply() leave the schema that psql leaves when it
#   runs the same files one by one: pg_dump --schema-only is equal at every
#   version on the way up, and after one call that applies all;
# - each rollback restores what pg_dump showed before its migration, and the
#   same files run down by psql leave the same;
# - the seeds load, twice, and neither they nor the way down and up again leave
#   a difference between the two databases;
# - psql is told about each migration by one NOTICE line;
# - schema_version, status and history agree all the way.

use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $project = "$FindBin::RealBin/../supabase";
my @up = sort glob("$project/migrations/*.sql");
my @down = sort glob("$project/rollbacks/*.sql");
my $last = @up;

my $node = PostgreSQL::Test::Cluster->new('example');
$node->init;
$node->append_conf('postgresql.conf', "log_statement = none\n");
$node->start;

# The schema as pg_dump prints it, without the key that differs in each run.
sub schema
{
	my ($db) = @_;
	my ($stdout, $stderr) = run_command([ 'pg_dump', '--schema-only', '-d', $node->connstr($db) ]);

	is($stderr, '', "pg_dump of $db says nothing") if $stderr ne '';
	$stdout =~ s/^\\(un)?restrict .*\n//mg;
	return $stdout;
}

# Run a file with psql, as people without the extension do.
sub run_file
{
	my ($db, $file) = @_;
	my ($rc, $stdout, $stderr) = $node->psql($db, slurp_file($file));

	is($rc, 0, "psql runs " . ($file =~ s{.*/}{}r) . " in $db")
	  or diag($stderr);
	return;
}

# Compare two schemas, and show the first lines that differ.
sub same_schema
{
	my ($got, $expected, $name) = @_;
	my @got = split /\n/, $got;
	my @expected = split /\n/, $expected;
	my $line = 0;

	return pass($name) if $got eq $expected;
	fail($name);
	$line++ while ($got[$line] // '') eq ($expected[$line] // '');
	diag("line " . ($line + 1) . "\n     got: " . ($got[$line] // '(end)')
		  . "\nexpected: " . ($expected[$line] // '(end)'));
	return;
}

# What the three records of the version say.
sub versions
{
	my ($db) = @_;

	return $node->safe_psql($db, q{
		SELECT concat_ws(' ', migrate_version(), (SELECT version FROM schema_version),
			(SELECT count(*) FROM migrate_status() WHERE state = 'applied'),
			(SELECT count(*) FROM migrate.ledger_break))});
}

# Call a function over all its rows; returns stdout and the NOTICE lines.
sub call
{
	my ($db, $sql) = @_;
	my ($rc, $stdout, $stderr) = $node->psql($db, $sql);

	is($rc, 0, "$db: $sql") or diag($stderr);
	return ($stdout, grep { /NOTICE/ } split /\n/, $stderr);
}

cmp_ok($last, '>=', 10, 'the example has ten migrations or more');
is(scalar(@down), $last, 'and as many rollbacks');

# By psql, one file after the other; by_step gets the same step by step.
my @schema;
for my $db (qw(by_psql by_step by_call))
{
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, 'CREATE EXTENSION migrate_ext');
	run_file($db, "$project/schema_version.sql");
}
$schema[0] = schema('by_psql');
for my $db (qw(by_step by_call))
{
	is($node->safe_psql($db, "SELECT count(*), min(version), max(version),"
			. " string_agg(DISTINCT action, ',') FROM migrate_load('$project')"),
		"$last|1|$last|registered", "$db: migrate_load() registers every migration");
	is($node->safe_psql($db, "SELECT string_agg(DISTINCT action, ',') FROM migrate_load('$project')"),
		'unchanged', "$db: and changes nothing the second time");
	same_schema(schema($db), $schema[0], "$db: registering leaves the schema as it is");
}
is($node->safe_psql('by_call', q{
		SELECT count(*) FILTER (WHERE note IS NULL AND direction = 'up' AND transactional
			AND rollback = 'down script') FROM migrate_plan()}),
	$last, 'the plan has every migration, and nothing stands in the way');

for my $version (1 .. $last)
{
	run_file('by_psql', $up[ $version - 1 ]);
	$schema[$version] = schema('by_psql');
	isnt($schema[$version], $schema[ $version - 1 ], "migration $version changes the schema");

	my ($rows, @notices) =
	  call('by_step', "SELECT version, statements > 0, duration > '0' FROM migrate_apply($version)");
	is($rows, "$version|t|t", "migrate_apply($version) returns its row");
	like($notices[-1], qr/NOTICE: +applied $version \w+: \d+ statements?, \d+ ms$/,
		"migrate_apply($version) tells what it did");
	is(versions('by_step'), "$version $version $version 0", "all records say $version");
	same_schema(schema('by_step'), $schema[$version], "schema at version $version is that of psql");
}

# All in one call.
my ($rows, @notices) = call('by_call', 'SELECT version, name FROM migrate_apply()');
is(scalar(split /\n/, $rows), $last, 'migrate_apply() returns a row for each migration');
@notices = grep { /applied/ } @notices;
is(scalar(@notices), $last, 'and one NOTICE');
like($notices[2], qr/applied 3 clean_artwork_schema: 13 statements, \d+ ms$/,
	'of which the third is that of migration 3');
is(versions('by_call'), "$last $last $last 0", "all records say $last");
same_schema(schema('by_call'), $schema[$last], 'schema after one call is that of psql');
($rows, @notices) = call('by_call', 'SELECT * FROM migrate_apply()');
is($rows, '', 'applying again returns nothing');
like("@notices", qr/nothing to apply/, 'and says so');

# Seeds, twice.
for my $db (qw(by_psql by_step))
{
	run_file($db, $_) for (sort glob("$project/seeds/*.sql")) x 2;
}
my $counts = q{
	SELECT c.relname, (xpath('/row/n/text()', query_to_xml(
		format('SELECT count(*) AS n FROM %s', c.oid::regclass), false, true, '')))[1]
	FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1};
my $seeded = $node->safe_psql('by_psql', $counts);
like($seeded, qr/^artworks\|[1-9]/m, 'the seeds are there');
is($node->safe_psql('by_step', $counts), $seeded, 'and the same in both databases');
same_schema(schema('by_step'), $schema[$last], 'seeds leave the schema as it is');

# And down again, one by one: with rows (by_step, by_psql) and without (by_call).
for my $version (reverse 1 .. $last)
{
	my $to = $version - 1;

	run_file('by_psql', $down[$to]);
	for my $db (qw(by_step by_call))
	{
		my ($row, @said) = call($db, 'SELECT version, statements > 0 FROM migrate_rollback()');
		is($row, "$version|t", "$db: migrate_rollback() returns migration $version");
		like($said[-1], qr/NOTICE: +rolled back $version \w+: \d+ statements?, \d+ ms$/,
			"$db: and tells what it did");
		is(versions($db), "$to $to $to 0", "$db: all records say $to");
		same_schema(schema($db), $schema[$to], "$db: schema at version $to is the one there was");
	}
	same_schema(schema('by_psql'), $schema[$to], "psql leaves the same schema at version $to");
	is($node->safe_psql('by_step', $counts), $node->safe_psql('by_psql', $counts),
		"the same rows are left at version $to") if $to > 0;
}
($rows, @notices) = call('by_step', 'SELECT * FROM migrate_rollback()');
is($rows, '', 'rolling back nothing returns nothing');
like("@notices", qr/nothing to roll back/, 'and says so');

# Up and down in one call each.
call('by_step', 'SELECT count(*) FROM migrate_apply()');
same_schema(schema('by_step'), $schema[$last], 'up again in one call');
call('by_step', 'SELECT count(*) FROM migrate_rollback(3)');
same_schema(schema('by_step'), $schema[3], 'down to version 3 in one call');
call('by_step', 'SELECT count(*) FROM migrate_rollback(0)');
same_schema(schema('by_step'), $schema[0], 'down to nothing in one call');
is($node->safe_psql('by_step', 'SELECT count(*), max(entry) FROM migrate_history()'),
	(4 * $last) . '|' . (4 * $last), 'the history has every step');
is(versions('by_step'), '0 0 0 0', 'and its chain is whole');

$node->stop;
done_testing();
