# Checkpoints: when they are made, who may ask, what they say to a trail that
# was rewound, what happens without a key and when the key evolves.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Digest::SHA qw(sha256);
use MIME::Base64;

my $node = PostgreSQL::Test::Cluster->new('checkpoints');
$node->init(has_archiving => 0);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.checkpoint_interval = 0
dataclass.checkpoint_records = 1000000
dataclass.writer_idle_timeout = 0
});
$node->start;
sub one { return $node->safe_psql('postgres', shift); }
sub try_as
{
	my ($role, $sql) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-U', $role, '-At' ]);
	return ($rc, "$out$err");
}
sub conf
{
	my ($name, $value) = @_;
	$node->append_conf('postgresql.conf', "$name = $value");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('$name') = '$value'") or die "$name";
}
sub copy_tree { system('cp', '-a', @_) == 0 or die; }
sub newest { return one('SELECT coalesce(max(size), 0) FROM dataclass_audit.checkpoint'); }
sub head { return one('SELECT seq FROM dataclass_audit.head'); }

one(q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE low LOGIN;
CREATE ROLE seer LOGIN IN ROLE dataclass_auditor;
CREATE TABLE files (id int);
CREATE TABLE notes (id int);
GRANT SELECT ON files, notes TO low;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE notes IS 'restricted';
});
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM dataclass_audit.checkpoint WHERE reason = 'begin'}), 'a new trail has a checkpoint');
my $key_file = $node->data_dir . '/pg_dataclass/checkpoint-' . one(q{SELECT oid FROM pg_database WHERE datname = 'postgres'}) . '.key';
is(sprintf('%04o', (stat $key_file)[2] & 07777), '0600', 'its key can be read by the server only');
my $vkey = one('SELECT verifier FROM dataclass_audit.checkpoint_key()');
is(one(q{SELECT object_identity FROM dataclass_audit.event WHERE kind = 'checkpoint' AND action = 'key'}), $vkey, 'the trail names the key');
my ($name, $id, $key) = $vkey =~ /^([^+]+)\+([0-9a-f]{8})\+(.*)$/ or die $vkey;
like($name, qr{^pg_dataclass/\d+/\d+$}, 'name of the key');
is(unpack('H8', sha256("$name\n" . decode_base64($key))), $id, 'its id is that of C2SP signed-note');

# --- who may ask
my ($rc, $out) = try_as('low', 'SELECT dataclass_audit.make_checkpoint()');
like($out, qr/permission denied/, 'not everybody makes checkpoints');
for my $call ('latest_checkpoint()', 'checkpoint_key()', q{check_checkpoint('x')}, 'inclusion_proof(1)', 'consistency_proof(1, 2)')
{
	($rc, $out) = try_as('low', "SELECT dataclass_audit.$call");
	like($out, qr/permission denied/, "nor calls $call");
}
($rc, my $note) = try_as('seer', 'SELECT dataclass_audit.make_checkpoint()');
is($rc, 0, 'an auditor does');
like($note, qr/^\Q$name\E\n\d+\n[A-Za-z0-9+\/]{43}=\n\n\x{e2}\x{80}\x{94} \Q$name\E [A-Za-z0-9+\/]{91}=\n$/, 'it is a signed note');
my ($size, $root) = (split /\n/, $note)[1, 2];
is($size, head(), 'over all records');
is(one("SELECT encode(root, 'base64') FROM dataclass_audit.head"), $root, 'with the root of the head');
is(one(q{SELECT reason FROM dataclass_audit.checkpoint ORDER BY size DESC LIMIT 1}), 'asked', 'because it was asked for');
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'checkpoint' AND action = 'make_checkpoint' AND subject = 'seer'}), 1, 'and that is recorded');
is(one('SELECT dataclass_audit.latest_checkpoint()'), $note, 'latest_checkpoint()');
# openssl, which knows nothing of us, agrees
my $dir = PostgreSQL::Test::Utils::tempdir;
sub to_file { my ($file, $bytes) = @_; open my $fh, '>:raw', "$dir/$file" or die; print $fh $bytes; close $fh; return "$dir/$file"; }
my ($text, $sig) = $note =~ /^(.*\n)\n.* (\S+)\n$/s;
to_file('text', $text);
to_file('sig', substr(decode_base64($sig), 4));
to_file('pem', one('SELECT pem FROM dataclass_audit.checkpoint_key()'));
is(system("openssl pkeyutl -verify -pubin -inkey $dir/pem -rawin -in $dir/text -sigfile $dir/sig > $dir/out 2>&1"), 0, 'openssl verifies the signature');

# --- when
my $before = newest();
try_as('low', 'SELECT * FROM notes');
cmp_ok(head(), '>', $before, 'a denial of a lower class is recorded');
one('SELECT pg_sleep(0.2)');
is(newest(), $before, 'and waits for the next checkpoint');
try_as('low', 'SELECT * FROM files');
ok($node->poll_query_until('postgres', "SELECT max(size) > $before FROM dataclass_audit.checkpoint"), 'a breach of the highest class does not');
is(one(q{SELECT reason FROM dataclass_audit.checkpoint ORDER BY size DESC LIMIT 1}), 'breach', 'and says why');
conf('dataclass.checkpoint_records', 5);
one('SELECT pg_sleep(0.1)');
$before = newest();
try_as('low', 'SELECT * FROM notes') for 1 .. 6;
ok($node->poll_query_until('postgres', "SELECT max(size) >= $before + 5 FROM dataclass_audit.checkpoint"), 'after so many records');
conf('dataclass.checkpoint_records', 1000000);
$before = newest();
try_as('low', 'SELECT * FROM notes');
conf('dataclass.checkpoint_interval', '1s');
ok($node->poll_query_until('postgres', "SELECT max(size) > $before FROM dataclass_audit.checkpoint"), 'after so much time');
is(one(q{SELECT reason FROM dataclass_audit.checkpoint ORDER BY size DESC LIMIT 1}), 'interval', 'and says so');
conf('dataclass.checkpoint_interval', 0);

# --- what a checkpoint that somebody holds says
is(one("SELECT verdict, size FROM dataclass_audit.check_checkpoint(\$\$$note\$\$)"), "consistent|$size", 'a checkpoint from before');
(my $forged = $note) =~ s/\n$size\n/\n@{[ $size + 1 ]}\n/;
is(one("SELECT verdict FROM dataclass_audit.check_checkpoint(\$\$$forged\$\$)"), 'forged', 'one that was changed');
(my $foreign = $note) =~ s/(\x{e2}\x{80}\x{94} )\Q$name\E/$1example.org/;
is(one("SELECT verdict FROM dataclass_audit.check_checkpoint(\$\$$foreign\$\$)"), 'foreign', 'one that somebody else signed');
($rc, $out) = try_as('seer', "SELECT * FROM dataclass_audit.check_checkpoint('hello')");
like($out, qr/not a checkpoint/, 'something else');
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'trail_tampered'}), 0, 'none of them is a breach');
is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'verify() holds');

# --- a restored older data directory: it does not know, who holds a checkpoint does
$node->stop;
my $old = $node->data_dir . '_old';
copy_tree($node->data_dir, $old);
$node->start;
try_as('low', 'SELECT * FROM notes') for 1 .. 3;
my $held = one('SELECT dataclass_audit.make_checkpoint()');
my $held_size = (split /\n/, $held)[1];
$node->stop;
rename $node->data_dir, $node->data_dir . '_new' or die;
copy_tree($old, $node->data_dir);
$node->start;
is(one('SELECT ok FROM dataclass_audit.verify()'), 't', 'the old copy is sound in itself');
is(one("SELECT verdict FROM dataclass_audit.check_checkpoint(\$\$$held\$\$)"), 'rewound', 'the checkpoint shows that it was rewound');
is(one(q{SELECT breach, rule FROM dataclass_audit.event WHERE kind = 'trail_tampered'}), 't|rewound', 'which is recorded as a breach');
try_as('low', 'SELECT * FROM notes') for 1 .. 6;
is(one("SELECT verdict FROM dataclass_audit.check_checkpoint(\$\$$held\$\$)"), 'forked', 'once it is long enough again: another trail');

# --- the tables of the old copy below the files of the new one: the head file knows
$node->stop;
my $pg_dataclass = '/pg_dataclass';
copy_tree($old, $node->data_dir . '_mixed');
system('rm', '-rf', $node->data_dir . "_mixed$pg_dataclass", $node->data_dir) == 0 or die;
rename $node->data_dir . '_mixed', $node->data_dir or die;
copy_tree($node->data_dir . "_new$pg_dataclass", $node->data_dir . $pg_dataclass);
# as if the head had not been flushed: its images say less than the checkpoint
my ($head_file) = glob $node->data_dir . "$pg_dataclass/head-*";
open my $fh, '+<:raw', $head_file or die "$head_file: $!";
print $fh "\0" x 1024;
close $fh;
chmod 0700, $node->data_dir;
$node->start;
# the writer may have been here already: its record stands behind a gap
like(one('SELECT ok, reason FROM dataclass_audit.verify()'), qr/^f\|(the trail ends at record \d+, but a checkpoint over $held_size records was handed out|the records up to $held_size are missing)/,
	'verify() knows the checkpoint that was handed out');
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM dataclass_audit.event WHERE kind = 'trail_tampered' AND origin = 'writer' AND breach AND detail LIKE '%handed out%'}),
	'so does the writer');
cmp_ok(one(q{SELECT min(seq) FROM dataclass_audit.event WHERE kind = 'trail_tampered' AND origin = 'writer'}), '>', $held_size, 'which gives no number out again');
$node->stop;
system('rm', '-rf', $node->data_dir, $old) == 0 or die;
rename $node->data_dir . '_new', $node->data_dir or die;

# --- evolving keys
$node->append_conf('postgresql.conf', 'dataclass.checkpoint_key_evolve = 2');
$node->start;
for my $n (1 .. 4)
{
	try_as('low', 'SELECT * FROM notes');
	one('SELECT dataclass_audit.make_checkpoint()');
}
ok($node->poll_query_until('postgres', 'SELECT count(DISTINCT key) >= 3 FROM dataclass_audit.checkpoint'), 'keys follow one another');
isnt(one('SELECT verifier FROM dataclass_audit.checkpoint_key()'), $vkey, 'the first one is gone');
is(one(q{SELECT bool_and(c.certified) FROM (
	SELECT EXISTS (SELECT FROM dataclass_audit.checkpoint c WHERE c.size >= e.seq AND c.reason = 'key' AND c.key <> e.object_identity
		AND c.size <= (SELECT min(size) FROM dataclass_audit.checkpoint n WHERE n.key = e.object_identity)) AS certified
	FROM (SELECT object_identity, min(seq) AS seq FROM dataclass_audit.event WHERE action = 'key' AND detail LIKE 'Successor%' GROUP BY 1) e
	WHERE EXISTS (SELECT FROM dataclass_audit.checkpoint n WHERE n.key = e.object_identity)) c}), 't', 'each was certified by the one before it');
is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'verify() follows them');
is(one("SELECT verdict FROM dataclass_audit.check_checkpoint(\$\$$note\$\$)"), 'consistent', 'what the first key signed still counts');
is(scalar(() = glob "$key_file.*"), 0, 'nothing is left of former keys');

# --- who steals the key of today cannot sign the past again
sub sign_with
{
	my ($key_path, $verifier, $body) = @_;
	my ($key_name, $key_id) = $verifier =~ /^([^+]+)\+([0-9a-f]{8})\+/ or die;
	to_file('body', $body);
	system("openssl pkeyutl -sign -rawin -inkey $key_path -in $dir/body -out $dir/signed") == 0 or die;
	return "$body\n\xe2\x80\x94 $key_name " . encode_base64(pack('H8', $key_id) . slurp_file("$dir/signed"), '') . "\n";
}
copy_tree($key_file, "$dir/stolen.key");
my $stolen = one('SELECT verifier FROM dataclass_audit.checkpoint_key()');
my $past = sign_with("$dir/stolen.key", $stolen, "$name\n$size\n$root\n");
my $other_past = sign_with("$dir/stolen.key", $stolen, "$name\n$size\n" . encode_base64(sha256('another history'), '') . "\n");
is(one("SELECT verdict FROM dataclass_audit.check_checkpoint(\$\$$other_past\$\$)"), 'forked', 'another past under it: not the one of this trail');
conf('dataclass.enforcement', 'off');
for ([ $past, 'is signed by no key that the trail names before', 'the past signed anew' ], [ $other_past, 'is another one than it is kept as', 'another past' ])
{
	my ($forged_note, $reason, $what) = @$_;
	($rc, $out) = $node->psql('postgres', "BEGIN; UPDATE dataclass_audit.checkpoint SET note = \$\$$forged_note\$\$, key = '$stolen' WHERE size = $size; SELECT ok, first_bad, reason FROM dataclass_audit.verify(); ROLLBACK");
	like($out, qr/^f\|$size\|the checkpoint over the records up to this one $reason/m, "verify() finds $what by the stolen key");
	to_file('forged', $forged_note);
	my $said = qx(dataclass_verify checkpoint --key '$vkey' $dir/forged 2>&1);
	like(($? >> 8) . $said, qr/^1bad: .*not signed/, 'and so does who trusts the first key');
}
conf('dataclass.enforcement', 'enforcing');
is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'put back');

# --- a key that is gone, or was exchanged: the trail says so, whoever trusts the former one sees it
conf('dataclass.checkpoint_key_evolve', 0);
for my $what ('gone', 'exchanged')
{
	my $former = one('SELECT verifier FROM dataclass_audit.checkpoint_key()');
	unlink $key_file or die;
	system("openssl genpkey -algorithm ed25519 -out $key_file > $dir/out 2>&1 && chmod 600 $key_file") == 0 or die if $what eq 'exchanged';
	my $fresh = one('SELECT dataclass_audit.make_checkpoint()');
	my $now = one('SELECT verifier FROM dataclass_audit.checkpoint_key()');
	isnt($now, $former, "key $what: another signs");
	is(one("SELECT severity FROM dataclass_audit.event WHERE kind = 'checkpoint' AND action = 'key' AND object_identity = '$now' AND detail LIKE 'The key file holds another key%'"), 'warning', 'which the trail tells');
	to_file('fresh', $fresh);
	my $said = qx(dataclass_verify checkpoint --key '$former' $dir/fresh 2>&1);
	like(($? >> 8) . $said, qr/^1bad: .*not signed/, 'and the former key does not know it');
}
is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'verify() holds');

# --- without a key
my $bad_key = to_file('bad.key', "no key\n");
chmod 0600, $bad_key;
$node->append_conf('postgresql.conf', "dataclass.checkpoint_key_file = '$bad_key'\ndataclass.checkpoint_key_evolve = 0");
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('dataclass.checkpoint_key_file') = '$bad_key'");
($rc, $out) = try_as('low', 'SELECT * FROM files');
like($out, qr/permission denied/, 'without a key denials are recorded all the same');
# the writer reads the configuration at a time of its own
my $missed = q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'audit_impaired' AND detail LIKE '%holds no private Ed25519 key%'};
for (1 .. 180)
{
	last if one($missed) ne '0';
	try_as('low', 'SELECT * FROM files');
	one('SELECT pg_sleep(1)');
}
is(one($missed), 1, 'the missing key is recorded');
my $last = newest();
try_as('low', 'SELECT * FROM files');
one('SELECT pg_sleep(1.5)');
is(one($missed), 1, 'once');
is(newest(), $last, 'no checkpoint is made');
($rc, $out) = try_as('seer', 'SELECT * FROM dataclass_audit.checkpoint_key()');
like($out, qr/there is no usable key for checkpoints/, 'and the key is missed');
system("openssl genpkey -algorithm ed25519 -out $dir/good.key > $dir/out 2>&1") == 0 or die;
chmod 0640, "$dir/good.key";
$node->append_conf('postgresql.conf', "dataclass.checkpoint_key_file = '$dir/good.key'");
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('dataclass.checkpoint_key_file') = '$dir/good.key'");
($rc, $out) = try_as('seer', 'SELECT * FROM dataclass_audit.checkpoint_key()');
like($out, qr/can be read by group or others/, 'a key that others can read is none');
chmod 0600, "$dir/good.key";
ok($node->poll_query_until('postgres', "SELECT max(size) > $last FROM dataclass_audit.checkpoint"), 'with a good key checkpoints go on by themselves');
is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'and verify() holds');
$node->stop;
done_testing();
