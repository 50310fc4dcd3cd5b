# Rehearsals on a live server.
#
# Proven here:
# - 1,000 rehearsals by one backend: its memory contexts do not grow, but for what
#   the server remembers of its catalogs, and each tells the same;
# - a rehearsal that ends with an error as often: the same;
# - one that holds a lock is ended by migrate.rehearse_budget, in the midst of a
#   statement, and who waited goes on at once;
# - a cancel by somebody else ends the call with an error, and undoes all;
# - with thousands of locks held, the locks of the next statement are still told.
#
# MIGRATE_REHEARSALS: 1000 unless told.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $times = $ENV{MIGRATE_REHEARSALS} || 1000;
my $many = 2000;
my $limit = 128 * 1024;
my $node = start_server('rehearse', "autovacuum = off\nlog_min_messages = fatal\nmax_locks_per_transaction = 1024\n");

install_in($node);
query(<<'EOT');
CREATE TABLE customer (id bigint PRIMARY KEY, name text);
INSERT INTO customer SELECT g, g FROM generate_series(1, 100) g;
SELECT migrate_register(1, 'first', $$
	CREATE TABLE fresh (id int PRIMARY KEY);
	ALTER TABLE customer ADD COLUMN phone text;
	UPDATE customer SET phone = 'none' WHERE id < 11;
	ALTER TABLE customer ALTER COLUMN name TYPE varchar(20);
$$);
CREATE FUNCTION rehearsed() RETURNS text LANGUAGE sql AS $$
	SELECT md5(string_agg(concat_ws(' ', version, statement, relation, lock_mode, rewrite, scan, build, rows, error), ',' ORDER BY statement, relation))
	FROM migrate_rehearse()
$$;
CREATE PROCEDURE rehearse(times int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. times LOOP
		PERFORM rehearsed();
		COMMIT;
	END LOOP;
END
$$;
EOT

my $session = session($node, patience => 5);
my $pid = ask($session, 'SET client_min_messages = warning; SELECT pg_backend_pid()');

# Bytes used in memory contexts; the caches of the catalogs grow with each table
# that is made, whoever makes it.
sub memory
{
	return ask($session, "SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE name <> 'CacheMemoryContext'");
}

# Rehearse a tenth, measure, rehearse the rest, measure again.
sub flat
{
	my ($name) = @_;
	my $first = ask($session, 'SELECT rehearsed()');

	ask($session, 'CALL rehearse(' . int($times / 10) . ')');
	my $before = memory();
	ask($session, "CALL rehearse($times)");
	my $after = memory();
	note(sprintf '%s: %d -> %d kB', $name, $before / 1024, $after / 1024);
	cmp_ok($after - $before, '<', $limit, "$name: memory contexts do not grow");
	is(ask($session, 'SELECT rehearsed()'), $first, "$name: the last one tells what the first did");
	is(query('SELECT count(*) FROM migrate.ledger'), '0', "$name: nothing is left");
	is(query("SELECT count(*) FROM pg_locks WHERE pid = $pid"), '0', "$name: no lock is left");
	return;
}

flat('rehearsals');
query("SELECT migrate_register(2, 'fails', 'ALTER TABLE customer ADD COLUMN two int; SELECT 1 / 0')");
flat('rehearsals that fail');
is(query('SELECT migrate_unregister(2); SELECT version FROM migrate_apply()'), "\n1", 'then it is applied');
is(ask($session, 'SELECT count(*), count(phone) FROM customer'), '100|10', 'the session sees the new column');

# The budget, while others wait.
query("SELECT migrate_register(2, 'slow', 'LOCK TABLE customer; SELECT pg_sleep(60)')");
feed($session, q{SET migrate.rehearse_budget = '1s'; SELECT error FROM migrate_rehearse() WHERE error IS NOT NULL});
$node->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $pid AND relation = 'customer'::regclass AND mode = 'AccessExclusiveLock')");
my $began = time();
query("SET lock_timeout = '30s'; INSERT INTO customer VALUES (0, 'waits')");
cmp_ok(time() - $began, '<', 10, 'who waits for a rehearsal goes on when its budget is spent');
like(told($session), qr/^stopped: locks that make other sessions wait were held for 1000 ms/, 'the rehearsal says so');
is(ask($session, 'SELECT count(pg_sleep(0.1))'), '1', 'the session is not cancelled any more');

# A cancel.
feed($session, q{SET migrate.rehearse_budget = 0; SELECT error FROM migrate_rehearse() WHERE error IS NOT NULL});
$node->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $pid AND relation = 'customer'::regclass AND mode = 'AccessExclusiveLock')");
query("SELECT pg_cancel_backend($pid)");
eval { told($session) };
like($session->{err}, qr/canceling statement due to user request/, 'a cancel is an error');
is(query("SELECT count(*) FROM pg_locks WHERE pid = $pid"), '0', 'and no lock is left');
query('SELECT migrate_unregister(2)');

# Many locks.
query(<<"EOT");
SELECT migrate_register(2, 'many', string_agg(format('CREATE TABLE many_%s (id int);', g), '' ORDER BY g) || ' ALTER TABLE customer ADD COLUMN many int; SELECT 1; SELECT count(*) FROM customer;')
FROM generate_series(1, $many) g
EOT
is(query("SELECT string_agg(concat_ws(' ', statement - $many, relation, lock_mode, error), ', ') FROM migrate_rehearse() WHERE statement > $many OR error IS NOT NULL"),
	'1 public.customer AccessExclusiveLock, 2, 3 public.customer', 'with thousands of locks held the next one is told');

quit($session);
$node->stop;
done_testing();
