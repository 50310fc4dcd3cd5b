# Whatever dies, and whenever: every row is in its table or among the kept rows.
#
# The migrations destroy rows in all the ways in which rows are kept: a dropped
# table (its storage changes hands), truncated ones, a dropped column, another
# type, updates and deletes, a schema with all in it, partitions, an unlogged
# table, one without a key.  An application writes between the calls.  What it
# has written stands a second time in schema judge, by the same transactions:
# from that follows what each table must hold at each version.
#
# Proven here, after SIGKILL of the backend, of the checkpointer and of the
# postmaster, immediate shutdown, cancel, terminate, and SIGKILL of the client, at
# random times of migrate_apply(), migrate_rollback(), migrate_restore() and
# migrate_prune():
# - the version by all records is the one before or the one that was asked for,
#   and every table holds exactly the rows it must hold at that version, so that
#   after a rollback all rows are back;
# - tables in migrate_backup and rows of migrate.backup are each other's, and the
#   kept tables hold as many rows as is said there;
# - every relation has its files, every TOAST table its table, and amcheck, where
#   it is installed, finds nothing in heaps, TOAST tables and indexes;
# - without a crash, no file is left that belongs to no relation, and a session whose
#   call was cancelled can call again;
# - a table whose storage changed hands is whole when WAL is replayed over the
#   commit, also when it was made and filled by that very transaction, whose WAL
#   was skipped; and on a standby, before and after its promotion.
#
# MIGRATE_CRASH_ROWS_ROUNDS: 20 unless told.  MIGRATE_CRASH_SEED: repeats the
# choices of a run; its note says which seed it had.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $rounds = $ENV{MIGRATE_CRASH_ROWS_ROUNDS} || 20;
my $seed = $ENV{MIGRATE_CRASH_SEED} || (time() * 1000) % 1_000_000_000;
my %seen;    # fault => where it hit => how often
my %usual;    # what => how many seconds it takes
my ($version, $id) = (0, 100_000);
my ($node, $amcheck);

# SQL that does something, and then undoes it.
sub not_yet
{
	return "DO \$do\$ BEGIN $_[0]; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END \$do\$; ";
}

# Up and down scripts of the versions 1, 2, ...
my @migrations = (
	[ not_yet('DROP TABLE app.dropped') . 'DROP TABLE app.dropped',
		'CREATE TABLE app.dropped (id int PRIMARY KEY, t text, big text, late text);
		 CREATE INDEX dropped_t ON app.dropped (t);
		 ALTER TABLE app.dropped ALTER big SET STORAGE EXTERNAL, ALTER late SET DEFAULT \'late\'' ],
	[ 'TRUNCATE app.emptied', 'SELECT 1' ],
	[ 'ALTER TABLE app.wide DROP COLUMN payload', 'ALTER TABLE app.wide ADD COLUMN payload text' ],
	[ 'ALTER TABLE app.wide ALTER amount TYPE int USING amount % 100', 'ALTER TABLE app.wide ALTER amount TYPE bigint' ],
	[ q{UPDATE app.wide SET state = 'done' WHERE state = 'open'}, 'SELECT 1' ],
	[ 'ALTER TABLE app.wide ADD COLUMN extra text', 'ALTER TABLE app.wide DROP COLUMN extra' ],
	[ 'DELETE FROM app.queue WHERE id % 3 = 0', 'SELECT 1' ],
	[ 'DROP SCHEMA gone CASCADE',
		q{CREATE SCHEMA gone; CREATE TYPE gone.mood AS ENUM ('sad', 'happy');
		  CREATE TABLE gone.a (id bigserial PRIMARY KEY, mood gone.mood, big text);
		  CREATE TABLE gone.b (id int PRIMARY KEY, a bigint REFERENCES gone.a, v text);
		  CREATE VIEW gone.v AS SELECT id, mood FROM gone.a} ],
	[ 'UPDATE app.part SET k = k + 100 WHERE id % 4 = 0 AND k < 100; DELETE FROM app.part WHERE id % 5 = 0', 'SELECT 1' ],
	[ 'DROP TABLE app.part',
		'CREATE TABLE app.part (id int, k int, v text, PRIMARY KEY (k, id)) PARTITION BY RANGE (k);
		 CREATE TABLE app.part_low PARTITION OF app.part FOR VALUES FROM (0) TO (100);
		 CREATE TABLE app.part_high PARTITION OF app.part FOR VALUES FROM (100) TO (200)' ],
	[ 'TRUNCATE app.book_1', 'SELECT 1' ],
	[ 'DROP TABLE app.book_2', 'CREATE TABLE app.book_2 PARTITION OF app.book FOR VALUES IN (2)' ],
	[ 'DROP TABLE app.fleeting', 'CREATE UNLOGGED TABLE app.fleeting (id int PRIMARY KEY, v text)' ],
	[ q{DELETE FROM app.keyless WHERE k = 1; UPDATE app.keyless SET v = v || 'x' WHERE k = 2}, 'SELECT 1' ],
	[ 'DROP TABLE app.keyless', 'CREATE TABLE app.keyless (k int, v text)' ],
	[ 'CREATE TABLE app.fresh (id int PRIMARY KEY, v text)', 'DROP TABLE app.fresh' ]);
my $last = @migrations;

# The tables: name, columns, at which versions they are there, and which rows and
# values of schema judge they hold at version :at, where born is the version at
# which a row was written, or the lowest one that the database went back to since.
my @tables = (
	{ name => 'app.dropped', columns => 'id, t, md5(big), late', to => 0 },
	{ name => 'app.emptied', columns => 'id, v, note', rows => 'born >= 2 OR :at < 2' },
	{ name => 'app.wide', columns => 'id, note, state, amount::bigint', want =>
		q{id, note, CASE WHEN born < 5 AND :at >= 5 AND state = 'open' THEN 'done' ELSE state END,
		  CASE WHEN :at >= 4 THEN amount % 100 ELSE amount END} },
	{ name => 'app.wide', columns => 'id, md5(payload)', to => 2 },
	{ name => 'app.wide', columns => 'id, extra', from => 6 },
	{ name => 'app.queue', columns => 'id, v', rows => 'born >= 7 OR :at < 7 OR id % 3 <> 0' },
	{ name => 'app.item', columns => 'id, queue, v', rows => 'born >= 7 OR :at < 7 OR queue % 3 <> 0' },
	{ name => 'gone.a', columns => 'id, mood::text, md5(big)', to => 7 },
	{ name => 'gone.b', columns => 'id, a, v', to => 7 },
	{ name => 'app.part', columns => 'id, k, v', to => 9, rows => 'born >= 9 OR :at < 9 OR id % 5 <> 0',
		want => 'id, CASE WHEN born < 9 AND :at >= 9 AND id % 4 = 0 AND k < 100 THEN k + 100 ELSE k END, v' },
	{ name => 'app.book', columns => 'id, k, v', rows =>
		'(k <> 1 OR born >= 11 OR :at < 11) AND (k <> 2 OR :at < 12)' },
	{ name => 'app.fleeting', columns => 'id, v', to => 12 },
	{ name => 'app.keyless', columns => 'k, v', to => 14, rows => 'born >= 14 OR :at < 14 OR k <> 1',
		want => q{k, CASE WHEN born < 14 AND :at >= 14 AND k = 2 THEN v || 'x' ELSE v END} },
	{ name => 'app.fresh', columns => 'id, v', from => 16 });

# What the application may write: at which versions, and what in both schemas.
my $toasted = q{(SELECT string_agg(md5(i::text || :id), '') FROM generate_series(1, 250) i)};
my @writes = (
	[ 0, 0, "INSERT INTO app.dropped VALUES (:id, 'new', $toasted)",
		"INSERT INTO judge.dropped VALUES (:id, 'new', $toasted, 'late', :version)" ],
	[ 0, $last, q{INSERT INTO app.emptied VALUES (:id, 'new')}, q{INSERT INTO judge.emptied VALUES (:id, 'new', NULL, :version)} ],
	[ 0, 2, "INSERT INTO app.wide (id, payload, amount, state) VALUES (:id, $toasted, 1234567890123, 'open')",
		"INSERT INTO judge.wide VALUES (:id, $toasted, 1234567890123, 'open', NULL, NULL, :version)" ],
	[ 3, 5, q{INSERT INTO app.wide (id, amount, state) VALUES (:id, 12, 'open')},
		q{INSERT INTO judge.wide VALUES (:id, NULL, 12, 'open', NULL, NULL, :version)} ],
	[ 6, $last, q{INSERT INTO app.wide (id, amount, state, extra) VALUES (:id, 12, 'open', 'more')},
		q{INSERT INTO judge.wide VALUES (:id, NULL, 12, 'open', NULL, 'more', :version)} ],
	[ 0, $last, q{INSERT INTO app.queue VALUES (:id, 'new'); INSERT INTO app.item VALUES (:id, :id, 'new')},
		q{INSERT INTO judge.queue VALUES (:id, 'new', :version); INSERT INTO judge.item VALUES (:id, :id, 'new', :version)} ],
	[ 0, 7, "INSERT INTO gone.a VALUES (:id, 'happy', $toasted); INSERT INTO gone.b VALUES (:id, :id, 'new')",
		"INSERT INTO judge.a VALUES (:id, 'happy', $toasted, :version); INSERT INTO judge.b VALUES (:id, :id, 'new', :version)" ],
	[ 0, 9, q{INSERT INTO app.part VALUES (:id, :id % 200, 'new')}, q{INSERT INTO judge.part VALUES (:id, :id % 200, 'new', :version)} ],
	[ 0, $last, q{INSERT INTO app.book VALUES (:id, 1, 'new'), (:id, 3, 'new')},
		q{INSERT INTO judge.book VALUES (:id, 1, 'new', :version), (:id, 3, 'new', :version)} ],
	[ 0, 11, q{INSERT INTO app.book VALUES (:id, 2, 'new')}, q{INSERT INTO judge.book VALUES (:id, 2, 'new', :version)} ],
	[ 0, 12, q{INSERT INTO app.fleeting SELECT i, 'new' FROM generate_series(:id, :id + 50) i},
		q{INSERT INTO judge.fleeting SELECT i, 'new', :version FROM generate_series(:id, :id + 50) i} ],
	[ 0, 14, q{INSERT INTO app.keyless SELECT :id % 4, 'new ' || :id FROM generate_series(1, 2)},
		q{INSERT INTO judge.keyless SELECT :id % 4, 'new ' || :id, :version FROM generate_series(1, 2)} ],
	[ $last, $last, q{INSERT INTO app.fresh VALUES (:id, 'new')}, q{INSERT INTO judge.fresh VALUES (:id, 'new', :version)} ],
	(map { [ 0, $last, "WITH hit AS (UPDATE app.$_ SET note = 'note ' || :id WHERE id % 7 = :id % 7 RETURNING id)"
			  . " UPDATE judge.$_ j SET note = 'note ' || :id FROM hit WHERE j.id = hit.id", '' ] } qw(emptied wide)),
	(map { [ 0, $last, "WITH hit AS (DELETE FROM app.$_ WHERE id % 97 = :id % 97 RETURNING id)"
			  . " DELETE FROM judge.$_ j USING hit WHERE j.id = hit.id", '' ] } qw(emptied wide)));

# Create the tables, with rows, and their doubles.
sub make_tables
{
	my $big = q{(SELECT string_agg(md5(i::text || n), '') FROM generate_series(1, 250) i)};

	query(<<"EOT");
CREATE SCHEMA app;
CREATE TABLE app.dropped (id int PRIMARY KEY, other text, t text, big text);
ALTER TABLE app.dropped ALTER big SET STORAGE EXTERNAL;
CREATE INDEX dropped_t ON app.dropped (t);
INSERT INTO app.dropped SELECT n, 'other', 't' || n % 50, CASE WHEN n % 10 = 0 THEN $big END FROM generate_series(1, 1500) n;
ALTER TABLE app.dropped DROP COLUMN other, ADD COLUMN late text DEFAULT 'late';
UPDATE app.dropped SET t = t || ' hot' WHERE id % 7 = 0;
DELETE FROM app.dropped WHERE id % 11 = 0;
CREATE TABLE app.emptied (id int PRIMARY KEY, v text, note text);
INSERT INTO app.emptied SELECT n, 'v' || n FROM generate_series(1, 1500) n;
CREATE TABLE app.wide (id int PRIMARY KEY, payload text, amount bigint, state text, note text);
INSERT INTO app.wide SELECT n, CASE WHEN n % 10 = 0 THEN $big ELSE 'short' END, n * 1000000007::bigint,
	CASE n % 3 WHEN 0 THEN 'open' ELSE 'new' END FROM generate_series(1, 1000) n;
CREATE TABLE app.queue (id int PRIMARY KEY, v text);
CREATE TABLE app.item (id int PRIMARY KEY, queue int NOT NULL REFERENCES app.queue ON DELETE CASCADE, v text);
CREATE INDEX ON app.item (queue);
INSERT INTO app.queue SELECT n, 'q' || n FROM generate_series(1, 500) n;
INSERT INTO app.item SELECT n, n % 500 + 1, 'i' || n FROM generate_series(1, 1000) n;
$migrations[7][1];
INSERT INTO gone.a SELECT n, CASE n % 2 WHEN 0 THEN 'sad' ELSE 'happy' END::gone.mood, CASE WHEN n % 10 = 0 THEN $big END FROM generate_series(1, 500) n;
INSERT INTO gone.b SELECT n, n % 500 + 1, 'b' || n FROM generate_series(1, 500) n;
SELECT setval('gone.a_id_seq', 777);
$migrations[9][1];
INSERT INTO app.part SELECT n, n % 200, 'p' || n FROM generate_series(1, 1000) n;
CREATE TABLE app.book (id int, k int, v text, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
CREATE TABLE app.book_1 PARTITION OF app.book FOR VALUES IN (1);
$migrations[11][1];
CREATE TABLE app.book_3 PARTITION OF app.book DEFAULT;
INSERT INTO app.book SELECT n, n % 3 + 1, 'b' || n FROM generate_series(1, 900) n;
$migrations[12][1];
INSERT INTO app.fleeting SELECT n, 'f' || n FROM generate_series(1, 500) n;
$migrations[14][1];
INSERT INTO app.keyless SELECT n % 4, 'k' || n % 200 FROM generate_series(1, 800) n;
CREATE SCHEMA judge;
CREATE TABLE judge.fresh (id int, v text, born int);
EOT
	query(join '; ', 'ALTER TABLE app.wide ADD extra text',
		(map { my $double = double($_); "CREATE TABLE $double AS SELECT * FROM $_; ALTER TABLE $double ADD born int DEFAULT 0" }
			  grep { $_ ne 'app.fresh' } names()),
		'ALTER TABLE app.wide DROP extra', 'ALTER TABLE judge.a ALTER mood TYPE text');
	return;
}

# The names of the tables.
sub names
{
	my %names = map { $_->{name} => 1 } @tables;

	return sort keys %names;
}

# The double of a table.
sub double
{
	return $_[0] =~ s/.*\./judge./r;
}

# Views on what must not be, and functions that look into every block.
sub make_judge
{
	query(<<'EOT');
-- Rows of a backup; where an update moved a row to another partition, what came
-- there is noted too, but is not kept.
CREATE FUNCTION judge.kept_count(b migrate.backup, OUT n bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
	EXECUTE format('SELECT count(*) FROM migrate_backup.%I', b.kept_as)
		|| CASE b.what WHEN 'rows' THEN ' WHERE "migrate.operation" <> ''I''' ELSE '' END INTO n;
END $$;

CREATE VIEW judge.problem AS
SELECT 'kept table ' || c.relname || ' is of no backup' AS problem
FROM pg_class c
WHERE c.relnamespace = 'migrate_backup'::regnamespace AND c.relkind = 'r'
	AND NOT EXISTS (SELECT FROM migrate.backup b WHERE b.kept_as = c.relname AND b.kept_oid = c.oid)
UNION ALL
SELECT 'backup ' || b.backup || ' has no table ' || b.kept_as
FROM migrate.backup b
WHERE b.kept_as IS NOT NULL
	AND NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = 'migrate_backup'::regnamespace AND c.oid = b.kept_oid)
UNION ALL
SELECT 'backup ' || b.backup || ' has ' || judge.kept_count(b) || ' rows instead of ' || b.rows
FROM migrate.backup b
WHERE b.kept_as IS NOT NULL AND b.rows IS DISTINCT FROM judge.kept_count(b)
UNION ALL
SELECT 'backup ' || b.backup || ' is of no run'
FROM migrate.backup b
WHERE NOT EXISTS (SELECT FROM migrate.ledger l WHERE l.entry = b.entry AND l.version = b.version)
UNION ALL
SELECT p.kept_as || ': ' || p.problem FROM migrate.backup_problem p
UNION ALL
SELECT v.object || ': ' || v.problem FROM migrate_verify() v
UNION ALL
SELECT c.oid::regclass || ' has no file'
FROM pg_class c, unnest(CASE c.relpersistence WHEN 'u' THEN ARRAY['', '_init'] ELSE ARRAY[''] END) fork
WHERE pg_relation_filepath(c.oid) IS NOT NULL AND pg_stat_file(pg_relation_filepath(c.oid) || fork, true) IS NULL
UNION ALL
SELECT string_agg(c.oid::regclass::text, ', ') || ' have one file'
FROM pg_class c
WHERE c.relfilenode <> 0
GROUP BY c.reltablespace, c.relfilenode HAVING count(*) > 1
UNION ALL
SELECT t.oid::regclass || ' is not the TOAST table of ' || coalesce(c.oid::regclass::text, 'any table')
FROM pg_class t
LEFT JOIN pg_class c ON c.reltoastrelid = t.oid
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = t.oid AND d.refobjid = c.oid
WHERE t.relkind = 't' AND t.oid >= 16384
	AND (c.oid IS NULL OR d.objid IS NULL OR t.relname <> 'pg_toast_' || c.oid OR t.relowner <> c.relowner);

CREATE VIEW judge.orphan AS
SELECT f FROM pg_ls_dir((SELECT 'base/' || oid FROM pg_database WHERE datname = current_database())) f
WHERE f ~ '^[0-9]+' AND pg_filenode_relation(0, substring(f, '^[0-9]+')::oid) IS NULL;
EOT
	return if !query(q{SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'});
	query(<<'EOT');
CREATE EXTENSION amcheck SCHEMA judge;
CREATE FUNCTION judge.amcheck(first_oid oid) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT c.oid, c.oid::regclass AS name, c.relkind FROM pg_class c
		WHERE c.oid >= first_oid AND c.relpersistence <> 't' AND (c.relkind IN ('r', 't', 'm')
			OR c.relkind = 'i' AND c.relam = (SELECT oid FROM pg_am WHERE amname = 'btree'))
	LOOP
		IF r.relkind <> 'i' THEN
			RETURN QUERY SELECT r.name || ': ' || v.msg FROM judge.verify_heapam(r.oid, check_toast := true) v;
		ELSE
			PERFORM judge.bt_index_check(r.oid, heapallindexed := true);
		END IF;
	END LOOP;
EXCEPTION WHEN index_corrupted OR data_corrupted THEN
	RETURN NEXT r.name || ': ' || SQLERRM;
END $$;
EOT
	return 1;
}

# SQL that tells how many rows a table has lost, and how many it has too many, at a version.
sub difference_sql
{
	my ($table, $at) = @_;
	my $there = $at >= ($table->{from} // 0) && $at <= ($table->{to} // $last);
	my ($want, $rows) = map { s/:at/$at/gr } $table->{want} // $table->{columns}, $table->{rows} // 'true';

	return "SELECT '$table->{name} is there' WHERE to_regclass('$table->{name}') IS NOT NULL"
	  if !$there && !grep { $_->{name} eq $table->{name} && $_ != $table } @tables;
	return () if !$there;
	$want = "SELECT $want FROM " . double($table->{name}) . " WHERE $rows";
	my $have = "SELECT $table->{columns} FROM $table->{name}";
	return "SELECT format('%s: %s rows lost, %s too many', '$table->{name}', lost, more) FROM"
	  . " (SELECT count(*) AS lost FROM ($want EXCEPT ALL $have) x) l, (SELECT count(*) AS more FROM ($have EXCEPT ALL $want) y) m"
	  . ' WHERE lost + more > 0';
}

# Ask for all that is wrong while the database is at a version, one fault a line.
sub faults_at
{
	my ($now) = @_;
	my @queries = (map { difference_sql($_, $now) } @tables);

	push @queries, 'SELECT problem FROM judge.problem';
	push @queries, 'SELECT * FROM judge.amcheck(16384)' if $amcheck;
	push @queries, q{SELECT 'sequence at ' || last_value FROM gone.a_id_seq WHERE last_value < 777} if $now <= 7;
	return query(join '; ', @queries);
}

# Check all there is to check; the versions that may be there now are given.
sub check
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($name, @allowed) = @_;
	my ($now, @records) = split /\|/, records($node, 'postgres', $applied);
	my $allowed = grep { $_ == $now } @allowed;

	ok("@records" eq "$now $now 0" && $allowed, "$name: at $now by all records")
	  or diag("version $now, records @records, allowed versions @allowed");
	now_at($now);
	is(faults_at($now), '', "$name: every row is where it must be at $now");
	return;
}

# Take note of the version that the database is at.
sub now_at
{
	my ($now) = @_;

	query(join '; ', map { 'UPDATE ' . double($_) . " SET born = $now WHERE born > $now" } names());
	$version = $now;
	return;
}

# SQL of a call that goes to a version; it prints done= when it is.
sub call_of
{
	my ($to) = @_;
	my $function = $to > $version ? 'migrate_apply' : 'migrate_rollback';

	return "SELECT 'done=' || count(*) FROM $function($to)";
}

# Go to a version, undisturbed.
sub go
{
	my ($to) = @_;

	query(call_of($to)) if $to != $version;
	now_at($to);
	return;
}

# Let the application write what it may at this version: all, or each with a chance.
sub write_rows
{
	my ($chance) = @_;
	my @transactions;

	for my $write (grep { $version >= $_->[0] && $version <= $_->[1] && rand() < $chance } @writes)
	{
		$id += 100;
		push @transactions, "BEGIN; $write->[2]; $write->[3]; COMMIT" =~ s/:id/$id/gr =~ s/:version/$version/gr;
	}
	query(join '; ', @transactions);
	return;
}

# What has lost its rows for good, as its double must have: unlogged tables in a crash...
sub forget_unlogged
{
	my ($now) = split /\|/, records($node, 'postgres');

	query('DELETE FROM judge.fleeting') if $now <= 12;
	return;
}

# ... and at version 0, what only the kept rows of down scripts hold.
sub forget_pruned
{
	query('DELETE FROM judge.fresh; UPDATE judge.wide SET extra = NULL');
	return;
}

# Count the files that belong to no relation.
sub orphans
{
	return query('CHECKPOINT; SELECT count(*) FROM judge.orphan');
}

# Begin a call, do harm at a random time, and check; also how far it got.
sub disturb
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($fault, $what, $usual, $settle, $allowed, @work) = @_;
	# Most anywhere; some near the end, where the commit is.
	my $delay = $usual * (rand() < 0.7 ? rand(1.4) : 0.8 + rand(0.6));
	my $files = is_crash($fault) ? '' : orphans();
	my $run = strike($fault, $delay, @work);
	my $from = $version;
	my $done;

	forget_unlogged() if is_crash($fault);
	$done = $settle->($run);
	check("$fault, $what after " . int($delay * 1000) . ' ms', @$allowed);
	is(orphans(), $files, 'no file is left that belongs to no relation') if $files ne '';
	$seen{$fault}{ $run->{unheard} && @work == 2 ? 'inside, then called again' : where_hit($run, $done // $version != $from) }++;
	return;
}

# A round of going to another version, mostly several steps away.
sub round_move
{
	my ($fault) = @_;
	my $to = int(rand($last + 1));

	$to = $version < $last / 2 ? $last : 0 if abs($to - $version) < 4;
	my @allowed = ($version, $to);
	# A session that was cancelled can do it again.
	my $again = $fault eq 'pg_cancel_backend()';
	disturb($fault, "from $version to $to", usual_time($version, $to),
		sub { shift @allowed if $again || $_[0]{out} =~ /done=/; return; }, \@allowed,
		(call_of($to)) x ($again ? 2 : 1));
	return;
}

# A round of giving all space back, at version 0.
sub round_prune
{
	my ($fault) = @_;
	my $before = query('SELECT count(*) FROM migrate.backup');

	disturb($fault, "prune of $before backups", $usual{prune}, sub {
		my $after = query('SELECT count(*) FROM migrate.backup');

		ok($after == 0 || $after == $before && $_[0]{out} !~ /done=/, 'all backups are pruned, or none');
		forget_pruned() if $after == 0;
		return $after == 0; }, [0], q{SELECT 'done=' || count(*) FROM migrate_prune('0')});
	return;
}

# A round of giving all space back, but never for good.
sub round_half_prune
{
	my ($fault) = @_;

	disturb($fault, 'prune without commit', 2 * $usual{prune}, sub { return 0; }, [$version],
		'BEGIN', q{SELECT count(*) FROM migrate_prune('0')}, q{SELECT pg_sleep(600), 'done='});
	return;
}

# A round of putting back what a version has taken from a table, while it is applied;
# false = there is nothing to put back.
sub round_restore
{
	my ($fault, $table, $at) = @_;
	my $backup = query(qq{SELECT max(backup) FROM migrate.backup WHERE version = $at AND direction = 'up'
		AND restored_at IS NULL AND rows > 0 AND schema_name || '.' || relation_name = '$table'
		AND entry = (SELECT max(entry) FROM migrate.ledger WHERE version = $at)});

	return if $version < $at || $backup eq '';
	disturb($fault, "restore of $table", $usual{restore}, sub {
		my $done = query("SELECT restored_at IS NOT NULL FROM migrate.backup WHERE backup = $backup") eq 't';

		ok($done || $_[0]{out} !~ /done=/, 'what the client was told is done, is done');
		query('UPDATE ' . double($table) . " SET born = $version WHERE born < $at") if $done;
		return $done; }, [$version], "SELECT 'done=' || restored FROM migrate_restore($backup)");
	return 1;
}

# One round of one kind or the other.
sub round
{
	my ($fault) = @_;
	my $dice = rand();

	go(int(rand($last + 1))) if rand() < 0.3;
	write_rows(0.4);
	query('CHECKPOINT') if rand() < 0.3;
	return if $dice < 0.3 && $version > 0
	  && (rand() < 0.5 ? round_restore($fault, 'app.emptied', 2) : round_restore($fault, 'app.queue', 7));
	# A cancel between two statements is not heard, and the last one here waits.
	return round_half_prune($fault) if $dice < 0.35 && $version > 0 && $fault !~ /cancel/;
	return round_prune($fault) if $dice < 0.5 && $version == 0 && query('SELECT count(*) FROM migrate.backup') > 0;
	return round_move($fault);
}

# Run a statement, and return how many seconds it took.
sub seconds
{
	my ($sql) = @_;
	my $start = time();

	query($sql);
	return time() - $start;
}

# SQL that registers a migration.
sub register
{
	my ($at, $up, $down) = @_;

	return "SELECT migrate_register($at, 'm_$at', \$up\$$up\$up\$, \$down\$$down\$down\$)";
}

# Stop the server without a checkpoint, and let it replay what it has of WAL.
sub replay
{
	$node->stop('immediate');
	$node->start;
	forget_unlogged();
	return;
}

# Start a server with the tables and migrations.
sub prepare
{
	my ($name, $conf, %init) = @_;

	$node = start_server($name, "shared_buffers = 4MB\nmax_connections = 20\ncheckpoint_timeout = 30s\nwal_skip_threshold = 256kB\n$conf\n", %init);
	install_in($node);
	make_tables();
	$amcheck = make_judge();
	query(join '; ', map { register($_, @{ $migrations[ $_ - 1 ] }) } 1 .. $last);
	$version = 0;
	return;
}

srand($seed);
note("MIGRATE_CRASH_SEED=$seed MIGRATE_CRASH_ROWS_ROUNDS=$rounds");

# At wal_level = minimal, as here, what a transaction writes to storage that it has
# made is not WAL-logged; the primary below has the other level.
prepare('crash_rows', 'restart_after_crash = on');
note($amcheck ? 'with amcheck' : 'amcheck is not installed');

# Undisturbed: some versions at a time, rows written at each stop, there and back.
go($_), check('applied', $_), write_rows(1) for map { 2 * $_ } 1 .. $last / 2;
$usual{restore} = seconds(q{BEGIN; SELECT * FROM migrate_backups() b, migrate_restore(b.backup) r
	WHERE b.version = 2 ORDER BY b.backup DESC LIMIT 1; ROLLBACK});
go($_), check('rolled back', $_), write_rows(1) for map { $last - 2 * $_ } 1 .. $last / 2;
my $orphans = orphans();
go($_) for $last, 0;
check('all in one call, up and down', 0);
$usual{prune} = seconds(q{SELECT * FROM migrate_prune('0')});
forget_pruned();
check('pruned', 0);
is(orphans(), $orphans, 'no file is left that belongs to no relation');
note(sprintf 'applying all takes %.0f ms, rolling back %.0f ms, pruning %.0f ms, restoring %.0f ms',
	1000 * usual_time(0, $last), 1000 * usual_time($last, 0), 1000 * $usual{prune}, 1000 * $usual{restore});

my @turns = (('SIGKILL of the backend') x 6, faults());
my $start = time();
round($turns[ $_ % @turns ]) for 1 .. $rounds;
note(sprintf '%d rounds in %.0f s', $rounds, time() - $start);

# WAL is replayed over the commit; with a checkpoint before it, over that alone.
go(0);
for my $to ($last, 0)
{
	for my $checkpoint (0, 1)
	{
		go($last - $to);
		my $run = session($node);
		ask($run, 'BEGIN; ' . call_of($to));
		query('CHECKPOINT') if $checkpoint;
		ask($run, 'COMMIT');
		quit($run);
		replay();
		check('replayed' . ($checkpoint ? ' from a checkpoint before the commit' : ''), $to);
	}
}

# Tables that the very transaction has made, emptied or rewritten go with rows; the
# commit writes small ones to WAL, and large ones to disk (wal_skip_threshold).
for my $rows (10, 4000)
{
	my $at = $last + 1;

	query(register($at, not_yet('DROP TABLE app.made; TRUNCATE app.made_too')
			  . 'DROP TABLE app.made; TRUNCATE app.made_too; INSERT INTO app.made_too VALUES (0);
			ALTER TABLE app.remade ALTER v TYPE bigint; DROP TABLE app.remade',
		'CREATE TABLE app.made (id int PRIMARY KEY, v text); TRUNCATE app.made_too;
			CREATE TABLE app.remade (id int PRIMARY KEY, v int)'));
	go($last);
	query("CREATE TABLE app.remade AS SELECT n AS id, n AS v FROM generate_series(1, $rows) n;
		ALTER TABLE app.remade ADD PRIMARY KEY (id)");
	query("BEGIN; SET LOCAL migrate.drift = warn;
		CREATE TABLE app.made (id int PRIMARY KEY, v text); CREATE TABLE app.made_too (id int);
		INSERT INTO app.made SELECT n, CASE n WHEN 7 THEN (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 400) i)
			ELSE repeat('v', 80) || n END FROM generate_series(1, $rows) n;
		INSERT INTO app.made_too SELECT generate_series(1, $rows);
		SELECT count(*) FROM migrate_apply($at); COMMIT");
	replay();
	is(query("SELECT string_agg(relation_name || ' ' || judge.kept_count(b), ', ' ORDER BY backup) FROM migrate.backup b WHERE version = $at"),
		"made $rows, made_too $rows, remade $rows", "$rows rows of storage of the same transaction are kept");
	is(query("SELECT problem FROM judge.problem" . ($amcheck ? '; SELECT * FROM judge.amcheck(16384)' : '')), '', 'and all is sound');
	query("SELECT count(*) FROM migrate_rollback($last)");
	replay();
	is(query("SELECT count(*), sum(id), sum(length(v)) FROM app.made; SELECT count(*), sum(id) FROM app.made_too;
			SELECT count(*), sum(v) FROM app.remade"),
		query("SELECT $rows, sum(n), sum(CASE n WHEN 7 THEN 32 * 400 ELSE 80 + length(n::text) END) FROM generate_series(1, $rows) n;
			SELECT $rows, sum(n) FROM generate_series(1, $rows) n; SELECT $rows, sum(n) FROM generate_series(1, $rows) n"),
		'and come back');
	query("DROP TABLE app.made, app.made_too, app.remade; SELECT migrate_unregister($at); SET migrate.drift = warn;
		SELECT count(*) FROM migrate_rollback(0); SELECT count(*) FROM migrate_prune('0')");
	now_at(0);
	forget_pruned();
}
check('all the way down', 0);
is(query('SELECT * FROM judge.amcheck(0)'), '', 'the catalogs are sound, too') if $amcheck;
is(query($locks), 0, 'no lock is left');
log_is_clean($node);
for my $fault (sort keys %seen)
{
	note("$fault: $seen{$fault}{$_} $_") for sort keys %{ $seen{$fault} };
}
my ($inside, $all) = (0, 0);
for my $places (values %seen)
{
	$all += $places->{$_}, $inside += /^inside/ ? $places->{$_} : 0 for keys %$places;
}
cmp_ok($inside, '>=', $all / 4, 'a quarter of the faults or more hit inside a call');
$node->stop;

# A standby has what changed hands, also when it is promoted in the middle of a rollback.
prepare('primary', '', allows_streaming => 1);
my $primary = $node;
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
query("SELECT count(*) FROM migrate_apply()");
check('the primary', $last);
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
ask_server($standby);
is(faults_at($last), '', 'on the standby, every row is where it must be');
ask_server($primary);
my $half = session($primary);
ask($half, 'BEGIN; SELECT count(*) FROM migrate_rollback(0)');
query('CREATE TABLE flush ()');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
$primary->stop('immediate');
wait_for_end($half);
$node = ask_server($standby);
$node->promote;
query('DROP TABLE flush');
check('promoted in the middle of a rollback', $last);
query('SELECT count(*) FROM migrate_rollback(0)');
check('rolled back there', 0);
log_is_clean($_) for $primary, $standby;
$standby->stop;
done_testing();
