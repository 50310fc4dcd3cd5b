# Locks under load: what a migration does to those who use its tables.
#
# Proven here:
# - behind a long reader 50 others go on reading; latencies are printed;
# - asleep, the migration holds nothing, and readers and writers pass;
# - an application that locks in another order never gets into a deadlock;
# - giving up names who is in the way: sessions, prepared transactions; of
#   sessions of others no more than pg_stat_activity would show the caller;
# - a client learns what is waited for; a cancelled wait leaves nothing;
# - an autovacuum makes way, one against wraparound is not waited for;
# - a plan that needs much of the lock table says so.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $node = start_server('locks', <<'EOT');
autovacuum_naptime = 1s
max_connections = 80
max_locks_per_transaction = 10
max_prepared_transactions = 5
EOT
install_in($node);
query(<<'EOT');
SET client_min_messages = warning;
CREATE TABLE a (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
CREATE TABLE b (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
INSERT INTO a SELECT g FROM generate_series(0, 99) g;
INSERT INTO b SELECT g FROM generate_series(0, 99) g;
ALTER TABLE a SET (autovacuum_enabled = off);
ALTER TABLE b SET (autovacuum_enabled = off);
-- what has a definition that mentions others
CREATE VIEW both_of AS SELECT a.id, a.n, b.n AS m FROM a JOIN b USING (id);
CREATE RULE both_of_insert AS ON INSERT TO both_of DO INSTEAD INSERT INTO a VALUES (new.id);
CREATE MATERIALIZED VIEW sums AS SELECT sum(n) FROM a;
CREATE FUNCTION total() RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT sum(n) FROM a; END;
CREATE TABLE c (id int PRIMARY KEY REFERENCES b, n int DEFAULT 1 CHECK (n > 0), m int GENERATED ALWAYS AS (n + 1) STORED);
CREATE INDEX ON c ((n + m)) WHERE n > 1;
CREATE STATISTICS c_stat ON (n + 1), m FROM c;
CREATE POLICY p ON c USING (EXISTS (SELECT FROM a WHERE a.id = c.id));
CREATE TRIGGER t BEFORE UPDATE ON c FOR EACH ROW WHEN (old.n <> new.n) EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE TABLE p (id int) PARTITION BY RANGE ((id + 1));
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (2);
SELECT migrate_register(1, 'alter', 'ALTER TABLE a ADD note text; ALTER TABLE b ADD note text', 'ALTER TABLE b DROP note; ALTER TABLE a DROP note');
EOT

my $scripts = PostgreSQL::Test::Utils::tempdir();

# Start pgbench on scripts; returns a handle for finish_load().
sub start_load
{
	my ($name, $options, %files) = @_;
	my %run = (log => "$scripts/$name", out => '', err => '');
	my @files;

	foreach my $file (sort keys %files)
	{
		append_to_file("$scripts/$file", $files{$file});
		push @files, '-f', "$scripts/$file";
	}
	$run{handle} = IPC::Run::start([ 'pgbench', '-n', '-l', "--log-prefix=$run{log}", @$options, @files, $node->connstr('postgres') ],
		'>', \$run{out}, '2>', \$run{err}, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return \%run;
}

# Wait for it; returns the latencies of its transactions in ms, in order.
sub finish_load
{
	my ($run) = @_;
	my @latency;

	wait_for_end($run);
	unlike($run->{err}, qr/error|abort/i, 'no client of pgbench met an error');
	foreach my $file (glob("$run->{log}*"))
	{
		push @latency, map { (split ' ')[2] / 1000 } split /\n/, slurp_file($file);
	}
	return sort { $a <=> $b } @latency;
}

# Print the shape of sorted latencies; returns the largest.
sub print_latency
{
	my ($what, @latency) = @_;

	note(sprintf('%s: %d transactions, p50 %.1f ms, p99 %.1f ms, p99.9 %.1f ms, max %.1f ms', $what, scalar @latency,
		map({ $latency[ int($_ * $#latency) ] } 0.5, 0.99, 0.999), $latency[-1]));
	return $latency[-1];
}

my $waits = q{(SELECT pid FROM pg_stat_activity WHERE query LIKE 'migration 1 (alter) waits for AccessExclusiveLock on public._')};
my $asleep = "SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = $waits AND wait_event_type = 'Extension'";

#
# A long reader, and 50 who read while a migration waits for it.  Without a
# bound they would all stand still until the long one ends.
#
my $reader = session($node);
my $deployer = session($node);
ask($reader, 'BEGIN; SELECT count(*) FROM a');
my $load = start_load('readers', [qw(-c 50 -j 2 -T 8 -R 300)],
	'read.sql' => "\\set id random(0, 99)\nSELECT n FROM a WHERE id = :id;\nSELECT n FROM b WHERE id = :id;\n");
usleep(1_000_000);
ask($deployer, "SET migrate.lock_timeout = '200ms'; SET migrate.lock_patience = '60s'");
feed($deployer, 'SELECT version FROM migrate_apply()');
ok($node->poll_query_until('postgres', $asleep), 'the migration steps back from behind a long reader');

# What it holds meanwhile, several times: nothing of anybody's.
my $held = '';
for (1 .. 20)
{
	my $seen = query(<<"EOT");
SELECT string_agg(l.relation::regclass || ' ' || l.mode || CASE WHEN l.granted THEN '' ELSE ' awaited' END, ', ')
FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = $waits AND c.oid >= 16384 AND c.relnamespace::regnamespace::text NOT IN ('migrate', 'migrate_backup')
EOT
	$held .= "$seen\n" if $seen ne '';
	usleep(100_000);
}
is($held, '', 'asleep, it holds no lock and waits for none');
is(query("UPDATE a SET n = n + 1 WHERE id = 0; UPDATE b SET n = n + 1 WHERE id = 0; SELECT 'written'"), 'written', 'writers pass');
$deployer->{handle}->pump_nb;
like($deployer->{err},
	qr/NOTICE:  migration 1 waits for AccessExclusiveLock on public\.a, for at most \d+ s more\n.*DETAIL:  Process \d+ \(role \S+, idle in transaction for \S+, transaction \S+ old\) holds AccessShareLock: .*SELECT count\(\*\) FROM a;?\n.*HINT:  To end what is in the way: SELECT pg_terminate_backend\(\d+\)\./s,
	'the client is told who is waited for');
my $released = time;
ask($reader, 'COMMIT');
is(told($deployer), '1', 'it succeeds when the long reader ends');
note(sprintf('%.0f ms after that', 1000 * (time - $released)));
my $max = print_latency('50 readers, one migration, lock_timeout 200 ms', finish_load($load));
cmp_ok($max, '<', 3000, 'the readers did not stand still while the long one went on');
is(query("SELECT count(*) FROM pg_attribute WHERE attname = 'note' AND attrelid IN ('a'::regclass, 'b'::regclass)"), '2', 'both tables are altered');
query('SELECT count(*) FROM migrate_rollback(0)');

#
# An application that locks b before a, and a before b, while migrations come
# and go: nobody is killed, on either side.
#
my $turns = 10;
$load = start_load('crossing', [qw(-c 8 -j 2 -T 6 -R 200)],
	'ab.sql' => "BEGIN;\nUPDATE a SET n = n + 1 WHERE id = 2 * :client_id;\nUPDATE b SET n = n + 1 WHERE id = 2 * :client_id;\nCOMMIT;\n",
	'ba.sql' => "BEGIN;\nUPDATE b SET n = n + 1 WHERE id = 2 * :client_id + 1;\nUPDATE a SET n = n + 1 WHERE id = 2 * :client_id + 1;\nCOMMIT;\n");
my $log_start = -s $node->logfile;
my $done = 0;
for (1 .. $turns)
{
	$done += query("SELECT count(*) FROM migrate_apply()");
	$done += query("SELECT count(*) FROM migrate_rollback(0)");
	usleep(200_000);
}
is($done, 2 * $turns, "$turns migrations went up and down between the transactions");
print_latency('8 writers in both orders, 20 deployments', finish_load($load));
unlike(slurp_file($node->logfile, $log_start), qr/deadlock detected/, 'no deadlock');
is(query('SELECT (SELECT sum(n) FROM a) = (SELECT sum(n) FROM b)'), 't', 'and no update was lost');

#
# Who is in the way.
#
sub refused
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($name, $role, $pattern, $before) = @_;
	my $set = $before // '';

	my ($rc, $stdout, $stderr) = $node->psql('postgres', <<"EOT", on_error_stop => 0, extra_params => [ '-U', $role ]);
\\set VERBOSITY verbose
SET migrate.lock_timeout = '100ms';
SET migrate.lock_patience = 0;
$set;
SELECT version FROM migrate_apply();
SELECT 'alive'
EOT
	like($stdout, qr/alive/, "$name: the session is alive");
	like($stderr, qr/ERROR:  55P03: $pattern/, "$name: refused, and told why");
	is(query("SELECT migrate_version(), (SELECT count(*) FROM migrate.deployment)"), '0|0', "$name: nothing has changed");
	return;
}

query("BEGIN; INSERT INTO a VALUES (200); PREPARE TRANSACTION 'one''s own'");
refused('prepared transaction', query('SELECT current_user'),
	qr/could not get AccessExclusiveLock on public\.a\nDETAIL:  Prepared transaction "one's own" \(role \S+, \d\d:\d\d:\d\d old\) holds RowExclusiveLock\.\nmigration 1 \(alter\), up, statement 1 of 2, line 1\nHINT:  .* ROLLBACK PREPARED 'one''s own'\.\n/);
query("ROLLBACK PREPARED 'one''s own'");

query(<<'EOT');
CREATE ROLE deployer LOGIN;
SET client_min_messages = warning;
SELECT migrate_grant('deployer', 'deployer');
ALTER TABLE a OWNER TO deployer;
ALTER TABLE b OWNER TO deployer;
GRANT UPDATE ON schema_version TO deployer;
GRANT CREATE ON SCHEMA public TO deployer;
SET ROLE deployer;
SELECT migrate_register(1, 'alter', 'ALTER TABLE a ADD note text; ALTER TABLE b ADD note text ');
EOT
ask($reader, "BEGIN; SELECT 'secret', count(*) FROM b");
refused('session of another role', 'deployer',
	qr/could not get AccessExclusiveLock on public\.b\nDETAIL:  Process \d+ \(role \S+, its state is not yours to see\) holds AccessShareLock\.\nmigration 1 \(alter\), up, statement 2 of 2, line 1\nHINT:  [^\n]* SELECT pg_terminate_backend\(\d+\)\.\n/);
query('GRANT pg_read_all_stats TO deployer');
refused('session of another role, for who may see it', 'deployer',
	qr/could not get AccessExclusiveLock on public\.b\nDETAIL:  Process \d+ \(role \S+, idle in transaction for \S+, transaction \S+ old\) holds AccessShareLock: (?:BEGIN; )?SELECT 'secret'/);
query('REVOKE pg_read_all_stats FROM deployer');

# statement_timeout, which over PostgREST nobody can do without, would come first.
refused('statement_timeout', query('SELECT current_user'),
	qr/could not get AccessExclusiveLock on public\.b\nDETAIL:  .*\nHINT:  Nothing was changed\. There was no time left before statement_timeout \(now 3000 ms\)\./s,
	q{SET migrate.lock_patience = '60s'; SET statement_timeout = '3s'; SELECT migrate_register(1, 'alter', 'ALTER TABLE a ADD note text; ALTER TABLE b ADD note text')});

# A wait that is cancelled leaves nothing behind.
ask($deployer, "SET migrate.drift = 'accept'");
feed($deployer, 'SELECT version FROM migrate_apply()');
ok($node->poll_query_until('postgres', $asleep), 'asleep again');
query("SELECT pg_cancel_backend($waits)");
says($deployer, qr/ERROR:  canceling statement due to user request/);
is(query("SELECT migrate_version(), (SELECT count(*) FROM migrate.deployment), ($locks)"), '0|0|0', 'a cancelled wait leaves nothing behind');
ask($reader, 'COMMIT');
eval { told($deployer) };

#
# Room in the lock table.
#
my ($rc, $stdout, $stderr) = $node->psql('postgres', <<'EOT', on_error_stop => 0);
SET migrate.drift = 'accept';
SELECT migrate_register(1, 'alter', 'SELECT 1');
SELECT count(*) FROM migrate_apply();
SELECT migrate_register(2, 'many', 'SELECT 1/0;' || (SELECT string_agg(format('CREATE TABLE many_%s (id serial PRIMARY KEY, t text)', g), ';') FROM generate_series(1, 150) g));
SELECT count(*) FROM migrate_apply();
SELECT migrate_register(2, 'many', 'SELECT 1/0;' || (SELECT string_agg(format('CREATE TABLE many_%s (id serial PRIMARY KEY, t text)', g), ';') FROM generate_series(1, 20) g));
SELECT count(*) FROM migrate_apply();
SELECT migrate_unregister(2);
SELECT count(*) FROM migrate_rollback(0);
EOT
my @warnings = $stderr =~ /WARNING:  (.*locks.*)\n.*DETAIL:  (.*)\n.*HINT:  (.*)\n/g;
is(scalar @warnings, 3, 'one plan is warned of, the small one is not');
is($warnings[0], 'the migrations will hold about 750 locks, more than half of what the server has room for', 'how many locks');
like($warnings[1], qr/^There is room for \d+ locks of all sessions together\.$/, 'how many there can be');
like($warnings[2], qr/migrate_apply\(VERSION\)/, 'what to do');

#
# Autovacuum.  Most of it makes way, even if we wait for less than what the server
# takes to notice; not so a vacuum against wraparound.
#
my $slow = 'fillfactor = 10, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1';
query(<<"EOT");
CREATE TABLE busy (id int, filler text) WITH ($slow);
INSERT INTO busy SELECT g, repeat('x', 500) FROM generate_series(1, 2000) g;
CREATE TABLE old (id int, filler text) WITH ($slow, autovacuum_freeze_max_age = 100000, autovacuum_enabled = off);
INSERT INTO old SELECT g, repeat('x', 500) FROM generate_series(1, 2000) g;
CREATE TABLE burn (n int);
EOT

# Apply a script when a vacuum is at work.
sub apply_against_vacuum
{
	my ($version, $vacuum, $script) = @_;
	my $seen = 0;

	for (1 .. 300)
	{
		$seen = query("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'autovacuum: VACUUM%$vacuum'");
		last if $seen;
		usleep(100_000);
	}
	return unless $seen;
	query("SELECT migrate_register($version, 'vacuum', '$script')");
	my ($rc, $stdout, $stderr) = $node->psql('postgres', <<'EOT', on_error_stop => 0);
\set VERBOSITY verbose
SET migrate.drift = 'accept';
SET migrate.lock_timeout = '400ms';
SET migrate.lock_patience = '0';
SELECT 'applied ' || version FROM migrate_apply();
EOT
	return "$stdout\n$stderr";
}

SKIP:
{
	my $told = apply_against_vacuum(3, 'public.busy', 'ALTER TABLE busy ADD note text');

	skip 'no autovacuum has begun', 2 if !defined $told;
	like($told, qr/^applied 3$/m, 'an autovacuum makes way');
	like(slurp_file($node->logfile), qr/canceling autovacuum task/, 'because it is asked to');
}

query(<<'EOT');
DO $$ BEGIN
	FOR i IN 1 .. 110000 LOOP
		BEGIN INSERT INTO burn VALUES (i); EXCEPTION WHEN division_by_zero THEN NULL; END;
	END LOOP;
END $$
EOT
SKIP:
{
	my $told = apply_against_vacuum(4, 'public.old (to prevent wraparound)', 'ALTER TABLE old ADD note text');

	skip 'no autovacuum against wraparound has begun', 1 if !defined $told;
	like($told, qr/ERROR:  55P03: public\.old is being vacuumed to prevent transaction ID wraparound\nDETAIL:  Process \d+ \(autovacuum worker, transaction \S+ old\) holds ShareUpdateExclusiveLock: autovacuum: VACUUM(?: ANALYZE)? public\.old \(to prevent wraparound\)\nmigration 4 \(vacuum\), up, statement 1 of 1, line 1\nHINT:  Such a vacuum does not give way\./,
		'a vacuum against wraparound is named');
}

quit($_) foreach $reader, $deployer;
log_is_clean($node);
$node->stop('immediate');
done_testing();
