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
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @up = files('migrations');
my @down = files('rollbacks');
my $last = @up;

my $node = start_server('example');

sub schema
{
	my ($db) = @_;

	return dump_of($node, $db, '--schema-only', '--exclude-schema=migrate_backup');
}

# The three records of the version agree.
sub versions_are
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($db, $version, $name) = @_;

	is(records($node, $db, $applied), "$version|$version|$version|0", $name);
	return;
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
	run_file($node, $db, "$project/schema_version.sql");
}
$schema[0] = schema('by_psql');
for my $db (qw(by_step by_call))
{
	is($node->safe_psql($db, "SELECT count(*), min(version), max(version),"
			. " string_agg(DISTINCT action, ',') FROM migrate_load('$project')"),
		"$last|1|$last|registered", "$db: migrate_load() registers every migration");
	is($node->safe_psql($db, "SELECT string_agg(DISTINCT action, ',') FROM migrate_load('$project')"),
		'unchanged', "$db: and changes nothing the second time");
	same(schema($db), $schema[0], "$db: registering leaves the schema as it is");
}
is($node->safe_psql('by_call', q{
		SELECT count(*) FILTER (WHERE note IS NULL AND direction = 'up' AND transactional
			AND rollback = 'down script') FROM migrate_plan()}),
	$last, 'the plan has every migration, and nothing stands in the way');

for my $version (1 .. $last)
{
	run_file($node, 'by_psql', $up[ $version - 1 ]);
	$schema[$version] = schema('by_psql');
	isnt($schema[$version], $schema[ $version - 1 ], "migration $version changes the schema");

	my ($rows, @notices) =
	  call('by_step', "SELECT version, statements > 0, duration > '0' FROM migrate_apply($version)");
	is($rows, "$version|t|t", "migrate_apply($version) returns its row");
	like($notices[-1], qr/NOTICE: +applied $version \w+: \d+ statements?, \d+ ms(, \d+ rows? kept)?(, \d+ rows? put back)?$/,
		"migrate_apply($version) tells what it did");
	versions_are('by_step', $version, "all records say $version");
	same(schema('by_step'), $schema[$version], "schema at version $version is that of psql");
}

# All in one call.
my ($rows, @notices) = call('by_call', 'SELECT version, name FROM migrate_apply()');
is(scalar(split /\n/, $rows), $last, 'migrate_apply() returns a row for each migration');
@notices = grep { /applied/ } @notices;
is(scalar(@notices), $last, 'and one NOTICE');
like($notices[2], qr/applied 3 clean_artwork_schema: 13 statements, \d+ ms(, \d+ rows? kept)?(, \d+ rows? put back)?$/,
	'of which the third is that of migration 3');
versions_are('by_call', $last, "all records say $last");
same(schema('by_call'), $schema[$last], 'schema after one call is that of psql');
($rows, @notices) = call('by_call', 'SELECT * FROM migrate_apply()');
is($rows, '', 'applying again returns nothing');
like("@notices", qr/nothing to apply/, 'and says so');

# Seeds, twice.
for my $db (qw(by_psql by_step))
{
	run_file($node, $db, $_) for (files('seeds')) x 2;
}
my $counts = row_count_function('pg_temp') . q{
	SELECT relname, pg_temp.row_count(oid) FROM pg_class
	WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1};
my $seeded = $node->safe_psql('by_psql', $counts);
like($seeded, qr/^artworks\|[1-9]/m, 'the seeds are there');
is($node->safe_psql('by_step', $counts), $seeded, 'and the same in both databases');
same(schema('by_step'), $schema[$last], 'seeds leave the schema as it is');

# And down again, one by one: with rows (by_step, by_psql) and without (by_call).
for my $version (reverse 1 .. $last)
{
	my $to = $version - 1;

	run_file($node, 'by_psql', $down[$to]);
	for my $db (qw(by_step by_call))
	{
		my ($row, @said) = call($db, 'SELECT version, statements > 0 FROM migrate_rollback()');
		is($row, "$version|t", "$db: migrate_rollback() returns migration $version");
		like($said[-1], qr/NOTICE: +rolled back $version \w+: \d+ statements?, \d+ ms(, \d+ rows? kept)?(, \d+ rows? put back)?$/,
			"$db: and tells what it did");
		versions_are($db, $to, "$db: all records say $to");
		same(schema($db), $schema[$to], "$db: schema at version $to is the one there was");
	}
	same(schema('by_psql'), $schema[$to], "psql leaves the same schema at version $to");
	is($node->safe_psql('by_step', $counts), $node->safe_psql('by_psql', $counts),
		"the same rows are left at version $to") if $to > 0;
}
($rows, @notices) = call('by_step', 'SELECT * FROM migrate_rollback()');
is($rows, '', 'rolling back nothing returns nothing');
like("@notices", qr/nothing to roll back/, 'and says so');

# Up and down in one call each.
call('by_step', 'SELECT count(*) FROM migrate_apply()');
same(schema('by_step'), $schema[$last], 'up again in one call');
call('by_step', 'SELECT count(*) FROM migrate_rollback(3)');
same(schema('by_step'), $schema[3], 'down to version 3 in one call');
call('by_step', 'SELECT count(*) FROM migrate_rollback(0)');
same(schema('by_step'), $schema[0], 'down to nothing in one call');
is($node->safe_psql('by_step', 'SELECT count(*), max(entry) FROM migrate_history()'),
	(4 * $last) . '|' . (4 * $last), 'the history has every step');
versions_are('by_step', 0, 'and its chain is whole');

$node->stop;
done_testing();
