# migrate_schema() gives the schema back: what pg_dump prints of a database made
# from it is what it printed of the original.
#
# - The example project: after all migrations, after each rollback, and for the
#   stored snapshot of each version when later ones have long been applied.
# - Every kind of object (sql/object_kinds.sql) and of relation
#   (test/schema/relations.sql), live and stored, when what is stored has gone.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('schema', "fsync = off\n");
my $replays = 0;

# The schema as pg_dump sees it, without the extension, what it keeps, and the
# options of user mappings and connection strings, which are not kept.
sub schema
{
	my ($db) = @_;
	my $dump = dump_of($node, $db, '--schema-only', '--exclude-schema=migrate', '--exclude-schema=migrate_backup');

	$dump =~ s/^--\n-- Name: (?:EXTENSION )?migrate_ext;.*?(?=^--\n-- (?:Name|PostgreSQL))//msg;
	$dump =~ s/^(CREATE USER MAPPING [^;]*?) OPTIONS \([^;]*\);/$1;/msg;
	$dump =~ s/^(CREATE SUBSCRIPTION [^']+ CONNECTION )'(?:[^']|'')*'/$1''/msg;
	return $dump;
}

# Make an empty database from what migrate_schema() says, and see what pg_dump says.
sub replay_is
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($db, $snapshot, $expected, $name) = @_;
	my $copy = 'replay_' . ++$replays;
	my $script = $node->safe_psql($db, "SELECT migrate_schema($snapshot)");

	$node->safe_psql('postgres', "CREATE DATABASE $copy TEMPLATE template0");
	my ($rc, $stdout, $stderr) = $node->psql($copy, $script, extra_params => ['-1'], on_error_stop => 1);
	is($rc, 0, "$name: replays") or diag($stderr);
	same(schema($copy), $expected, "$name: the same to pg_dump");
	drop_database($copy) if $rc == 0;
	return;
}

# Drop a database, and first the subscriptions in it: their slots are nowhere.
sub drop_database
{
	my ($db) = @_;
	my @subscriptions = split /\n/, $node->safe_psql($db,
		'SELECT quote_ident(subname) FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()');

	for my $subscription (@subscriptions)
	{
		$node->safe_psql($db, "ALTER SUBSCRIPTION $subscription DISABLE");
		$node->safe_psql($db, "ALTER SUBSCRIPTION $subscription SET (slot_name = NONE)");
		$node->safe_psql($db, "DROP SUBSCRIPTION $subscription");
	}
	$node->safe_psql('postgres', "DROP DATABASE $db");
	return;
}

# The example, up and down.
$node->safe_psql('postgres', 'CREATE DATABASE example');
$node->safe_psql('example', 'CREATE EXTENSION migrate_ext');
run_file($node, 'example', "$project/schema_version.sql");
$node->safe_psql('example', "SELECT count(*) FROM migrate_load('$project')");
my $last = $node->safe_psql('example', 'SELECT max(version) FROM migrate_status()');
my (@dump, @snapshot);
for my $version (1 .. $last)
{
	$node->safe_psql('example', "SELECT * FROM migrate_apply($version)");
	$dump[$version] = schema('example');
	$snapshot[$version] = $node->safe_psql('example',
		"SELECT snapshot_after FROM migrate.ledger WHERE version = $version AND event = 'applied'");
}
replay_is('example', '', $dump[$last], 'example');
for my $version (reverse 1 .. $last - 1)
{
	$node->safe_psql('example', 'SELECT * FROM migrate_rollback()');
	replay_is('example', '', $dump[$version], "example, rolled back to $version");
}
$node->safe_psql('example', 'SELECT * FROM migrate_rollback()');
replay_is('example', $snapshot[$_], $dump[$_], "example, snapshot of version $_") for (1 .. $last);

# Every kind.
my ($kinds) = slurp_file("$FindBin::RealBin/../sql/object_kinds.sql") =~ /\A(.*?)^-- what only some servers have/ms;
my %made = (kinds => $kinds, relations => slurp_file("$FindBin::RealBin/../test/schema/relations.sql"));
for my $db (sort keys %made)
{
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, 'CREATE EXTENSION migrate_ext');
	my ($rc, $stdout, $stderr) = $node->psql($db, $made{$db}, on_error_stop => 1);
	is($rc, 0, "$db: made") or diag($stderr);
	my $dump = schema($db);
	replay_is($db, '', $dump, "$db, live");
	my $stored = $node->safe_psql($db, 'SELECT migrate_snapshot()');
	is($node->safe_psql($db, "SELECT * FROM migrate_diff($stored)"), '', "$db: the snapshot differs in nothing from the schema");
	my ($from_stored, $from_live) =
	  map { join "\n", sort split /\n/, $node->safe_psql($db, "SELECT migrate_schema($_)") } ($stored, '');
	same($from_stored, $from_live, "$db: stored and live say the same, in whatever order");
	$node->safe_psql($db, "SET client_min_messages = error; DROP SCHEMA "
			. ($db eq 'kinds' ? 'kinds' : 'sink') . ' CASCADE; SELECT migrate_snapshot()');
	replay_is($db, $stored, $dump, "$db, stored");
}

$node->stop;
done_testing();
