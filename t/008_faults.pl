# What can go wrong while a script runs, short of a crash.
#
# Proven here, for each fault: the SQLSTATE is that of the cause, DETAIL says
# which migration and statement it hit, the session is alive, and schema,
# registry, ledger and schema_version are as before.
# - the disk is full, memory is, a temporary file grows too large;
# - a reader is in the way, readers queue behind, a deadlock by a lock that could
#   not be foreseen;
# - the caller has the table open, or keeps a transaction idle until it is ended;
# - an event trigger, a deferred constraint, a down script fail;
# - the script lays hands on ledger, registry or extension;
# - 10,000 statements take one transaction ID, and one of a subtransaction.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = start_server('faults', "autovacuum = off\n");
install_in($node);
query(<<'EOT');
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (id int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
SELECT migrate_register(1, 'base', 'INSERT INTO a VALUES (1); CREATE TABLE base ()', 'DROP TABLE base; DELETE FROM a; SELECT 1/0');
SELECT count(*) FROM migrate_apply();
EOT

# Everything the records and the catalogs say.
sub state_of
{
	return records($node, 'postgres', '(SELECT count(*) FROM a)', '(SELECT count(*) FROM b)', '(SELECT count(*) FROM migrate.ledger)',
		q{(SELECT string_agg(oid::text, ' ' ORDER BY oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace)}, "($locks)");
}

# Let a session run a statement until a condition holds.
sub feed_until
{
	my ($run, $sql, $condition) = @_;

	feed($run, $sql);
	return $node->poll_query_until('postgres', $condition);
}

# Apply a script that fails, and compare before with after.
sub fails
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($name, $script, $error, %with) = @_;
	my $where = $with{where} // qr/DETAIL:  (?:.*\n)*?migration 2 \(fault\), up, /;
	my $call = $with{call} // 'SELECT version FROM migrate_apply()';

	query("SELECT migrate_register(2, 'fault', \$fault\$$script\$fault\$)");
	my $before = state_of();
	my ($rc, $stdout, $stderr) = $node->psql('postgres',
		"\\set VERBOSITY verbose\n" . ($with{before} // '') . "\n$call;\n" . ($with{after} // '') . "\nSELECT 'alive'", on_error_stop => 0);
	like($stderr, qr/ERROR:  $error/, "$name: " . ($error =~ /([0-9A-Z]{5})/)[0]);
	like($stderr, $where, "$name: with its place");
	like($stdout, qr/^alive$/m, "$name: the session is alive");
	is(state_of(), $before, "$name: everything is as before");
	return;
}

# Resources.  The limit on the size of files and that on memory stand in for
# a full disk and for memory that has run out.
SKIP:
{
	my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];

	skip 'not Linux: neither full disk nor memory was tested', 9 if $^O ne 'linux';
	ok(system('prlimit --version >/dev/null 2>&1') == 0, 'prlimit is there')
	  or skip 'no prlimit: neither full disk nor memory was tested', 8;
	system_or_bail('prlimit', "--pid=$postmaster", '--fsize=' . (24 * 1024 * 1024 + 4096) . ':');
	fails('disk full', "CREATE TABLE big AS SELECT repeat(md5(i::text), 30) FROM generate_series(1, 60000) i",
		qr/(53100|XX000|54000): could not (extend|write)/);
	system_or_bail('prlimit', "--pid=$postmaster", '--fsize=unlimited:');
	fails('memory', "CREATE TABLE t (); SELECT length(repeat('x', 500000000))", qr/53200: out of memory/,
		before => "SELECT pg_backend_pid() AS pid \\gset\n\\setenv PID :pid\n"
		  . q[\! prlimit --pid $PID --as=$(awk '/VmSize/ { printf "%d:", ($2 + 102400) * 1024 }' /proc/$PID/status)]);
}
fails('temporary file', 'CREATE TABLE t (); SELECT count(*) FROM (SELECT i FROM generate_series(1, 500000) i ORDER BY i DESC OFFSET 0) x',
	qr/53400: temporary file size exceeds/, before => q{SET temp_file_limit = '1MB'; SET work_mem = '64kB';});

# Locks.
my $reader = session($node);
ask($reader, 'BEGIN; SELECT * FROM a');
my $began = time();
fails('reader in the way', 'CREATE TABLE t (); ALTER TABLE a ADD COLUMN c int', qr/55P03: could not get AccessExclusiveLock on public\.a/,
	before => q{SET migrate.lock_timeout = '200ms'; SET migrate.lock_patience = 0;});
cmp_ok(time() - $began, '<', 10, 'reader in the way: it is not waited for');
query(q{SELECT migrate_register(2, 'fault', 'ALTER TABLE a ADD COLUMN c int')});
my $deployer = session($node);
feed_until($deployer, q{SET migrate.lock_timeout = '1s'; SET migrate.lock_patience = 0; SELECT * FROM migrate_apply()},
	q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted});
$began = time();
is(query('SELECT count(*) FROM a'), 1, 'a reader that queues behind a deployment gets its answer');
cmp_ok(time() - $began, '<', 10, 'when the deployment gives up');
says($deployer, qr/could not get/);
my $before = state_of();
ask($reader, 'COMMIT; SET deadlock_timeout = 600000; BEGIN; LOCK TABLE a');
query(q{SELECT migrate_register(2, 'fault', 'LOCK TABLE b; CREATE TABLE t ();
	DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted) LOOP PERFORM pg_sleep(0.02); END LOOP; END $$; DO $$ BEGIN LOCK TABLE a; END $$')});
feed_until($deployer, q{\set VERBOSITY verbose
	SET migrate.lock_timeout = 0; SET deadlock_timeout = 50; SELECT * FROM migrate_apply()},
	q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 'b'::regclass AND granted AND mode = 'AccessExclusiveLock'});
ask($reader, 'LOCK TABLE b');
says($deployer, qr/LOCATION/);
like($deployer->{err}, qr/ERROR:  40P01: deadlock detected\nDETAIL:  (?:.*\n)*?migration 2 \(fault\), up, statement 4 of 4/, 'a deadlock, with its place');
ask($reader, 'ROLLBACK');
is(state_of(), $before, 'deadlock: everything is as before');

# What the caller does around the call.
fails('table in use', 'CREATE TABLE t (); ALTER TABLE a ADD COLUMN c int', qr/55006: cannot ALTER TABLE "a" because it is being used/,
	before => 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM a; FETCH c;', after => 'ROLLBACK;');
fails('pending triggers', 'CREATE TABLE t (); ALTER TABLE b ADD COLUMN c int', qr/55006: cannot ALTER TABLE "b" because it has pending trigger events/,
	before => 'BEGIN; INSERT INTO b VALUES (1);', after => 'ROLLBACK;');
query(q{SELECT migrate_register(2, 'fault', 'CREATE TABLE t ()')});
ask($deployer, q{BEGIN; SET idle_in_transaction_session_timeout = 100; SELECT * FROM migrate_apply()});
$node->poll_query_until('postgres', "SELECT ($locks) = 0");
is(state_of(), $before, 'a transaction left idle is ended, and everything is as before');
quit($deployer);

# What the database and the script have to say.
query(q{CREATE FUNCTION veto() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no tables today''; END';
	CREATE EVENT TRIGGER veto ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION veto()});
fails('event trigger', 'INSERT INTO a VALUES (2); CREATE TABLE t ()', qr/P0001: no tables today/);
query('DROP EVENT TRIGGER veto');
fails('deferred constraint', 'INSERT INTO b VALUES (77); CREATE TABLE t ()', qr/23503: insert or update on table "b"/);
fails('down script', 'SELECT 1', qr/22012: division by zero/, call => 'SELECT version FROM migrate_rollback(0)',
	where => qr/DETAIL:  migration 1 \(base\), down, statement 3 of 3/);
for my $grab ([ 'DROP TABLE migrate.ledger', '2BP01' ], [ 'DROP SCHEMA migrate', '2BP01' ],
	[ 'DELETE FROM migrate.ledger', '55000: the ledger is append-only' ], [ 'TRUNCATE migrate.ledger CASCADE', '55000: the ledger is append-only' ],
	[ q{UPDATE migrate.ledger SET name = 'x'}, '55000: the ledger is append-only' ],
	[ 'DROP FUNCTION migrate_apply', '2BP01' ], [ 'SELECT * FROM migrate_apply()', '55000: migrations cannot be nested' ],
	[ 'SELECT * FROM migrate_rollback()', '55000: migrations cannot be nested' ],
	[ q{SELECT migrate_register(3, 'x', 'SELECT 1')}, '55000: migrations cannot be nested' ])
{
	fails($grab->[0], "CREATE TABLE t (); $grab->[0]", $grab->[1]);
}
fails('DROP EXTENSION', 'CREATE TABLE t (); DROP EXTENSION migrate_ext CASCADE', '(55006|2BP01)', where => qr/migration 2 \(fault\)/);
query(q{CREATE ROLE deployer; GRANT CREATE ON SCHEMA public TO deployer; GRANT SELECT, UPDATE ON schema_version TO deployer;
	SELECT migrate_grant('deployer', 'deployer')});
fails("$_ by a deployer", "CREATE TABLE t (); $_", '42501: permission denied for', before => 'SET ROLE deployer;')
  for 'DELETE FROM migrate.ledger', 'UPDATE migrate.migration SET entry = NULL', 'INSERT INTO migrate.script SELECT * FROM migrate.script',
  'SELECT body FROM migrate.script', 'LOCK TABLE migrate.deployment IN EXCLUSIVE MODE', 'CREATE TABLE migrate.t ()';

# Many statements.
query(q{SELECT migrate_register(2, 'many', (SELECT string_agg('INSERT INTO a VALUES (' || i || ');', E'\n') FROM generate_series(2, 10001) i), 'DELETE FROM a WHERE id > 1')});
my $next_xid = 'SELECT pg_snapshot_xmax(pg_current_snapshot())';
my ($first, $statements, $last) = split /\n/, query("$next_xid; SELECT statements FROM migrate_apply(); $next_xid");
is($statements, 10000, '10,000 statements apply');
cmp_ok($last - $first, '<=', 2, 'in one transaction, with one subtransaction for the look at the schema');
is(query(q{SELECT rows FROM migrate_history(2) ORDER BY entry DESC LIMIT 1}), 10000, 'and the ledger counts their rows');
is(query('SELECT version FROM migrate_rollback()'), 2, 'and they roll back');

log_is_clean($node);
quit($reader);
$node->stop;
done_testing();
