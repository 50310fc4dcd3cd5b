# Random migrations that destroy something, with down scripts that only bring the
# schema back: apply and rollback must bring the rows back, too.
#
# MIGRATE_RANDOM_SEED sets what is random, MIGRATE_RANDOM_ROUNDS how many rounds
# there are.  A round that fails prints its SQL, which is all it needs.
#
# Proven here:
# - after apply and rollback, every table has the columns and rows it had;
# - rows that were written in between are there, next to those;
# - there is no crash, failed assertion, or leaked reference in the log.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MigrateTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{MIGRATE_RANDOM_SEED} // int(rand(1 << 30));
my $rounds = $ENV{MIGRATE_RANDOM_ROUNDS} // 2000;
my $batch = 100;

srand($seed);
diag("MIGRATE_RANDOM_SEED=$seed MIGRATE_RANDOM_ROUNDS=$rounds");

my %types = (
	int => 'i',
	text => q{repeat('t' || i, 1 + i % 5)},
	'numeric(8,2)' => 'i * 1.25',
	boolean => 'i % 3 = 0',
	date => q{date '2000-01-01' + i},
	'int[]' => 'ARRAY[i, NULL, i + 1]',
	jsonb => q{jsonb_build_object('k', i)},
	mood => q{(ARRAY['sad', 'ok', 'glad'])[1 + i % 3]::mood},
	'varchar(30)' => q{'v' || i});
my @names = ('a', 'B c', 'select', 'd"e', 'f');

# One of several.
sub any
{
	return $_[ int(rand(@_)) ];
}

# A quoted identifier.
sub ident
{
	my ($name) = @_;

	return '"' . ($name =~ s/"/""/gr) . '"';
}

# A random table: its columns, key, and the SQL that makes and fills it.
sub random_table
{
	my ($name) = @_;
	my %table = (name => $name, columns => []);
	my $key = any('primary', 'primary', 'unique', 'none');

	foreach my $column (@names[ 0 .. 1 + int(rand(@names - 1)) ])
	{
		push @{ $table{columns} }, { name => ident($column), type => any(sort keys %types) };
	}
	$table{key} = $key;
	$table{parts} = $key ne 'unique' && rand() < 0.2;
	my $id = 'id int' . ($key eq 'primary' ? ' PRIMARY KEY' : $key eq 'unique' ? ' NOT NULL UNIQUE' : '');
	my $list = join(', ', $id, map { "$_->{name} $_->{type}" } @{ $table{columns} });
	$table{create} = "CREATE TABLE $name ($list)" . ($table{parts} ? ' PARTITION BY RANGE (id)' : '');
	$table{create} .= "; CREATE TABLE ${name}_low PARTITION OF $name FOR VALUES FROM (0) TO (8);"
	  . " CREATE TABLE ${name}_high PARTITION OF $name FOR VALUES FROM (8) TO (100000)"
	  if $table{parts};
	return \%table;
}

# SQL that adds rows to a table.
sub fill
{
	my ($table, $from, $to) = @_;
	my $list = join(', ', 'i', map { "CASE WHEN (i + $_) % 7 = 0 THEN NULL ELSE $types{$table->{columns}[$_]{type}} END" }
		  0 .. $#{ $table->{columns} });

	return "INSERT INTO $table->{name} SELECT $list FROM generate_series($from, $to) i";
}

# A condition on rows.
sub condition
{
	return any('true', 'id < 6', 'id % 3 = 1', 'id BETWEEN 4 AND 9', 'id = 2');
}

# One destructive statement, and what brings the schema back.
sub destroy
{
	my ($table) = @_;
	my $name = $table->{name};
	my $column = any(@{ $table->{columns} });
	my $where = condition();
	my %ways = (
		update => [ "UPDATE $name SET $column->{name} = NULL WHERE $where", '' ],
		change => [ "UPDATE $name SET $column->{name} = (" . ($types{ $column->{type} } =~ s/\bi\b/(id + 50)/gr) . ") WHERE $where", '' ],
		delete => [ "DELETE FROM $name WHERE $where", '' ],
		truncate => [ "TRUNCATE $name", '' ],
		key => [ "UPDATE $name SET id = id + 1000 WHERE $where", '' ],
		merge => [ "MERGE INTO $name t USING (SELECT generate_series(3, 9) AS k) s ON t.id = s.k WHEN MATCHED AND k < 6 THEN DELETE WHEN MATCHED THEN UPDATE SET $column->{name} = NULL", '' ],
		upsert => [ "INSERT INTO $name (id) SELECT id FROM $name WHERE id BETWEEN 2 AND 5 ON CONFLICT (id) DO UPDATE SET $column->{name} = NULL", '' ],
		cursor => [ "DO \$x\$ BEGIN UPDATE $name SET $column->{name} = NULL WHERE $where; BEGIN DELETE FROM $name; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END; END \$x\$", '' ],
	);
	delete $ways{upsert} if $table->{key} eq 'none';
	return @{ $ways{ any(sort keys %ways) } };
}

# The statement that ends a migration of a table: its schema may change here.
sub last_blow
{
	my ($table) = @_;
	my $name = $table->{name};
	my $last = $table->{columns}[-1];

	# rows without a key are not found again after two casts
	return [ "ALTER TABLE $name ALTER $last->{name} TYPE text USING left($last->{name}::text, 1)",
		"ALTER TABLE $name ALTER $last->{name} TYPE $last->{type} USING NULL" ]
	  if $table->{key} ne 'none' && rand() < 0.2;
	return any([ '', '' ], [ '', '' ],
		[ "DROP TABLE $name", $table->{create} ],
		[ "ALTER TABLE $name DROP COLUMN $last->{name}", "ALTER TABLE $name ADD COLUMN $last->{name} $last->{type}" ],
		[ "ALTER TABLE $name RENAME TO ${name}_new", "ALTER TABLE ${name}_new RENAME TO $name" ]);
}

# SQL of one round.
sub round
{
	my ($n) = @_;
	my @tables = map { random_table("t$_") } 1 .. 1 + int(rand(2));
	my (@up, @down);
	my $write = rand() < 0.5;

	foreach my $table (@tables)
	{
		push @up, (destroy($table))[0] for 1 .. int(rand(3));
		my ($blow, $back) = @{ last_blow($table) };
		push @up, $blow if $blow ne '';
		unshift @down, $back if $back ne '';
		$table->{writable} = $blow !~ /^DROP TABLE|RENAME/;
	}
	@up = ('SELECT 1') if !@up;
	@down = ('SELECT 1') if !@down;
	my ($up, $down) = (join(";\n", @up), join(";\n", @down));
	my $sql = "-- round $n\nDROP SCHEMA IF EXISTS r CASCADE; CREATE SCHEMA r; CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad');\n";

	$sql .= "$_->{create};\n" . fill($_, 1, 12) . ";\n" foreach @tables;
	$sql .= "SELECT content() AS before \\gset\n";
	$sql .= "SELECT migrate_register($n, 'r$n', \$up\$$up\$up\$, \$down\$$down\$down\$) \\g /dev/null\n";
	$sql .= "SELECT FROM migrate_apply() \\g /dev/null\n";
	if ($write)
	{
		foreach my $table (grep { $_->{writable} } @tables)
		{
			$sql .= "INSERT INTO $table->{name} (id) SELECT generate_series(20000, 20003);\n";
		}
	}
	$sql .= "SELECT FROM migrate_rollback() \\g /dev/null\n";
	if ($write)
	{
		foreach my $table (grep { $_->{writable} } @tables)
		{
			$sql .= "WITH d AS (DELETE FROM $table->{name} WHERE id BETWEEN 20000 AND 20003 RETURNING 1) SELECT 'round $n lost rows written since' FROM d HAVING count(*) <> 4;\n";
		}
	}
	$sql .= "SELECT 'round $n: ' || content() || ', was ' || :'before' WHERE content() <> :'before';\n";
	$sql .= "SELECT migrate_unregister($n) \\g /dev/null\n";
	return $sql;
}

my $node = start_server('random', "fsync = off\nlog_min_messages = warning\nautovacuum = off\n");
install_in($node);
query(<<'EOT');
CREATE FUNCTION public.content() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	tab text;
	one text;
	every text := '';
BEGIN
	FOR tab IN SELECT quote_ident(relname) FROM pg_class
		WHERE relnamespace = 'r'::regnamespace AND relkind = 'r' ORDER BY relname COLLATE "C"
	LOOP
		EXECUTE format('SELECT count(*) || '':'' || md5(coalesce(string_agg(to_jsonb(t)::text, '','' ORDER BY to_jsonb(t)::text COLLATE "C"), '''')) FROM r.%s t', tab)
			INTO one;
		every := every || tab || '=' || one || ' ';
	END LOOP;
	RETURN every || (SELECT coalesce(string_agg(attrelid::regclass || '.' || attname || ' ' || format_type(atttypid, atttypmod), ' ' ORDER BY attrelid::regclass::text, attname), '')
		FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
		WHERE relnamespace = 'r'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped);
END
$$;
EOT

my $failed = 0;
for (my $from = 1; $from <= $rounds && $failed < 5; $from += $batch)
{
	my $to = $from + $batch - 1 < $rounds ? $from + $batch - 1 : $rounds;
	my %sql = map { $_ => round($_) } $from .. $to;
	my ($rc, $out, $err) = $node->psql('postgres', "SET client_min_messages = error;\nSET migrate.snapshots = off;\nSET migrate.drift = 'accept';\n"
		  . "SET synchronous_commit = off;\nSET search_path = r, public;\n"
		  . join('', map { "\\warn round $_\n$sql{$_}" } $from .. $to)
		  . "SET client_min_messages = warning;\nSELECT FROM migrate_prune('0') \\g /dev/null\n",
		on_error_stop => 0);
	my $round = 0;

	foreach my $line (split(/\n/, $err))
	{
		$round = $1 if $line =~ /^round (\d+)/;
		next unless $line =~ /ERROR|server closed/;
		$failed++;
		diag("seed $seed, round $round: $line\n" . ($sql{$round} // '')) if $failed < 5;
	}
	foreach my $line (grep { /^round (\d+)/ } split(/\n/, $out))
	{
		$failed++;
		$line =~ /^round (\d+)/;
		diag("seed $seed: $line\n$sql{$1}") if $failed < 5;
	}
}
is($failed, 0, "$rounds random migrations come and go (seed $seed)");
log_is_clean($node);
unlike(slurp_file($node->logfile), qr/leak|not closed/, 'no reference leaks');
$node->stop('fast');

done_testing();
