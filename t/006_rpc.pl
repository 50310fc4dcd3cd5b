# Called the way PostgREST calls: one transaction for each request, a role and
# claims set for it alone, arguments from a JSON body or from the query string.
#
# Proven here:
# - versions arrive as numbers, as strings with zeroes in front and as 14-digit
#   timestamps, by named arguments of unknown type and out of a JSON body;
# - GET (a read-only transaction) works for what reads, and gets 25006 from what
#   changes; who was granted nothing gets 42501;
# - an error says in DETAIL which migration, statement and line it is about;
# - the role, claims and settings of a request are as before after a script that
#   sets them, and gone with the transaction;
# - NOTIFY pgrst comes with the commit, once, and not after a rollback;
# - a request that runs into statement_timeout, out of locks or into PREPARE
#   TRANSACTION leaves nothing; running out of locks says what to do;
# - isolation levels that keep one snapshot get 25001;
# - a request that catches an error goes on, and may try again.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('rpc', <<'EOT');
max_connections = 20
max_locks_per_transaction = 10
max_prepared_transactions = 5
EOT
install_in($node);
query(<<'EOT');
CREATE ROLE authenticator NOINHERIT LOGIN;
CREATE ROLE service_role;
CREATE ROLE anon;
GRANT service_role, anon TO authenticator;
GRANT CREATE ON SCHEMA public TO service_role;
ALTER TABLE schema_version OWNER TO service_role;
SELECT migrate_grant('service_role', 'deployer');
EOT

# One request; returns what a client sees: rows, or the error with its SQLSTATE.
sub request
{
	my ($call, %with) = @_;
	my $role = $with{role} // 'service_role';
	my $mode = $with{read_only} ? 'READ ONLY' : 'READ WRITE';
	my $before = $with{before} // '';
	my $after = $with{after} // '';
	my $end = $with{end} // 'COMMIT';
	my ($rc, $stdout, $stderr) = $node->psql('postgres', qq{
\\set QUIET on
\\set VERBOSITY verbose
BEGIN ISOLATION LEVEL @{[ $with{isolation} // 'READ COMMITTED' ]} $mode;
SELECT set_config('search_path', '"public"', true), set_config('role', '$role', true),
	set_config('request.jwt.claims', '{"role":"$role","sub":"7"}', true), set_config('request.method', 'POST', true) \\g /dev/null
$before
$call;
$after
$end;
}, extra_params => [ '-U', 'authenticator' ]);
	$stderr =~ s/^psql:<stdin>:\d+: //mg;
	return $rc == 0 ? $stdout : $stderr;
}

# A call whose arguments are taken out of a JSON body, as PostgREST does.
sub post
{
	my ($function, $types, $body, %with) = @_;
	my $columns = join ', ', map { "\"$_\" $types->{$_}" } sort keys %$types;
	my $arguments = join ', ', map { "\"$_\" := pgrst_body.\"$_\"" } sort keys %$types;

	return request("WITH pgrst_payload AS (SELECT '$body'::json AS json_data)
		SELECT f.* FROM (SELECT json_data FROM pgrst_payload) p,
			LATERAL json_to_record(p.json_data) AS pgrst_body($columns),
			LATERAL $function($arguments) f", %with);
}

sub records_are
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($version, $tables, $name) = @_;

	is(records($node, 'postgres', tables_sql('^u[0-9]+$')), "$version|$version|$tables|0", $name);
	return;
}

sub nothing_left
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($name, $version) = @_;

	records_are($version, 0, "$name: nothing of it is left");
	is(query($locks), 0, "$name: nor a lock");
	return;
}

# Versions, as people write them.
my %register = (version => 'bigint', name => 'text', up_script => 'text', down_script => 'text');
for my $spelling ('1', '"2"', '"003"', '4')
{
	my ($n) = $spelling =~ /0*(\d)/;
	is(post('migrate_register', \%register,
			qq/{"version": $spelling, "name": "n$n", "up_script": "CREATE TABLE t$n ();", "down_script": "DROP TABLE t$n;"}/),
		'registered', "version $spelling in a JSON body registers");
}
is(request(q{SELECT * FROM migrate_register(version => '20240102030405', name => 'stamp', up_script => 'CREATE TABLE t5 ()', down_script => 'DROP TABLE t5')}),
	'registered', 'and so does a timestamp as a named argument of unknown type');
is(request(q{SELECT * FROM migrate_register_file(path => 'supabase/migrations/20240102030406_file.sql', content => 'CREATE TABLE t6 ()')}),
	'20240102030406', 'and one in the name of a file');
like(request(q{SELECT * FROM migrate_apply(version => '1')}), qr/^1\|n1\|1\|/, q{migrate_apply(version => '1')});
like(request(q{SELECT * FROM migrate_apply(version => '002')}), qr/^2\|n2\|1\|/, q{migrate_apply(version => '002')});
like(post('migrate_apply', { version => 'bigint' }, '{"version": 3}'), qr/^3\|n3\|1\|/, '{"version": 3}');
like(post('migrate_apply', { version => 'bigint' }, '{"version": "004"}'), qr/^4\|n4\|1\|/, '{"version": "004"}');
is(post('migrate_apply', { version => 'bigint' }, '{"version": "4"}'), '', 'a second time returns no rows');
like(post('migrate_apply', { version => 'bigint' }, '{"version": 20240102030405}'), qr/^20240102030405\|stamp\|1\|/,
	'{"version": 20240102030405}');
like(request('SELECT * FROM migrate_apply()'), qr/^20240102030406\|file\|1\|/, 'an empty body applies all');
like(post('migrate_rollback', { to_version => 'bigint' }, '{"to_version": 20240102030406}'), qr/^$/, 'and there is nothing above');
like(request('SELECT * FROM migrate_rollback()'), qr/^ERROR:  55000: migration 20240102030406 \(file\) has no down script\nHINT/,
	'no down script: 55000 with a hint');
like(post('migrate_apply', { version => 'bigint' }, $_->[0]), $_->[1], "body $_->[0]")
  for [ '{"version": "three"}', qr/ERROR:  22P02/ ], [ '{"version": 3.5}', qr/ERROR:  22P02/ ],
  [ '{"version": 77}', qr/ERROR:  42704: migration 77 does not exist\nHINT/ ],
  [ '{"version": -1}', qr/ERROR:  22023: version -1 is out of range/ ],
  [ '{"version": 9223372036854775808}', qr/ERROR:  22003/ ];

# GET, and requests of others.
for my $call ('migrate_status()', 'migrate_history()', 'migrate_history(version => 3)', 'migrate_plan()', 'migrate_version()')
{
	unlike(request("SELECT * FROM $call", read_only => 1), qr/ERROR/, "GET $call");
	like(request("SELECT * FROM $call", role => 'anon'), qr/^ERROR:  42501: permission denied/, "$call as anon");
}
for my $call ('migrate_apply()', 'migrate_rollback()', q{migrate_register(9, 'n', 'SELECT 1')}, 'migrate_baseline(9)',
	'migrate_unregister(9)', q{migrate_repair(9, 'x')}, q{migrate_register_file('migrations/9_x.sql', 'SELECT 1')}, q{migrate_adopt('rails')})
{
	my ($function) = $call =~ /^(\w+)/;

	like(request("SELECT * FROM $call", read_only => 1),
		qr/^ERROR:  25006: cannot execute $function\(\) in a read-only transaction/, "GET $call");
	like(request("SELECT * FROM $call", role => 'anon'), qr/^ERROR:  42501: permission denied for function $function/, "$call as anon");
	like(request("SELECT * FROM $call", isolation => $_), qr/^ERROR:  (25001: the schema version cannot be changed at isolation level "\L$_\E"|42704|22023|42P01)/,
		"$call at $_") for $function =~ /register/ ? () : ('REPEATABLE READ', 'SERIALIZABLE');
}
like(request('SELECT * FROM migrate_load(directory => \'/tmp\')'), qr/^ERROR:  42501/, 'who may not read files of the server may not load');

# From here on, version 20240102030407 is what goes wrong.
query('SELECT count(*) FROM migrate_baseline(20240102030406)');
my $next = '20240102030407';
my $good = '20240102030406';

# Register the next version with this text.
sub next_is
{
	my ($up) = @_;

	is(request("SELECT * FROM migrate_register($next, 'next', \$next\$$up\$next\$, 'DROP TABLE IF EXISTS u1')") =~ /registered|replaced/, 1, 'registered');
	return;
}

next_is("-- a comment\nCREATE TABLE u1 ();\n\nSELECT\n  1/0;\n");
like(request('SELECT * FROM migrate_apply()'),
	qr/ERROR:  22012: division by zero\nDETAIL:  migration $next \(next\), up, statement 2 of 2, line 4/, 'DETAIL says where the error is');
nothing_left('an error', $good);
next_is("SET search_path = pg_catalog; SET request.jwt.claims = 'forged'; SELECT set_config('request.method', 'x', false);
	SET lock_timeout = 7; CREATE TABLE public.u1 (); SET ROLE anon");
is(request("SELECT version FROM migrate_apply()", after => q{
	SELECT concat_ws(' ', current_user, current_setting('request.jwt.claims'), current_setting('request.method'),
		current_setting('search_path'), current_setting('lock_timeout'));}, end => 'ROLLBACK'),
	qq($next\nservice_role {"role":"service_role","sub":"7"} POST "public" 0), 'role, claims and settings are as before');
nothing_left('a rolled back request', $good);
is(request("SELECT concat_ws(' ', session_user, current_user, current_setting('request.jwt.claims') <> '')"),
	'authenticator service_role t', 'the next request is its own');
is(query("SELECT string_agg(DISTINCT role || ' ' || session_role, ',') FROM migrate_history(3)"), 'service_role authenticator',
	'the ledger has the role and the session it came from');

# NOTIFY, seen by another session.
my $listener = session($node);
sub heard
{
	my $said = ask($listener, 'SELECT 1');

	return scalar(() = $said =~ /notification "pgrst" with payload "reload schema"/g);
}
ask($listener, 'LISTEN pgrst');
request('SELECT * FROM migrate_apply()', end => 'ROLLBACK');
is(heard(), 0, 'no notification after a rollback');
next_is('CREATE TABLE u1 (); SELECT 1/0');
request('SELECT * FROM migrate_apply()');
is(heard(), 0, 'nor after an error');
next_is('CREATE TABLE u1 ()');
request('SELECT * FROM migrate_apply()');
is(heard(), 1, 'one after the commit');
request('SELECT * FROM migrate_apply()');
is(heard(), 0, 'none when nothing was pending');
request('SELECT * FROM migrate_rollback()');
is(heard(), 1, 'one after a rollback of the migration');
quit($listener);

# Limits of a request.
next_is('CREATE TABLE u1 (); SELECT pg_sleep(600)');
like(request('SELECT * FROM migrate_apply()', before => 'SET LOCAL statement_timeout = 200;'),
	qr/ERROR:  57014: canceling statement due to statement timeout\nDETAIL:  migration $next \(next\), up, statement 2 of 2/, 'statement_timeout');
nothing_left('statement_timeout', $good);
next_is("DO 'BEGIN FOR i IN 1 .. 20000 LOOP EXECUTE format(''CREATE TABLE u%s ()'', i); END LOOP; END'");
my $full = request('SELECT * FROM migrate_apply()');
like($full, qr/ERROR:  53200: out of shared memory\n/, 'out of locks: 53200');
like($full, qr/HINT:  .*max_locks_per_transaction.*fewer migrations in one transaction/, 'with what to do about it');
like($full, qr/DETAIL:  migration $next \(next\), up, statement 1 of 1, line 1/, 'and where');
nothing_left('out of locks', $good);
next_is('CREATE TABLE u1 ()');
like(request('SELECT version FROM migrate_apply()', end => q{PREPARE TRANSACTION 'p'}),
	qr/ERROR:  0A000: cannot PREPARE a transaction that has changed the schema version\nHINT:  Use COMMIT\./, 'PREPARE TRANSACTION is refused');
nothing_left('PREPARE TRANSACTION', $good);
is(query('SELECT count(*) FROM pg_prepared_xacts'), 0, 'PREPARE TRANSACTION: no transaction is prepared');

# The error is caught; the request goes on and succeeds the second time.
next_is("CREATE TABLE u1 (); SELECT 1/nullif(current_setting('my.count', true), '')::int");
is(request(q{DO $$ BEGIN
		PERFORM set_config('my.count', '0', true);
		PERFORM migrate_apply();
	EXCEPTION WHEN division_by_zero THEN NULL; END $$;
	SELECT set_config('my.count', '1', true) \g /dev/null
	SELECT version FROM migrate_apply()}), $next, 'after an error that was caught, applying again works');
records_are($next, 1, 'and all records say so');
like(request('SELECT 1', end => q{PREPARE TRANSACTION 'other'}), qr/^1$/, 'a transaction without migrations can be prepared');
query(q{ROLLBACK PREPARED 'other'});

log_is_clean($node);
$node->stop;
done_testing();
