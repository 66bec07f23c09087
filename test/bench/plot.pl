#!/usr/bin/perl
# plot.pl FILE: draws the measurements that test/bin/bench wrote into FILE, as
# SVG on standard output.  A bar for each figure and number of rows, a line at
# 1.0, a mark at each aim, whiskers from quartile to quartile.  Figures beyond
# the scale end in a broken bar with the number beside it.
use strict;
use warnings;

my $scale_max = 2.5;
my ($text_width, $bar_width, $number_width, $row_height, $gap, $top) = (430, 420, 150, 15, 9, 74);
my %colour = (met => '#2a9d8f', missed => '#d1495b', '-' => '#8d99ae');

sub escape
{
	my ($text) = @_;
	$text =~ s/&/&amp;/g;
	$text =~ s/</&lt;/g;
	$text =~ s/>/&gt;/g;
	return $text;
}

sub at { return $text_width + $_[0] / $scale_max * $bar_width; }

my $file = shift @ARGV // die "plot.pl: no file\n";
open my $in, '<', $file or die "plot.pl: $file: $!\n";
my @head = split /\t/, (<$in> // ''), -1;
chomp @head;
my (@groups, %group_of, %sizes);
while (my $line = <$in>)
{
	chomp $line;
	my %row;
	@row{@head} = split /\t/, $line, -1;
	die "plot.pl: $file, line $.: no figure\n" unless defined $row{figure} && $row{figure} =~ /^-?[0-9.]+$/;
	my $key = "$row{case}\t$row{against}";
	if (!$group_of{$key})
	{
		$group_of{$key} = { case => $row{case}, against => $row{against}, aim => $row{aim}, unit => $row{unit}, rows => [] };
		push @groups, $group_of{$key};
	}
	push @{ $group_of{$key}{rows} }, \%row;
	$sizes{ $row{size} } = 1 if $row{size} ne '-';
}
close $in;
die "plot.pl: $file has no measurements\n" unless @groups;

my @ratios = grep { $_->{unit} eq 'ratio' } @groups;
my @others = grep { $_->{unit} ne 'ratio' } @groups;
my @order = sort { $a <=> $b } keys %sizes;
my %opacity = map { $order[$_] => @order == 1 ? 1 : 0.55 + 0.45 * $_ / $#order } 0 .. $#order;
my $height = $top;
$height += $row_height * @{ $_->{rows} } + $gap for @ratios;
my $bottom = $height;
$height += 34 + 16 * @others;
my $width = $text_width + $bar_width + $number_width;

print qq{<svg xmlns="http://www.w3.org/2000/svg" width="$width" height="$height" viewBox="0 0 $width $height" font-family="sans-serif" font-size="11">\n};
print qq{<rect width="$width" height="$height" fill="#ffffff"/>\n};
print qq{<text x="12" y="22" font-size="15" font-weight="bold">What row labels cost: ratios measured side by side</text>\n};
my $names = join ', ', map { ($_ % 1000000 ? $_ : $_ / 1000000 . ' million') . ' rows' . (@order > 1 ? ($_ == $order[0] ? ' (paler)' : ' (darker)') : '') } @order;
print qq{<text x="12" y="40" fill="#444444">}, escape("medians of pairs taken in turns" . ($names ? "; $names" : '')), qq{</text>\n};
my $x = 12;
foreach my $entry ([ met => 'aim met' ], [ missed => 'aim missed' ], [ '-' => 'no aim, for comparison' ])
{
	print qq{<rect x="$x" y="50" width="12" height="10" fill="$colour{$entry->[0]}"/>};
	printf qq{<text x="%d" y="59">%s</text>\n}, $x + 17, $entry->[1];
	$x += 30 + 7 * length $entry->[1];
}
printf qq{<path d="M%d 49 v12" stroke="#000000" stroke-width="2"/><text x="%d" y="59">the aim</text>\n}, $x, $x + 7;

for (my $tick = 0; $tick <= $scale_max; $tick += 0.5)
{
	printf qq{<path d="M%.1f %d V%d" stroke="%s" stroke-width="1"/>}, at($tick), $top - 6, $bottom, $tick == 1 ? '#000000' : '#dddddd';
	printf qq{<text x="%.1f" y="%d" text-anchor="middle" fill="#444444">%.1f</text>\n}, at($tick), $bottom + 13, $tick;
}

my $y = $top;
foreach my $group (@ratios)
{
	my $rows = $group->{rows};
	my $middle = $y + $row_height * @$rows / 2 + 4;
	printf qq{<text x="%d" y="%.1f" text-anchor="end"><tspan>%s</tspan><tspan fill="#777777">&#160;/ %s</tspan></text>\n},
	  $text_width - 8, $middle, escape($group->{case}), escape($group->{against});
	my $aim = $group->{aim} =~ /([0-9.]+)/ ? $1 : undef;
	my $group_top = $y;
	foreach my $row (sort { $a->{size} eq '-' || $b->{size} eq '-' ? 0 : $a->{size} <=> $b->{size} } @$rows)
	{
		my $beyond = $row->{figure} > $scale_max;
		my $end = at($beyond ? $scale_max : $row->{figure});
		printf qq{<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s" fill-opacity="%.2f"/>},
		  $text_width, $y + 1, $end - $text_width, $row_height - 3, $colour{ $row->{verdict} } // $colour{'-'},
		  $row->{size} eq '-' ? 1 : $opacity{ $row->{size} };
		if ($beyond)
		{
			printf qq{<path d="M%.1f %d l6 -14" stroke="#ffffff" stroke-width="3"/>}, $end - 16, $y + $row_height;
		}
		else
		{
			my ($low, $high) = map { at($_ > $scale_max ? $scale_max : $_) } @$row{qw(quartile_low quartile_high)};
			printf qq{<path d="M%.1f %.1f H%.1f" stroke="#222222" stroke-width="1"/>}, $low, $y + $row_height / 2, $high;
			$end = $high if $high > $end;
		}
		my $number = $row->{figure} >= 100 ? sprintf('%.0f', $row->{figure}) : sprintf('%.*f', $row->{figure} >= 10 ? 1 : 3, $row->{figure});
		$end = at($aim) if defined $aim && $aim <= $scale_max && at($aim) > $end;
		printf qq{<text x="%.1f" y="%d">%s</text>\n}, $end + 6, $y + $row_height - 4, $number;
		$y += $row_height;
	}
	printf qq{<path d="M%.1f %d V%d" stroke="#000000" stroke-width="2"/>\n}, at($aim), $group_top, $y
	  if defined $aim && $aim <= $scale_max;
	$y += $gap;
}
$y = $bottom + 32;
foreach my $group (@others)
{
	my $figure = sprintf '%+.2f %s', $group->{rows}[0]{figure}, $group->{unit};
	printf qq{<text x="12" y="%d" fill="%s">%s</text>\n}, $y, $colour{ $group->{rows}[0]{verdict} } // $colour{'-'},
	  escape("$group->{case}, against $group->{against}: $figure (aim: $group->{aim}, $group->{rows}[0]{verdict})");
	$y += 16;
}
print "</svg>\n";
