# Proofs over a trail of several tiles: each is checked here by the definitions
# of RFC 9162 and C2SP, written anew, and no altered one holds.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IPC::Run ();
use Digest::SHA qw(sha256);
use MIME::Base64;

my $node = PostgreSQL::Test::Cluster->new('proofs');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.audit_durability = async
dataclass.audit_queue_size = 4096
dataclass.checkpoint_records = 100
dataclass.repeat_window = 0
fsync = off
});
$node->start;
sub one { return $node->safe_psql('postgres', shift); }
sub fails
{
	my ($sql, $message, $name) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $sql);
	like($err, $message, $name);
}

one(q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE low LOGIN;
CREATE TABLE files (id int);
GRANT SELECT ON files TO low;
SECURITY LABEL FOR dataclass ON TABLE files IS 'restricted';
});
sub deny
{
	my $n = shift;
	$node->psql('postgres', "DO \$\$ BEGIN FOR i IN 1 .. $n LOOP BEGIN EXECUTE format('SELECT %s FROM files', repeat('1 + ', i % 50) || '1'); EXCEPTION WHEN insufficient_privilege THEN NULL; END; END LOOP; END \$\$",
		extra_params => [ '-U', 'low' ]);
	$node->poll_query_until('postgres', 'SELECT queued = 0 AND journal_files = 0 FROM dataclass_audit.status()');
}
my $head = sub { one('SELECT seq FROM dataclass_audit.head') };
for (1 .. 20) { deny(100); last if $head->() > 600; }
one('SELECT dataclass_audit.make_checkpoint()');
my $last = one('SELECT max(size) FROM dataclass_audit.checkpoint');
cmp_ok($last, '>', 600, 'a trail of more than two tiles');
my @leaf = map { pack 'H*', $_ } split /\n/, one(q{SELECT encode(leaf_hash, 'hex') FROM dataclass_audit.event ORDER BY seq});
my @sizes = split /\n/, one('SELECT size FROM dataclass_audit.checkpoint ORDER BY size');
cmp_ok(scalar @sizes, '>=', 3, 'and several checkpoints');

# --- tiles
is(one('SELECT count(*) FROM dataclass_audit.tile WHERE level = 0'), int($head->() / 256), 'a tile for each 256 records');
is(one('SELECT count(*) FROM dataclass_audit.tile WHERE level > 0'), 0, 'and none above them yet');
for my $i (0 .. int($head->() / 256) - 1)
{
	is(one("SELECT encode(hashes, 'hex') FROM dataclass_audit.tile WHERE level = 0 AND index = $i"),
		unpack('H*', join '', @leaf[ 256 * $i .. 256 * $i + 255 ]), "tile $i holds the leaf hashes");
	is(one("SELECT encode(root, 'hex') FROM dataclass_audit.tile WHERE level = 0 AND index = $i"),
		unpack('H*', mth(@leaf[ 256 * $i .. 256 * $i + 255 ])), 'and their root');
}

# --- RFC 9162 by its definitions
sub split_at { my $n = shift; my $k = 1; $k *= 2 while 2 * $k < $n; return $k; }
sub mth
{
	return $_[0] if @_ == 1;
	my $k = split_at(scalar @_);
	return sha256("\x01" . mth(@_[ 0 .. $k - 1 ]) . mth(@_[ $k .. $#_ ]));
}
# the root that a leaf at m of n leads to; undef if the proof has another length
sub climb
{
	my ($m, $n, $hash, @path) = @_;
	return @path ? undef : $hash if $n == 1;
	my $top = pop @path;
	return undef unless defined $top;
	my $k = split_at($n);
	my $below = $m < $k ? climb($m, $k, $hash, @path) : climb($m - $k, $n - $k, $hash, @path);
	return undef unless defined $below;
	return sha256("\x01" . ($m < $k ? $below . $top : $top . $below));
}
sub proof { my ($m, $complete, @d) = @_; my $n = @d;
	return $complete ? () : (mth(@d)) if $m == $n;
	my $k = split_at($n);
	return $m <= $k ? (proof($m, $complete, @d[ 0 .. $k - 1 ]), mth(@d[ $k .. $n - 1 ])) :
		(proof($m - $k, 0, @d[ $k .. $n - 1 ]), mth(@d[ 0 .. $k - 1 ])); }

my $bad = 0;
my %roots;
for my $seq (1, 2, 100, 255 .. 258, 511 .. 514, $last - 1, $last)
{
	my $text = one("SELECT dataclass_audit.inclusion_proof($seq, $last)");
	my ($header, $index, @rest) = split /\n/, $text;
	my @path;
	push @path, decode_base64(shift @rest) while $rest[0] ne '';
	$bad++ if $header ne 'c2sp.org/tlog-proof@v1' || $index ne 'index ' . ($seq - 1);
	my $root = climb($seq - 1, $rest[2], $leaf[ $seq - 1 ], @path);
	$bad++ if !defined $root || $root ne decode_base64($rest[3]) || $rest[2] != $last;
}
is($bad, 0, 'proofs of inclusion lead to the root of the checkpoint');
$bad = 0;
for my $old (@sizes, 1, 256, 257, 512)
{
	next if $old > $last;
	my ($line, @rest) = split /\n/, one("SELECT dataclass_audit.consistency_proof($old, $last)");
	my @path;
	push @path, shift @rest while $rest[0] ne '';
	my @expected = map { encode_base64($_, '') } proof($old, 1, @leaf[ 0 .. $last - 1 ]);
	$bad++ if $line ne "old $old" || "@path" ne "@expected" || $rest[2] != $last;
}
is($bad, 0, 'proofs of consistency are those of the definition');
is(one("SELECT bool_and(dataclass_audit.verify_inclusion(leaf_hash, dataclass_audit.inclusion_proof(seq, $last))) FROM dataclass_audit.event WHERE seq <= $last"),
	't', 'every record has a proof that holds');
is(one("SELECT bool_and(dataclass_audit.verify_consistency(note, dataclass_audit.consistency_proof(size, $last))) FROM dataclass_audit.checkpoint WHERE size <= $last"),
	't', 'every checkpoint too');
is(one("SELECT dataclass_audit.inclusion_proof(event_id, $last) = dataclass_audit.inclusion_proof(seq, $last) FROM dataclass_audit.event WHERE seq = 300"), 't', 'by event_id');

# --- what does not hold
is(one("SELECT count(*) FILTER (WHERE dataclass_audit.verify_inclusion(sha256(leaf_hash), dataclass_audit.inclusion_proof(seq, $last))) FROM dataclass_audit.event WHERE seq <= 50"), 0, 'other leaves');
is(one("SELECT count(*) FILTER (WHERE dataclass_audit.verify_inclusion(leaf_hash, regexp_replace(dataclass_audit.inclusion_proof(seq, $last), 'index \\d+', 'index ' || seq))) FROM dataclass_audit.event WHERE seq <= 50"), 0, 'other places');
is(one("SELECT dataclass_audit.verify_inclusion(leaf_hash, regexp_replace(dataclass_audit.inclusion_proof(seq, $last), E'\\n[^\\n]{44}\\n', E'\\n')) FROM dataclass_audit.event WHERE seq = 5"), 'f', 'a proof cut short');
is(one("SELECT dataclass_audit.verify_inclusion(leaf_hash, regexp_replace(dataclass_audit.inclusion_proof(seq, $last), E'(\\n[^\\n]{44})\\n', E'\\\\1\\\\1\\n')) FROM dataclass_audit.event WHERE seq = 5"), 'f', 'a proof with a hash more');
is(one("SELECT dataclass_audit.verify_consistency(dataclass_audit.latest_checkpoint(), dataclass_audit.consistency_proof($sizes[1], $last))"), 'f', 'another old checkpoint');
fails("SELECT dataclass_audit.verify_inclusion('x', 'hello')", qr/not a proof: proof is of an unknown format/, 'no proof');
fails("SELECT dataclass_audit.inclusion_proof(0)", qr/no such record/, 'no such record');
fails("SELECT dataclass_audit.inclusion_proof($last + 1000000)", qr/no such record/, 'none behind the end');
fails("SELECT dataclass_audit.inclusion_proof('00000000-0000-0000-0000-000000000000'::uuid)", qr/no such record/, 'no such event');
fails("SELECT dataclass_audit.inclusion_proof(1, 1)", qr/there is no checkpoint over 1 records/, 'no such checkpoint');
fails("SELECT dataclass_audit.inclusion_proof($last, $sizes[0])", qr/is not under the checkpoint/, 'record behind the checkpoint');
fails("SELECT dataclass_audit.consistency_proof(5, 4)", qr/old size must be at least 1/, 'sizes the wrong way round');
fails("SELECT dataclass_audit.consistency_proof(1, $last + 1000000)", qr/there is no checkpoint over/, 'no checkpoint of that size');
deny(1);
my $fresh = $head->();
my $text = one("SELECT dataclass_audit.inclusion_proof($fresh)");
cmp_ok((split /\n\n/, $text)[1] =~ /\n(\d+)\n/ ? $1 : 0, '>=', $fresh, 'a checkpoint is made where none covers the record');
is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'verify() holds');

# --- progress of verify()
my $checks = IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres'),
	'-c', "SELECT count(*) FROM generate_series(1, 100000) g, LATERAL (SELECT ok FROM dataclass_audit.verify(NULL, $last + 0 * g)) v" ],
	'<', \undef, '>', \my $checks_out, '2>', \my $checks_err);
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM dataclass_audit.verify_progress WHERE datname = 'postgres' AND records_total > 0}), 'progress is shown');
one(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%generate_series(1, 100000) g%' AND pid <> pg_backend_pid()});
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM dataclass_audit.verify_progress}), 'and verify() can be interrupted');
$checks->finish;
like($checks_err, qr/canceling statement/, 'which its caller is told');
$node->stop;
done_testing();
