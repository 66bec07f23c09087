# Where an event cannot take its usual way: no room for a worker, a cluster that
# is read-only by default, single-user mode, a full disk below the journal and
# below the archive.  And a process number that was given to another session.
use strict;
use warnings;
use Fcntl qw(:flock);
use File::Path qw(remove_tree);
use FindBin;
use lib $FindBin::RealBin;
use IncidentRows;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WireClient;

my $node = PostgreSQL::Test::Cluster->new('no_place');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.repeat_window = 0
autovacuum = off
});
$node->start;

sub one { return $node->safe_psql('postgres', shift); }
sub poll { return $node->poll_query_until('postgres', shift); }
sub deny
{
	my ($name) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', 'SELECT * FROM files', extra_params => [ '-U', 'low', '-v', 'VERBOSITY=verbose' ],
		connstr => $node->connstr('postgres') . " application_name=$name");
	return $err;
}
sub set_conf
{
	my ($name, $value) = @_;
	$node->append_conf('postgresql.conf', "$name = '$value'");
	$node->reload;
	poll("SELECT current_setting('$name') = '$value'") or die "$name is not $value";
	return;
}
sub settled { return poll('SELECT queued = 0 AND journal_files = 0 AND unrecorded = 0 FROM dataclass_audit.status()'); }
# How often, and by which way.
sub found { my ($name) = @_; return one("SELECT count(*) || ' ' || min(origin) FROM dataclass_audit.event WHERE application = '$name' AND kind = 'access_denied'"); }
sub sound
{
	my ($what) = @_;
	ok(settled(), "$what: nothing is on its way");
	is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', "$what: verify() holds");
	is(one('SELECT count(*) = max(seq) - min(seq) + 1 FROM dataclass_audit.event'), 't', "$what: no gaps");
	return;
}

one(q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE low LOGIN;
CREATE ROLE guest LOGIN;
CREATE ROLE auditor LOGIN IN ROLE dataclass_auditor;
CREATE TABLE files (id int);
GRANT SELECT ON files TO low, guest;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
});
ok(settled(), 'the trail begins');

# --- settings that would keep the writer from writing, by every route

one(join '', map { "ALTER DATABASE postgres SET $_;\n" } (
	'default_transaction_read_only = on', 'default_transaction_isolation = serializable', 'default_transaction_deferrable = on',
	'statement_timeout = 1', 'idle_in_transaction_session_timeout = 1', 'synchronous_commit = off', 'search_path = nowhere',
	'role = low', 'exit_on_error = on', q{DateStyle = 'SQL, DMY'}, q{TimeZone = 'Asia/Karachi'}, q{bytea_output = 'escape'}));
$node->append_conf('postgresql.conf', 'default_transaction_read_only = on');
{
	# sessions of the test set them back for themselves
	local $ENV{PGOPTIONS} = '-c role=none -c exit_on_error=off -c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c DateStyle=ISO -c search_path=public';
	$node->restart;
	is(one('SHOW default_transaction_read_only'), 'on', 'everything is read-only by default');
	like(deny('read_only'), qr/ERROR:  42501/, 'a denial');
	is(found('read_only'), '1 queue', 'is in the trail at once');
	sound('read-only by default');
	one('SET default_transaction_read_only = off; ALTER DATABASE postgres RESET ALL');
}
$node->append_conf('postgresql.conf', 'default_transaction_read_only = off');

# --- no room for a worker: three slots, which the launchers have

$node->append_conf('postgresql.conf', 'max_worker_processes = 3');
$node->restart;
like(deny("crowded$_"), qr/ERROR:  42501/, 'denied while no worker can be started') for 1 .. 3;
is($node->psql('postgres', q{CREATE TABLE crowded (id int); SECURITY LABEL FOR dataclass ON TABLE crowded IS 'restricted'}), 0, 'a change is made');
is(one('SELECT journal_files > 0 AND unrecorded = 0 AND writer_pid IS NULL FROM dataclass_audit.status()'), 't', 'all of it is in the journal');
like(slurp_file($node->logfile), qr/could not start the audit writer of database.*\n.*HINT:  Increase max_worker_processes/, 'the server log says what to do');
$node->append_conf('postgresql.conf', 'max_worker_processes = 24');
$node->restart;
ok(settled(), 'with room for it the writer imports');
is(found("crowded$_"), '1 journal', 'each denial once') for 1 .. 3;
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'label_change' AND object_identity = 'public.crowded'}), '1', 'and the change');
ok(poll(q{SELECT count(*) > 0 FROM dataclass_audit.event WHERE kind = 'audit_impaired' AND detail LIKE 'Recording was impaired %writer not running%'}), 'the window is a record');
sound('no room');

# --- single-user mode

sub single
{
	my (@sql) = @_;
	my $said = '';
	IPC::Run::run([ 'postgres', '--single', '-D', $node->data_dir, 'postgres' ], '<', \join('', map { "$_\n" } @sql), '>&', \$said);
	return $said;
}
$node->stop;
my $said = single('SELECT id AS first FROM files', q{CREATE TABLE alone (id int)}, q{SECURITY LABEL FOR dataclass ON TABLE alone IS 'secret'}, 'SELECT id AS second FROM alone',
	'DELETE FROM dataclass_audit.event', 'SELECT count(*) AS alive FROM pg_class');
is(scalar(() = $said =~ /ERROR:  permission denied for relation "(?:files|alone)"/g), 2, 'single-user mode: labelled tables are denied');
like($said, qr/ERROR:  permission denied for table dataclass_audit\.event/, 'the trail is guarded');
like($said, qr/alive/, 'and the session goes on');
# and where nothing can be recorded
my $own = $node->data_dir . '/pg_dataclass';
rename $own, "$own.away" or die;
append_to_file($own, 'in the way');
$said = single('SELECT id FROM files', 'CREATE TABLE unsaid (id int)', q{SECURITY LABEL FOR dataclass ON TABLE unsaid IS 'secret'});
like($said, qr/ERROR:  permission denied for relation "files"/, 'without a journal: denied');
like($said, qr/could not record/, 'and no change is made');
like($said, qr/kind=access_denied .*object=table public\.files /, 'what is lost is told');
unlink $own;
rename "$own.away", $own or die;
$node->start;
ok(settled(), 'imported after the start');
is(one(q{SELECT string_agg(kind || ' ' || object_identity || ' ' || origin, ', ' ORDER BY seq) FROM dataclass_audit.event
	WHERE backend_pid = (SELECT backend_pid FROM dataclass_audit.event WHERE kind = 'label_change' AND object_identity = 'public.alone')}),
	'access_denied public.files journal, label_change public.alone journal, access_denied public.alone journal, trail_guard dataclass_audit.event journal',
	'all of it is in the trail, once, in order');
is(one(q{SELECT count(*) FROM pg_seclabels WHERE objname LIKE '%unsaid'}), '0', 'what could not be recorded was not done');
sound('single-user mode');

# --- a process number that another session has by now

one(q{DELETE FROM dataclass.response_rule; INSERT INTO dataclass.response_rule (name, kind, measure) VALUES ('end', 'access_denied', 'end_session')});
sub connect_as { return WireClient->new(host => $node->host, port => $node->port, user => shift, database => 'postgres'); }
sub pid_of { return shift->must('SELECT pg_backend_pid()')->{rows}[0][0]; }
sub alive { my ($c) = @_; my ($r) = eval { $c->run('SELECT 1') }; return $r && !$r->{error} ? 1 : 0; }
my $worker = q{FROM pg_stat_activity WHERE backend_type = 'dataclass notices' AND datname = 'postgres'};
# A breach by a session that is gone before anybody looks at it, as if its number
# had been given to this one.
sub mistaken_for
{
	my ($victim, $session_id) = @_;
	deny('wakes');
	poll("SELECT count(*) = 1 $worker") or die 'no worker';
	my $stopped = one("SELECT pid $worker");
	kill 'STOP', $stopped;
	$node->psql('postgres', 'SELECT * FROM files', extra_params => [ '-U', 'guest' ]);
	my $seq = one(q{SELECT max(seq) FROM dataclass_audit.event WHERE subject = 'guest' AND kind = 'access_denied'});
	my $pid = pid_of($victim);
	my ($was, $id_was) = split /\|/, one("SELECT backend_pid, session_id FROM dataclass_audit.event WHERE seq = $seq");
	IncidentRows::without_enforcement($node, "UPDATE dataclass_audit.event SET backend_pid = $pid, session_id = " . ($session_id // 'session_id') . " WHERE seq = $seq");
	kill 'CONT', $stopped;
	poll("SELECT seq >= $seq FROM dataclass_audit.response_position") or die 'not looked at';
	# as it was, or verify() tells
	IncidentRows::without_enforcement($node, "UPDATE dataclass_audit.event SET backend_pid = $was, session_id = '$id_was' WHERE seq = $seq");
	return;
}
my $early = connect_as('low');
my $id_of_early = one(q{SELECT to_hex(trunc(extract(epoch FROM backend_start))::bigint - 1) || '.' || to_hex(pid) FROM pg_stat_activity WHERE pid = } . pid_of($early));
my $right = one(q{SELECT to_hex(trunc(extract(epoch FROM backend_start))::bigint) || '.' || to_hex(pid) FROM pg_stat_activity WHERE pid = } . pid_of($early));
mistaken_for($early, "'$id_of_early'");
is(alive($early), 1, 'a session that began at another time than the one of the breach is not ended');
mistaken_for($early, "'nonsense'");
is(alive($early), 1, 'nor one of which the record says nothing that can be read');
mistaken_for($early, "'$right'");
is(alive($early), 0, 'the one of the record is');
one('DELETE FROM dataclass.response_rule');

# --- full disks, on a small file system that other tests fill, too

my $disk = $ENV{DC_SMALL_DIR} || '';
if ($disk eq '')
{
	note('full disks are left out: ' . ($ENV{DC_FSCRYPT_WHY} || 'there is no file system to fill'));
	$node->stop;
	done_testing();
	exit;
}
open my $lock, '>>', "$disk/lock" or die "$disk/lock: $!";
flock $lock, LOCK_EX or die "flock: $!";
my $place = "$disk/no_place";
my $filler = "$disk/no_place_filler";
END { my $status = $?; if ($place) { $node->stop('immediate'); remove_tree($place); unlink $filler; } $? = $status; }
mkdir $place or die "$place: $!";

sub fill
{
	open my $fh, '>:raw', $filler or die "$filler: $!";
	my $chunk = "\0" x (1 << 20);
	while (length $chunk)
	{
		next if syswrite $fh, $chunk;
		$chunk = substr $chunk, 0, length($chunk) / 2;
	}
	close $fh;
	return;
}

# the journal: its directory lies there
sound('before the disk is full');
$node->stop;
system_or_bail('cp', '-a', $own, "$place/own");
rename $own, "$own.away" or die;
symlink "$place/own", $own or die;
$node->start;
deny('wakes');
poll('SELECT writer_pid IS NOT NULL AND queued = 0 FROM dataclass_audit.status()');
my $writer = one('SELECT writer_pid FROM dataclass_audit.status()');
kill 'STOP', $writer;
set_conf('dataclass.audit_timeout', '200ms');
like(deny("kept$_"), qr/ERROR:  42501/, 'denied, in the journal') for 1 .. 3;
my $log = -s $node->logfile;
fill();
my ($full, $denied) = (0, 0);
for my $n (1 .. 60)
{
	$denied++ if deny("full$n") =~ /ERROR:  42501/;
	$full++ if slurp_file($node->logfile, $log) =~ /could not write the audit journal.*No space left on device/;
	last if $full >= 5;
}
is($full, 5, 'the disk below the journal is full');
cmp_ok($denied, '>=', 5, 'denials are raised all the same');
my ($rc, $out, $err) = $node->psql('postgres', q{CREATE TABLE full_disk (id int); SECURITY LABEL FOR dataclass ON TABLE full_disk IS 'restricted'}, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  58030.*could not record/, 'changes are refused');
set_conf('dataclass.on_audit_failure', 'continue');
($rc, $out, $err) = $node->psql('postgres', q{CREATE TABLE full_disk2 (id int); SECURITY LABEL FOR dataclass ON TABLE full_disk2 IS 'restricted'});
like($err, qr/WARNING:  audit event could not be recorded/, 'or made with a warning, where the setting says so');
is(one('SELECT unrecorded >= 7 FROM dataclass_audit.status()'), 't', 'status() counts what is lost');
set_conf('dataclass.audit_timeout', '58s');
set_conf('dataclass.on_audit_failure', 'refuse');
# the disk is still full, the writer still stopped: the number is in no memory after this
$node->stop('immediate');
unlink $filler;
$node->start;
ok(settled(), 'with room on the disk recording goes on');
is(found("kept$_"), '1 journal', 'what was in the journal is in the trail') for 1 .. 3;
ok(poll(q{SELECT count(*) > 0 FROM dataclass_audit.event WHERE kind = 'audit_impaired' AND breach AND detail LIKE 'Events recorded nowhere but in the server log: %'}), 'what was not is a record, a breach');
my $lost = () = slurp_file($node->logfile, $log) =~ /LOG:  audit event could not be recorded/g;
ok(poll(qq{SELECT sum(substring(detail FROM 'server log: (\\d+)')::int) = $lost FROM dataclass_audit.event WHERE kind = 'audit_impaired' AND seq > (SELECT max(seq) FROM dataclass_audit.event WHERE application = 'wakes')
	AND detail LIKE 'Events recorded nowhere but in the server log: %'}), "with the number that the server log has, $lost");
is(one(q{SELECT count(*) FROM (SELECT FROM dataclass_audit.event WHERE application LIKE 'full%' GROUP BY application HAVING count(*) > 1) x}), '0', 'nothing is there twice');
sound('full disk below the journal');

# the archive
my $goal = one('SELECT max(seq) FROM dataclass_audit.event') + 600;
one(join '', map { "UPDATE dataclass.policy_setting SET description = '$_' WHERE name = 'unlabelled';\n" } 1 .. 600);
ok(poll("SELECT max(seq) >= $goal FROM dataclass_audit.event"), 'a trail of some length');
mkdir "$place/archive" or die;
$node->append_conf('postgresql.conf', "dataclass.archive_directory = '$place/archive'");
$node->restart;
IncidentRows::close_incidents($node);
one('SELECT dataclass_audit.make_checkpoint()');
my $archive = 'SELECT from_seq, to_seq FROM dataclass_audit.archive(now())';
fill();
my $rows = one('SELECT min(seq) FROM dataclass_audit.event');
($rc, $out, $err) = $node->psql('postgres', $archive, extra_params => [ '-U', 'auditor', '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  53100: could not (?:write|create|flush) .*No space left on device/, 'no room for the archive: an error');
is(one('SELECT min(seq) FROM dataclass_audit.event'), $rows, 'and all rows stay');
is(one('SELECT count(*) FROM dataclass_audit.archived_range'), '0', 'nothing counts as archived');
is(scalar(() = glob "$place/archive/trail-*"), 0, 'and no file looks like one');
unlink $filler;
like($node->safe_psql('postgres', $archive, extra_params => [ '-U', 'auditor' ]), qr/^1\|\d+/, 'with room it goes');
is($node->safe_psql('postgres', 'SELECT bool_and(ok) FROM dataclass_audit.verify_archive()', extra_params => [ '-U', 'auditor' ]), 't', 'verify_archive() holds');
is(scalar(() = glob "$place/archive/tmp-*"), 0, 'nothing of the failed one is left');
sound('full disk below the archive');
done_testing();
