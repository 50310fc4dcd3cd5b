#!/usr/bin/perl
# Make scripts of single migrations from what a server has logged.
#
# usage: regression-steps.pl LOG FOLDER
#
# LOG is a log in JSON of sessions named regress/FILE.  For each FILE, FOLDER/FILE.sql
# is written: statements that succeeded, those that change the schema as a call of
# checks.step().  What only reads is left out, and what takes data from the client.

use strict;
use warnings;

use JSON::PP;

my ($log, $folder) = @ARGV;
my $changes = qr/^(CREATE|ALTER|DROP|GRANT|REVOKE|COMMENT|SECURITY|REASSIGN|IMPORT|TRUNCATE|REFRESH)\b/i;
my $session = qr/^(BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|PREPARE|SET|RESET|INSERT|UPDATE|DELETE|MERGE|DO|CALL|LOCK|DISCARD|LOAD|EXECUTE|DEALLOCATE|VACUUM|ANALYZE|CLUSTER|REINDEX)\b/i;
my $alone = qr/\bCONCURRENTLY\b|^\w+\s+(DATABASE|TABLESPACE|SYSTEM|SUBSCRIPTION)\b/i;
my (%out, %last, %pid);

# The statement without comments before it.
sub bare
{
	my ($text) = @_;

	1 while $text =~ s{\A(\s+|--[^\n]*(\n|\z)|/\*.*?\*/)}{}s;
	return $text;
}

# A string constant that holds a text.
sub quoted
{
	my ($text) = @_;

	return "\$step\$$text\$step\$";
}

# Add a statement that has succeeded to the script of its file.
sub add
{
	my ($file, $record) = @_;
	my $text = $record->{statement} =~ s/;?\s*\z//r;
	my $start = bare($text);

	return if $start !~ $changes && $start !~ $session;
	my $sql = '';
	if (($pid{$file} // 0) != $record->{pid})
	{
		$sql .= "\\c - \"$record->{user}\"\n";
		$pid{$file} = $record->{pid};
	}
	if ($start =~ $changes && $start !~ $alone)
	{
		$sql .= 'SELECT checks.step(' . quoted($text) . ", :every);\n\\if :ERROR\n$text;\n\\endif\n";
	}
	else
	{
		$sql .= "$text;\n";
	}
	push @{ $out{$file} }, $sql;
	return;
}

# A statement is added when the next one of its file shows that it has not failed.
open my $in, '<', $log or die "cannot read $log: $!";
while (my $line = <$in>)
{
	my $record = eval { decode_json($line) } or next;
	my ($file) = ($record->{application_name} // '') =~ m{^regress/(\w.*)} or next;

	if ($record->{error_severity} eq 'LOG' && $record->{message} =~ /^statement: (.*)/s)
	{
		my $statement = $1;

		add($file, $last{$file}) if $last{$file};
		$last{$file} = { %$record, statement => $statement };
	}
	elsif ($record->{error_severity} =~ /^(ERROR|FATAL|PANIC)$/)
	{
		# a COMMIT that fails ends the transaction all the same
		delete $last{$file} if $last{$file} && bare($last{$file}{statement}) !~ /^(COMMIT|END)\b/i;
	}
}
add($_, $last{$_}) for sort keys %last;
for my $file (keys %out)
{
	open my $to, '>', "$folder/$file.sql" or die "cannot write $folder/$file.sql: $!";
	binmode $to, ':utf8';
	print $to @{ $out{$file} };
	close $to or die "cannot write $folder/$file.sql: $!";
}
