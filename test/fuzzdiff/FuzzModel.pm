# FuzzModel: what the policy allows, worked out apart from the extension.
#
# As in test/unit/decide_model.pl a label is the set of people who satisfy it,
# a bit string over all people there can be; a person is a class and a set of
# compartments closed under descendants.  "x dominates y" says: whoever
# satisfies x satisfies y.  Knows no canonical form and no ids.
package FuzzModel;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(@CLASSES @COMPARTMENTS order_classes dominates subject may_read may_write may_relabel);

our @CLASSES = qw(open public restricted confidential secret);	# lowest rank first
our @COMPARTMENTS = qw(fza fza.x fzb fzc);

my @people;
for my $level (0 .. $#CLASSES)
{
	for my $bits (0 .. 2**@COMPARTMENTS - 1)
	{
		my %held = map { $COMPARTMENTS[$_] => 1 } grep { $bits >> $_ & 1 } 0 .. $#COMPARTMENTS;
		next if grep { my $parent = $_; $held{$parent} && grep { /^\Q$parent\E\./ && !$held{$_} } @COMPARTMENTS } @COMPARTMENTS;
		push @people, [ $level, \%held ];
	}
}

my (%population, %dominance);

# The classes take on another order.
sub order_classes
{
	@CLASSES = @_;
	%population = %dominance = ();
	return;
}

# The people who satisfy a label, as a bit string.
sub population
{
	my ($text) = @_;
	return $population{$text} //= do {
		my ($class, $clauses) = split /:/, $text;
		my ($rank) = grep { $CLASSES[$_] eq $class } 0 .. $#CLASSES;
		my @clauses = map { [ split /\|/ ] } split /,/, $clauses // '';
		my $set = '';
		for my $i (0 .. $#people)
		{
			my ($level, $held) = @{ $people[$i] };
			my $fits = $level >= $rank && !grep { !grep { $held->{$_} } @$_ } @clauses;
			vec($set, $i, 1) = $fits ? 1 : 0;
		}
		$set;
	};
}

sub dominates
{
	my ($x, $y) = @_;
	return $dominance{"$x>$y"} //= (population($x) | population($y)) eq population($y) ? 1 : 0;
}

# A subject: a list of clearances {ceiling, floor, privileges} and a narrowing.
sub subject
{
	my ($clearances, $narrowing) = @_;
	return { clearances => $clearances, narrowing => $narrowing };
}

sub may_read
{
	my ($subject, $label) = @_;
	return 0 if defined $subject->{narrowing} && !dominates($subject->{narrowing}, $label);
	return (grep { dominates($_->{ceiling}, $label) } @{ $subject->{clearances} }) ? 1 : 0;
}

sub may_write
{
	my ($subject, $label) = @_;
	return 0 if !may_read($subject, $label);
	return (grep { dominates($_->{ceiling}, $label) && (!defined $_->{floor} || dominates($label, $_->{floor})) }
		@{ $subject->{clearances} }) ? 1 : 0;
}

# May a row go from one label to another?  The label of the table is not asked here.
sub may_relabel
{
	my ($subject, $old, $new) = @_;
	return 0 if !may_write($subject, $old) || !may_write($subject, $new);
	my @needed = ((dominates($old, $new) ? () : 'reclassify'), (dominates($new, $old) ? () : 'declassify'));
	for my $c (@{ $subject->{clearances} })
	{
		next if !dominates($c->{ceiling}, $old) || !dominates($c->{ceiling}, $new);
		return 1 if !grep { my $p = $_; !grep { $_ eq $p } @{ $c->{privileges} } } @needed;
	}
	return 0;
}

1;
