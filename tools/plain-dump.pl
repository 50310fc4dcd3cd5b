#!/usr/bin/perl
# Copy a dump without what means nothing: the lines that differ in each run, the order
# of grants and of options.
#
# A grant by another role, three lines long, is one.

use strict;
use warnings;

my @grants;

# Print the grants that came one after the other, in the order of their text.
sub flush_grants
{
	print sort @grants;
	@grants = ();
	return;
}

# Sort what is between the parentheses of WITH.
sub options_sorted
{
	my ($list) = @_;

	return join ', ', sort split /, (?=[\w.]+=)/, $list;
}

while (my $line = <>)
{
	next if $line =~ /^\\(un)?restrict /;
	if ($line =~ /^SET SESSION AUTHORIZATION/)
	{
		$line .= <> // '' until $line =~ /^RESET SESSION AUTHORIZATION;$/m || eof;
	}
	if ($line =~ /^(GRANT|REVOKE|SET SESSION AUTHORIZATION|ALTER DEFAULT PRIVILEGES) /)
	{
		push @grants, $line;
		next;
	}
	flush_grants();
	$line =~ s/(?<=WITH \()([\w.]+='?[^()]*)(?=\))/options_sorted($1)/e;
	print $line;
}
flush_grants();
