# What the client is told while a migration runs, line by line; durations differ in each run.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('messages', "fsync = off\n");

# Run a statement and compare what it says, with N for milliseconds.
sub says_of
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($sql, $expected, $name) = @_;
	my ($rc, $stdout, $stderr) = $node->psql('postgres', $sql);

	$stderr =~ s/^psql:<stdin>:\d+: //mg;
	$stderr =~ s/\b\d+ ms\b/N ms/g;
	return is($stderr, $expected, $name);
}

install_in($node);
$node->safe_psql('postgres', <<'EOT');
CREATE TABLE cache (id integer, v text);
CREATE TABLE "Kept t" (id integer PRIMARY KEY, v text);
CREATE TABLE parted (id integer) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
INSERT INTO cache VALUES (1, 'x'), (2, 'y');
INSERT INTO "Kept t" VALUES (1, 'x');
INSERT INTO parted VALUES (1), (2);
EOT

# Nothing to do, and the simplest case.
says_of('SELECT * FROM migrate_apply()', "NOTICE:  nothing to apply", 'nothing to apply');
says_of('SELECT * FROM migrate_rollback()', "NOTICE:  nothing to roll back", 'nothing to roll back');
$node->safe_psql('postgres', q{SELECT migrate_register(1, 'one', 'DELETE FROM "Kept t"; SELECT 1', 'SELECT 1')});
says_of('SELECT * FROM migrate_apply()', "NOTICE:  applied 1 one: 2 statements, N ms, 1 row kept", 'rows kept are counted');
says_of('SELECT * FROM migrate_rollback()', "NOTICE:  rolled back 1 one: 1 statement, N ms, 1 row put back", 'and those put back');

# What a directive lets go is told once for each table, with the reason.
$node->safe_psql('postgres', <<'EOT');
SELECT migrate_register(2, 'two', $$-- migrate: no-backup cache: it can be computed again
-- migrate: no-backup public.parted: "it's old"
DELETE FROM cache WHERE id = 1;
DELETE FROM cache;
DELETE FROM "Kept t";
TRUNCATE parted;
DROP TABLE parted;$$);
EOT
says_of('SELECT * FROM migrate_apply()', <<'EOT' =~ s/\n\z//r, 'a no-backup directive is told once for each table');
NOTICE:  applied 1 one: 2 statements, N ms, 1 row kept
NOTICE:  rows of "public.cache" are not kept: it can be computed again
NOTICE:  rows of "public.parted_1" are not kept: "it's old"
NOTICE:  rows of "public.parted_2" are not kept: "it's old"
NOTICE:  applied 2 two: 5 statements, N ms
EOT

# A column that comes back stands last: told, not refused, and on the record.
$node->safe_psql('postgres', <<'EOT');
SELECT migrate_register(3, 'base', 'CREATE TABLE ordered (a integer, b text, c date)', 'DROP TABLE ordered');
SELECT migrate_register(4, 'order', 'ALTER TABLE ordered DROP b', 'ALTER TABLE ordered ADD b text');
SELECT * FROM migrate_apply();
EOT
says_of('SELECT * FROM migrate_rollback()', <<'EOT' =~ s/\n\z//r, 'another order of columns is a notice');
NOTICE:  the order of columns is not what it was before migration 4 (order)
DETAIL:  column public.ordered.b moved from place 2 to 3
column public.ordered.c moved from place 3 to 2
NOTICE:  rolled back 4 order: 1 statement, N ms
EOT
like($node->safe_psql('postgres', q{SELECT reason FROM migrate.ledger ORDER BY entry DESC LIMIT 1}),
	qr/^the schema differs from before the up script:\ncolumn public.ordered.b moved/, 'and stands in the ledger');

# Drift that is accepted is a notice, otherwise a warning.
$node->safe_psql('postgres', 'CREATE TABLE by_hand ()');
says_of(q{SET migrate.drift = accept; SELECT * FROM migrate_apply()}, <<'EOT' =~ s/\n\z//r, 'accepted drift is a notice');
NOTICE:  the schema was changed outside of migrations
DETAIL:  table public.by_hand added
HINT:  The change is recorded in the ledger.
NOTICE:  applied 4 order: 1 statement, N ms
EOT

$node->stop;
done_testing();
