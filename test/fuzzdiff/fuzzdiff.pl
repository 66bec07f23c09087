#!/usr/bin/perl
# fuzzdiff.pl: compares the extension with a plain-SQL model of its policy, on
# random tables, labels, clearances and statements.
#
#	--seed N			of the first round (default: the time); round n has seed N + n
#	--statements N		compared statements (default 3000)
#	--minutes N			or as many as fit
#	--round N			statements of one round (default 150)
#	--replay			print every statement of the rounds as they run
#	--keep-going		after a difference, the next round
#
# Connects as a superuser by PGHOST (the directory of a socket), PGPORT, PGUSER
# and PGDATABASE, in whose database the extension is; trust authentication,
# tiers off.  Schemas fzreal and fzmodel and roles fz_* are made anew.
# Prints seed and statement of each difference; the exit status is 1 then.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin, "$FindBin::RealBin/../t";
use Getopt::Long;
use Time::HiRes 'time';
use FuzzRun;

$| = 1;
my %option = (statements => 3000, round => 150);
GetOptions(\%option, 'seed=i', 'statements=i', 'minutes=f', 'round=i', 'replay', 'keep-going') or die "see the head of $0\n";
$option{seed} //= int(time) % 1_000_000_000;
my %connect = (host => $ENV{PGHOST}, port => $ENV{PGPORT}, user => $ENV{PGUSER} // 'postgres', database => $ENV{PGDATABASE} // 'postgres');

my $setup = WireClient->new(%connect);
FuzzWorld::prepare($setup);
$setup->finish;

my ($done, $rounds, $bad, $start, %seen) = (0, 0, 0, time);
print "# seed $option{seed}\n";
while (defined $option{minutes} ? time - $start < 60 * $option{minutes} : $done < $option{statements})
{
	my $run = FuzzRun->new(seed => $option{seed} + $rounds, connect => \%connect, verbose => $option{replay});
	my $ok = $run->round($option{round});
	$done += $run->{compared};
	$rounds++;
	$seen{$_} += $run->{seen}{$_} for keys %{ $run->{seen} // {} };
	printf "# %d statements, %d differences so far\n", $done, $bad if $rounds % 50 == 0;
	next if $ok;
	$bad++;
	print map { "$_\n" } @{ $run->{differences} };
	last if !$option{'keep-going'};
}
printf "# seed %d: %d statements in %d rounds, %.0f s, %d differences (%s)\n", $option{seed}, $done, $rounds, time - $start, $bad,
	join(', ', map { "$_: $seen{$_}" } sort keys %seen);
exit($bad ? 1 : 0);
