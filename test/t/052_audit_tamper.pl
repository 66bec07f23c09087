# verify() as an attacker meets it: every column edited, records swapped,
# dropped, added, replayed; the trail rewound with a head that fits; a byte
# changed in the table's file while the server is down.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('tamper');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
autovacuum = off
});
$node->start;
sub one { return $node->safe_psql('postgres', shift); }

$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE low LOGIN;
CREATE TABLE files (id int);
GRANT SELECT ON files TO low;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
});
for my $n (1 .. 20)
{
	$node->psql('postgres', "SELECT * FROM files WHERE id = $n", extra_params => ['-U', 'low'], connstr => $node->connstr('postgres') . " application_name=attempt_$n");
}
my $last = one('SELECT max(seq) FROM dataclass_audit.event');
cmp_ok($last, '>=', 22, 'there is a trail');
# the writer may add records of its own between two queries
is(one("SELECT ok, checked >= $last, first_bad, reason FROM dataclass_audit.verify()"), 't|t||', 'verify() holds');
ok($node->poll_query_until('postgres', 'SELECT v.root = h.root FROM dataclass_audit.verify() v, dataclass_audit.head h'), 'and gives the root of the head');
is(one("SELECT ok, checked FROM dataclass_audit.verify(5, 10)"), 't|6', 'a part');
ok($node->poll_query_until('postgres', 'SELECT NOT v.ok AND v.first_bad = h.seq + 1 FROM dataclass_audit.head h, dataclass_audit.verify(5, h.seq + 1000) v'), 'a part that is not there');
is(one(q{SELECT ok, first_bad, reason ~ '^the record is missing: the trail ends at record [0-9]+$' FROM dataclass_audit.verify(100000, NULL)}), 'f|100000|t', 'a part that begins behind the end');
ok($node->poll_query_until('postgres', 'SELECT v.ok AND v.checked = 0 FROM dataclass_audit.head h, dataclass_audit.verify(h.seq + 1, NULL) v'), 'what came since the last record: nothing');
ok($node->poll_query_until('postgres', 'SELECT v.ok AND v.checked = h.seq FROM dataclass_audit.verify(1, 9223372036854775807) v, dataclass_audit.head h'), 'as far as numbers go');
my ($rc, $out, $err) = $node->psql('postgres', 'SELECT * FROM dataclass_audit.verify(0, 1)');
like($err, qr/range of records must start at 1/, 'no such range');
($rc, $out, $err) = $node->psql('postgres', 'SELECT * FROM dataclass_audit.verify()', extra_params => ['-U', 'low']);
like($err, qr/permission denied/, 'not for everybody');
one('GRANT dataclass_auditor TO low');
is($node->safe_psql('postgres', 'SELECT count(*) > 0 FROM dataclass_audit.breach', extra_params => ['-U', 'low']), 't', 'auditors read');
($rc, $out, $err) = $node->psql('postgres', 'SELECT * FROM dataclass_audit.verify()', extra_params => ['-U', 'low', '-At']);
like($out, qr/^t\|/m, 'and verify');

# --- with enforcement off, an attacker with SQL; each attack is rolled back
$node->append_conf('postgresql.conf', 'dataclass.enforcement = off');
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('dataclass.enforcement') = 'off'});
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM dataclass_audit.event WHERE object_identity = 'dataclass.enforcement'});

# the finding itself is recorded meanwhile, so the end of the trail moves
sub attack
{
	my ($name, $sql, $bad, $reason) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', "BEGIN; $sql; SELECT ok, first_bad, reason FROM dataclass_audit.verify(); ROLLBACK",
		extra_params => ['-q', '-At']);
	like($out, qr/^f\|$bad\|$reason/m, "$name: found") or diag("$out $err");
}

my %edit = (
	event_id => "gen_random_uuid()", time => "time + interval '1us'", recorded_at => "recorded_at - interval '1us'",
	kind => "'ddl'", severity => "'info'", outcome => "'allowed'", breach => 'NOT breach', action => "'INSERT'",
	subject => "'postgres'", session_user_name => "'postgres'", current_user_name => 'NULL',
	authenticated_user => "'x'", client_addr => "'192.0.2.1'", client_port => '0', application => "'x'",
	backend_pid => 'backend_pid + 1', session_id => "''", transaction_id => '0', database => 'NULL',
	object_type => "'view'", object_identity => "'public.file'", class_id => '0', object_id => 'NULL',
	object_subid => '1', label => "'open'", rule => 'NULL', required_tier => "''", found_tier => "'highest'",
	repeats => '1', node => "'elsewhere'", statement => "statement || ' '", detail => "''", origin => "'writer'", format_version => '2',
	prev_hash => "sha256('')", leaf_hash => "sha256('')");
my @columns = split /\n/, one("SELECT attname FROM pg_attribute WHERE attrelid = 'dataclass_audit.event'::regclass AND attnum > 0 AND attname <> 'seq'");
is(join(' ', sort @columns), join(' ', sort keys %edit), 'an edit for each column');
attack("column $_ edited", "UPDATE dataclass_audit.event SET $_ = $edit{$_} WHERE seq = 10", 10, '') for @columns;
attack('first record dropped', 'DELETE FROM dataclass_audit.event WHERE seq = 1', 1, 'the record is missing');
attack('record in the middle dropped', 'DELETE FROM dataclass_audit.event WHERE seq = 10', 10, 'the record is missing');
attack('records renumbered over a gap', 'DELETE FROM dataclass_audit.event WHERE seq = 10; UPDATE dataclass_audit.event SET seq = 10 WHERE seq = 11', 10, 'the record was changed');
attack('two records swapped', 'UPDATE dataclass_audit.event SET seq = -seq WHERE seq IN (10, 11); UPDATE dataclass_audit.event SET seq = 21 + seq WHERE seq < 0', 10, 'the record was changed');
attack('record added before the first', 'INSERT INTO dataclass_audit.event SELECT (jsonb_populate_record(e, jsonb_build_object($$seq$$, 0, $$event_id$$, gen_random_uuid()))).* FROM dataclass_audit.event e WHERE seq = 10', 0, 'there is more than one');
attack('record replayed at the end', 'INSERT INTO dataclass_audit.event SELECT (jsonb_populate_record(e, jsonb_build_object($$seq$$, (SELECT max(seq) + 1 FROM dataclass_audit.event), $$event_id$$, gen_random_uuid()))).* FROM dataclass_audit.event e WHERE seq = 10', '\d+', '');
attack('tail dropped', 'DELETE FROM dataclass_audit.event WHERE seq > 15', 16, 'records are missing at the end');
attack('all dropped', 'DELETE FROM dataclass_audit.event', 1, 'records are missing at the end');
attack('head row gone', 'DELETE FROM dataclass_audit.head', '\d+', 'the head row is missing');
attack('root of the head changed', "UPDATE dataclass_audit.head SET root = sha256('')", '\d+', 'the root of the tree');
attack('subtree roots of the head changed', 'UPDATE dataclass_audit.head SET frontier = sha256(frontier) || substr(frontier, 33)', '\d+', 'the subtree roots of the head row|the head row is missing');

# tiles and checkpoints: long enough for one tile, with a checkpoint in the middle
one('DO $$ BEGIN WHILE (SELECT seq FROM dataclass_audit.head) < 260 LOOP PERFORM dataclass_audit.make_checkpoint(); END LOOP; END $$');
my $checkpoint = one('SELECT min(size) FROM dataclass_audit.checkpoint');
is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'a trail with a tile holds');
attack('hash in a tile changed', "UPDATE dataclass_audit.tile SET hashes = overlay(hashes PLACING sha256('') FROM 1 + 32 * 41)", 42, 'tile 0 of level 0 of the tree does not fit');
attack('root of a tile changed', "UPDATE dataclass_audit.tile SET root = sha256('')", 1, 'the root of tile 0 of level 0');
attack('tile dropped', 'DELETE FROM dataclass_audit.tile', 1, 'tile 0 of level 0 of the tree is missing');
attack('tile added', "INSERT INTO dataclass_audit.tile SELECT 1, 0, hashes, root FROM dataclass_audit.tile", '\d+', 'the tree has 1 tiles, its table 2');
attack('root of a checkpoint changed', "UPDATE dataclass_audit.checkpoint SET root = sha256('') WHERE size = $checkpoint", $checkpoint, 'the checkpoint over the records up to this one has another root');
attack('note of a checkpoint changed', "UPDATE dataclass_audit.checkpoint SET note = replace(note, 'pg_dataclass', 'pg_otherclass') WHERE size = $checkpoint", $checkpoint, 'the checkpoint over the records up to this one is signed by no key');
attack('signature of a checkpoint exchanged', "UPDATE dataclass_audit.checkpoint SET note = split_part(note, E'\\n\\n', 1) || E'\\n\\n' || (SELECT split_part(note, E'\\n\\n', 2) FROM dataclass_audit.checkpoint ORDER BY size DESC LIMIT 1) WHERE size = $checkpoint", $checkpoint, 'the checkpoint over the records up to this one has a wrong signature');
attack('checkpoint of the future', "UPDATE dataclass_audit.checkpoint SET size = 1000000 WHERE size = $checkpoint", '\d+', 'the trail was rewound: there is a checkpoint over 1000000');
attack('fork: rewritten from a record on, with the head', 'DELETE FROM dataclass_audit.event WHERE seq > 15; UPDATE dataclass_audit.head SET seq = 15', '\d+', '');

is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'after all rollbacks verify() holds');
$node->poll_query_until('postgres', 'SELECT queued = 0 AND journal_files = 0 FROM dataclass_audit.status()');
cmp_ok(one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'trail_tampered' AND breach}), '>=', 40, 'every finding is recorded as a breach');

# --- a rewind with everything in the tables consistent: the head file knows better
one('CREATE TABLE old_event AS SELECT * FROM dataclass_audit.event; CREATE TABLE old_head AS SELECT * FROM dataclass_audit.head');
my $old = one('SELECT seq FROM old_head');
one(q{CREATE TABLE later (); SECURITY LABEL FOR dataclass ON TABLE later IS 'secret'});
cmp_ok(one('SELECT max(seq) FROM dataclass_audit.event'), '>', $old, 'a record more');
one(q{BEGIN; DELETE FROM dataclass_audit.event WHERE seq > (SELECT seq FROM old_head);
	DELETE FROM dataclass_audit.head; INSERT INTO dataclass_audit.head SELECT * FROM old_head; COMMIT;
	SELECT pg_terminate_backend(writer_pid) FROM dataclass_audit.status()});
like(one('SELECT ok, first_bad, reason FROM dataclass_audit.verify()'), qr/^f\|@{[ $old + 1 ]}\|.*(rewound|missing)/, 'a rewound trail is noticed');
ok($node->poll_query_until('postgres', "SELECT count(*) > 0 FROM dataclass_audit.event WHERE kind = 'trail_tampered' AND seq > $old + 1 AND origin = 'writer'"),
	'the writer noticed as well, and goes on behind the lost place');
# put the lost record back where it was, to go on with a sound trail
is(one("SELECT first_bad FROM dataclass_audit.verify()"), $old + 1, 'and verify() keeps naming the place');
$node->stop;

# --- below SQL: a byte in the file
my $node2 = PostgreSQL::Test::Cluster->new('bytes');
$node2->init;
$node2->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
});
$node2->start;
$node2->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE low LOGIN;
CREATE TABLE files (id int);
GRANT SELECT ON files TO low;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
});
for my $n (1 .. 5)
{
	$node2->psql('postgres', 'SELECT * FROM files', extra_params => ['-U', 'low'], connstr => $node2->connstr('postgres') . " application_name=needle_$n");
}
my $seq = $node2->safe_psql('postgres', q{SELECT seq FROM dataclass_audit.event WHERE application = 'needle_3'});
my $file = $node2->data_dir . '/' . $node2->safe_psql('postgres', q{SELECT pg_relation_filepath('dataclass_audit.event')});
is($node2->safe_psql('postgres', 'SELECT ok FROM dataclass_audit.verify()'), 't', 'sound before');
$node2->stop;
open my $fh, '+<:raw', $file or die "$file: $!";
my $bytes = do { local $/; <$fh> };
my $at = index $bytes, 'needle_3';
cmp_ok($at, '>', 0, 'the record is in the file');
seek $fh, $at, 0;
print $fh 'needle_8';
close $fh;
$node2->start;
is($node2->safe_psql('postgres', 'SELECT ok, first_bad, reason FROM dataclass_audit.verify()'),
	"f|$seq|the record was changed: its hash does not fit its content", 'verify() names the record');
is($node2->safe_psql('postgres', q{SELECT detail FROM dataclass_audit.breach WHERE kind = 'trail_tampered'}),
	"Record $seq: the record was changed: its hash does not fit its content.", 'the finding is in the trail');

# --- and a bit of each thing that is kept: records, hashes, tree, checkpoints
$node2->safe_psql('postgres', q{SELECT dataclass_audit.make_checkpoint()});
sub file_of { return $node2->data_dir . '/' . $node2->safe_psql('postgres', "SELECT pg_relation_filepath('dataclass_audit.$_[0]')"); }
sub hex_of { return pack 'H*', $node2->safe_psql('postgres', shift); }
sub flip
{
	my ($path, $needle) = @_;
	open my $table, '+<:raw', $path or die "$path: $!";
	my $text = do { local $/; <$table> };
	# the last one: what was there before the last update is still in its page
	my $place = rindex $text, $needle;
	die 'not found' if $place < 0;
	$place += int(length($needle) / 2);
	seek $table, $place, 0;
	print $table chr(ord(substr $text, $place, 1) ^ 4);
	close $table or die;
	return;
}
# back to a sound trail
$node2->stop;
open $fh, '+<:raw', $file or die;
seek $fh, $at, 0;
print $fh 'needle_3';
close $fh;
$node2->start;
is($node2->safe_psql('postgres', 'SELECT ok FROM dataclass_audit.verify()'), 't', 'the byte put back');
my $size = $node2->safe_psql('postgres', 'SELECT max(size) FROM dataclass_audit.checkpoint');
my @places = ([ 'event', "SELECT encode(leaf_hash, 'hex') FROM dataclass_audit.event WHERE seq = 1", '^f\|[12]\|the record' ],
	(map { [ 'event', "SELECT encode($_, 'hex') FROM dataclass_audit.event WHERE seq = $seq", "^f\\|$seq\\|the record was changed" ] } 'leaf_hash', 'uuid_send(event_id)', 'timestamptz_send("time")',
		q{convert_to(application, 'UTF8')}),
	# others hold the same text
	(map { [ 'event', "SELECT encode(convert_to($_, 'UTF8'), 'hex') FROM dataclass_audit.event WHERE seq = $seq", '^f\|\d+\|the record was changed' ] } 'statement', 'detail', 'object_identity'),
	[ 'checkpoint', "SELECT encode(convert_to(split_part(note, E'\\n\\n', 2), 'UTF8'), 'hex') FROM dataclass_audit.checkpoint WHERE size = $size", "^f\\|$size\\|the checkpoint over the records up to this one" ],
	[ 'checkpoint', "SELECT encode(root, 'hex') FROM dataclass_audit.checkpoint WHERE size = $size", "^f\\|$size\\|the checkpoint over the records up to this one has another root" ]);
sub bit_flipped
{
	my $place = shift;
	my ($table, $what, $finding) = @$place;
	my $needle = hex_of($what);
	# integers lie in the byte order of the machine
	$needle = reverse $needle if $what =~ /timestamptz_send/ && pack('S', 1) eq pack('v', 1);
	my $path = file_of($table);
	$node2->stop;
	flip($path, $needle);
	$node2->start;
	my (undef, $said) = $node2->psql('postgres', 'SELECT ok, first_bad, reason FROM dataclass_audit.verify()');
	like($said, qr/$finding/, "a bit of $table: " . ($what =~ /SELECT (.*) FROM/)[0]);
	# by the same way back
	$node2->stop;
	open my $again, '+<:raw', $path or die;
	my $now = do { local $/; <$again> };
	my $flipped = $needle;
	substr($flipped, int(length($needle) / 2), 1) ^= "\4";
	my $where = rindex $now, $flipped;
	if ($where >= 0) { seek $again, $where, 0; print $again $needle; }
	close $again;
	$node2->start;
	return;
}
bit_flipped($_) for @places;
is($node2->safe_psql('postgres', 'SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'with every bit back verify() holds');
# what the writer goes on from
bit_flipped([ 'head', q{SELECT encode(hash, 'hex') FROM dataclass_audit.head}, '^f\|\d+\|the (head row|subtree roots|record does not follow)' ]);
$node2->stop;
done_testing();
