# A restore point is written before each deployment, where the role may: its name
# and place stand in the ledger, and point-in-time recovery takes it as its target.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $points = q{SELECT version, event, restore_point, restore_lsn ~ '^[0-9A-F]+/[0-9A-F]+$' FROM migrate_history() ORDER BY entry};

my $node = start_server('points', "fsync = off\n", has_archiving => 1, allows_streaming => 1);
install_in($node);
query(<<'EOT');
CREATE TABLE kept (id integer PRIMARY KEY);
INSERT INTO kept VALUES (1);
SELECT migrate_register(1, 'one', 'CREATE TABLE one (id integer)', 'DROP TABLE one');
SELECT migrate_register(2, 'two', 'CREATE TABLE two (id integer)', 'DROP TABLE two');
SELECT migrate_register(3, 'three', 'DELETE FROM kept', 'SELECT 1');
EOT
$node->backup('base');

# One for each call, named after its first migration.
query('SELECT * FROM migrate_apply(2)');
is(query($points), "1|applied|migrate:1:before|t\n2|applied|migrate:1:before|t", 'one restore point for the call, before its first migration');
query('INSERT INTO kept VALUES (2); SELECT * FROM migrate_apply()');
query('SELECT * FROM migrate_rollback()');
is(query("$points OFFSET 2"), "3|applied|migrate:3:before|t\n3|rolled back|migrate:3:before|t", 'also before a rollback');
is(query(q{SELECT count(DISTINCT restore_lsn) FROM migrate_history()}), 3, 'each at a place of its own');

# Whoever may not write one deploys without.
query(<<'EOT');
CREATE ROLE deployer;
SELECT migrate_grant('deployer', 'deployer');
GRANT INSERT, UPDATE, DELETE, SELECT ON kept, schema_version TO deployer;
SET ROLE deployer;
SELECT migrate_register(4, 'four', 'DELETE FROM kept WHERE id = 2');
SELECT migrate_unregister(3);
SELECT * FROM migrate_apply(4);
EOT
is(query("$points OFFSET 4"), '4|applied||', 'none where the role may not write one');
query('GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO deployer');
query(q{SET ROLE deployer; SELECT migrate_register(5, 'five', 'DELETE FROM kept'); SELECT * FROM migrate_apply(5)});
is(query("$points OFFSET 5"), '5|applied|migrate:5:before|t', 'one where it was granted to it');
my $segment = query('SELECT pg_walfile_name(pg_switch_wal() - 1)');
$node->poll_query_until('postgres', "SELECT last_archived_wal >= '$segment' FROM pg_stat_archiver") or die 'WAL is not archived';

# Recovery to the target named in the ledger.
my $restored = PostgreSQL::Test::Cluster->new('restored');
$restored->init_from_backup($node, 'base', has_restoring => 1, standby => 0);
$restored->append_conf('postgresql.conf', "recovery_target_name = 'migrate:5:before'\nrecovery_target_action = promote\n");
$restored->start;
$restored->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'the server does not leave recovery';
is($restored->safe_psql('postgres', 'SELECT migrate_version()'), 4, 'recovered to before the migration');
is($restored->safe_psql('postgres', 'SELECT array_agg(id) FROM kept'), '{1}', 'with its rows');
is($restored->safe_psql('postgres', q{SET ROLE deployer; SELECT version FROM migrate_apply()}), 5, 'which is then applied again');
is($restored->safe_psql('postgres', 'SELECT count(*) FROM migrate.ledger_break'), 0, 'the ledger is whole');
$restored->stop;
$node->stop;

# Nothing is written where it would be of no use.
my $minimal = start_server('minimal', "fsync = off\nwal_level = minimal\nmax_wal_senders = 0\n");
install_in($minimal);
query(q{SELECT migrate_register(1, 'one', 'SELECT 1'); SELECT * FROM migrate_apply()});
is(query($points), '1|applied||', 'none with wal_level = minimal');
$minimal->stop;
done_testing();
