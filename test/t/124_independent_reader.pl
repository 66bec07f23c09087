# The trail read by somebody who has the documentation and no code of ours:
# test/t/TrailReader.pm takes exports of a trail with many kinds of records
# apart, compares each field with its column, and checks hashes, tree,
# checkpoints and proofs.  Both verifiers agree with it, also about what was altered.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use IncidentRows;
use TrailReader;
use Digest::SHA qw(sha256);
use IPC::Run ();
use lib "$FindBin::RealBin/../unit";
use TrailForge;

my $node = PostgreSQL::Test::Cluster->new('reader');
$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.repeat_window = 1s
dataclass.audit_timeout = 300ms
dataclass.writer_idle_timeout = 0
dataclass.node_name = 'reader-1'
autovacuum = off
});
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir;
sub one { return $node->safe_psql('postgres', shift); }
sub attempt { my ($role, $sql) = @_; $node->psql('postgres', $sql, extra_params => [ '-U', $role ]); return; }
sub auditor { return $node->safe_psql('postgres', shift, extra_params => [ '-U', 'auditor' ]); }
sub settled { return $node->poll_query_until('postgres', 'SELECT queued = 0 AND journal_files = 0 FROM dataclass_audit.status()'); }

# --- many kinds of records
my $long_name = "\xc3\xa9" x 31;
one(qq{
CREATE EXTENSION pg_dataclass;
CREATE ROLE auditor LOGIN IN ROLE dataclass_auditor;
CREATE ROLE officer LOGIN IN ROLE dataclass_officer;
CREATE ROLE medic LOGIN;
CREATE ROLE "$long_name" LOGIN;
GRANT CREATE ON SCHEMA public TO officer, medic;
INSERT INTO dataclass.compartment (name) VALUES ('health');
CREATE TABLE files (id int, "sp\xc3\xa4lte \xe2\x82\xac" text);
CREATE TABLE "t\xc3\xa4ble \xf0\x9f\x94\x92" (id int, label dataclass.label NOT NULL);
CREATE TABLE closed (id int);
GRANT ALL ON files, "t\xc3\xa4ble \xf0\x9f\x94\x92" TO PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret:health';
SECURITY LABEL FOR dataclass ON TABLE closed IS 'restricted';
SECURITY LABEL FOR dataclass ON TABLE "t\xc3\xa4ble \xf0\x9f\x94\x92" IS 'restricted:health';
SECURITY LABEL FOR dataclass ON ROLE medic IS 'restricted:health with (break_glass)';
CREATE FUNCTION total() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM files';
SECURITY LABEL FOR dataclass ON FUNCTION total() IS 'trusted secret:health';
UPDATE dataclass.data_class SET read_audit = 'statement', superuser_audit = true WHERE name = 'restricted';
CREATE ROLE boss SUPERUSER LOGIN;
SECURITY LABEL FOR dataclass ON ROLE boss IS 'restricted:health with (export)';
SET dataclass.session_ceiling = 'public';
GRANT SELECT ON closed TO "$long_name", medic;
});
attempt($long_name, $_) for 'SELECT * FROM files', "SELECT '" . 'x' x 3000 . "', \"sp\xc3\xa4lte \xe2\x82\xac\" FROM files",
	'SELECT "sp' . "\xc3\xa4" . 'lte ' . "\xe2\x82\xac\"" . ", \"sp\xc3\xa4lte \xe2\x82\xac\"" x 300 . ' FROM files',
	"SELECT * FROM \"t\xc3\xa4ble \xf0\x9f\x94\x92\"", 'ALTER TABLE files ADD extra int', 'DELETE FROM dataclass_audit.event',
	"SECURITY LABEL FOR dataclass ON TABLE files IS 'open'", 'SELECT * FROM closed', 'ALTER ROLE medic PASSWORD NULL', 'INSERT INTO closed VALUES (1)';
attempt('medic', $_) for "INSERT INTO \"t\xc3\xa4ble \xf0\x9f\x94\x92\" VALUES (1, 'secret:health')", 'SELECT * FROM closed', 'SELECT total()',
	"SELECT dataclass.break_glass('pati\xc3\xabnt cannot be asked', '5 minutes'); SELECT * FROM files; SELECT dataclass.end_break_glass()";
attempt('boss', $_) for 'SELECT * FROM closed', 'COPY closed TO STDOUT', 'DELETE FROM dataclass_audit.event', 'DROP TABLE closed';
attempt('medic', $_) for 'CREATE TABLE mine (id int)', "SECURITY LABEL FOR dataclass ON TABLE mine IS 'open'";
attempt('officer', $_) for "CREATE TABLE own (id int); SECURITY LABEL FOR dataclass ON TABLE own IS 'restricted'; DROP TABLE own",
	"CREATE TABLE own (id int); SECURITY LABEL FOR dataclass ON TABLE own IS 'restricted'", 'COPY own TO STDOUT', 'GRANT SELECT ON own TO medic',
	"UPDATE dataclass.policy_setting SET description = 'kept \xe2\x80\x9cas is\xe2\x80\x9d'";
one('COPY (SELECT 1) TO STDOUT; SELECT dataclass_audit.make_checkpoint()');
# repeats of one denial become one record, with their number
attempt($long_name, q{DO $$ BEGIN FOR i IN 1 .. 40 LOOP BEGIN PERFORM * FROM files; EXCEPTION WHEN insufficient_privilege THEN NULL; END; END LOOP; END $$});
# through the journal
my $writer = one('SELECT writer_pid FROM dataclass_audit.status()');
kill 'STOP', $writer;
attempt('medic', 'SELECT id, 2 FROM files');
kill 'CONT', $writer;
IncidentRows::without_enforcement($node, 'SELECT 1');
ok($node->poll_query_until('postgres', q{SELECT count(*) FILTER (WHERE repeats > 1) > 0 AND count(*) FILTER (WHERE origin = 'journal') > 0 FROM dataclass_audit.event}), 'repeats, and a record from the journal');
settled();
one('SELECT dataclass_audit.make_checkpoint()');
one("UPDATE dataclass.policy_setting SET description = 'number $_' WHERE name = 'unlabelled'") for 1 .. 3;
one('DO $$ BEGIN FOR i IN 1 .. 300 LOOP UPDATE dataclass.policy_setting SET description = i::text WHERE name = $q$unlabelled$q$; END LOOP; END $$');
one(join "\n", map { "UPDATE dataclass.policy_setting SET description = 'step $_' WHERE name = 'unlabelled';" } 1 .. 560);
settled();

# --- exports, checkpoints, proofs, as an auditor takes them
my $key_text = auditor('SELECT verifier FROM dataclass_audit.checkpoint_key()');
my $key = TrailReader::verifier_key($key_text);
my $note = auditor('SELECT dataclass_audit.make_checkpoint()') . "\n";
$note =~ s/\n+\z/\n/;
my $checkpoint = TrailReader::checkpoint($note, $key);
my $size = $checkpoint->{size};
cmp_ok($size, '>', 600, 'a trail of more than two tiles, under a checkpoint');
sub export { my ($from, $to, $name) = @_; auditor("\\copy (SELECT dataclass_audit.export_trail($from, $to)) TO '$dir/$name'"); return slurp_file("$dir/$name"); }
my $text = export(1, $size, 'trail');
my $trail = TrailReader::trail($text);
is("$trail->{from} $trail->{to}", "1 $size", 'the whole of it, read by the documentation alone');
is(unpack('H*', $trail->{root}), unpack('H*', $checkpoint->{root}), 'the root is the one under the signature');

# --- each field is what its column says
my @columns = split /\n/, one(q{SELECT attname FROM pg_attribute WHERE attrelid = 'dataclass_audit.event'::regclass AND attnum > 0 ORDER BY attnum});
my %type = map { split /\|/ } split /\n/, one(q{SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'dataclass_audit.event'::regclass AND attnum > 0});
my $row = join ', ', map { 'coalesce(' . ($type{$_} eq 'text' ? qq{encode(convert_to("$_", 'UTF8'), 'hex')} : $type{$_} eq 'bytea' ? qq{encode("$_", 'hex')}
	: $type{$_} eq 'timestamp with time zone' ? qq{(extract(epoch FROM "$_") * 1000000)::bigint::text} : $type{$_} eq 'boolean' ? qq{"$_"::int::text}
	: $type{$_} eq 'uuid' ? qq{replace("$_"::text, '-', '')} : qq{"$_"::text}) . qq{, 'absent')} } @columns;
my ($differ, %seen, %absent, %given, $wide) = (0);
for my $line (split /\n/, one("SELECT $row FROM dataclass_audit.event WHERE seq <= $size ORDER BY seq"))
{
	my @values = split /\|/, $line, -1;
	my $r = shift @{ $trail->{records} };
	$seen{ $r->{kind} }++;
	for my $i (0 .. $#columns)
	{
		my $value = $r->{ $columns[$i] };
		$value = unpack 'H*', $value if defined $value && $type{ $columns[$i] } =~ /^(text|bytea)$/;
		$differ++ if !exists $r->{ $columns[$i] } || ($value // 'absent') ne $values[$i];
		(defined $value ? $given{ $columns[$i] } : $absent{ $columns[$i] })++;
	}
	$wide++ if length($r->{statement} // '') > 1000 && $r->{statement} =~ /\xe2\x82\xac/;
}
is($differ, 0, 'every field of every record is its column');
is(join(' ', grep { !$given{$_} } @columns), 'client_port', 'all columns had values, but for the port of a unix socket');
ok($wide, 'a statement that was cut, of characters of several bytes');
is(join(' ', grep { !$seen{$_} } qw(trail_begin access_denied row_denied label_change clearance_change label_refused policy_change ddl_denied ddl trail_guard
	enforcement_change trusted_entry audit_impaired setting_change break_glass export privilege_denied read superuser_access grant incident checkpoint)), '', 'kinds of records');
note(join ' ', map { "$_ $seen{$_}" } sort keys %seen);
$trail = TrailReader::trail($text);
my @records = @{ $trail->{records} };

# --- checkpoints and proofs
my @notes = map { pack 'H*', $_ } split /\n/, one(q{SELECT encode(convert_to(note, 'UTF8'), 'hex') FROM dataclass_audit.checkpoint ORDER BY size});
my @checkpoints = map { TrailReader::checkpoint($_, $key) } @notes;
is(scalar(grep { $_->{size} <= $size && $_->{root} ne $trail->{roots}{ $_->{size} } } @checkpoints), 0, scalar(@checkpoints) . ' checkpoints over the roots of this trail');
my %proof = map { ($_ => auditor("SELECT dataclass_audit.inclusion_proof($_, $size)") . "\n") } 1, 2, 100, 255 .. 258, 511 .. 514, $size - 1, $size;
s/\n+\z/\n/ for values %proof;
is(join(' ', map { TrailReader::included($proof{$_}, $records[ $_ - 1 ]{leaf_hash}, $key)->{seq} } sort { $a <=> $b } keys %proof), join(' ', sort { $a <=> $b } keys %proof), 'proofs of inclusion');
sub consistency { my ($old, $new) = @_; return auditor("SELECT dataclass_audit.consistency_proof($old, $new)") =~ s/\n*\z/\n/r; }
is(join(' ', map { TrailReader::consistent(consistency($_->{size}, $size), $_, $key)->{size} } grep { $_->{size} <= $size } @checkpoints),
	join(' ', map { $size } grep { $_->{size} <= $size } @checkpoints), 'proofs of consistency, from a checkpoint to itself, too');

# --- forged proofs: neither the reader, nor the server, nor the verifier believes one
sub refused
{
	my ($what, $command, $old, @proofs) = @_;
	my ($believed, $seen) = (0, 0);
	for my $forged (@proofs)
	{
		$seen++;
		TrailReader::put("$dir/forged", $forged);
		(my $quoted = $forged) =~ s/'/''/g;
		my $reader = eval { $command eq 'inclusion' ? TrailReader::included($forged, $old->{leaf_hash}, $key) : TrailReader::consistent($forged, $old, $key); 1 };
		my ($rc, $out) = $node->psql('postgres', $command eq 'inclusion' ? "SELECT dataclass_audit.verify_inclusion('\\x" . unpack('H*', $old->{leaf_hash}) . "', '$quoted')"
			: "SELECT dataclass_audit.verify_consistency((SELECT note FROM dataclass_audit.checkpoint WHERE size = $old->{size}), '$quoted')");
		IPC::Run::run([ 'dataclass_verify', $command, '--key', $key_text, $command eq 'inclusion' ? ('--proof', "$dir/forged", "$dir/record") : ('--old', "$dir/old", "$dir/forged") ], '>', \my $said, '2>&1');
		$believed++ if $reader || ($out // '') eq 't' || $? >> 8 != 1 || $said !~ /^bad: /;
	}
	return is($believed, 0, "$what: $seen forged proofs, none is believed");
}
sub flips { my ($text, $step) = @_; return map { my $bad = $text; substr($bad, $_, 1) = chr(ord(substr $bad, $_, 1) ^ 1 << $_ % 7); $bad } grep { !($_ % $step) } 0 .. length($text) - 1; }
sub lines_changed
{
	my $text = shift;
	my @l = split /(?<=\n)/, $text;
	my @hash = grep { $l[$_] =~ /\A[A-Za-z0-9+\/]{43}=\n\z/ } 0 .. $#l;
	my @made;
	for my $i (@hash)
	{
		push @made, join '', @l[ 0 .. $i - 1, $i + 1 .. $#l ];
		push @made, join '', @l[ 0 .. $i, $i .. $#l ];
		push @made, join '', @l[ 0 .. $i - 1 ], TrailReader::encode_base64(sha256($l[$i]), '') . "\n", @l[ $i + 1 .. $#l ];
		push @made, join '', @l[ 0 .. $i - 1, $i + 1, $i, $i + 2 .. $#l ] if $i < $#l && $l[ $i + 1 ] =~ /=\n\z/ && $l[$i] ne $l[ $i + 1 ];
	}
	return @made;
}
export(100, 100, 'record');
refused('inclusion', 'inclusion', $records[99], lines_changed($proof{100}), flips($proof{100}, 11),
	map { $proof{100} =~ s/\nindex 99\n/\nindex $_\n/r } 0, 98, 100, $size, '099', '-1', 99 + 2 * $size);
my ($old) = grep { $_->{size} > 20 && $_->{size} < $size && ($_->{size} & ($_->{size} - 1)) } reverse @checkpoints;
TrailReader::put("$dir/old", (grep { TrailReader::checkpoint($_, $key)->{size} == $old->{size} } @notes)[0]);
my $consistent = consistency($old->{size}, $size);
refused('consistency', 'consistency', $old, lines_changed($consistent), flips($consistent, 11), map { $consistent =~ s/\Aold \d+\n/old $_\n/r } 0, $old->{size} + 1, $size, "0$old->{size}");

# --- a bit of a real export flipped: found by both, the record of that line or the one that holds its hash is named
{
	my @lines = split /(?<=\n)/, export(1, 40, 'short');
	my $short = join '', @lines;
	my ($tried, $wrong, $at) = (0, 0, 0);
	for my $line (0 .. $#lines)
	{
		for (my $i = $line % 7; $i < length $lines[$line]; $i += 131)
		{
			my $bad = $short;
			substr($bad, $at + $i, 1) = chr(ord(substr $bad, $at + $i, 1) ^ 1 << $tried++ % 8);
			TrailReader::put("$dir/flipped", $bad);
			IPC::Run::run([ 'dataclass_verify', 'trail', "$dir/flipped" ], '>', \my $said, '2>&1');
			my $named = $said =~ /^bad: .*: record (\d+): / ? $1 : $line == 0 || $line == $#lines ? $line : -1;
			my $status = $? >> 8;
			# a changed link is told from a changed record by the records behind it
			$wrong++ if $status != 1 || ($named != $line && $named != $line - 1) || eval { TrailReader::trail($bad); 1 };
			diag("line $line byte $i: $status $said") if $status != 1 || ($named != $line && $named != $line - 1);
		}
		$at += length $lines[$line];
	}
	is($wrong, 0, "$tried bit flips in an export: found, and the place named");
}

# --- history made anew in the tables, every hash right: the signature knows
sub forge_rows
{
	my ($from, $change) = @_;
	my @fork = map { { %$_ } } @records;
	my $sql = '';
	my $prev = $fork[ $from - 2 ]{leaf_hash};
	for my $r (@fork[ $from - 1 .. $#fork ])
	{
		my %f = (%$r, id => $r->{event_id}, prev => $prev);
		$change->(\%f) if $r->{seq} == $from;
		$prev = $r->{leaf_hash} = TrailForge::leaf_hash(TrailForge::leaf(\%f));
		$sql .= "UPDATE dataclass_audit.event SET prev_hash = '\\x" . unpack('H*', $f{prev}) . "', leaf_hash = '\\x" . unpack('H*', $prev) . "' WHERE seq = $r->{seq};\n";
	}
	my $tree = TrailReader::tree(0);
	TrailReader::add($tree, $_->{leaf_hash}) for @fork;
	$sql .= "UPDATE dataclass_audit.head SET seq = $size, hash = '\\x" . unpack('H*', $prev) . "', root = '\\x" . unpack('H*', TrailReader::root($tree)) . "', frontier = '\\x" . unpack('H*', join '', @{ $tree->{roots} }) . "';\n";
	for my $tile (0 .. int($size / 256) - 1)
	{
		my @leaves = map { $_->{leaf_hash} } @fork[ 256 * $tile .. 256 * $tile + 255 ];
		$sql .= "UPDATE dataclass_audit.tile SET hashes = '\\x" . unpack('H*', join '', @leaves) . "', root = '\\x" . unpack('H*', TrailForge::root(@leaves)) . "' WHERE level = 0 AND index = $tile;\n";
	}
	return $sql;
}
my $fork_at = $old->{size} - 3;
my $next = $node->safe_psql('postgres', "SELECT min(size) FROM dataclass_audit.checkpoint WHERE size >= $fork_at");
my $fork = "BEGIN; DELETE FROM dataclass_audit.event WHERE seq > $size; UPDATE dataclass_audit.event SET detail = 'nothing happened' WHERE seq = $fork_at;"
	. forge_rows($fork_at, sub { shift->{detail} = 'nothing happened' });
for my $enforcement ('off', 'enforcing')
{
	$node->append_conf('postgresql.conf', "dataclass.enforcement = $enforcement");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('dataclass.enforcement') = '$enforcement'") or die;
	next if $enforcement ne 'off';
	my (undef, $out) = $node->psql('postgres', "$fork DELETE FROM dataclass_audit.checkpoint WHERE size > $size; SELECT ok, first_bad, reason FROM dataclass_audit.verify(); ROLLBACK");
	like($out, qr/^f\|$next\|the checkpoint over the records up to this one has another root/m, 'a fork in the tables, all hashes made anew: the next checkpoint is another');
	(undef, $out) = $node->psql('postgres', "$fork DELETE FROM dataclass_audit.checkpoint; SELECT ok, reason FROM dataclass_audit.verify(); ROLLBACK");
	like($out, qr/^f\|the (tree over the first \d+ records is not the one|trail was rewound|trail ends at record|record is not the one)/m, 'without any checkpoint in the table, too: the head file knows');
}
is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'put back');

# --- parts, empty ones, archives
TrailReader::trail(export(1, 255, 'a') . export(256, 256, 'b') . export(257, 256, 'c') . export(257, $size, 'd'));
is(TrailReader::trail(export(257, $size, 'd'))->{root}, $checkpoint->{root}, 'a range from the middle on gives the same root');
IncidentRows::close_incidents($node);
my $ranges = auditor('SELECT from_seq, to_seq, file FROM dataclass_audit.archive(now())');
my ($to) = $ranges =~ /^1\|(512|768)\|\S+$/ or die "archived: $ranges";
my $archive = $node->data_dir . '/pg_dataclass/archive/' . (split /\|/, $ranges)[2];
my $archived = TrailReader::trail(slurp_file($archive));
is(TrailReader::consistent(slurp_file("$archive.proof"), { size => $to, root => $archived->{root} }, $key)->{size},
	(map { (TrailReader::checkpoint($_, $key))->{size} } one('SELECT dataclass_audit.latest_checkpoint()') =~ s/\n*\z/\n/r)[0], 'the proof beside it leads to the newest checkpoint');
is(TrailReader::trail(slurp_file($archive) . export('NULL', $size, 'rest'))->{root}, $checkpoint->{root}, 'archive and rest are the whole trail');
is(TrailReader::included(auditor("SELECT dataclass_audit.inclusion_proof(100, $size)") =~ s/\n*\z/\n/r, $archived->{records}[99]{leaf_hash}, $key)->{seq}, 100, 'an archived record is still proved');
is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'verify() holds');
is(auditor('SELECT bool_and(ok) FROM dataclass_audit.verify_archive()'), 't', 'verify_archive() holds');
$node->stop;
done_testing();
