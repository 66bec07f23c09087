# verify_attacks.pl PROGRAM: the stand-alone verifier as an attacker meets it.
# Prints TAP.  Records edited, swapped, put in, taken out, replayed; histories
# forked; proofs and checkpoints forged.  Each is found, and the first bad
# record named.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use File::Temp ();
use TrailForge;

my $program = shift or die 'which program?';
my $fixtures = "$FindBin::Bin/../fixtures/audit";
my $dir = File::Temp->newdir;
my ($count, $failed) = (0, 0);

# The prototype matters: a match that fails is an empty list elsewhere.
sub ok($$)
{
	my ($passed, $name) = @_;
	$failed++ if !$passed;
	print $passed ? '' : 'not ', 'ok ', ++$count, " - $name\n";
	return $passed;
}

sub run
{
	my @arguments = @_;
	my $pid = open(my $out, '-|') // die;
	if ($pid == 0)
	{
		open STDERR, '>&', \*STDOUT;
		exec $program, @arguments or die;
	}
	my $text = do { local $/; <$out> } // '';
	close $out;
	return ($? & 127 ? 'killed' : $? >> 8, $text);
}

sub check
{
	my ($status, $pattern, $name, @arguments) = @_;
	my ($got, $text) = run(@arguments);
	ok($got eq $status && $text =~ $pattern, $name) or print "#   status $got: $text";
	return;
}

sub file { my ($name, $bytes) = @_; return TrailForge::put("$dir/$name", $bytes); }

# --- a trail, its checkpoint and proofs
my $key = TrailForge::key('attack.example/trail', 'the key of the log');
my $other = TrailForge::key('attack.example/trail', 'the key of somebody else');
my $n = 23;

# Unlike each other in every field.
sub records
{
	my $mark = shift;
	return map {
		my $i = $_;
		my %r = (id => sprintf('%030x%02x', 7, $i), recorded_at => 1_700_000_000_000_000 + $i, origin => 'queue');
		$r{$_} = 100 + $i for @TrailForge::number_fields;
		$r{breach} = $i % 2;
		$r{$_} = "$_ $mark$i" for @TrailForge::text_fields;
		\%r;
	} 1 .. $n;
}

my @records = records('');
my @leaves = TrailForge::chain(1, "\0" x 32, @records);
my @h = map { TrailForge::leaf_hash($_) } @leaves;
my $root = TrailForge::root(@h);
my $note = TrailForge::checkpoint($key, $n, $root);
my $end = TrailForge::end_line($n, $root);
my $header = TrailForge::header(1, "\0" x 32);
my @signed = ('trail', '--key', $key->{vkey}, '--checkpoint', file('note', $note));

# Lines of leaves, with the end line that fits or another one.
sub trail
{
	my ($name, $leaves, $end_line, $head) = @_;
	return file($name, ($head // $header) . join('', map { TrailForge::b64($_) . "\n" } @$leaves) . ($end_line // $end));
}

# The end line that the leaves have, as an attacker writes it who is careful.
sub true_end { my @l = @_; return TrailForge::end_line(scalar @l, TrailForge::root(map { TrailForge::leaf_hash($_) } @l)); }

# Found with and without a checkpoint.
sub found
{
	my ($bad, $name, $leaves, $end_line, $head) = @_;
	my $trail = trail('attack', $leaves, $end_line, $head);
	check(1, qr/^bad: .*record $bad:/, "$name: record $bad named", @signed, $trail);
	check(1, qr/^bad: .*record $bad:/, "$name: without a checkpoint, too", 'trail', $trail);
	return;
}

check(0, qr/^ok: trail: records 1 to $n.*signed$/m, 'the trail holds', @signed, trail('good', \@leaves));
check(0, qr/compared with no checkpoint/, 'and says when nobody signed it', 'trail', "$dir/good");

# --- every field of a record in the middle, everything else as it was
for my $field ('id', 'recorded_at', 'origin', @TrailForge::number_fields, @TrailForge::text_fields)
{
	my %edited = %{ $records[9] };
	$edited{$field} = $field eq 'id' ? '0' x 32 : $field eq 'origin' ? 'journal' : $field eq 'breach' ? 1 - $edited{breach}
		: $edited{$field} =~ /^\d+$/ ? $edited{$field} + 1 : "x$edited{$field}";
	my @l = @leaves;
	$l[9] = TrailForge::leaf(\%edited);
	found(10, "field $field edited", \@l, true_end(@l));
}
{
	my %edited = (%{ $records[9] }, prev => $h[3]);
	my @l = @leaves;
	$l[9] = TrailForge::leaf(\%edited);
	found(10, 'link edited', \@l, true_end(@l));
	%edited = (%{ $records[9] }, seq => 12);
	$l[9] = TrailForge::leaf(\%edited);
	found(10, 'number edited', \@l, true_end(@l));
	%edited = (%{ $records[9] }, detail => undef);
	$l[9] = TrailForge::leaf(\%edited);
	found(10, 'field made absent', \@l, true_end(@l));
	%edited = (%{ $records[$n - 1] }, detail => 'other');
	@l = @leaves;
	$l[ $n - 1 ] = TrailForge::leaf(\%edited);
	check(1, qr/^bad: .*record $n:/, "last record edited: record $n named", 'trail', trail('attack', \@l));
	check(1, qr/^bad: checkpoint: .*record 1: a record from this one to $n /, 'last record edited, end line made anew: under no signature',
		@signed, trail('attack', \@l, true_end(@l)));
}

# --- order and number
{
	my @l = @leaves;
	@l[ 9, 10 ] = @l[ 10, 9 ];
	found(10, 'two records swapped', \@l);
	found(1, 'head dropped', [ @leaves[ 1 .. $n - 1 ] ]);
	found(10, 'one in the middle dropped', [ @leaves[ 0 .. 8, 10 .. $n - 1 ] ]);
	found($n, 'tail dropped', [ @leaves[ 0 .. $n - 2 ] ]);
	check(1, qr/record 21: the record is missing: the checkpoint is of a longer trail/, 'tail dropped, end line made anew: the checkpoint knows',
		@signed, trail('attack', [ @leaves[ 0 .. 19 ] ], true_end(@leaves[ 0 .. 19 ])));
	found(10, 'record inserted', [ @leaves[ 0 .. 8 ], $leaves[3], @leaves[ 9 .. $n - 1 ] ]);
	found(10, 'record doubled', [ @leaves[ 0 .. 8 ], $leaves[8], @leaves[ 9 .. $n - 1 ] ]);
	found($n + 1, 'record replayed at the end', [ @leaves, $leaves[5] ]);
	my @renumbered = map { { %$_ } } @records[ 0 .. 8, 10 .. $n - 1 ];
	$_->{seq}-- for @renumbered[ 9 .. $#renumbered ];
	@l = map { TrailForge::leaf($_) } @renumbered;
	found(9, 'one dropped and the rest renumbered', \@l, true_end(@l));
	my @more = (@records, { %{ $records[5] } });
	@l = TrailForge::chain(1, "\0" x 32, map { { %$_ } } @more);
	check(1, qr/record @{[ $n + 1 ]}: the record is under no checkpoint/, 'a record added behind the checkpoint', @signed, trail('attack', \@l, true_end(@l)));
}

# --- the whole chain made anew
{
	my @new = map { { %$_ } } @records;
	$new[9]{detail} = 'nothing happened';
	my @l = TrailForge::chain(1, "\0" x 32, @new);
	my $trail = trail('attack', \@l, true_end(@l));
	check(0, qr/compared with no checkpoint/, 'made anew from record 10 on: nothing to see in itself', 'trail', $trail);
	check(1, qr/^bad: checkpoint: .*record 1: a record from this one to $n is not the one under the signature/, 'but the checkpoint is another', @signed, $trail);
	my $older = file('older', TrailForge::checkpoint($key, 8, TrailForge::root(@h[ 0 .. 7 ])));
	check(1, qr/record 9: a record from this one to $n /, 'an older checkpoint narrows it down', @signed, '--checkpoint', $older, $trail);
	# two histories under one key
	my $fork = TrailForge::checkpoint($key, $n, TrailForge::root(map { TrailForge::leaf_hash($_) } @l));
	check(0, qr/signed/, 'a fork with its own checkpoint', 'trail', '--key', $key->{vkey}, '--checkpoint', file('fork', $fork), $trail);
	check(1, qr/two histories|checkpoint is another/, 'a fork: both checkpoints with one trail', @signed, '--checkpoint', "$dir/fork", $trail);
	check(1, qr/two histories/, 'a fork: two checkpoints of one size', 'consistency', '--key', $key->{vkey}, '--old', "$dir/note",
		file('proof', TrailForge::consistency_proof($n, $fork)));
	my @hl = map { TrailForge::leaf_hash($_) } @l;
	check(1, qr/two histories/, 'a fork: no proof leads from the old one', 'consistency', '--key', $key->{vkey}, '--old',
		file('old', TrailForge::checkpoint($key, 15, TrailForge::root(@h[ 0 .. 14 ]))),
		file('proof', TrailForge::consistency_proof(15, $fork, TrailForge::consistency(15, @hl))));
}

# --- ranges
{
	my $part = file('part', TrailForge::trail(9, $n, @leaves));
	my $first = file('first', TrailForge::trail(1, 8, @leaves));
	check(0, qr/records 9 to $n/, 'a range under the checkpoint', @signed, $part);
	check(0, qr/records 1 to $n/, 'two ranges', @signed, $first, $part);
	check(1, qr/record 9: the record is missing/, 'a range left out', @signed, $first, file('late', TrailForge::trail(12, $n, @leaves)));
	check(1, qr/record 9: there is more than one/, 'a range twice', @signed, $first, $part, $part);
	check(1, qr/record 1: there is more than one/, 'ranges in the wrong order', @signed, $part, $first);
	my $wrong = TrailForge::header(9, $h[7], TrailForge::leaf_hash('x'));
	check(1, qr/record 9: .*tree does not fit/, 'a range with another tree before it', @signed, $first, trail('attack', [ @leaves[ 8 .. $n - 1 ] ], undef, $wrong));
	check(1, qr/root does not fit/, 'the same alone', 'trail', "$dir/attack");
	check(1, qr/record 9: .*link does not fit/, 'a range with another link before it', @signed, trail('attack', [ @leaves[ 8 .. $n - 1 ] ], undef,
		TrailForge::header(9, $h[2], TrailForge::frontier(@h[ 0 .. 7 ]))));
	check(1, qr/hashes of the tree/, 'a range without a tree', @signed, trail('attack', [ @leaves[ 8 .. $n - 1 ] ], undef, TrailForge::header(9, $h[7])));
	check(1, qr/more on it/, 'a range with too much of a tree', @signed, trail('attack', [ @leaves[ 8 .. $n - 1 ] ], undef,
		TrailForge::header(9, $h[7], TrailForge::frontier(@h[ 0 .. 7 ]), $h[0])));
}

# --- texts that are none
for ([ '', 'header line is missing', 'nothing' ], [ "\n", 'header line is missing', 'an empty line' ],
	[ "$header", 'breaks off', 'a header alone' ], [ $header . 'A' x 10_000_000, 'too long', 'a line without an end' ],
	[ $header . 'A' x 9000 . "\n", 'too long', 'a long line' ], [ $header . "\0" x 100 . "\n", 'not the base64', 'zero bytes' ],
	[ $header . "====\n", 'not the base64', 'padding alone' ], [ $header . "AAAA \n", 'not the base64', 'white space' ],
	[ "pg_dataclass trail 2 1 x\n", 'header line is missing', 'another version' ],
	[ "pg_dataclass trail 1 9223372036854775807 x\n", 'no hash', 'a huge number' ], [ "pg_dataclass trail 1 0 x\n", 'names no record', 'record 0' ],
	[ "pg_dataclass trail 1 99999999999999999999999 x\n", 'names no record', 'more than a number holds' ],
	[ (slurp("$fixtures/short.txt") =~ s/\n/\r\n/gr), '', 'lines that end with CR LF' ])
{
	my ($text, $reason, $name) = @$_;
	check(1, qr/bad: .*$reason/, "no trail: $name", 'trail', file('attack', $text));
}
sub slurp { my $name = shift; open my $fh, '<:raw', $name or die "$name: $!"; local $/; return scalar <$fh>; }
{
	# lengths inside of a record that lead elsewhere; some are times, and make another record
	my $huge = 0;
	for my $at (map { $_ * 7 } 0 .. (length($leaves[0]) - 4) / 7)
	{
		my $leaf = $leaves[0];
		substr($leaf, $at, 4) = "\x7f\xff\xff\xff";
		my ($status, $text) = run(@signed, trail('attack', [ $leaf, @leaves[ 1 .. $n - 1 ] ]));
		$huge++ if $status ne '1' || $text !~ /record 1: /;
	}
	ok($huge == 0, 'huge numbers all over a record: found');
}

# --- proofs of inclusion
my @proof = TrailForge::inclusion(9, @h);
my $record = file('record', TrailForge::trail(10, 10, @leaves));
sub inclusion
{
	my ($status, $pattern, $name, $index, @hashes) = @_;
	check($status, $pattern, "inclusion: $name", 'inclusion', '--key', $key->{vkey}, '--proof',
		file('proof', TrailForge::inclusion_proof($index, $note, @hashes)), $record);
	return;
}
inclusion(0, qr/ok: inclusion: record 10/, 'holds', 9, @proof);
inclusion(1, qr/fewer hashes/, 'one hash less', 9, @proof[ 0 .. $#proof - 1 ]);
inclusion(1, qr/fewer hashes/, 'none', 9);
inclusion(1, qr/more hashes/, 'one hash more', 9, @proof, $h[0]);
inclusion(1, qr/more hashes/, 'the last one doubled', 9, @proof, $proof[-1]);
inclusion(1, qr/does not lead/, 'siblings swapped', 9, @proof[ 1, 0, 2 .. $#proof ]);
inclusion(1, qr/bad: inclusion/, "hash $_ of it another", 9, map { my $i = $_; map { $_ == $i ? $h[0] : $proof[$_] } 0 .. $#proof } $_) for 0 .. $#proof;
inclusion(1, qr/record 9: the record that the proof is about is not/, 'index of another record', 8, @proof);
inclusion(1, qr/outside/, 'index behind the tree', $n, @proof);
inclusion(1, qr/outside/, 'index far behind the tree', 9223372036854775807, @proof);
inclusion(1, qr/no number/, 'index that is no number', '-1', @proof);
inclusion(1, qr/no number/, 'index with a zero before it', '09', @proof);
inclusion(1, qr/too many/, 'hashes without end', 9, (@proof) x 60);
inclusion(1, qr/bad: inclusion/, 'of another record', 9, TrailForge::inclusion(11, @h));
inclusion(1, qr/bad: inclusion/, 'of another tree', 9, TrailForge::inclusion(9, @h[ 0 .. 15 ]));
{
	# a node where a leaf should be: the hash of two leaves is no leaf hash of any bytes
	my @short = TrailForge::inclusion(8, @h);
	my $forged = trail('record', ["\x01$h[8]$h[9]"], undef, TrailForge::header(9, $h[7], TrailForge::frontier(@h[ 0 .. 7 ])));
	check(1, qr/bad: /, 'inclusion: a node for a leaf', 'inclusion', '--key', $key->{vkey}, '--proof',
		file('proof', TrailForge::inclusion_proof(8, $note, @short[ 1 .. $#short ])), $forged);
	my $edited = TrailForge::leaf({ %{ $records[9] }, detail => 'other' });
	my @l = (@leaves[ 0 .. 8 ], $edited);
	check(1, qr/record 10: the proof does not lead/, 'inclusion: another record of that number', 'inclusion', '--key', $key->{vkey}, '--proof',
		file('proof', TrailForge::inclusion_proof(9, $note, @proof)), file('record', TrailForge::trail(10, 10, @l)));
}
{
	my $empty = TrailForge::checkpoint($key, 0, TrailForge::root());
	check(1, qr/outside/, 'inclusion: in the empty tree', 'inclusion', '--key', $key->{vkey}, '--proof', file('proof', TrailForge::inclusion_proof(0, $empty)), file('record', TrailForge::trail(1, 1, @leaves)));
	my $one = TrailForge::checkpoint($key, 1, $h[0]);
	check(0, qr/ok: inclusion/, 'inclusion: in a tree of one', 'inclusion', '--key', $key->{vkey}, '--proof', file('proof', TrailForge::inclusion_proof(0, $one)), "$dir/record");
	check(1, qr/more hashes/, 'inclusion: in a tree of one, with a hash', 'inclusion', '--key', $key->{vkey}, '--proof', file('proof', TrailForge::inclusion_proof(0, $one, $h[0])), "$dir/record");
}

# --- proofs of consistency; all pairs of sizes hold
my @notes = map { TrailForge::checkpoint($key, $_, TrailForge::root(@h[ 0 .. $_ - 1 ])) } 0 .. $n;
sub consistency
{
	my ($status, $pattern, $name, $old, $claimed, $new, @hashes) = @_;
	check($status, $pattern, "consistency: $name", 'consistency', '--key', $key->{vkey}, '--old', file('old', $notes[$old]),
		file('proof', TrailForge::consistency_proof($claimed, $notes[$new], @hashes)));
	return;
}
for my $m (0, 1, 2, 7, 8, 15, 16, 22, 23)
{
	my @c = TrailForge::consistency($m, @h);
	consistency(0, qr/ok: consistency/, "$m to $n", $m, $m, $n, @c);
	consistency(1, qr/bad: consistency/, "$m to $n, a hash more", $m, $m, $n, @c, $h[0]);
	next if !@c;
	consistency(1, qr/bad: consistency/, "$m to $n, a hash less", $m, $m, $n, @c[ 0 .. $#c - 1 ]);
	consistency(1, qr/bad: consistency/, "$m to $n, the first one doubled", $m, $m, $n, $c[0], @c);
	consistency(1, qr/bad: consistency/, "$m to $n, swapped", $m, $m, $n, reverse @c) if @c > 1;
	consistency(1, qr/bad: consistency/, "$m to $n, the root for a hash", $m, $m, $n, @c[ 0 .. $#c - 1 ], $root);
}
consistency(1, qr/rewound/, 'back to a shorter trail', 20, 20, 8, TrailForge::consistency(8, @h[ 0 .. 19 ]));
consistency(1, qr/another size/, 'about another size', 15, 16, $n, TrailForge::consistency(16, @h));
consistency(1, qr/another size/, 'about size 0', 15, 0, $n);
check(1, qr/different origins/, 'consistency: with another log', 'consistency', '--key', $key->{vkey}, '--key', do { my $k = TrailForge::key('b.example', 'the key of the log'); file('old', TrailForge::checkpoint($k, 15, TrailForge::root(@h[ 0 .. 14 ]))); $k->{vkey} },
	'--old', "$dir/old", file('proof', TrailForge::consistency_proof(15, $note, TrailForge::consistency(15, @h))));

# --- checkpoints
sub checkpoint { my ($status, $pattern, $name, $text, @keys) = @_; check($status, $pattern, "checkpoint: $name", 'checkpoint', (map { ('--key', $_) } @keys ? @keys : $key->{vkey}), file('attack', $text)); return; }
my $body = TrailForge::body($key->{name}, $n, $root);
my $line = TrailForge::signature_line($key, $body);
my $foreign = TrailForge::signature_line(TrailForge::key('witness.example', 'a witness'), $body);
checkpoint(0, qr/ok: checkpoint/, 'holds', $note);
checkpoint(0, qr/ok: checkpoint/, 'with a witness that is not known', "$body\n$line$foreign");
checkpoint(0, qr/ok: checkpoint/, 'the other way round', "$body\n$foreign$line");
checkpoint(1, qr/not signed/, 'of an unknown key', TrailForge::checkpoint($other, $n, $root));
checkpoint(1, qr/not signed/, 'of a witness alone', "$body\n$foreign");
checkpoint(1, qr/signed note/, 'signature stripped', $body);
checkpoint(1, qr/signed note/, 'signature stripped, empty line left', "$body\n");
checkpoint(1, qr/signature of the checkpoint is wrong/, 'key id of ours on the signature of another', "$body\n" . TrailForge::signature_line($other, $body, undef, $key->{id}));
checkpoint(1, qr/signature of the checkpoint is wrong/, 'such a line beside the right one', "$body\n$line" . TrailForge::signature_line($other, $body, undef, $key->{id}));
checkpoint(1, qr/not signed/, 'our name with another id', "$body\n" . TrailForge::signature_line($key, $body, undef, 'abcd'));
checkpoint(1, qr/signature of the checkpoint is wrong/, 'signature of another size', TrailForge::body($key->{name}, $n + 1, $root) . "\n$line");
checkpoint(1, qr/signature of the checkpoint is wrong/, 'signature of another root', TrailForge::body($key->{name}, $n, $h[0]) . "\n$line");
checkpoint(1, qr/not signed|wrong/, 'in the name of another log', TrailForge::body('b.example', $n, $root) . "\n$line");
{
	my $text = TrailForge::body('b.example', $n, $root);
	checkpoint(1, qr/not signed with the key in the name/, 'signed by us for another origin', "$text\n" . TrailForge::signature_line($key, $text));
	$text = TrailForge::body($key->{name} =~ tr/a/b/r, $n, $root);
	checkpoint(1, qr/not signed with the key in the name/, 'the same with a name as long', "$text\n" . TrailForge::signature_line($key, $text));
	for ([ "$key->{name}\n0$n\n" . TrailForge::b64($root) . "\n", 'no size' ], [ "$key->{name}\n-1\n" . TrailForge::b64($root) . "\n", 'no size' ],
		[ "$key->{name}\n$n\n" . TrailForge::b64('x' x 31) . "\n", 'no root' ], [ "$key->{name}\n$n\n", 'no root' ], [ "\n$n\n", 'no origin|signed note' ],
		[ "$key->{name}\n99999999999999999999\n" . TrailForge::b64($root) . "\n", 'no size' ])
	{
		my ($t, $reason) = @$_;
		checkpoint(1, qr/$reason/, "signed, but with $reason", "$t\n" . TrailForge::signature_line($key, $t));
	}
	my $wide = "$key->{name}\n$n\n" . TrailForge::b64($root) . "\nextension\n";
	checkpoint(0, qr/ok: checkpoint/, 'with an extension line', "$wide\n" . TrailForge::signature_line($key, $wide));
	checkpoint(1, qr/empty or unfinished line/, 'a second note behind it', "$note\n$note");
	checkpoint(1, qr/among its signatures/, 'a line that is no signature', "$body\n${line}hello\n");
	checkpoint(1, qr/among its signatures/, 'signatures without end', "$body\n" . $foreign x 70);
	checkpoint(1, qr/signed note/, 'control characters', "$body\n$line" =~ s/attack/at\e[2Jtack/gr);
}
check(2, qr/too long/, 'checkpoint: a file without end', 'checkpoint', '--key', $key->{vkey}, file('attack', $note x 2000));
check(1, qr/bad: checkpoint/, 'replayed: an older checkpoint says nothing about the rest', 'trail', '--key', $key->{vkey}, '--checkpoint', file('old', $notes[15]), "$dir/good");

# --- keys and questions
check(2, qr/id of the verifier key/, 'key: id of another', 'checkpoint', '--key', $key->{vkey} =~ s/\+[0-9a-f]{8}\+/+00000000+/r, "$dir/note");
check(2, qr/no verifier key/, 'key: none', 'checkpoint', '--key', 'nonsense', "$dir/note");
check(0, qr/ok/, 'key: PEM', 'checkpoint', '--key', file('pem', $key->{pem}), "$dir/note");
check(0, qr/ok/, 'key: PEM with its name', 'checkpoint', '--key', "$dir/pem", '--origin', $key->{name}, "$dir/note");
check(1, qr/not signed/, 'key: PEM with another name', 'checkpoint', '--key', "$dir/pem", '--origin', 'b.example', "$dir/note");
my $rsa = qx(openssl genpkey -algorithm X25519 2>/dev/null | openssl pkey -pubout 2>/dev/null);
check(2, qr/no Ed25519/, 'key: of another kind', 'checkpoint', '--key', file('pem', $rsa), "$dir/note");
check(2, qr/with a key only/, 'a checkpoint without a key', 'trail', '--checkpoint', "$dir/note", "$dir/good");
check(2, qr/name one with --checkpoint/, 'a key without a checkpoint', 'trail', '--key', $key->{vkey}, "$dir/good");
check(2, qr/usage/, 'no such command', 'believe', "$dir/good");
check(2, qr/usage/, 'no arguments');
check(0, qr/usage.*Exit status/s, "help: @$_", @$_) for ['--help'], ['-h'], [ 'trail', '--help' ], [ 'inclusion', '-h' ];
check(2, qr/No such file/, 'no such file', 'trail', "$dir/none");
check(2, qr/directory/, 'a directory', 'trail', "$dir");
check(0, qr/"seq":10.*"detail":"detail 10"/, 'a record as JSON', 'show', '--json', '--seq', 10, "$dir/good");
{
	my @hostile = TrailForge::chain(1, "\0" x 32, { %{ $records[0] }, application => "\e]0;x\a\xe2\x80\xae\xff\"\\" });
	my ($status, $text) = run('show', trail('hostile', \@hostile, true_end(@hostile)));
	ok($status eq '0' && $text =~ /application "\\u001b\]0;x\\u0007\\u202e\\ufffd\\"\\\\"/, 'nothing of a record reaches the terminal as it is');
}

# --- the fixtures, and that they are what the documentation says
my @golden = ('--key', "$fixtures/key.vkey");
check(0, qr/records 1 to 68.*signed/, 'fixtures: trail', 'trail', @golden, '--checkpoint', "$fixtures/checkpoint", '--checkpoint', "$fixtures/checkpoint-40", "$fixtures/trail.txt");
check(0, qr/records 1 to 68.*signed/, 'fixtures: in two parts', 'trail', @golden, '--checkpoint', "$fixtures/checkpoint", "$fixtures/part-1.txt", "$fixtures/part-2.txt");
check(0, qr/ok: consistency.*records 1 to 40/s, 'fixtures: a part and a proof', 'trail', @golden, '--proof', "$fixtures/consistency-40", "$fixtures/part-1.txt");
check(0, qr/record 11/, 'fixtures: inclusion', 'inclusion', @golden, '--proof', "$fixtures/inclusion-11", "$fixtures/record-11.txt");
check(0, qr/68 records goes on with the one of 40/, 'fixtures: consistency', 'consistency', @golden, '--old', "$fixtures/checkpoint-40", "$fixtures/consistency-40");
mkdir "$dir/again";
system($^X, "$fixtures/make.pl", "$dir/again") == 0 or die;
my @differ = grep { slurp("$fixtures/$_") ne slurp("$dir/again/$_") } map { s{.*/}{}r } glob "$dir/again/*";
ok(!@differ, 'fixtures: made anew, they are the same') or print "#   @differ\n";
my $kinds = do { my $t = slurp("$FindBin::Bin/../../src/policy/policy_event.c"); join ' ', $t =~ /case EVENT_[A-Z_]+:\s*return "([a-z_]+)";/g };
ok($kinds eq join(' ', @TrailForge::kinds), 'fixtures: every kind of event') or print "#   $kinds\n#   @TrailForge::kinds\n";

print "1..$count\n";
exit($failed ? 1 : 0);
