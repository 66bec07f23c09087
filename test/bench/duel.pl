#!/usr/bin/perl
# duel.pl: two statements against each other, A B, B A, A B ... each in a
# session of its own that stays connected.  Prints a line "A B" per pair: times
# in ms as psql's \timing sees them, or the server's planning time.
#
#	duel.pl --pairs N [--warm N] [--planning] [--differ] SIDE SIDE
#
# A SIDE is: --side "PSQL OPTIONS" [--setup SQL] [--before SQL] --sql SQL
# setup runs once; before runs ahead of each sql and is not timed.  Both sides
# must answer the same, unless --differ is given.  Fails if a statement fails.
use strict;
use warnings;
use IPC::Open2;
use Text::ParseWords;

my ($pairs, $warm, $planning, $differ) = (0, 1, 0, 0);
my @sides;

while (@ARGV)
{
	my $option = shift @ARGV;
	if ($option eq '--planning') { $planning = 1; next; }
	if ($option eq '--differ') { $differ = 1; next; }
	my $value = shift @ARGV;
	die "duel.pl: $option needs a value\n" unless defined $value;
	if ($option eq '--pairs') { $pairs = $value; }
	elsif ($option eq '--warm') { $warm = $value; }
	elsif ($option eq '--side') { push @sides, { options => $value, setup => '', before => '' }; }
	elsif ($option =~ /^--(setup|before|sql)$/ && @sides) { $sides[-1]{$1} = $value; }
	else { die "duel.pl: unknown option $option\n"; }
}
die "duel.pl: two sides with a statement each, and --pairs\n"
  unless @sides == 2 && $pairs > 0 && !grep { !defined $_->{sql} } @sides;

# Sends commands to a side and returns what it said.
sub ask
{
	my ($side, $commands) = @_;
	my @said;
	my ($to, $from) = @$side{qw(to from)};

	print $to "$commands\n\\echo ==done==\n";
	while (my $line = <$from>)
	{
		chomp $line;
		return @said if $line eq '==done==';
		die "duel.pl: $line\nduel.pl: in: $commands\n" if $line =~ /^(ERROR|FATAL|PANIC|psql: error)/;
		push @said, $line;
	}
	die "duel.pl: the session ended in: $commands\n";
}

# One run: (milliseconds, answer).
sub run
{
	my ($side) = @_;
	my $time;
	my @answer;

	ask($side, "$side->{before};") if $side->{before};
	foreach my $line (ask($side, "\\timing on\n$side->{sql};\n\\timing off"))
	{
		if ($planning) { $time = $1 if $line =~ /^\s*Planning Time: ([0-9.]+) ms/; }
		elsif ($line =~ /^Time: ([0-9.]+) ms/) { $time = ($time // 0) + $1; }
		else { push @answer, $line; }
	}
	die "duel.pl: no time in the answer to: $side->{sql}\n" unless defined $time;
	return ($time, join("\n", @answer));
}

foreach my $side (@sides)
{
	my @psql = ('psql', qw(-X -q -A -t), shellwords($side->{options}));
	my ($from, $to);

	$side->{pid} = open2($from, $to, 'sh', '-c', 'exec "$@" 2>&1', 'sh', @psql);
	$to->autoflush(1);
	@$side{qw(from to)} = ($from, $to);
	ask($side, "$side->{setup};") if $side->{setup};
}
for (1 .. $warm)
{
	my @answers = map { (run($_))[1] } @sides;
	die "duel.pl: the answers differ: \"$answers[0]\" and \"$answers[1]\"\nduel.pl: to: $sides[0]{sql}\n"
	  if $answers[0] ne $answers[1] && !$differ;
}
for my $pair (1 .. $pairs)
{
	my @order = $pair % 2 ? (0, 1) : (1, 0);
	my @times;

	($times[$_]) = run($sides[$_]) for @order;
	print join(' ', @times), "\n";
}
foreach my $side (@sides)
{
	close $side->{to};
	close $side->{from};
	waitpid $side->{pid}, 0;
}
