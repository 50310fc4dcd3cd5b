# Standby, promotion, a missing synchronous standby, point-in-time recovery.
#
# Proven here:
# - on a hot standby whatever reads works and says what the primary says;
#   whatever changes is refused with 25006 before anything else, in a message
#   that names the function;
# - a standby that is promoted while its primary is in the middle of a call is
#   at the version before it; then it applies and rolls back by itself;
# - an apply whose synchronous standby is missing is applied here when it is
#   cancelled while it waits, and the client is warned;
# - a server recovered to a point between two versions has the first of them, in
#   all records, and goes on.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# The invariant: the version by every record there is.
sub records_are
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($node, $version, $name) = @_;

	is(records($node, 'postgres', $applied, tables_sql('^t[0-9]+$')), join('|', ($version) x 4, 0), $name);
	return;
}

my $primary = start_server('primary', "max_connections = 20\n", allows_streaming => 1, has_archiving => 1);
install_in($primary);
query(register_sql(1, 8, "-- Release: %1\$s.0\nCREATE TABLE t%1\$s ()", 'DROP TABLE t%1$s'));
query('SELECT count(*) FROM migrate_apply(2)');
$primary->backup('base');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->safe_psql('postgres', 'SELECT count(*) FROM migrate_apply(4); SELECT count(*) FROM migrate_rollback()');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

# Reading.
records_are($standby, 3, 'the standby has the version of the primary');
for my $call ('migrate_status()', 'migrate_history()', 'migrate_history(4)', 'migrate_plan()', 'migrate_plan(1)',
	'migrate_version()', q{migrate_version_of('2.0')}, 'migrate.ledger_break', 'migrate.deployment')
{
	is($standby->safe_psql('postgres', "SELECT * FROM $call"), $primary->safe_psql('postgres', "SELECT * FROM $call"),
		"$call says the same on the standby");
}

# Changing; the arguments would be refused too, if anything looked at them.
for my $call ('migrate_apply()', 'migrate_apply(99)', 'migrate_rollback()', 'migrate_rollback(99)',
	q{migrate_register(9, 'nine', 'SELECT 1')}, q{migrate_register(NULL, NULL, 'ROLLBACK')},
	q{migrate_register_file('migrations/009_nine.sql', 'SELECT 1')}, q{migrate_load('/nowhere')},
	'migrate_unregister(8)', 'migrate_baseline(8)', q{migrate_repair(1, 'because')}, q{migrate_adopt('supabase')})
{
	my ($rc, $stdout, $stderr) = $standby->psql('postgres', "\\set VERBOSITY verbose\nSELECT * FROM $call");
	my ($function) = $call =~ /^(\w+)/;

	like($stderr, qr/ERROR:  25006: cannot execute \Q$function\E\(\) during recovery/, "$call is refused");
}

# The primary goes away in the middle of a call: five steps are done, the
# standby has all their WAL but no commit.
my $half = session($primary);
ask($half, 'BEGIN; SELECT count(*) FROM migrate_apply()');
$primary->safe_psql('postgres', 'CREATE TABLE flush ()');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
$primary->stop('immediate');
wait_for_end($half);
records_are($standby, 3, 'the standby has nothing of a call that did not commit');
$standby->promote;
records_are($standby, 3, 'nor has it after its promotion');
my ($rc, $stdout, $stderr) = $standby->psql('postgres', 'SELECT version FROM migrate_apply(6)');
is($stdout, "4\n5\n6", 'the promoted standby applies') or diag($stderr);
records_are($standby, 6, 'and all its records say so');
is($standby->safe_psql('postgres', 'SELECT version FROM migrate_rollback(4)'), "6\n5", 'it rolls back');
is($standby->safe_psql('postgres', q{SELECT migrate_register(9, 'nine', 'SELECT 1')}), 'registered', 'and registers');
records_are($standby, 4, 'and all its records say so');

# A synchronous standby that is not there: the commit waits.
$standby->append_conf('postgresql.conf', "synchronous_standby_names = 'nobody'\n");
$standby->reload;
my $wait = session($standby);
my $pid = ask($wait, 'SELECT pg_backend_pid()');
feed($wait, 'SELECT count(*) FROM migrate_apply(5)');
ok($standby->poll_query_until('postgres', "SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = $pid"),
	'the commit waits for the synchronous standby');
unlike($wait->{out}, qr/^1$/m, 'and the client is not told that it is done');
$standby->safe_psql('postgres', "SET synchronous_commit = local; SELECT pg_cancel_backend($pid)");
wait_for_end($wait);
like($wait->{err}, qr/WARNING:  canceling wait for synchronous replication/, 'cancelled, the client is warned');
records_are($standby, 5, 'and the migration is applied here');
$standby->append_conf('postgresql.conf', "synchronous_standby_names = ''\n");
$standby->reload;
$standby->stop;

# Recovery to a point between two versions of one run.
$primary->start;
records_are($primary, 3, 'the primary, started again, has nothing of the call either');
$primary->safe_psql('postgres', $_)
  for 'SELECT count(*) FROM migrate_apply(5)', q{SELECT pg_create_restore_point('after five')},
  'SELECT count(*) FROM migrate_apply()', 'SELECT pg_switch_wal()';
records_are($primary, 8, 'the primary goes on to the last version');
my $segment = $primary->safe_psql('postgres', q{SELECT pg_walfile_name(pg_current_wal_lsn() - 1)});
$primary->poll_query_until('postgres', "SELECT last_archived_wal >= '$segment' FROM pg_stat_archiver")
  or die 'WAL is not archived';
my $past = PostgreSQL::Test::Cluster->new('past');
$past->init_from_backup($primary, 'base', has_restoring => 1, standby => 0);
$past->append_conf('postgresql.conf', "recovery_target_name = 'after five'\nrecovery_target_action = promote\n"
	  . "recovery_target_timeline = current\n");
$past->start;
$past->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'recovery does not end';
records_are($past, 5, 'a server recovered to a point between has the version of that time');
is($past->safe_psql('postgres', 'SELECT version FROM migrate_apply()'), "6\n7\n8", 'and goes on from there');
records_are($past, 8, 'to the last');

log_is_clean($_) for $primary, $standby, $past;
$past->stop;
$primary->stop;
done_testing();
