# What lint tells of a server that is at work: prepared transactions and a vacuum
# against wraparound in the way, and slots that keep the WAL of a rewrite.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('lint', <<'EOT');
max_prepared_transactions = 5
max_replication_slots = 4
wal_level = replica
autovacuum = off
autovacuum_naptime = 1s
autovacuum_freeze_max_age = 100000
autovacuum_vacuum_cost_delay = 0
EOT

# The messages of one rule for a script.
sub lint
{
	my ($rule, $script) = @_;

	return query("SELECT string_agg(message, E'\\n' ORDER BY statement, message) FROM migrate_lint_script(\$\$$script\$\$) WHERE rule = '$rule'");
}

install_in($node);
query(<<'EOT');
CREATE TABLE used (id int);
INSERT INTO used VALUES (1);
CREATE TABLE large (id bigint, filling text) WITH (fillfactor = 10);
ALTER TABLE large ALTER filling SET STORAGE plain;
INSERT INTO large SELECT i, repeat('x', 700) FROM generate_series(1, 3000) i;
EOT

# a prepared transaction, after its session has gone, and after a restart
query("BEGIN; INSERT INTO used VALUES (2); PREPARE TRANSACTION 'left'");
my $prepared = query('SELECT transaction FROM pg_prepared_xacts');
is(lint('lock-conflict-now', 'ALTER TABLE used ADD note text'),
	"prepared transaction $prepared holds used until somebody ends it", 'a prepared transaction is told');
is(lint('lock-conflict-now', 'SELECT FROM used'), '', 'where it is in the way');
$node->restart;
is(lint('lock-conflict-now', 'ALTER TABLE used ADD note text'),
	"prepared transaction $prepared holds used until somebody ends it", 'after a restart, too');
query("ROLLBACK PREPARED 'left'");
is(lint('lock-conflict-now', 'ALTER TABLE used ADD note text'), '', 'until it has ended');

# slots that keep WAL
my $rewrite = 'ALTER TABLE large ALTER id TYPE numeric';
like(lint('rewrite-resource-risk', $rewrite), qr/^large is written again: it takes about \d+ MB of disk until the end, and as much WAL$/,
	'a rewrite takes disk and WAL');
query("SELECT pg_create_physical_replication_slot('one')");
like(lint('rewrite-resource-risk', $rewrite), qr/, which 1 replication slots keep until it is read$/, 'which slots keep');
query("SELECT pg_drop_replication_slot('one')");
query('ALTER TABLE large SET UNLOGGED');
like(lint('rewrite-resource-risk', $rewrite), qr/until the end$/, 'a table without WAL has none');

# a vacuum that prevents wraparound does not give way
query('ALTER TABLE large SET LOGGED');
query('ALTER TABLE large SET (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)');
query(<<'EOT');
CREATE TABLE burnt (id int);
DO $$
BEGIN
	FOR i IN 1 .. 110000 LOOP
		BEGIN
			INSERT INTO burnt VALUES (i);
		EXCEPTION WHEN division_by_zero THEN
		END;
	END LOOP;
END $$;
EOT
$node->append_conf('postgresql.conf', 'autovacuum = on');
$node->reload;
ok($node->poll_query_until('postgres', <<'EOT'), 'a vacuum is at work') or BAIL_OUT('no vacuum');
SELECT count(*) > 0 FROM pg_stat_progress_vacuum WHERE relid = 'large'::regclass
EOT
like(lint('wraparound-vacuum-in-progress', 'ALTER TABLE large ADD note text'),
	qr/^process \d+ vacuums large to prevent wraparound, and does not give way$/, 'it is told');
is(lint('wraparound-vacuum-in-progress', 'ALTER TABLE used ADD note text; SELECT FROM large'), '', 'where it is in the way');

done_testing();
