# Whatever dies, and whenever: schema, registry, ledger and schema_version agree.
#
# Proven here:
# - SIGKILL of the backend at random times of migrate_apply() and
#   migrate_rollback(), of the checkpointer beside it, and of the postmaster;
#   immediate shutdown; pg_terminate_backend(); pg_cancel_backend(); SIGKILL of
#   the client: afterwards the database is at the version it was at, or at the
#   one that was asked for, and nothing in between;
# - what a client was told is done, is done;
# - the ledger only grows, and its chain is whole;
# - between the last statement and the commit, and just after the commit record,
#   the same holds; asking again for what was done before a lost reply is a no-op;
# - in the end everything applies.
#
# MIGRATE_CRASH_ROUNDS: how often a backend is killed, 100 unless told.  The
# other faults have a fraction of that.  MIGRATE_CRASH_SEED: repeats the choices
# of a run; its note says which seed it had.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $rounds = $ENV{MIGRATE_CRASH_ROUNDS} || 100;
my $seed = $ENV{MIGRATE_CRASH_SEED} || (time() * 1000) % 1_000_000_000;
my $last = 12;
my %seen;    # fault => where it hit => how often
my ($version, $entries, $hash) = (0, 0, '');

srand($seed);
note("MIGRATE_CRASH_SEED=$seed MIGRATE_CRASH_ROUNDS=$rounds");

my $node = start_server('crash', <<'EOT');
restart_after_crash = on
shared_buffers = 4MB
max_connections = 20
autovacuum = off
EOT
install_in($node);
query('CREATE TABLE trail (n int); INSERT INTO trail VALUES (0)');
query(row_count_function('public'));

# One row that says all: versions by the records, tables, rows and columns there
# are, invalid indexes, whether the ledger as it was is still part of it, and
# breaks of its chain.
sub state_of
{
	my $tables = q{FROM pg_class WHERE relname ~ '^m_[0-9]+$' AND relkind = 'r'};
	my $events = q{FROM (SELECT DISTINCT ON (version) version, event FROM migrate.ledger ORDER BY version, entry DESC) l
		WHERE event = 'applied'};

	return records($node, 'postgres', '(SELECT n FROM trail)',
		'(SELECT count(*) FROM migrate.migration WHERE entry IS NOT NULL)',
		"(SELECT count(*) $events)", "(SELECT coalesce(max(version), 0) $events)",
		"(SELECT count(*) $tables)", "(SELECT coalesce(max(substr(relname, 3)::int), 0) $tables)",
		"(SELECT count(*) $tables AND row_count(oid) = 400 * substr(relname, 3)::int)",
		q{(SELECT count(*) FROM pg_attribute WHERE attrelid = 'trail'::regclass AND attname ~ '^c_[0-9]+$')},
		'(SELECT count(*) FROM pg_index WHERE NOT indisvalid)',
		"(SELECT count(*) FROM migrate.ledger WHERE entry = $entries AND encode(hash, 'hex') = '$hash')");
}

# Check the invariant; the versions that may be there now are given.
sub check
{
	my ($name, @allowed) = @_;
	my $state = state_of();
	my ($found) = $state =~ /^(\d+)/;
	my $expected = join '|', ($found) x 10, 0, $entries > 0 ? 1 : 0, 0;
	my $allowed = grep { $_ == $found } @allowed;

	ok($state eq $expected && $allowed, "$name: at $found, all records agree")
	  or diag("state $state, expected $expected, allowed versions @allowed");
	$version = $found;
	($entries, $hash) = split /\|/, query(
		q{SELECT coalesce(max(entry), 0), (SELECT encode(hash, 'hex') FROM migrate.ledger ORDER BY entry DESC LIMIT 1)
		  FROM migrate.ledger});
	$hash //= '';
}

# Choose a version to go to, mostly several steps away.
sub choose
{
	my $to = int(rand($last + 1));
	$to = $version < $last / 2 ? $last : 0 if abs($to - $version) < 3;
	return $to;
}

sub call_of
{
	my ($to) = @_;
	my $function = $to > $version ? 'migrate_apply' : 'migrate_rollback';

	return "SELECT 'done=' || count(*) FROM $function($to)";
}

# One round: begin a call, wait a random time, do harm, wait, look.
sub round
{
	my ($fault) = @_;
	my ($from, $to) = ($version, choose());
	# Most anywhere; some near the end, where the commit is.
	my $delay = usual_time($from, $to) * (rand() < 0.7 ? rand(1.2) : 0.8 + rand(0.4));
	my $run = strike($fault, $delay, call_of($to));

	check("$fault, from $from to $to after " . int($delay * 1000) . ' ms',
		$run->{out} =~ /done=/ ? ($to) : ($from, $to));
	$seen{$fault}{ where_hit($run, $version != $from) }++;
}

# Each migration makes a table, and changes the columns and the row of another;
# each takes some milliseconds and writes heap, index and catalog pages.
query(register_sql(1, $last, <<'UP', 'DROP TABLE m_%1$s; ALTER TABLE trail DROP COLUMN c_%1$s; UPDATE trail SET n = n - 1;'));
BEGIN; CREATE TABLE m_%1$s (id int PRIMARY KEY, t text);
INSERT INTO m_%1$s SELECT i, repeat('x', 50) FROM generate_series(1, 400 * %1$s) i;
CREATE INDEX ON m_%1$s (t, id);
ALTER TABLE trail ADD COLUMN c_%1$s int DEFAULT %1$s;
UPDATE trail SET n = n + 1;
UPDATE schema_version SET version = %1$s, applied_at = now(), description = 'm %1$s'; COMMIT;
UP
query("SELECT count(*) FROM $_")
  for 'migrate_apply()', 'migrate_rollback(0)', 'migrate_apply()';
note(sprintf 'applying all takes %.0f ms, rolling back %.0f ms',
	1000 * usual_time(0, $last), 1000 * usual_time($last, 0));
check('undisturbed', $last);

my $start = time();
round('SIGKILL of the backend') for 1 .. $rounds;
note(sprintf '%d rounds of SIGKILL in %.0f s', $rounds, time() - $start);

my $few = int($rounds / 10) || 1;
for (1 .. $few)
{
	round('SIGKILL of the checkpointer');
	round('immediate shutdown');
}
round('SIGKILL of the postmaster') for 1 .. ($few > 3 ? 3 : $few);
round("pg_${_}_backend()") for ('cancel', 'terminate') x (2 * $few);
round('SIGKILL of the client') for 1 .. 2 * $few;

# Between the last statement and the commit, and right after it.
for my $end ([ 'before the commit', 0 ], [ 'after the commit', $last ])
{
	my ($when, $expected) = @$end;
	my $position = -s $node->logfile;

	query('SELECT count(*) FROM migrate_rollback(0)');
	check('rolled back', 0);
	my $run = worker('BEGIN', call_of($last), ($expected ? 'COMMIT' : ()), "SELECT 'here'");
	says($run, qr/here/);
	kill KILL => $run->{pid};
	wait_for_end($run);
	recovered($run, $position);
	check("SIGKILL $when", $expected);
}
is(query("SELECT count(*) FROM migrate_apply($last)"), 0,
	'applying what was applied before the reply was lost is a no-op');

# Nothing is left behind, and everything still works.
query('SELECT count(*) FROM migrate_rollback(0)');
check('all the way down', 0);
query('SELECT count(*) FROM migrate_apply()');
check('all the way up', $last);
is(query($locks), 0, 'no lock is left');
log_is_clean($node);
for my $fault (sort keys %seen)
{
	note("$fault: $seen{$fault}{$_} $_") for sort keys %{ $seen{$fault} };
}
my $inside = 0;
/^inside/ and $inside += $seen{'SIGKILL of the backend'}{$_} for keys %{ $seen{'SIGKILL of the backend'} };
cmp_ok($inside, '>=', $rounds / 3, 'a third of the kills or more hit inside a call');

$node->stop;
done_testing();
