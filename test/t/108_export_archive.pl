# The trail outside of the server: exported, checked by the stand-alone verifier
# with checkpoint and proofs, archived to files, and still verifiable.
use strict;
use warnings;
use File::Copy;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IncidentRows;

my $node = PostgreSQL::Test::Cluster->new('export');
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
sub as { my ($role, $sql) = @_; return $node->safe_psql('postgres', $sql, extra_params => [ '-U', $role ]); }
sub fails
{
	my ($role, $sql, $pattern, $name) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-U', $role ]);
	return like($err, $pattern, $name);
}
sub verifier
{
	my ($status, $pattern, $name, @arguments) = @_;
	my $result = IPC::Run::run([ 'dataclass_verify', @arguments ], '>', \my $out, '2>', \my $err);
	my $got = $? >> 8;
	is($got, $status, "$name: status $status") or diag("@arguments\n$out$err");
	like($out . $err, $pattern, $name);
	return;
}
sub keep { my ($name, $text) = @_; unlink "$dir/$name"; append_to_file("$dir/$name", $text); return "$dir/$name"; }

$node->safe_psql('postgres', q{
CREATE ROLE auditor LOGIN; CREATE ROLE officer LOGIN; CREATE ROLE low LOGIN;
CREATE EXTENSION pg_dataclass;
GRANT dataclass_auditor TO auditor;
GRANT dataclass_officer TO officer;
GRANT ALL ON SCHEMA public TO officer, low;
});
$node->append_conf('postgresql.conf', 'dataclass.superuser_is_officer = off');
$node->restart;
as('officer', 'CREATE TABLE files (id int); GRANT SELECT ON files TO low');
# many records, each of its own kind of work
sub records
{
	my $n = shift;
	my $goal = one('SELECT max(seq) FROM dataclass_audit.event') + $n;
	as('officer', join "\n", map { "UPDATE dataclass.policy_setting SET description = '$_' WHERE name = 'unlabelled';" } 1 .. $n);
	ok($node->poll_query_until('postgres', "SELECT max(seq) >= $goal FROM dataclass_audit.event"), "$n records");
}
records(600);

# --- export and verify
my ($key, $pem) = split /\|/, as('auditor', 'SELECT verifier, pem FROM dataclass_audit.checkpoint_key()'), 2;
keep('key.pem', "$pem\n");
my $old_note = as('auditor', 'SELECT dataclass_audit.make_checkpoint()') . "\n";
keep('old', $old_note);
my (undef, $old) = split /\n/, $old_note;
records(20);
my $note = as('auditor', 'SELECT dataclass_audit.make_checkpoint()') . "\n";
keep('note', $note);
my (undef, $size) = split /\n/, $note;
cmp_ok($size, '>=', $old + 20, 'a later checkpoint');
as('auditor', "\\copy (SELECT dataclass_audit.export_trail(1, $size)) TO '$dir/trail'");
my @checked = ('--key', $key, '--checkpoint', "$dir/note");
verifier(0, qr/ok: trail: records 1 to $size, .* signed/, 'exported trail', 'trail', @checked, "$dir/trail");
verifier(0, qr/ok: trail/, 'and under the older checkpoint', 'trail', @checked, '--checkpoint', "$dir/old", "$dir/trail");
verifier(0, qr/ok: checkpoint/, 'by the PEM key', 'checkpoint', '--key', "$dir/key.pem", "$dir/note");
verifier(0, qr/kind "trail_begin"/, 'first record shown', 'show', '--seq', 1, "$dir/trail");
as('auditor', "\\copy (SELECT dataclass_audit.export_trail(300, $size)) TO '$dir/part'");
verifier(0, qr/ok: trail: records 300 to $size/, 'a part from the middle on', 'trail', @checked, "$dir/part");
is(as('auditor', "SELECT line FROM dataclass_audit.export_trail(1, $size) AS line OFFSET 1 LIMIT 1"), (split /\n/, slurp_file("$dir/trail"))[1],
	'an export that is not read to its end');
keep('inclusion', as('auditor', 'SELECT dataclass_audit.inclusion_proof(299, ' . $size . ')') . "\n");
as('auditor', "\\copy (SELECT dataclass_audit.export_trail(299, 299)) TO '$dir/record'");
verifier(0, qr/ok: inclusion: record 299/, 'inclusion', 'inclusion', '--key', $key, '--proof', "$dir/inclusion", "$dir/record");
keep('consistency', as('auditor', "SELECT dataclass_audit.consistency_proof($old, $size)") . "\n");
verifier(0, qr/ok: consistency/, 'consistency', 'consistency', '--key', $key, '--old', "$dir/old", "$dir/consistency");
fails('auditor', 'SELECT dataclass_audit.export_trail(1, 1000000)', qr/the trail ends at record/, 'no such record');
fails('auditor', 'SELECT dataclass_audit.export_trail(5, 3)', qr/range of records must start/, 'no such range');
fails('low', 'SELECT dataclass_audit.export_trail()', qr/permission denied/, 'not for everybody');

# --- who archives what
my $super = one('SELECT current_user');
my $attempts = one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'trail_guard' AND action = 'archive'});
fails($super, 'SELECT * FROM dataclass_audit.archive(now())', qr/Only members of dataclass_auditor may archive/, 'no superuser by his rights');
fails($super, 'SET ROLE auditor; SELECT * FROM dataclass_audit.archive(now())', qr/Only members of dataclass_auditor may archive/, 'nor by SET ROLE');
fails('officer', 'SELECT * FROM dataclass_audit.archive(now())', qr/permission denied for function archive/, 'no officer');
cmp_ok(one(q{SELECT coalesce(sum(coalesce(repeats, 1)), 0) FROM dataclass_audit.breach WHERE kind = 'trail_guard' AND action = 'archive'}), '>=', $attempts + 1, 'attempts are recorded');
fails('auditor', 'SELECT * FROM dataclass_audit.archive(NULL)', qr/must not be null/, 'no time');
is(as('auditor', q{SELECT count(*) FROM dataclass_audit.archive(now() - interval '1 day')}), 0, 'nothing is that old');
is(as('auditor', q{SELECT count(*) FROM dataclass_audit.archive('-infinity')}), 0, 'nor that');
as('officer', q{INSERT INTO dataclass.policy_setting (name, value) VALUES ('retention_days', '30')});
fails('auditor', q{SELECT * FROM dataclass_audit.archive(now() - interval '29 days')}, qr/kept in the database for 30 days/, 'policy keeps them');
is(as('auditor', q{SELECT count(*) FROM dataclass_audit.archive(now() - interval '31 days')}), 0, 'older ones it does not');
as('officer', q{UPDATE dataclass.policy_setting SET value = 'ever' WHERE name = 'retention_days'});
fails('auditor', q{SELECT * FROM dataclass_audit.archive('2001-01-01')}, qr/no number of days/, 'what is no number keeps all');
as('officer', q{DELETE FROM dataclass.policy_setting WHERE name = 'retention_days'});

IncidentRows::close_incidents($node);

# --- directories
my $archive_conf = sub {
	my $value = shift;
	$node->append_conf('postgresql.conf', "dataclass.archive_directory = '$value'");
	$node->reload;
	return $node->poll_query_until('postgres', "SELECT current_setting('dataclass.archive_directory') = '$value'");
};
mkdir "$dir/open" or die;
chmod 0777, "$dir/open";
$archive_conf->("$dir/open");
fails('auditor', 'SELECT * FROM dataclass_audit.archive(now())', qr/directory ".*" can be written by group or others/, 'a directory that others can write is none');
is(join(' ', glob "$dir/open/*"), '', 'nothing was put there');
chmod 0500, "$dir/open";
fails('auditor', 'SELECT * FROM dataclass_audit.archive(now())', qr/could not create file .*Permission denied/, 'one that the server cannot write');
$archive_conf->("$dir/none/of/it");
fails('auditor', 'SELECT * FROM dataclass_audit.archive(now())', qr/could not create directory .*No such file/, 'one that cannot be made');
$archive_conf->("$dir/trail");
fails('auditor', 'SELECT * FROM dataclass_audit.archive(now())', qr/Not a directory/, 'one that is a file');
$node->append_conf('postgresql.conf', "dataclass.archive_directory = ''");
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_file_settings WHERE name = 'dataclass.archive_directory' AND setting = '' AND error IS NOT NULL}), 'none at all is refused');
is(one('SELECT count(*) FROM dataclass_audit.event WHERE seq <= 512'), 512, 'all records are there');
$archive_conf->('pg_dataclass/archive');

# --- an abort leaves a file that the next one finds to be the same
my $archive_dir = $node->data_dir . '/pg_dataclass/archive';
as('auditor', 'BEGIN; SELECT * FROM dataclass_audit.archive(now()); ROLLBACK');
my ($file) = grep { !/\.proof$/ } glob "$archive_dir/trail-*";
ok(defined $file, 'a file without a row');
is(one('SELECT count(*) FROM dataclass_audit.archived_range'), 0, 'no row');
is(one('SELECT count(*) FROM dataclass_audit.event WHERE seq <= 512'), 512, 'and all records');
is(sprintf('%o', (stat $file)[2] & 0777), '600', 'readable by the server only');
append_to_file($file, "x\n");
fails('auditor', 'SELECT * FROM dataclass_audit.archive(now())', qr/is there already and holds something else/, 'another file of that name is kept');
unlink $file;
append_to_file("$archive_dir/tmp-" . ($file =~ m{.*/(trail-[0-9a-f]+)-})[0], 'torn');

# --- archive
my ($from, $to, $name, $bytes) = split /\|/, as('auditor', 'SELECT * FROM dataclass_audit.archive(now())');
is("$from $to", '1 512', 'two tiles of the first records');
is(-s "$archive_dir/$name", $bytes, 'in a file');
is(join(' ', map { s{.*/}{}r } glob "$archive_dir/*"), "$name $name.proof", 'and nothing besides');
is(one('SELECT min(seq) FROM dataclass_audit.event'), 513, 'the rows are gone');
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'archive' AND outcome = 'allowed' AND authenticated_user = 'auditor'}), 1, 'recorded');
is(one('SELECT ok FROM dataclass_audit.verify()'), 't', 'verify() holds');
is(as('auditor', 'SELECT ok, from_seq, to_seq FROM dataclass_audit.verify_archive()'), 't|1|512', 'verify_archive() holds');
is(as('auditor', 'SELECT count(*) FROM dataclass_audit.archive(now())'), 0, 'nothing more');
fails('auditor', q{SELECT * FROM dataclass_audit.archive('2001-01-01')}, qr/NOTICE:  no records were archived\nDETAIL:  Records are archived in groups of 256 under a checkpoint; the next group begins at record 513\./, 'and is told why');
fails('auditor', 'SELECT dataclass_audit.export_trail(1, 600)', qr/records up to 512 are archived/, 'exports begin behind');
is(one('SELECT ok, checked, first_bad FROM dataclass_audit.verify(1, 300)'), 't|0|', 'their hashes are still verified, a part of them');
is(one('SELECT ok, checked, first_bad FROM dataclass_audit.verify(NULL, 520)'), 't|8|', 'and with records behind them');
is(one('SELECT ok, checked, first_bad FROM dataclass_audit.verify(513, 520)'), 't|8|', 'these alone');
is(one("SELECT encode(v.root, 'base64') FROM dataclass_audit.verify(NULL, $size) v"), (split /\n/, $note)[2], 'to the root of the checkpoint');
fails('auditor', 'SELECT dataclass_audit.verify(300, 520)', qr/records up to 512 are archived/, 'a part from the middle of them is in the file');
fails($super, 'DELETE FROM dataclass_audit.event WHERE seq = 513', qr/permission denied/, 'the guard stands for all else');
fails($super, 'DELETE FROM dataclass_audit.archived_range', qr/permission denied/, 'and for the list of files');

# --- outside of the server
verifier(0, qr/ok: consistency.*ok: trail: records 1 to 512/s, 'the file with its proof', 'trail', '--key', $key, '--proof', "$archive_dir/$name.proof", "$archive_dir/$name");
as('auditor', "\\copy (SELECT dataclass_audit.export_trail(NULL, $size)) TO '$dir/rest'");
verifier(0, qr/records 1 to $size/, 'file and rest are the whole trail', 'trail', @checked, "$archive_dir/$name", "$dir/rest");
keep('inclusion', as('auditor', "SELECT dataclass_audit.inclusion_proof(299, $size)") . "\n");
verifier(0, qr/ok: inclusion: record 299/, 'a record of the archive is still proved', 'inclusion', '--key', $key, '--proof', "$dir/inclusion", "$archive_dir/$name");
keep('consistency', as('auditor', "SELECT dataclass_audit.consistency_proof($old, $size)") . "\n");
verifier(0, qr/ok: consistency/, 'and so is consistency', 'consistency', '--key', $key, '--old', "$dir/old", "$dir/consistency");

# --- a second range; a crash right after it
records(300);
IncidentRows::close_incidents($node);
as('auditor', 'SELECT dataclass_audit.make_checkpoint()');
is(as('auditor', 'SELECT from_seq, to_seq FROM dataclass_audit.archive(now())'), '513|768', 'the next tile');
$node->stop('immediate');
$node->start;
is(one('SELECT count(*) FROM dataclass_audit.archived_range'), 2, 'survives a crash');
is(one('SELECT ok FROM dataclass_audit.verify()'), 't', 'verify() holds');
is(as('auditor', 'SELECT bool_and(ok) FROM dataclass_audit.verify_archive()'), 't', 'verify_archive() holds');
my ($second) = split /\|/, one('SELECT file FROM dataclass_audit.archived_range WHERE from_seq = 513');
verifier(0, qr/ok: trail: records 513 to 768/, 'the second file alone', 'trail', '--key', $key, '--proof', "$archive_dir/$second.proof", "$archive_dir/$second");

# --- incidents that are not closed hold their records
records(600);
IncidentRows::close_incidents($node);
IncidentRows::without_enforcement($node, IncidentRows::insert_sql('incident_record', q{'id', 999999, 'first_seq', 1100, 'last_seq', 1100}));
as('auditor', 'SELECT dataclass_audit.make_checkpoint()');
is(as('auditor', 'SELECT from_seq, to_seq FROM dataclass_audit.archive(now())'), '769|1024', 'an open incident begins at record 1100: the tile before it goes');
fails('auditor', 'SELECT * FROM dataclass_audit.archive(now())', qr/DETAIL:  An incident that is not closed begins at record 1100\./, 'and no more');
IncidentRows::close_incidents($node);
like(as('auditor', 'SELECT from_seq, to_seq FROM dataclass_audit.archive(now())'), qr{^1025[|](1280|1536)$}, 'it is closed: more goes');

# --- files that were changed
copy("$archive_dir/$name", "$dir/kept");
sub changed
{
	my ($change, $pattern, $title) = @_;
	my @lines = split /(?<=\n)/, slurp_file("$dir/kept");
	$change->(\@lines);
	unlink "$archive_dir/$name";
	append_to_file("$archive_dir/$name", join '', @lines);
	return like(as('auditor', 'SELECT first_bad, reason FROM dataclass_audit.verify_archive() WHERE NOT ok'), $pattern, $title);
}
changed(sub { splice @{ $_[0] }, 10, 1 }, qr/^10\|the record is missing/, 'a record dropped');
changed(sub { my $l = shift; @$l[ 10, 11 ] = @$l[ 11, 10 ] }, qr/^10\|/, 'two swapped');
changed(sub { $_[0][100] =~ s/A/B/ }, qr/^100\|/, 'one edited');
changed(sub { pop @{ $_[0] } }, qr/^513\|/, 'the end cut off');
changed(sub { chop $_[0][-1] }, qr/breaks off/, 'the last newline gone');
unlink "$archive_dir/$name";
like(as('auditor', 'SELECT reason FROM dataclass_audit.verify_archive() WHERE NOT ok'), qr/cannot be opened/, 'no file');
copy("$dir/kept", "$archive_dir/$name");
is(as('auditor', 'SELECT bool_and(ok) FROM dataclass_audit.verify_archive()'), 't', 'put back');
cmp_ok(one(q{SELECT coalesce(sum(coalesce(repeats, 1)), 0) FROM dataclass_audit.breach WHERE kind = 'trail_tampered' AND action = 'verify_archive'}), '>=', 6, 'findings are recorded');
fails('auditor', 'SET dataclass.archive_directory = \'/tmp\'', qr/cannot be changed now/, 'the directory is set in the file only');
$node->stop;
done_testing();
