# Two histories of one trail under one key, a trail taken back in time, and an
# archive that is made while others work: what an auditor sees.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IncidentRows;

my $node = PostgreSQL::Test::Cluster->new('fork');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
autovacuum = off
});
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir;
sub one { return $node->safe_psql('postgres', shift); }
sub verifier
{
	my ($status, $pattern, $name, @arguments) = @_;
	IPC::Run::run([ 'dataclass_verify', @arguments ], '>', \my $out, '2>', \my $err);
	my $got = $? >> 8;
	like("status $got: $out$err", qr/^status $status: .*$pattern/s, $name);
	return;
}
sub keep { my ($name, $text) = @_; unlink "$dir/$name"; append_to_file("$dir/$name", $text); return "$dir/$name"; }
sub records
{
	my ($n, $mark) = @_;
	my $goal = one('SELECT max(seq) FROM dataclass_audit.event') + $n;
	one(join "\n", map { "UPDATE dataclass.policy_setting SET description = '$mark$_' WHERE name = 'unlabelled';" } 1 .. $n);
	$node->poll_query_until('postgres', "SELECT max(seq) >= $goal FROM dataclass_audit.event") or die 'no records';
	return;
}
sub verdict
{
	my $note = slurp_file("$dir/" . shift);
	$note =~ s/\n+\z/\n/;
	return one("SELECT verdict FROM dataclass_audit.check_checkpoint(\$\$$note\$\$)");
}
# A checkpoint and the trail under it; its size.
sub hand_over
{
	my $name = shift;
	my $note = one('SELECT dataclass_audit.make_checkpoint()');
	my (undef, $size) = split /\n/, $note;
	keep("$name.note", "$note\n");
	keep("$name.trail", one("COPY (SELECT dataclass_audit.export_trail(NULL, $size)) TO STDOUT") . "\n");
	return $size;
}

one('CREATE EXTENSION pg_dataclass; CREATE ROLE auditor LOGIN; CREATE ROLE low LOGIN; GRANT dataclass_auditor TO auditor');
one(q{CREATE TABLE files (id int); GRANT SELECT ON files TO low; SECURITY LABEL FOR dataclass ON TABLE files IS 'secret'});
records(30, 'before');
my $key = one('SELECT verifier FROM dataclass_audit.checkpoint_key()');
my $before = hand_over('before');

# --- the server is taken back to this state later on
$node->stop;
my $saved = "$dir/saved";
system_or_bail('cp', '-a', $node->data_dir, $saved);
$node->start;
records(20, 'first');
my $first = hand_over('first');
verifier(0, 'signed', 'the first history', 'trail', '--key', $key, '--checkpoint', "$dir/before.note", '--checkpoint', "$dir/first.note", "$dir/first.trail");
$node->stop;
rename $node->data_dir, "$dir/abandoned" or die;
system_or_bail('cp', '-a', $saved, $node->data_dir);
$node->start;
verifier(1, 'record ' . ($before + 1) . ': the record is missing: the checkpoint is of a longer trail', 'taken back: the old export is too short for the note',
	'trail', '--key', $key, '--checkpoint', "$dir/first.note", "$dir/before.trail");
like(verdict('first.note'), qr/rewound/, 'the server itself says so when shown the note');

# --- and makes another history of it, as long
records(40, 'second');
my $second = hand_over('second');
cmp_ok($second, '>', $first, 'the second history is longer');
verifier(0, 'signed', 'the second history in itself, with the note of before', 'trail', '--key', $key, '--checkpoint', "$dir/before.note",
	'--checkpoint', "$dir/second.note", "$dir/second.trail");
verifier(1, 'record ' . ($before + 1) . ': a record from this one to ' . $first, 'with the note of the first: the range is named',
	'trail', '--key', $key, '--checkpoint', "$dir/before.note", '--checkpoint', "$dir/first.note", '--checkpoint', "$dir/second.note", "$dir/second.trail");
keep('proof', one("SELECT dataclass_audit.consistency_proof($first, $second)") . "\n");
verifier(1, 'two histories', 'no proof leads from the first to the second', 'consistency', '--key', $key, '--old', "$dir/first.note", "$dir/proof");
keep('proof', one("SELECT dataclass_audit.consistency_proof($before, $second)") . "\n");
verifier(0, 'goes on with', 'one from before does', 'consistency', '--key', $key, '--old', "$dir/before.note", "$dir/proof");
like(verdict('first.note'), qr/forked/, 'the server itself says so, too');

# --- bytes of a real export, one bit of each flipped
{
	my $text = slurp_file("$dir/before.trail");
	my ($tried, $missed) = (0, 0);
	for (my $at = 0; $at < length $text; $at += 97)
	{
		my $bad = $text;
		substr($bad, $at, 1) = chr(ord(substr $bad, $at, 1) ^ (1 << $tried++ % 8));
		keep('flipped', $bad);
		IPC::Run::run([ 'dataclass_verify', 'trail', '--key', $key, '--checkpoint', "$dir/before.note", "$dir/flipped" ], '>', \my $out);
		$missed++ if $? >> 8 != 1 || $out !~ /^bad: /;
	}
	is($missed, 0, "$tried bit flips in an export are all found");
}

# --- an archive that is not committed yet keeps nobody waiting
records(400, 'many');
IncidentRows::close_incidents($node);
one('SELECT dataclass_audit.make_checkpoint()');
my ($in, $out) = ('', '');
my $timer = IPC::Run::timeout(300);
my $psql = IPC::Run::start([ 'psql', '-XAtq', '-U', 'auditor', '-d', $node->connstr('postgres'), '-f', '-' ], '<', \$in, '>', \$out, $timer);
$in = "BEGIN;\nSELECT 'range', from_seq, to_seq FROM dataclass_audit.archive(now());\n";
$psql->pump until $out =~ /range\|1\|(\d+)/;
my ($to) = $out =~ /range\|1\|(\d+)/;
my $denials = q{SELECT coalesce(sum(coalesce(repeats, 1)), 0) FROM dataclass_audit.event WHERE kind = 'access_denied'};
my $had = one($denials);
my ($rc, undef, $err) = $node->psql('postgres', 'SELECT * FROM files', extra_params => [ '-U', 'low' ]);
like($err, qr/permission denied/, 'a denial meanwhile');
is(one($denials), $had + 1, 'is in the trail at once');
is(one('SELECT count(*) FROM dataclass_audit.event WHERE seq <= ' . $to), $to, 'and all records are still seen');
($rc, undef, $err) = $node->psql('postgres', "SET lock_timeout = '200ms'; SELECT * FROM dataclass_audit.archive(now())", extra_params => [ '-U', 'auditor' ]);
like($err, qr/lock timeout/, 'a second archive waits');
$in .= "COMMIT;\nSELECT 'done';\n";
$psql->pump until $out =~ /done/;
$psql->finish;
is(one('SELECT min(seq) FROM dataclass_audit.event'), $to + 1, 'archived');
is(one('SELECT ok FROM dataclass_audit.verify()'), 't', 'verify() holds');

# --- killed in the middle of one: no row, or a row and its file
records(300, 'more');
IncidentRows::close_incidents($node);
one('SELECT dataclass_audit.make_checkpoint()');
($in, $out) = ('', '');
$psql = IPC::Run::start([ 'psql', '-XAtq', '-U', 'auditor', '-d', $node->connstr('postgres'), '-f', '-' ], '<', \$in, '>', \$out, '2>', \$err, $timer);
$in = "BEGIN;\nSELECT 'range', from_seq, to_seq FROM dataclass_audit.archive(now());\n";
$psql->pump until $out =~ /range/;
$node->stop('immediate');
$psql->finish;
$node->start;
is(one('SELECT count(*) FROM dataclass_audit.archived_range'), 1, 'killed before the commit: no row');
is(one('SELECT min(seq) FROM dataclass_audit.event'), $to + 1, 'no record is gone');
is($node->safe_psql('postgres', 'SELECT count(*) FROM dataclass_audit.archive(now())', extra_params => [ '-U', 'auditor' ]), 1, 'the next one takes the file as it is');
is(one('SELECT bool_and(ok) FROM dataclass_audit.verify_archive()'), 't', 'verify_archive() holds');
is(one('SELECT ok FROM dataclass_audit.verify()'), 't', 'verify() holds');
$node->stop;
done_testing();
