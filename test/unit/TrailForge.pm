# Records, trails, proofs and checkpoints as docs/audit-format.md describes
# them: written from that page and not from the C code.  Makes the fixtures of
# test/fixtures/audit/ and what attackers would show to the verifier.
package TrailForge;
use strict;
use warnings;
use Digest::SHA qw(sha256);
use MIME::Base64 qw(encode_base64 decode_base64);
use File::Temp ();

our @number_fields = qw(time breach client_port backend_pid transaction_id class_id object_id object_subid repeats);
our @text_fields = qw(kind severity outcome action subject session_user_name current_user_name authenticated_user
	client_addr application session_id database object_type object_identity label rule required_tier found_tier
	statement detail node);
our %text_limit = (kind => 32, severity => 16, outcome => 16, session_id => 32, object_identity => 512, label => 1152,
	statement => 1024, detail => 1024);
our %number_limit = (time => [ -211813488000000000, 9223371331199999999 ], breach => [ 0, 1 ],
	client_port => [ -2147483648, 2147483647 ], backend_pid => [ -2147483648, 2147483647 ],
	transaction_id => [ 0, 9223372036854775807 ], class_id => [ 0, 4294967295 ], object_id => [ 0, 4294967295 ],
	object_subid => [ -2147483648, 2147483647 ], repeats => [ 1, 9223372036854775807 ]);

sub b64 { return encode_base64(shift, ''); }

sub field
{
	my $bytes = shift;
	return defined $bytes ? pack('N', length $bytes) . $bytes : pack('N', 0xffffffff);
}

# A record is a hash: id (hex), the fields, seq, prev (bytes), recorded_at, origin.
sub payload
{
	my $r = shift;
	return "DCE\x01" . pack('H*', $r->{id})
		. join('', map { field(defined $r->{$_} ? pack('q>', $r->{$_}) : undef) } @number_fields)
		. join('', map { field($r->{$_}) } @text_fields);
}

sub leaf
{
	my $r = shift;
	return "DCL\x01" . pack('q>', $r->{seq}) . $r->{prev} . pack('q>', $r->{recorded_at})
		. field($r->{origin}) . field(payload($r));
}

sub leaf_hash { return sha256("\0" . shift); }
sub node { return sha256("\x01" . $_[0] . $_[1]); }

# Give records their numbers and links, from $seq and $prev on; returns leaves.
sub chain
{
	my ($seq, $prev, @records) = @_;
	my @leaves;
	for my $r (@records)
	{
		$r->{seq} = $seq++;
		$r->{prev} = $prev;
		push @leaves, leaf($r);
		$prev = leaf_hash($leaves[-1]);
	}
	return @leaves;
}

# --- RFC 9162 over leaf hashes

sub split_at
{
	my $n = shift;
	my $k = 1;
	$k *= 2 while $k * 2 < $n;
	return $k;
}

sub root
{
	my @h = @_;
	return sha256('') if !@h;
	return $h[0] if @h == 1;
	my $k = split_at(scalar @h);
	return node(root(@h[0 .. $k - 1]), root(@h[$k .. $#h]));
}

# Roots of the complete subtrees, largest first.
sub frontier
{
	my @h = @_;
	my @roots;
	while (@h)
	{
		my $k = 1;
		$k *= 2 while $k * 2 <= @h;
		push @roots, root(splice @h, 0, $k);
	}
	return @roots;
}

sub inclusion
{
	my ($m, @h) = @_;
	return () if @h == 1;
	my $k = split_at(scalar @h);
	return $m < $k ? (inclusion($m, @h[0 .. $k - 1]), root(@h[$k .. $#h]))
		: (inclusion($m - $k, @h[$k .. $#h]), root(@h[0 .. $k - 1]));
}

sub consistency
{
	my ($m, @h) = @_;
	return () if $m == 0 || $m == @h;
	return subproof($m, 1, @h);
}

sub subproof
{
	my ($m, $whole, @h) = @_;
	return $whole ? () : root(@h) if $m == @h;
	my $k = split_at(scalar @h);
	return $m <= $k ? (subproof($m, $whole, @h[0 .. $k - 1]), root(@h[$k .. $#h]))
		: (subproof($m - $k, 0, @h[$k .. $#h]), root(@h[0 .. $k - 1]));
}

# --- texts

sub header
{
	my ($from, $prev, @frontier) = @_;
	return join(' ', "pg_dataclass trail 1 $from", map { b64($_) } $prev, @frontier) . "\n";
}

sub end_line { my ($to, $root) = @_; return "end $to " . b64($root) . "\n"; }

# Records $from to $to of a whole trail of leaves.
sub trail
{
	my ($from, $to, @leaves) = @_;
	my @h = map { leaf_hash($_) } @leaves[0 .. $to - 1];
	return header($from, $from == 1 ? "\0" x 32 : $h[$from - 2], frontier(@h[0 .. $from - 2]))
		. join('', map { b64($_) . "\n" } @leaves[$from - 1 .. $to - 1]) . end_line($to, root(@h));
}

sub inclusion_proof { my ($index, $note, @hashes) = @_; return join('', "c2sp.org/tlog-proof\@v1\nindex $index\n", map { b64($_) . "\n" } @hashes) . "\n$note"; }
sub consistency_proof { my ($old, $note, @hashes) = @_; return join('', "old $old\n", map { b64($_) . "\n" } @hashes) . "\n$note"; }

# --- keys and signatures, by openssl

# The key of a secret word: what is signed with it is the same each time.
sub key
{
	my ($name, $secret) = @_;
	my $dir = File::Temp->newdir;
	my $der = pack('H*', '302e020100300506032b657004220420') . sha256($secret);
	my $self = { name => $name, dir => $dir, private => "$dir/key.pem" };
	put($self->{private}, "-----BEGIN PRIVATE KEY-----\n" . encode_base64($der) . "-----END PRIVATE KEY-----\n");
	$self->{pem} = qx(openssl pkey -in $self->{private} -pubout);
	(my $public = $self->{pem}) =~ s/-----[^-]+-----//g;
	$self->{public} = substr decode_base64($public), -32;
	$self->{id} = substr sha256("$name\n\x01$self->{public}"), 0, 4;
	$self->{vkey} = "$name+" . unpack('H*', $self->{id}) . '+' . b64("\x01$self->{public}");
	return $self;
}

sub put { my ($file, $bytes) = @_; open my $fh, '>:raw', $file or die "$file: $!"; print $fh $bytes; close $fh or die; return $file; }

sub signature_line
{
	my ($key, $text, $name, $id) = @_;
	put("$key->{dir}/note", $text);
	system("openssl pkeyutl -sign -rawin -inkey $key->{private} -in $key->{dir}/note -out $key->{dir}/signature") == 0 or die 'openssl';
	open my $fh, '<:raw', "$key->{dir}/signature" or die;
	my $signature = do { local $/; <$fh> };
	return "\xe2\x80\x94 " . ($name // $key->{name}) . ' ' . b64(($id // $key->{id}) . $signature) . "\n";
}

sub body { my ($origin, $size, $root) = @_; return "$origin\n$size\n" . b64($root) . "\n"; }

sub checkpoint
{
	my ($key, $size, $root) = @_;
	my $body = body($key->{name}, $size, $root);
	return "$body\n" . signature_line($key, $body);
}

# --- the golden trail: two records of each kind

our @kinds = qw(trail_begin access_denied row_denied label_change clearance_change label_refused policy_change
	at_rest_refused at_rest_violation ddl_denied ddl trail_guard trail_tampered enforcement_change trusted_entry
	audit_impaired at_rest_healed quarantine risk_accepted attestation profile setting_change break_glass export
	privilege_denied login_failed read superuser_access grant incident disclosure measure checkpoint archive);

# Number $k of kind: all that may be absent is.
sub absent_record
{
	my $k = shift;
	return { id => sprintf('%032x', $k), kind => $kinds[$k], severity => 'info', outcome => 'observed',
		time => $number_limit{time}[0], breach => 0, recorded_at => $k, origin => 'writer' };
}

# All is there: numbers at their lowest or highest, one text as long as it may be.
sub full_record
{
	my $k = shift;
	my %r = (id => 'f' x 32, recorded_at => $number_limit{time}[ $k % 2 ], origin => $k % 2 ? 'journal' : 'queue');
	$r{$_} = $number_limit{$_}[ $k % 2 ] for @number_fields;
	$r{$_} = "$_ \xc3\xa9" for @text_fields;
	my $long = $text_fields[ $k % @text_fields ];
	my $limit = $text_limit{$long} // 64;
	$r{$long} = 'x' x $limit if $long ne 'kind';
	$r{ $text_fields[ 3 + $k % 18 ] } = '' if $k % 18 + 3 != $k % 21;
	$r{kind} = $kinds[$k];
	$r{severity} = 'critical' if $long ne 'severity';
	$r{outcome} = 'denied' if $long ne 'outcome';
	return \%r;
}

sub golden_records { return map { (absent_record($_), full_record($_)) } 0 .. $#kinds; }

1;
