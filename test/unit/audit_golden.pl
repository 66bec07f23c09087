#!/usr/bin/perl
# Prints test/unit/audit_golden.h: records in the encoding of
# docs/audit-format.md, written from that page and not from the C code.
#		perl test/unit/audit_golden.pl > test/unit/audit_golden.h
use strict;
use warnings;
use Digest::SHA qw(sha256);

my @records = (
	{	id => '00' x 16, numbers => [ 0, 0, (undef) x 7 ],
		texts => [ 'ddl', 'info', 'allowed', (undef) x 18 ],
		seq => 1, recorded => 0, origin => 'queue', prev => "\0" x 32 },
	{	id => '0192f0c3a4b57cde8f0123456789abcd',
		numbers => [ 1732406400123456, 1, 54321, 4242, 18446744, 1259, 4294967295, -1, 17 ],
		texts => [ 'access_denied', 'high', 'denied', 'SELECT', 'doctor', 'app', 'app', 'app', '192.0.2.7',
			'', '67431200.1092', 'health', 'column', 'clinic.patient.name', 'secret:health,punjab|sindh',
			'dominance', 'highest', 'baseline', 'select name from clinic.patient where id = ?',
			"No clearance of the role dominates the label of the object. \xc3\xa9", 'db-1' ],
		seq => 2, recorded => 1732406400123999, origin => 'journal', prev => undef });

sub field { my $bytes = shift; return defined $bytes ? pack('N', length $bytes) . $bytes : pack('N', 0xffffffff); }

sub payload
{
	my $r = shift;
	return "DCE\x01" . pack('H*', $r->{id})
		. join('', map { field(defined $_ ? pack('q>', $_) : undef) } @{ $r->{numbers} })
		. join('', map { field($_) } @{ $r->{texts} });
}

sub c_bytes { return join('', map { sprintf '\\x%02x', ord } split //, shift); }

my $prev;
print "/* Made by audit_golden.pl. */\n\n";
for my $i (0 .. $#records)
{
	my $r = $records[$i];
	my $payload = payload($r);
	my $leaf = "DCL\x01" . pack('q>', $r->{seq}) . ($r->{prev} // $prev) . pack('q>', $r->{recorded})
		. field($r->{origin}) . field($payload);
	$prev = sha256("\0" . $leaf);
	my $n = $i + 1;
	for ([ payload => $payload ], [ leaf => $leaf ], [ hash => $prev ])
	{
		my ($name, $bytes) = @$_;
		print "static const char golden_$name$n\[] =\n";
		print "\"", c_bytes($_), "\"\n" for unpack '(a24)*', $bytes;
		print ";\n#define GOLDEN_\U$name\E${n}_LEN ", length $bytes, "\n\n";
	}
}
