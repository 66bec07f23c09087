#!/usr/bin/perl
# decide_model.pl PROGRAM: judges the decisions that PROGRAM (unit_decide_model)
# prints, by a model of its own.  Prints TAP.
#
# The model knows no canonical form, no clauses that imply each other, no
# ranks compared.  A person is a level and a set of compartments, of which each
# brings its descendants.  A label is the set of people who satisfy it, a
# bit string over all people there can be.  "a dominates b" says: whoever
# satisfies a satisfies b.  All rules are sets of clearances on top of that.
use strict;
use warnings;

my @names  = ('h', 'h.p', 'n');
my @people = ();
for my $level (0 .. 2)
{
	for my $bits (0 .. 2**@names - 1)
	{
		my %held = map { $names[$_] => 1 } grep { $bits >> $_ & 1 } 0 .. $#names;
		next if $held{'h'} && !$held{'h.p'};
		push @people, { level => $level, held => \%held };
	}
}

# The people who satisfy a label, one bit each; undef for one nobody understands.
my %population;
sub population
{
	my ($which) = @_;
	return $population{$which} if exists $population{$which};
	my ($text, $rank) = split /@/, $which;
	return $population{$which} = undef if $which eq '-' || $rank < 0;
	my (undef, $clauses) = split /:/, $text;
	my @clauses = map { [ split /\|/ ] } split /,/, $clauses // '';
	my $set = 0;
	for my $i (0 .. $#people)
	{
		my $person = $people[$i];
		next if $person->{level} < $rank;
		next if grep { !grep { $person->{held}{$_} } @$_ } @clauses;
		$set |= 1 << $i;
	}
	return $population{$which} = $set;
}

# Is everybody in the first set in the second?
sub within
{
	my ($some, $others) = @_;
	return defined $some && defined $others && ($some | $others) == $others;
}

my %clearances;
sub clearances
{
	my ($list) = @_;
	return $clearances{$list} //= [
		map {
			my ($label, $floor, $privileges) = split m{/};
			{
				people   => population($label),
				floored  => $floor ne '-',
				floor    => population($floor),
				exporter => ($privileges & 4) != 0,
			}
		} $list eq '-' ? () : split /;/, $list
	];
}

use constant { READ => 0, WRITE => 1, DEFINE => 2, EXPORT => 3 };
use constant { OFF => 0, PERMISSIVE => 1, ENFORCING => 2 };
my @rules = qw(unknown quarantine nobody dominance floor privilege tier);
my @verdicts = qw(allow permit deny);

sub model
{
	my ($action, $mode, $tier_mode, $governed, $quarantined, $label, $found, $required,
		$narrowing, $list) = @_;
	return (0, 0, 0, -1) if !$governed || $mode == OFF;

	my $data = population($label);
	my $held = clearances($list);
	my @real = grep { defined $held->[$_]{people} } 0 .. $#$held;
	my @good = grep { within($held->[$_]{people}, $data) } @real;
	my @served = grep {
		my $c = $held->[$_];
		($action != WRITE || !$c->{floored} || within($data, $c->{floor}))
			&& ($action != EXPORT || $c->{exporter})
	} @good;
	my $narrowed = $narrowing eq '-' || within(population($narrowing), $data);

	my %broken = (
		unknown    => !defined $data,
		quarantine => $quarantined,
		nobody     => !@real,
		dominance  => defined $data && (@real && !@good || !$narrowed),
		floor      => $action == WRITE && @good && !@served,
		privilege  => $action == EXPORT && @good && !@served,
		tier       => $tier_mode != OFF && !($required >= 0 && $found >= $required),
	);
	my @broken = grep { $broken{ $rules[$_] } } 0 .. $#rules;
	my $failed = 0;
	$failed += 2**$_ for @broken;
	my $first = @broken ? 2**$broken[0] : 0;

	my $excused = $mode == PERMISSIVE
		|| "@broken" eq $#rules && $tier_mode == PERMISSIVE;
	my $verdict = !@broken ? 0 : $excused ? 1 : 2;
	my $label_rules = grep { $broken{$_} } qw(unknown nobody dominance floor privilege);
	my $clearance = $verdict != 2 && !$label_rules ? $served[0] : -1;
	return ($verdict, $failed, $first, $clearance);
}

my $program = shift // die "usage: $0 PROGRAM\n";
open my $in, '-|', $program or die "$program: $!\n";
my ($n, $bad, $section, $count, $wrong, $total) = (0, 0, undef, 0, 0, 0);
my (%seen, @examples);

sub ok
{
	my ($passed, $name) = @_;
	$n++;
	$bad++ if !$passed;
	print $passed ? '' : 'not ', "ok $n - $name\n";
}

sub finish_section
{
	return if !defined $section;
	ok($count > 0 && $wrong == 0, "$section: the model agrees on $count requests");
	print "#   $wrong differ\n" if $wrong;
	print map { "#   $_\n" } @examples;
	@examples = ();
	($total, $count, $wrong) = ($total + $count, 0, 0);
}

my $ended = 0;
while (my $line = <$in>)
{
	chomp $line;
	if ($line =~ /^# (.*)/)
	{
		finish_section();
		$section = $1;
		$ended = 1, $section = undef if $1 eq 'end';
		next;
	}
	my ($request, $decision) = split / ?= /, $line;
	my @got = split / /, $decision // '';
	my @expected = model(split / /, $request);
	$count++;
	$seen{verdict}[ $got[0] ]++ if @got == 4;
	$_ & $got[1] and $seen{rule}{$_}++ for map { 2**$_ } 0 .. $#rules;
	if ("@got" ne "@expected")
	{
		$wrong++;
		push @examples, "$line, expected @expected" if @examples < 5;
	}
}
close $in;
ok($? == 0 && $ended, 'the program ran to its end');
ok($total >= 300_000, "$total requests were compared");
ok($seen{verdict}[$_], "verdict $verdicts[$_] was seen") for 0 .. $#verdicts;
ok($seen{rule}{ 2**$_ }, "rule $rules[$_] was seen to fail") for 0 .. $#rules;
print "1..$n\n";
exit($bad ? 1 : 0);
