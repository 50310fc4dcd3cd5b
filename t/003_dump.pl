# pg_dump and pg_restore, with registry and ledger in the database; and the
# output of pg_dump as a migration.
#
# Proven here:
# - a plain dump, a custom-format dump restored by one and by two jobs and with
#   its tables in another order, and a directory-format dump carry migrations, scripts, ledger and what
#   migrate_grant() granted: status, history, plan and privileges are identical,
#   the chain of the ledger is whole, applying and rolling back go on;
# - restoring a second time fails, and changes nothing in registry and ledger;
# - so does CREATE DATABASE ... TEMPLATE;
# - pg_dump's own output (whole, --schema-only, --inserts, --clean) of a database
#   with rows registers and applies as the first migration of an empty database;
#   what pg_dump then prints of that is equal, rows included.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('dump');
my $tmp = PostgreSQL::Test::Utils::tempdir;

# Rows in the order of their text: pg_dump prints them as they lie.
sub rows_of
{
	my ($db) = @_;

	return join "\n", sort split /\n/, dump_of($node, $db, '--data-only', '--exclude-schema=migrate');
}

# All the extension says of a database, and who may do what with it.
sub account
{
	my ($db) = @_;

	return $node->safe_psql($db, q{
		SELECT s FROM migrate_status() s;
		SELECT h FROM migrate_history() h;
		SELECT p FROM migrate_plan() p;
		SELECT p FROM migrate_plan(3) p;
		SELECT s FROM migrate.script s ORDER BY 1;
		SELECT m FROM migrate.migration m ORDER BY 1;
		SELECT l FROM migrate.ledger l ORDER BY l.entry;
		SELECT p.oid::regprocedure, r, has_function_privilege(r, p.oid, 'EXECUTE')
		FROM pg_proc p, unnest('{watcher,shipper,nobody}'::text[]) r
		WHERE p.proname ~ '^(migrate|ledger)_' ORDER BY p.oid::regprocedure::text, 2;
		SELECT c.oid::regclass, r, has_table_privilege(r, c.oid, 'SELECT'),
			has_table_privilege(r, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
		FROM pg_class c, unnest('{watcher,shipper,nobody}'::text[]) r
		WHERE c.relnamespace = 'migrate'::regnamespace AND c.relkind IN ('r', 'v') ORDER BY c.oid::regclass::text, 2;});
}

# The chain is whole, and everything goes on from there.
sub goes_on
{
	my ($db) = @_;

	is($node->safe_psql($db, 'SELECT count(*) FROM migrate.ledger_break'), 0, "$db: the chain is whole");
	is($node->safe_psql($db, 'SET ROLE watcher; SELECT migrate_version(), count(*) > 0 FROM migrate_history()'),
		'10|t', "$db: who could read still can");
	my ($rc, $stdout, $stderr) = $node->psql($db, 'SET ROLE watcher; SELECT * FROM migrate_apply()');
	like($stderr, qr/permission denied for function migrate_apply/, "$db: and still cannot apply");
	is($node->safe_psql($db, q{SET ROLE shipper; SELECT migrate_register(30, 'thirty', 'SELECT 1', 'SELECT 1')}),
		'registered', "$db: who could deploy still can");
	is($node->safe_psql($db, q{SELECT string_agg(version::text, ' ' ORDER BY version) FROM migrate_apply(20)}),
		'11 12 20', "$db: the pending ones apply");
	is($node->safe_psql($db, q{SELECT count(*) FROM migrate_rollback(0)}), 13, "$db: everything rolls back");
	is(records($node, $db, '(SELECT count(*) FROM migrate_history())', '(SELECT max(entry) FROM migrate_history())'),
		'0|0|31|31|0', "$db: and the ledger has it all");
	return;
}

# A database with everything in it: applied, rolled back, baselined, repaired,
# pending, comments changed, one without down script, grants, seeds.
$node->safe_psql('postgres', 'CREATE ROLE watcher; CREATE ROLE shipper; CREATE ROLE nobody');
$node->safe_psql('postgres', 'CREATE DATABASE app');
run_file($node, 'app', "$project/schema_version.sql");
$node->safe_psql('app', 'CREATE EXTENSION migrate_ext');
$node->safe_psql('app', "SELECT count(*) FROM migrate_load('$project')");
$node->safe_psql('app', 'SELECT count(*) FROM migrate_apply()');
run_file($node, 'app', $_) for files('seeds');
my $script = slurp_file((glob "$project/migrations/005_*.sql")[0]);
$node->safe_psql('app', <<"EOT");
SELECT count(*) FROM migrate_rollback(10);
SELECT migrate_repair(4, 'looked at it; it''s "fine" \\ \t ok');
SELECT migrate_register_file('migrations/005_add_upscaling_jobs.sql', \$s\$$script-- one more remark\n\$s\$);
SELECT migrate_register(20, 'twenty', E'-- quote '' and \\\\ backslash\\nSELECT ''\\\\\\\\\\n\\t\u00e4\u00f6'' AS x;', 'SELECT 20');
SELECT migrate_register(21, 'no_down', 'CREATE TABLE t21 ()');
SELECT migrate_grant('watcher', 'reader');
SELECT migrate_grant('shipper', 'deployer');
EOT
my $account = account('app');
my $schema = dump_of($node, 'app', '--schema-only');
my $rows = rows_of('app');
like($account, qr/comments/, 'the comments of an applied migration have changed');
is($node->safe_psql('app', 'SELECT count(*), max(entry) FROM migrate_history()'), '15|15',
	'the ledger to be dumped has 15 entries');

my %restore = (
	plain => sub {
		command_ok([ 'pg_dump', '-f', "$tmp/plain", '-d', $node->connstr('app') ], 'plain dump');
		command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$tmp/plain", '-d', $node->connstr($_[0]) ],
			'restored by psql');
	},
	custom => sub {
		command_ok([ 'pg_dump', '-Fc', '-f', "$tmp/custom", '-d', $node->connstr('app') ], 'custom dump');
		command_ok([ 'pg_restore', '-e', '-d', $node->connstr($_[0]), "$tmp/custom" ],
			'restored by pg_restore');
	},
	two_jobs => sub {
		command_ok([ 'pg_restore', '-e', '-j2', '-d', $node->connstr($_[0]), "$tmp/custom" ],
			'restored by two jobs');
	},
	directory => sub {
		command_ok([ 'pg_dump', '-Fd', '-j2', '-f', "$tmp/directory", '-d', $node->connstr('app') ],
			'directory dump by two jobs');
		command_ok([ 'pg_restore', '-e', '-j2', '-d', $node->connstr($_[0]), "$tmp/directory" ],
			'restored by two jobs');
	},
	# Parallel jobs load tables in any order; this is the worst one.
	any_order => sub {
		my ($list) = run_command([ 'pg_restore', '-l', "$tmp/custom" ]);
		my @data = grep { / TABLE DATA migrate / } split /\n/, $list;

		$list =~ s/^\d.* TABLE DATA migrate .*\n//mg;
		$list =~ s/^(?=\d.* TABLE DATA )/join('', map { "$_\n" } reverse sort @data)/me;
		append_to_file("$tmp/list", $list);
		command_ok([ 'pg_restore', '-e', '-L', "$tmp/list", '-d', $node->connstr($_[0]), "$tmp/custom" ],
			'restored with ' . join(', ', map { (split)[6] } reverse sort @data) . ' first');
	},
	template => sub { 1 });
for my $db (qw(plain custom two_jobs directory any_order template))
{
	$node->safe_psql('postgres', "CREATE DATABASE $db" . ($db eq 'template' ? ' TEMPLATE app' : ' TEMPLATE template0'));
	$restore{$db}->($db) or next;
	same(account($db), $account, "$db: status, history, plan, scripts and privileges are identical");
	same(dump_of($node, $db, '--schema-only'), $schema, "$db: so is the schema");
	same(rows_of($db), $rows, "$db: so are the rows");
	goes_on($db);
}

# A second time: everything is refused, nothing is added.
$node->safe_psql('postgres', 'CREATE DATABASE twice TEMPLATE app');
my ($rc, $stdout, $stderr) = $node->psql('twice', slurp_file("$tmp/plain"), on_error_stop => 0,
	extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($stderr, qr/23505: +duplicate key value violates unique constraint "ledger_pkey"/,
	'restoring a second time is refused by the ledger');
same(account('twice'), $account, 'and leaves registry and ledger as they were');
goes_on('twice');

# pg_dump's own output as the first migration of an empty database.  It is given
# the version that the dumped schema_version says.
$node->safe_psql('postgres', 'CREATE DATABASE source');
run_file($node, 'source', $_) for "$project/schema_version.sql", files('migrations'), files('seeds');
my %output = map { $_ => (run_command([ 'pg_dump', split(/ /, $_), '-d', $node->connstr('source') ]))[0] }
  '--format=plain', '--schema-only', '--inserts', '--clean --if-exists';
$node->safe_psql('source', 'CREATE EXTENSION migrate_ext');
like($output{'--format=plain'}, qr/^COPY public\.artworks .* FROM stdin;$/m, 'the dump has inline data');
my $number = 0;
for my $options (sort keys %output)
{
	my $db = 'first_' . ++$number;

	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0");
	$node->safe_psql($db, 'CREATE EXTENSION migrate_ext');
	is($node->safe_psql($db, "SELECT migrate_register(12, 'initial', \$pg_dump_output\$$output{$options}\$pg_dump_output\$)"),
		'registered', "output of pg_dump $options registers");
	($rc, $stdout, $stderr) = $node->psql($db, 'SELECT version FROM migrate_apply()');
	is($stdout, 12, "and applies ($options)") or diag($stderr);
	same(dump_of($node, $db, '--schema-only'), dump_of($node, 'source', '--schema-only'),
		"the schema is that of the source ($options)");
	same(rows_of($db), rows_of('source'), "and so are the rows ($options)") if $options ne '--schema-only';
	is(records($node, $db), '12|12|0', "all records say 12 ($options)");
	is($node->safe_psql($db, 'SHOW search_path'), '"$user", public', "settings are as before ($options)");
}

$node->stop;
done_testing();
