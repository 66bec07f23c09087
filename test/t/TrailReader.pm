# Reads what docs/audit-format.md describes: exported trails, checkpoints,
# proofs.  Written from that page, RFC 9162 and C2SP alone, and neither from the
# C code nor from test/unit/TrailForge.pm: what the page leaves open or says
# wrongly shows here.  Nothing but core modules, and openssl for signatures.
# Whatever is not as it should be dies with a sentence.
package TrailReader;
use strict;
use warnings;
use Digest::SHA qw(sha256);
use File::Temp ();
use MIME::Base64 qw(decode_base64 encode_base64);

our @numbers = qw(time breach client_port backend_pid transaction_id class_id object_id object_subid repeats);
our @texts = ([ kind => 32 ], [ severity => 16 ], [ outcome => 16 ], [ action => 64 ], [ subject => 64 ], [ session_user_name => 64 ],
	[ current_user_name => 64 ], [ authenticated_user => 64 ], [ client_addr => 64 ], [ application => 64 ], [ session_id => 32 ],
	[ database => 64 ], [ object_type => 64 ], [ object_identity => 512 ], [ label => 1152 ], [ rule => 64 ], [ required_tier => 64 ],
	[ found_tier => 64 ], [ statement => 1024 ], [ detail => 1024 ], [ node => 64 ]);
my %required = map { $_ => 1 } qw(time breach kind severity outcome);

# --- small things

sub number
{
	my ($text, $what) = @_;
	die "$what is no number\n" if ($text // '') !~ /\A(?:0|[1-9][0-9]{0,18})\z/ || (length $text == 19 && $text gt '9223372036854775807');
	return 0 + $text;
}

# RFC 4648, padded, bits that mean nothing are zero.
sub unbase64
{
	my ($text, $what) = @_;
	my $bytes = decode_base64($text // '');
	die "$what is not base64\n" if !defined $text || encode_base64($bytes, '') ne $text;
	return $bytes;
}

sub hash_of
{
	my ($text, $what) = @_;
	my $bytes = unbase64($text, $what);
	die "$what is no hash\n" if length $bytes != 32;
	return $bytes;
}

sub node { return sha256("\x01$_[0]$_[1]"); }

# --- the tree: roots of complete subtrees, largest first, and how many leaves

sub tree { my ($size, @roots) = @_; return { size => $size, roots => [@roots] }; }

sub add
{
	my ($tree, $hash) = @_;
	my $n = $tree->{size}++;
	for (; $n & 1; $n >>= 1) { $hash = node(pop @{ $tree->{roots} }, $hash); }
	push @{ $tree->{roots} }, $hash;
	return;
}

sub root
{
	my $tree = shift;
	my @roots = @{ $tree->{roots} };
	return sha256('') if !@roots;
	my $hash = pop @roots;
	$hash = node(pop @roots, $hash) while @roots;
	return $hash;
}

# --- records

sub take { my ($bytes, $n, $what) = @_; die "$what is cut short\n" if length $$bytes < $n; return substr $$bytes, 0, $n, ''; }

sub field
{
	my ($bytes, $what) = @_;
	my $len = unpack 'N', take($bytes, 4, $what);
	return $len == 0xffffffff ? undef : take($bytes, $len, $what);
}

sub record
{
	my $leaf = shift;
	my $rest = $leaf;
	my %r = (leaf_hash => sha256("\x00$leaf"));
	die "no leaf of version 1\n" if take(\$rest, 4, 'leaf') ne "DCL\x01";
	$r{format_version} = 1;
	$r{seq} = unpack 'q>', take(\$rest, 8, 'seq');
	$r{prev_hash} = take(\$rest, 32, 'prev_hash');
	$r{recorded_at} = unpack 'q>', take(\$rest, 8, 'recorded_at');
	$r{origin} = field(\$rest, 'origin');
	die "no origin\n" if ($r{origin} // '') !~ /\A[a-z]{1,32}\z/;
	my $payload = field(\$rest, 'payload') // die "no payload\n";
	die "bytes behind the payload\n" if $rest ne '';
	die "no payload of version 1\n" if take(\$payload, 4, 'payload') ne "DCE\x01";
	$r{event_id} = unpack 'H*', take(\$payload, 16, 'event_id');
	for my $name (@numbers)
	{
		my $bytes = field(\$payload, $name);
		die "$name is absent\n" if !defined $bytes && $required{$name};
		die "$name is no number\n" if defined $bytes && length $bytes != 8;
		$r{$name} = defined $bytes ? unpack 'q>', $bytes : undef;
	}
	die "breach is neither 0 nor 1\n" if $r{breach} != 0 && $r{breach} != 1;
	die "no repeats\n" if defined $r{repeats} && $r{repeats} < 1;
	for (@texts)
	{
		my ($name, $longest) = @$_;
		my $text = field(\$payload, $name);
		die "$name is absent\n" if !defined $text && $required{$name};
		die "$name is too long\n" if defined $text && length $text > $longest;
		die "$name holds a zero byte\n" if defined $text && $text =~ /\0/;
		$r{$name} = $text;
	}
	die "bytes behind the last field\n" if $payload ne '';
	return \%r;
}

# --- exported trails

# One or more ranges that follow each other.  Returns from, to, root, records
# and the roots after each record; says which record it was in when it dies.
sub trail
{
	my $text = shift;
	my ($trail, $tree, $prev, $inside, $next);
	die "the last line breaks off\n" if $text !~ /\n\z/;
	for my $line (split /\n/, substr($text, 0, -1), -1)
	{
		die "the line is too long\n" if length $line > 8192;
		if (!$inside)
		{
			my ($from, $before, @roots) = $line =~ /\Apg_dataclass trail 1 (\S+)((?: \S+)+)\z/ ? ($1, grep { $_ ne '' } split / /, $2) : die "no header line\n";
			$from = number($from, 'first record');
			die "records begin with 1\n" if $from < 1;
			my $ones = () = sprintf('%b', $from - 1) =~ /1/g;
			die "as many hashes as the number has one bits\n" if @roots != $ones;
			my $start = tree($from - 1, map { hash_of($_, 'hash of the tree') } @roots);
			$before = hash_of($before, 'prev_hash');
			die "nothing stands before record 1\n" if $from == 1 && $before ne "\0" x 32;
			if ($trail)
			{
				die "record $next: the range does not follow\n" if $from != $next || $before ne $prev || "@{ $start->{roots} }" ne "@{ $tree->{roots} }";
			}
			else
			{
				($tree, $prev, $next) = ($start, $before, $from);
				$trail = { from => $from, records => [], roots => {} };
			}
			$inside = 1;
		}
		elsif ($line =~ /\Aend (\S+) (\S+)\z/)
		{
			$trail->{to} = number($1, 'last record');
			die "record $next: the range ends elsewhere\n" if $trail->{to} != $next - 1;
			$trail->{root} = root($tree);
			die 'record ' . ($next - 1) . ": another root\n" if hash_of($2, 'root') ne $trail->{root};
			$inside = 0;
		}
		else
		{
			my $r = eval { record(unbase64($line, 'the line')) } or die "record $next: $@";
			die "record $next: another number\n" if $r->{seq} != $next;
			die "record $next: the link does not fit\n" if $r->{prev_hash} ne $prev;
			$prev = $r->{leaf_hash};
			add($tree, $prev);
			push @{ $trail->{records} }, $r;
			$trail->{roots}{ $next++ } = root($tree);
		}
	}
	die "no end line\n" if $inside;
	return $trail;
}

# --- keys, checkpoints

sub verifier_key
{
	my $text = shift;
	my ($name, $id, $bytes) = $text =~ /\A([^\s+]+)\+([0-9a-f]{8})\+(\S+)\z/ or die "no verifier key\n";
	$bytes = unbase64($bytes, 'the key');
	die "no Ed25519 key\n" if length $bytes != 33 || substr($bytes, 0, 1) ne "\x01";
	die "the id is another\n" if unpack('H8', sha256("$name\n$bytes")) ne $id;
	return { name => $name, id => pack('H8', $id), public => substr($bytes, 1) };
}

sub put { my ($file, $bytes) = @_; open my $fh, '>:raw', $file or die "$file: $!"; print $fh $bytes; close $fh or die "$file: $!"; return $file; }

sub signed
{
	my ($public, $text, $signature) = @_;
	my $dir = File::Temp->newdir;
	put("$dir/key", "-----BEGIN PUBLIC KEY-----\n" . encode_base64(pack('H*', '302a300506032b6570032100') . $public) . "-----END PUBLIC KEY-----\n");
	put("$dir/text", $text);
	put("$dir/signature", $signature);
	return system("openssl pkeyutl -verify -pubin -inkey $dir/key -rawin -in $dir/text -sigfile $dir/signature >$dir/out 2>&1") == 0;
}

sub checkpoint
{
	my ($note, @keys) = @_;
	my ($text, $lines) = $note =~ /\A(.*?\n)\n((?:\xe2\x80\x94 [^\n]+\n)+)\z/s or die "no signed note\n";
	my ($origin, $size, $root, @more) = split /\n/, $text;
	die "extension lines\n" if @more;
	$size = number($size, 'size');
	$root = hash_of($root, 'root');
	my $good;
	for my $line (split /\n/, $lines)
	{
		my ($name, $bytes) = $line =~ /\A\xe2\x80\x94 (\S+) (\S+)\z/ or die "no signature line\n";
		$bytes = unbase64($bytes, 'signature');
		for my $key (@keys)
		{
			next if $name ne $key->{name} || substr($bytes, 0, 4) ne $key->{id};
			die "wrong signature\n" if length $bytes != 68 || !signed($key->{public}, $text, substr $bytes, 4);
			die "signed for another log\n" if $name ne $origin;
			$good = 1;
		}
	}
	die "signed by no known key\n" if !$good;
	return { origin => $origin, size => $size, root => $root };
}

# --- proofs: the hashes, a number, the checkpoint

sub proof
{
	my ($text, $head, @keys) = @_;
	my ($number, $hashes, $note) = $text =~ /\A$head ([0-9]+)\n((?:[^\n]+\n)*)\n(.*)\z/s or die "no proof\n";
	return (number($number, 'the number'), checkpoint($note, @keys), map { hash_of($_, 'hash of the proof') } split /\n/, $hashes);
}

# RFC 9162, 2.1.3.2
sub included
{
	my ($text, $leaf_hash, @keys) = @_;
	my ($index, $checkpoint, @path) = proof($text, "c2sp.org/tlog-proof\@v1\nindex", @keys);
	my ($fn, $sn, $r) = ($index, $checkpoint->{size} - 1, $leaf_hash);
	die "outside of the tree\n" if $fn > $sn;
	for my $p (@path)
	{
		die "too many hashes\n" if $sn == 0;
		if ($fn & 1 || $fn == $sn)
		{
			$r = node($p, $r);
			if (!($fn & 1)) { ($fn, $sn) = ($fn >> 1, $sn >> 1) until $fn & 1 || $fn == 0; }
		}
		else { $r = node($r, $p); }
		($fn, $sn) = ($fn >> 1, $sn >> 1);
	}
	die "another root\n" if $sn != 0 || $r ne $checkpoint->{root};
	return { %$checkpoint, seq => $index + 1 };
}

# RFC 9162, 2.1.4.2
sub consistent
{
	my ($text, $old, @keys) = @_;
	my ($first, $checkpoint, @path) = proof($text, 'old', @keys);
	my $second = $checkpoint->{size};
	die "about another size\n" if $first != $old->{size};
	die "the old one is longer\n" if $first > $second;
	if ($first == $second)
	{
		die "two histories\n" if @path || $old->{root} ne $checkpoint->{root};
		return $checkpoint;
	}
	unshift @path, $old->{root} if ($first & ($first - 1)) == 0;
	die "no hashes\n" if !@path;
	my ($fn, $sn) = ($first - 1, $second - 1);
	($fn, $sn) = ($fn >> 1, $sn >> 1) while $fn & 1;
	my $fr = my $sr = shift @path;
	for my $c (@path)
	{
		die "too many hashes\n" if $sn == 0;
		if ($fn & 1 || $fn == $sn)
		{
			($fr, $sr) = (node($c, $fr), node($c, $sr));
			if (!($fn & 1)) { ($fn, $sn) = ($fn >> 1, $sn >> 1) until $fn & 1 || $fn == 0; }
		}
		else { $sr = node($sr, $c); }
		($fn, $sn) = ($fn >> 1, $sn >> 1);
	}
	die "another root\n" if $sn != 0 || $fr ne $old->{root} || $sr ne $checkpoint->{root};
	return $checkpoint;
}

1;
