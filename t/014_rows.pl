# What keeping and putting back rows takes in memory does not depend on how many there are.
#
# Each way runs in a new backend, for few rows and for many; its peak of memory
# (VmHWM of Linux) may differ by no more than 2 MB: shared memory counts too, and sorting
# for new indexes, so both are kept small.
#
# MIGRATE_MEMORY_ROWS: 100000 unless told.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'needs /proc' unless -r '/proc/self/status';

my $many = $ENV{MIGRATE_MEMORY_ROWS} || 100000;
my $node = start_server('rows', "fsync = off\nautovacuum = off\nshared_buffers = 4MB\nmaintenance_work_mem = 1MB\nmax_wal_size = 4GB\nmigrate.snapshots = off\n");

$node->safe_psql('postgres', <<'EOT');
CREATE EXTENSION migrate_ext;
CREATE TYPE pair AS (a integer, b integer);
-- how much memory the backend has taken at most, in kB
CREATE FUNCTION peak() RETURNS bigint LANGUAGE sql AS $$
	SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmHWM:\s+(\d+) kB'))[1]::bigint
$$;
EOT

# The peak of a backend that makes a call beside a table of so many rows.
sub peak_of
{
	my ($rows, $up, $down, @calls) = @_;

	$node->safe_psql('postgres', <<"EOT");
DROP TABLE IF EXISTS t;
SELECT * FROM migrate_prune('0');
CREATE TABLE t (id integer PRIMARY KEY, n integer, v text, p pair);
INSERT INTO t SELECT i, i, md5(i::text), ROW(i, i)::pair FROM generate_series(1, $rows) i;
VACUUM ANALYZE t;
SELECT migrate_register(1, 'rows', '$up', '$down');
EOT
	my $peak = $node->safe_psql('postgres', "SET migrate.rollback_verify = warn;\n" . (join "\n", @calls) . "\nSELECT peak()");
	$node->safe_psql('postgres', 'SELECT migrate_version() = 0 OR (SELECT count(*) > 0 FROM migrate_rollback())');
	$node->safe_psql('postgres', 'SELECT migrate_unregister(1)');
	return (split /\n/, $peak)[-1];
}

my $apply = 'SELECT count(*) FROM migrate_apply();';
my $back = 'SELECT count(*) FROM migrate_rollback();';
my @ways = (
	['UPDATE', 'UPDATE t SET n = n + 1', 'SELECT 1'],
	['DELETE', 'DELETE FROM t', 'SELECT 1'],
	['TRUNCATE', 'TRUNCATE t', 'SELECT 1'],
	['DROP COLUMN', 'ALTER TABLE t DROP v', 'ALTER TABLE t ADD v text'],
	['ALTER TYPE', 'ALTER TABLE t ALTER v TYPE varchar(8) USING left(v, 8)', 'ALTER TABLE t ALTER v TYPE text'],
	['DROP TABLE', 'DROP TABLE t', 'CREATE TABLE t (id integer PRIMARY KEY, n integer, v text, p pair)'],
);
for my $way (@ways)
{
	my ($name, $up, $down) = @$way;

	for my $calls ([ $apply ], [ $apply, $back ])
	{
		my ($little, $much) = map { peak_of($_, $up, $down, @$calls) } 10000, $many;

		cmp_ok($much - $little, '<', 2048, "$name, " . (@$calls == 1 ? 'kept' : 'put back') . ": as much for $many rows as for 10000 ($little kB, $much kB)");
	}
}

$node->stop;
done_testing();
