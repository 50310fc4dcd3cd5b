#!/usr/bin/perl
# Cut SQL files as psql reads them into statements, and print a call of
# predict_check.observe() for each that can run in one.
#
# usage: statements.pl FILE...
#
# psql commands, COPY data and what belongs to a session or transaction (BEGIN,
# SET ROLE, cursors and the like) are left out; roles are made as they are.

use strict;
use warnings;

# One token: comment, string, name, dollar-quoted text, or a single character.
my $token = qr/--[^\n]*|\/\*(?:(?!\*\/).)*\*\/|(?<![A-Za-z0-9_])[Ee]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'
	|"(?:[^"]|"")*"|\$([A-Za-z_]*)\$(?:(?!\$\g{-1}\$).)*\$\g{-1}\$|[A-Za-z_][A-Za-z0-9_]*|\\[^\n]*|./xs;
my $skipped = qr/^(?:begin|commit|rollback|start|savepoint|release|abort|end|set|reset|discard|prepare|deallocate|listen|unlisten|notify|declare|fetch|move|close|vacuum|create\s+database|drop\s+database|checkpoint)\b/i;

# Cut a text into statements.
sub statements
{
	my ($text) = @_;
	my (@statements, $body);
	my ($depth, $atomic) = (0, 0);
	my $current = '';

	while ($text =~ /\G($token)/g)
	{
		my $piece = $1;

		next if $piece =~ /^--|^\/\*/;
		# a psql command ends what was begun
		if ($piece =~ /^\\/) { $current = ''; ($depth, $atomic) = (0, 0); next; }
		$depth++ if $piece eq '(';
		$depth-- if $piece eq ')';
		$atomic++ if lc $piece eq 'atomic' || ($atomic && lc $piece eq 'case');
		$atomic-- if $atomic && lc $piece eq 'end';
		if ($piece eq ';' && $depth <= 0 && !$atomic)
		{
			push @statements, $current if $current =~ /\S/;
			$current = '';
			next;
		}
		$current .= $piece;
	}
	push @statements, $current if $current =~ /\S/;
	return @statements;
}

for my $file (@ARGV)
{
	open my $in, '<', $file or die "$file: $!";
	my $text = do { local $/; <$in> };
	my ($name) = $file =~ /([^\/]+)$/;

	$text =~ s/^copy\b[^;]*\bfrom\s+stdin[^;]*;.*?^\\\.$//gims;
	for my $statement (statements($text))
	{
		$statement =~ s/^\s+|\s+$//g;
		next if $statement =~ $skipped || $statement =~ /\$predict_check\$/;
		if ($statement =~ /^(?:create|drop|alter)\s+(?:role|user)\b/i) { print "$statement;\n"; next; }
		print "CALL predict_check.observe('$name', \$predict_check\$$statement\$predict_check\$);\n";
	}
}
