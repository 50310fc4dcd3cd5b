# Many clients at once.
#
# Proven here:
# - 32 clients that apply one version at a time until none is left: each of 100
#   versions is applied exactly once, in order; who loses gets 55P03, at once;
# - the same with 32 clients that each apply all in one call;
# - who loses to a deployment in the middle of a script is told its process,
#   version and age, and pg_stat_activity shows its migration, statement and line;
# - neither advisory locks, held or given back, nor what a reader may lock keep a
#   deployment out or let a second one in;
# - clients that apply and roll back at random leave, in every snapshot anyone
#   takes, tables, registry, ledger and schema_version that agree;
# - so do deployments beside sessions that GRANT, CREATE OR REPLACE and ALTER the
#   same objects: an error or success, never half a migration.
#
# MIGRATE_STORM_SECONDS: how long each of the last two lasts, 8 unless told.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $clients = 32;
my $versions = 100;
my $seconds = $ENV{MIGRATE_STORM_SECONDS} || 8;
# Down scripts here bring back less than there was, for others change the same objects.
my $node = start_server('clients', "deadlock_timeout = 50ms\nmax_connections = 80\nmigrate.rollback_verify = warn\n");

# Run pgbench with scripts; every one of its clients must come to its end.
sub bench
{
	my ($name, $options, %scripts) = @_;
	# Their names are those of files, each to be used once.
	my %files = map { ($name =~ tr/ /_/r) . "_$_" => $scripts{$_} } keys %scripts;

	$node->pgbench("-n -j 2 $options", 0, [qr/processed/], [qr/^(?!.*(?:aborted|ERROR|FATAL))/s], $name, \%files);
	return;
}

# Start a psql in the background, and wait until a query is true.
sub client
{
	my ($sql, $condition) = @_;
	my $run = session($node, options => [ '-v', 'VERBOSITY=verbose' ], commands => [$sql]);

	$node->poll_query_until('postgres', $condition) or die "no $condition" if $condition;
	return $run;
}

install_in($node);
query(<<'EOT');
CREATE TABLE done (version bigint);
CREATE TABLE outcome (kind text, ms numeric, detail text);
CREATE TABLE wrong (what text);

-- Try once to go to a version, and record how that ended.
CREATE PROCEDURE attempt(target bigint, up boolean) LANGUAGE plpgsql AS $$
DECLARE
	began timestamptz := clock_timestamp();
	kind text; detail text; steps int;
BEGIN
	IF up THEN
		SELECT count(*) INTO steps FROM migrate_apply(target);
	ELSE
		SELECT count(*) INTO steps FROM migrate_rollback(target);
	END IF;
	INSERT INTO outcome VALUES (CASE WHEN steps > 0 THEN 'done' ELSE 'nothing to do' END,
		1000 * extract(epoch FROM clock_timestamp() - began));
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS kind = RETURNED_SQLSTATE, detail = MESSAGE_TEXT;
	INSERT INTO outcome VALUES (kind, 1000 * extract(epoch FROM clock_timestamp() - began), detail);
END
$$;

-- Apply one version after the other until none is pending.
CREATE PROCEDURE deploy_all() LANGUAGE plpgsql AS $$
DECLARE
	next bigint;
BEGIN
	LOOP
		SELECT min(version) INTO next FROM migrate_plan();
		EXIT WHEN next IS NULL;
		CALL attempt(next, true);
		COMMIT;
		PERFORM pg_sleep(random() * 0.005);
	END LOOP;
END
$$;

EOT

# What does not agree in one snapshot.
query("CREATE VIEW disagreement AS SELECT concat_ws(' ', v, s, r, d, t, k, b) AS what FROM ("
	  . records_sql('(SELECT count(*) FROM migrate.migration WHERE entry IS NOT NULL)', '(SELECT count(*) FROM done)',
		'(SELECT count(DISTINCT version) FROM done)', tables_sql('^t_[0-9]+$'))
	  . ') AS x(v, s, r, d, t, k, b) WHERE NOT (v = s AND v = r AND v = d AND v = t AND v = k AND b = 0)');

# Register versions that leave a table and a row; the row would show a second run.
sub register
{
	my ($last, $more, $undo) = @_;

	query(register_sql(1, $last, 'CREATE TABLE t_%1$s (); INSERT INTO done VALUES (%1$s); ' . ($more // ''),
		'DROP TABLE t_%1$s; DELETE FROM done WHERE version = %1$s; ' . ($undo // '')));
	return;
}

# Say how the attempts of one part ended, and start the next with none.
sub outcomes
{
	my ($name) = @_;

	note("$name: $_") for split /\n/, query(q{
		SELECT format('%s %s, median %s ms, 99 %% within %s ms', count(*), kind,
			round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 1),
			round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 1))
		FROM outcome GROUP BY kind ORDER BY kind});
	my %kinds = map { split /\|/ } split /\n/, query('SELECT kind, count(*) FROM outcome GROUP BY kind');
	query('TRUNCATE outcome');
	return %kinds;
}

# One version at a time.
register($versions);
bench('32 clients apply one version at a time', "-c $clients -t 1", deploy_all => 'CALL deploy_all();');
is(query(q{SELECT count(*), count(DISTINCT version), min(version), max(version),
		count(*) FILTER (WHERE entry <> version OR event <> 'applied') FROM migrate.ledger}),
	"$versions|$versions|1|$versions|0", 'each version was applied once, in order');
is(query('SELECT * FROM disagreement'), '', 'and all records agree');
is(query(q{SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) < 50 FROM outcome WHERE kind = '55P03'}), 't',
	'who lost was answered at once');
my %kinds = outcomes('one at a time');
is($kinds{done}, $versions, "there were as many winners as versions");
cmp_ok($kinds{'55P03'} // 0, '>', 0, 'there were losers');
delete @kinds{ 'done', '55P03', 'nothing to do' };
is(join(' ', %kinds), '', 'and nothing else happened');

# All in one call, at the top level.
query('SELECT count(*) FROM migrate_rollback(0)');
my @sessions = map { client('SELECT count(*) FROM migrate_apply()') } 1 .. $clients;
wait_for_end($_) for @sessions;
is(scalar(grep { $_->{out} eq "$versions\n" } @sessions), 1, 'of 32 clients that apply all, one does');
is(scalar(grep { $_->{out} eq "0\n" || $_->{err} =~ /ERROR:  55P03: another deployment is under way/ } @sessions),
	$clients - 1, 'the others do nothing or get 55P03');
is(query(q{SELECT count(*), count(DISTINCT version), count(*) FILTER (WHERE entry <> version + 2 * 100)
		FROM migrate.ledger WHERE entry > 2 * 100}), "$versions|$versions|0", 'each version was applied once, in order');
is(query('SELECT * FROM disagreement'), '', 'and all records agree');

# A deployment in the middle of a script that gives all advisory locks back.
query(q{SELECT migrate_register(101, 'slow', E'SELECT 1;\nSELECT pg_advisory_unlock_all();\nSELECT pg_sleep(600);')});
my $slow = client('SELECT * FROM migrate_apply()', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
my $pid = query(q{SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
is(query("SELECT query FROM pg_stat_activity WHERE pid = $pid"), 'migration 101 (slow), up, statement 3 of 3, line 3',
	'pg_stat_activity shows migration, statement and line');
is(query('SELECT pid, version, role IS NOT NULL, started_at < now() FROM migrate.deployment'), "$pid|101|t|t",
	'migrate.deployment shows who deploys');
for my $call ('migrate_apply()', 'migrate_rollback()', q{migrate_register(101, 'slow', 'SELECT 2')},
	'migrate_unregister(101)', 'migrate_baseline(101)', q{migrate_repair(100, 'because')})
{
	my $began = time();
	my $loser = client("SELECT * FROM $call");

	wait_for_end($loser);
	like($loser->{err},
		qr/ERROR:  55P03: another deployment is under way\nDETAIL:  Process $pid is at version 101; its transaction is \d\d:\d\d:\d\d old\.\nHINT:/,
		"$call is told who is at what since when");
	cmp_ok(time() - $began, '<', 5, 'and does not wait');
}
my ($rc, $stdout, $stderr) = $node->psql('postgres', q{
	SELECT migrate_register(102, 'new', 'SELECT 1');
	SELECT migrate_register(101, 'slow', body) FROM migrate.script WHERE version = 101});
is($stdout, "registered\nunchanged", 'a new version, or one with the same text, can be registered meanwhile')
  or diag($stderr);
query("SELECT pg_cancel_backend($pid)");
wait_for_end($slow);
like($slow->{err}, qr/57014.*DETAIL:  migration 101 \(slow\), up, statement 3 of 3, line 3/s, 'cancelled, it says where it was');

# What others can hold does not keep a deployment out.
query(q{SELECT migrate_unregister(102); SELECT migrate_register(101, 'quick', 'SELECT 1', 'SELECT 1'); CREATE ROLE reader; SELECT migrate_grant('reader', 'reader')});
my $hog = client(q{SET ROLE reader; BEGIN; LOCK TABLE migrate.deployment, migrate.ledger, migrate.migration IN ACCESS SHARE MODE;
	SELECT count(pg_advisory_lock(k)), count(pg_advisory_lock(k, 0)), count(pg_advisory_lock(0, k)),
		count(pg_advisory_lock(19783, k)), count(pg_advisory_lock(k, 19783)) FROM generate_series(0, 200) k;
	SELECT pg_sleep(600)}, q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
is(query('SELECT version FROM migrate_apply()'), 101, 'advisory locks and a reader keep no deployment out');
is(query('SELECT version FROM migrate_rollback()'), 101, 'nor a rollback');
query(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
wait_for_end($hog);
for my $lock ('LOCK TABLE migrate.deployment IN ROW SHARE MODE', 'LOCK TABLE migrate.ledger IN EXCLUSIVE MODE',
	'SELECT * FROM migrate.deployment FOR UPDATE', 'SELECT * FROM migrate.migration FOR SHARE')
{
	($rc, $stdout, $stderr) = $node->psql('postgres', "SET ROLE reader; BEGIN; $lock");
	like($stderr, qr/permission denied/, "a reader cannot $lock");
}
query('SELECT migrate_unregister(101)');

# Up and down at random, and readers that look at every moment.
my %storm = (
	'up@2' => "\\set v random(1, $versions)\nCALL attempt(:v, true);\n",
	'down@2' => "\\set v random(0, $versions)\nCALL attempt(:v, false);\n",
	'reader@1' => "INSERT INTO wrong SELECT what FROM disagreement;\n\\sleep 2 ms\n");
bench('clients apply and roll back and read at random', "-c 12 -T $seconds", %storm);
is(query('SELECT * FROM disagreement UNION ALL SELECT what FROM wrong LIMIT 5'), '', 'all records agreed at every moment');
%kinds = outcomes('storm');
cmp_ok($kinds{done} // 0, '>', 0, 'some calls did something');
delete @kinds{ 'done', '55P03', '55000', 'nothing to do' };    # 55000: the version to go down to is not applied
is(join(' ', %kinds), '', 'and nothing unexpected happened');

# Beside sessions that change the same objects without us.
query('SELECT count(*) FROM migrate_rollback(0)');
query(q{CREATE TABLE shared (id int); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 0'; CREATE ROLE app});
register(40, q{ALTER TABLE shared ADD COLUMN c_%1$s int; CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT %1$s';
	GRANT SELECT ON shared TO app; COMMENT ON TABLE shared IS '%1$s'},
	'ALTER TABLE shared DROP COLUMN c_%1$s; REVOKE SELECT ON shared FROM app');
$storm{'up@2'} =~ s/random\(1, $versions\)/random(1, 40)/;
$storm{'down@2'} =~ s/random\(0, $versions\)/random(0, 40)/;
$storm{'reader@1'} = "INSERT INTO wrong SELECT what FROM disagreement UNION ALL SELECT 'columns of shared' FROM pg_attribute"
  . " WHERE attrelid = 'shared'::regclass AND attname ~ '^c_' HAVING count(*) <> migrate_version();\n\\sleep 2 ms\n";
$storm{'grant@3'} = qq{DO \$\$ BEGIN
	GRANT INSERT ON shared TO app; REVOKE INSERT ON shared FROM app;
	CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT -1';
	ALTER TABLE shared ADD COLUMN other int; ALTER TABLE shared DROP COLUMN other;
EXCEPTION WHEN OTHERS THEN NULL; END \$\$;\n\\sleep 5 ms\n};
bench('clients deploy beside other DDL', "-c 12 -T $seconds", %storm);
is(query('SELECT * FROM disagreement UNION ALL SELECT what FROM wrong LIMIT 5'), '', 'all records agreed at every moment');
%kinds = outcomes('beside DDL');
cmp_ok($kinds{done} // 0, '>', 0, 'some calls did something');
# Deadlock, and what the server says when two sessions change one catalog row.
delete @kinds{ 'done', '55P03', '55000', 'nothing to do', '40P01', 'XX000', '23505' };
is(join(' ', %kinds), '', 'and nothing unexpected happened');
query($_) for 'SELECT count(*) FROM migrate_rollback(0)', 'SELECT count(*) FROM migrate_apply(40)';
is(query('SELECT * FROM disagreement'), '', 'in the end everything applies');

log_is_clean($node);
$node->stop;
done_testing();
