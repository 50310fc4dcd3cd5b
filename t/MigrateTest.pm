# What the TAP tests share: a server, the example project, sessions of psql that
# go on in the background, faults that end them, dumps, and what the records of
# the version say.
#
# A test says: use FindBin; use lib $FindBin::RealBin; use MigrateTest;
# $project is the folder of the example project, $applied an expression that
# counts what is applied, $locks a query that counts what a deployment holds.

package MigrateTest;

use strict;
use warnings;

use Exporter 'import';
use FindBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

our @EXPORT = qw($project $applied $locks start_server ask_server install_in query files run_file
  register_sql row_count_function tables_sql records_sql records dump_of same
  session feed told ask says quit wait_for_end faults is_crash worker gone recovered strike usual_time
  where_hit log_is_clean);

our $project = "$FindBin::RealBin/../supabase";
our $applied = q{(SELECT count(*) FROM migrate_status() WHERE state = 'applied')};
our $locks = q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
	OR relation = 'migrate.deployment'::regclass AND mode = 'ExclusiveLock'};

my $server;

# Start a server with more lines of configuration; query() asks the last one started.
sub start_server
{
	my ($name, $conf, %init) = @_;

	$server = PostgreSQL::Test::Cluster->new($name);
	$server->init(%init);
	$server->append_conf('postgresql.conf', "log_statement = none\n" . ($conf // ''));
	$server->start;
	return $server;
}

# Let query() and the faults concern this server from now on; returns it.
sub ask_server
{
	my ($node) = @_;

	return $server = $node;
}

# Create the extension in database postgres, and a schema_version that says 0.
sub install_in
{
	my ($node) = @_;

	$node->safe_psql('postgres', <<'EOT');
CREATE EXTENSION migrate_ext;
CREATE TABLE schema_version (version bigint NOT NULL, applied_at timestamptz, description text);
INSERT INTO schema_version VALUES (0, now(), 'empty');
EOT
	return;
}

# Run SQL in database postgres of the server, and return what it prints.
sub query
{
	my ($sql) = @_;

	return $server->safe_psql('postgres', $sql);
}

# The SQL files in a folder of the example project, in their order.
sub files
{
	my ($folder) = @_;
	my @files = sort glob("$project/$folder/*.sql");

	return @files;
}

# Run a file with psql, as people without the extension do.
sub run_file
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($node, $db, $file) = @_;
	my ($rc, $stdout, $stderr) = $node->psql($db, slurp_file($file));

	is($rc, 0, "psql runs " . ($file =~ s{.*/}{}r) . " in $db") or diag($stderr);
	return;
}

# SQL that registers a range of versions, from formats in which %1$s is the version.
sub register_sql
{
	my ($first, $last, $up, $down) = @_;

	return "SELECT count(migrate_register(v, 'm_' || v, format(\$up\$$up\$up\$, v), format(\$down\$$down\$down\$, v)))"
	  . " FROM generate_series($first, $last) v";
}

# SQL that creates a function row_count(regclass) in a schema.
sub row_count_function
{
	my ($schema) = @_;

	return "CREATE FUNCTION $schema.row_count(t regclass, OUT n bigint) LANGUAGE plpgsql STABLE AS"
	  . q{ 'BEGIN EXECUTE format(''SELECT count(*) FROM %s'', t) INTO n; END';};
}

# SQL expression that counts the tables whose names match a pattern.
sub tables_sql
{
	my ($pattern) = @_;

	return "(SELECT count(*) FROM pg_class WHERE relname ~ '$pattern' AND relkind = 'r')";
}

# SQL for one row: the version by both records, more expressions, breaks in the ledger.
sub records_sql
{
	my (@more) = @_;

	return 'SELECT ' . join(', ', 'migrate_version()', '(SELECT version FROM schema_version)', @more,
		'(SELECT count(*) FROM migrate.ledger_break)');
}

# That row in a database.
sub records
{
	my ($node, $db, @more) = @_;

	return $node->safe_psql($db, records_sql(@more));
}

# What pg_dump prints, without the key that differs in each run.
sub dump_of
{
	my ($node, $db, @options) = @_;
	my ($stdout, $stderr) = run_command([ 'pg_dump', @options, '-d', $node->connstr($db) ]);

	is($stderr, '', "pg_dump @options of $db says nothing") if $stderr ne '';
	$stdout =~ s/^\\(un)?restrict .*\n//mg;
	return $stdout;
}

# Compare two texts, and show the first lines that differ.
sub same
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($got, $expected, $name) = @_;
	my @got = split /\n/, $got;
	my @expected = split /\n/, $expected;
	my $line = 0;

	return pass($name) if $got eq $expected;
	fail($name);
	$line++ while $line < @got && $got[$line] eq ($expected[$line] // '');
	diag("line " . ($line + 1) . "\n     got: " . ($got[$line] // '(end)')
		  . "\nexpected: " . ($expected[$line] // '(end)'));
	return;
}

# Start a psql that runs commands => [...] or is fed; options => [...], patience => factor.
sub session
{
	my ($node, %with) = @_;
	my %run = (in => '', out => '', err => '');

	$run{handle} = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), @{ $with{options} // [] },
			map { ('-c', $_) } @{ $with{commands} // [] } ],
		'<', $with{commands} ? \undef : \$run{in}, '>', \$run{out}, '2>', \$run{err},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default * ($with{patience} // 1)));
	return \%run;
}

# Feed it statements, without waiting for what they do.
sub feed
{
	my ($run, $sql) = @_;

	$run->{out} = $run->{err} = '';
	$run->{in} .= "\\echo fed\n$sql;\n\\echo told\n";
	$run->{handle}->pump until $run->{out} =~ s/\A.*^fed\n//ms;
	return;
}

# Wait until it has run what it was fed, and return what it printed.
sub told
{
	my ($run) = @_;

	$run->{handle}->pump until $run->{out} =~ /^told$/m;
	die $run->{err} if $run->{err} =~ /ERROR/;
	return $run->{out} =~ s/\s*^told\n?//mr;
}

# Let it run statements, and return what it printed.
sub ask
{
	my ($run, $sql) = @_;

	feed($run, $sql);
	return told($run);
}

# Wait until it has printed something, be it an error, that matches.
sub says
{
	my ($run, $pattern) = @_;

	$run->{handle}->pump until "$run->{out}$run->{err}" =~ $pattern;
	return;
}

# Wait until it has ended, however that was.
sub wait_for_end
{
	my ($run) = @_;

	eval { $run->{handle}->finish };
	die $@ if $@ =~ /timeout/;
	return;
}

# End a session that is fed.
sub quit
{
	my ($run) = @_;

	$run->{in} .= "\\q\n";
	wait_for_end($run);
	return;
}

# What can happen to a call: harm does it, back waits until the server answers
# again or, where it never ceased to, until the call has ended.
my %faults = (
	'SIGKILL of the backend' => {
		harm => sub { kill KILL => $_[0]{pid} },
		back => \&recovered },
	'SIGKILL of the checkpointer' => {
		harm => sub { kill KILL => query(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'}) },
		back => \&recovered },
	'immediate shutdown' => {
		harm => sub { $server->stop('immediate') },
		back => sub { $server->start } },
	'SIGKILL of the postmaster' => {
		harm => sub { $server->kill9 },
		back => \&start_after_kill },
	'pg_cancel_backend()' => {
		# After a cancel the session goes on with its next command.
		harm => sub { query("SELECT pg_cancel_backend($_[0]{pid})"); gone($_[0]) },
		back => \&gone,
		told => qr/canceling statement/ },
	'pg_terminate_backend()' => {
		harm => sub { query("SELECT pg_terminate_backend($_[0]{pid})"); gone($_[0]) },
		back => \&gone,
		told => qr/terminating connection/ },
	'SIGKILL of the client' => {
		harm => sub { $_[0]{handle}->signal('KILL') },
		back => \&gone });

# The names of the faults.
sub faults
{
	return sort keys %faults;
}

# Tell whether the server recovers from a fault by replaying WAL.
sub is_crash
{
	my ($fault) = @_;

	return $fault =~ /backend$|checkpointer|shutdown|postmaster/;
}

# Start a psql that tells its backend's pid, does its work, and stays.
sub worker
{
	my (@work) = @_;
	my $run = session($server, commands => [ "SELECT 'pid=' || pg_backend_pid()", @work, 'SELECT pg_sleep(600)' ]);

	says($run, qr/pid=\d+\n/);
	($run->{pid}) = $run->{out} =~ /pid=(\d+)/;
	return $run;
}

# Wait until a worker's backend has ended, or sleeps after its work; then end it.
sub gone
{
	my ($run) = @_;

	$server->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity"
		  . " WHERE pid = $run->{pid} AND query NOT LIKE '%pg_sleep%')");
	query("SELECT pg_terminate_backend($run->{pid})");
	return;
}

# Wait until the server is back from the crash that ended a worker, after this
# position of its log.
sub recovered
{
	my ($run, $position) = @_;

	$server->wait_for_log(qr/database system is ready to accept connections/, $position);
	$server->poll_query_until('postgres', 'SELECT true') or die 'server does not answer';
	return;
}

# Start the server whose postmaster was killed.
sub start_after_kill
{
	# Its children end when they notice; until then no new one starts.
	for (1 .. 100)
	{
		return if $server->start(fail_ok => 1);
		sleep(0.1);
		$server->stop('fast', fail_ok => 1);
	}
	die 'server does not start';
}

# Begin some work, of calls that print done=, wait some seconds, do harm, and wait
# until all is over; returns the worker, with how often done= was left unheard.
sub strike
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($fault, $delay, @work) = @_;
	my $position = -s $server->logfile;
	my $run = worker(@work);

	sleep($delay);
	$faults{$fault}{harm}->($run);
	wait_for_end($run);
	$faults{$fault}{back}->($run, $position);
	$run->{unheard} = (grep { /done=/ } @work) - (() = $run->{out} =~ /done=/g);
	like($run->{err}, $faults{$fault}{told}, "$fault reached the session")
	  if $faults{$fault}{told} && $run->{unheard};
	return $run;
}

# Seconds it took to get from one version to another, when last done.
sub usual_time
{
	my ($from, $to) = @_;
	my ($event, $low, $high) = $to > $from ? ('applied', $from, $to) : ('rolled back', $to, $from);

	return query(qq{
		SELECT sum(extract(epoch FROM duration) + 0.001) FROM (
			SELECT DISTINCT ON (version) duration FROM migrate.ledger
			WHERE event = '$event' AND version > $low AND version <= $high
			ORDER BY version, entry DESC) l});
}

# Say where a fault hit: the client saw the end, or some steps, or none.
sub where_hit
{
	my ($run, $committed) = @_;

	return !$run->{unheard} ? 'after the reply'
	  : $committed ? 'after the commit, before the reply'
	  : $run->{err} =~ /NOTICE/ ? 'inside, after some steps'
	  : 'inside, before the first step was done';
}

# Check the log of a server for what no fault excuses.
sub log_is_clean
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($node) = @_;

	unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|signal 11|cache lookup failed/,
		'the log of ' . $node->name . ' has no panic, assertion or missing cache entry');
	return;
}

1;
