# Windows in which recording was impaired, limits, and journals of a standby
# that are handed in on the primary.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use File::Copy;
use POSIX ();
use AuditWorld;

my $node = PostgreSQL::Test::Cluster->new('recording');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.node_name = 'alpha'
max_connections = 40
});
$node->start;
sub one { return $node->safe_psql('postgres', shift); }
one(q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE low LOGIN;
CREATE ROLE watcher LOGIN IN ROLE dataclass_auditor;
CREATE TABLE files (id int);
GRANT SELECT ON files TO low;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
});
my $dir = $node->data_dir . '/pg_dataclass';

sub deny { return AuditWorld::deny(@_); }

sub set_conf { return AuditWorld::set_conf(@_); }

sub settled { return $node->poll_query_until('postgres', 'SELECT queued = 0 AND journal_files = 0 FROM dataclass_audit.status()'); }
# Sessions wait for a writer as long as they have to, but not for one that is stopped.
sub stop_writer
{
	my ($timeout) = @_;
	deny($node, 'wakes');
	$node->poll_query_until('postgres', 'SELECT writer_pid IS NOT NULL FROM dataclass_audit.status()');
	my $pid = one('SELECT writer_pid FROM dataclass_audit.status()');
	kill 'STOP', $pid;
	set_conf($node, 'dataclass.audit_timeout', $timeout) if $timeout;
	return $pid;
}
sub let_writer_go
{
	my ($pid) = @_;
	set_conf($node, 'dataclass.audit_timeout', '58s');
	kill 'CONT', $pid;
	return;
}
sub windows { return one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'audit_impaired' AND detail LIKE 'Recording was impaired %'}); }
sub last_window { return one(q{SELECT severity, breach, detail FROM dataclass_audit.event WHERE kind = 'audit_impaired' AND detail LIKE 'Recording was impaired %' ORDER BY seq DESC LIMIT 1}); }
sub sound
{
	my ($what) = @_;
	is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', "$what: verify() holds");
	is(one('SELECT count(*) = max(seq) AND min(seq) = 1 FROM dataclass_audit.event'), 't', "$what: no gaps");
}

# --- a writer that does not answer
settled();
$node->poll_query_until('postgres', q{SELECT coalesce(sum(unreported), 0) = 0 FROM dataclass_audit.journal_position});
my $before = windows();
my $writer = stop_writer('200ms');
like(deny($node, "stopped$_"), qr/42501/, 'denied while the writer is stopped') for 1 .. 3;
let_writer_go($writer);
ok(settled(), 'imported');
$node->poll_query_until('postgres', 'SELECT sum(unreported) = 0 FROM dataclass_audit.journal_position');
is(windows(), $before + 1, 'one record of the window');
like(last_window(), qr/^warning\|f\|Recording was impaired from \S+ \S+ to \S+ \S+: events that went through the journal of node "alpha": 3 \(timeout\)\.$/, 'from when to when, how many, why');
is(one(q{SELECT count(*), min(origin), min(node) FROM dataclass_audit.event WHERE application LIKE 'stopped_'}), '3|journal|alpha', 'the events are there, once, with their node');
sound('window');

# --- the journals reach their limit: warned at three quarters, then it counts as failing
$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'low'});
set_conf($node, 'dataclass.journal_size_limit', '16kB');
my $log_start = -s $node->logfile;
$writer = stop_writer('200ms');
my $failed;
for my $n (1 .. 60)
{
	like(deny($node, "limit$n"), qr/42501/, 'a denial is raised');
	last if $failed = slurp_file($node->logfile, $log_start) =~ /audit journals have reached dataclass\.journal_size_limit/;
}
ok($failed, 'beyond the limit events are not journalled');
my ($rc, $out, $err) = $node->psql('postgres', q{CREATE TABLE a (); SECURITY LABEL FOR dataclass ON TABLE a IS 'secret'}, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/58030/, 'and changes are refused');
my @warnings = slurp_file($node->logfile, $log_start) =~ /WARNING:  room for audit journals is \d+ percent full/g;
is(scalar @warnings, 1, 'one warning in the server log');
like(slurp_file($node->logfile, $log_start), qr/HINT:  See SELECT \* FROM dataclass_audit\.status\(\) for what keeps the writer/, 'with a hint');
unlike($err, qr/percent full/, 'none for the client');
set_conf($node, 'dataclass.journal_size_limit', '1GB');
let_writer_go($writer);
ok(settled(), 'imported');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM dataclass_audit.event WHERE kind = 'audit_impaired' AND severity = 'notice' AND detail LIKE 'The room for audit journals is % percent full.' AND subject IS NULL}),
	'the warning is a record');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM dataclass_audit.event WHERE kind = 'audit_impaired' AND breach AND detail LIKE 'Events recorded nowhere but%'}), 'what was lost to the limit is a record too');
sound('limit');

# --- a queue with several events in it: long payloads and short ones, and the mark of three quarters
$node->append_conf('postgresql.conf', "dataclass.audit_queue_size = 8\n");
$node->restart;
settled();
$log_start = -s $node->logfile;
$writer = stop_writer();
my @clients;
for my $n (1 .. 12)
{
	my $statement = 'SELECT * FROM files WHERE ' . join(' OR ', map { "id = $_" } 1 .. ($n % 2 ? 200 : 1));
	push @clients, IPC::Run::start([ 'psql', '-X', '-q', '-U', 'low', '-d', $node->connstr('postgres') . " application_name=full$n", '-c', $statement ], '>', \my $o, '2>', \my $e);
}
# some find no room; those that did go on waiting
ok($node->poll_query_until('postgres', 'SELECT journal_files > 0 FROM dataclass_audit.status()'), 'the queue is full');
kill 'CONT', $writer;
$_->finish for @clients;
ok(settled(), 'the full queue is empty again');
is(one(q{SELECT count(*), count(DISTINCT application) FROM dataclass_audit.event WHERE application LIKE 'full%' AND kind = 'access_denied'}), '12|12', 'each event of the storm once');
ok($node->poll_query_until('postgres', q{SELECT count(*) >= 1 FROM dataclass_audit.event WHERE detail LIKE 'Recording was impaired %' AND detail LIKE '%queue full%'}), 'a full queue is told as such');
like(slurp_file($node->logfile, $log_start), qr/WARNING:  queue of audit events is \d+ percent full/, 'and was warned of');
sound('queue');
$node->append_conf('postgresql.conf', "dataclass.audit_queue_size = 2048\n");
$node->restart;
settled();

# --- a standby: its journal is handed in while it goes on
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('far');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "dataclass.node_name = 'beta'\n");
$standby->start;
$node->wait_for_catchup($standby, 'replay');
like(deny($standby, "beta$_"), qr/42501/, 'denied on the standby') for 1 .. 3;
like($standby->safe_psql('postgres', 'SELECT note FROM dataclass_audit.status()'), qr/^hot standby: events are kept/, 'status() says what is going on');
my ($journal) = glob $standby->data_dir . '/pg_dataclass/journal-*';
my $oid = one(q{SELECT oid FROM pg_database WHERE datname = current_database()});

sub import_as
{
	my ($role, $file) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', "SELECT events, imported, known FROM dataclass_audit.import_journal('$file')",
		extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ]);
	return $rc == 0 ? $out : $err;
}

my $scratch = PostgreSQL::Test::Utils::tempdir;
sub write_file
{
	my ($name, $bytes) = @_;
	open my $fh, '>:raw', "$scratch/$name" or die "$name: $!";
	print $fh $bytes;
	close $fh or die;
	return "$scratch/$name";
}

like(import_as('low', $journal), qr/ERROR:  42501/, 'not for everybody');
copy($journal, "$scratch/short") or die;
is(import_as('watcher', $journal), '3|3|0', 'an auditor hands in the journal');
is(one(q{SELECT count(*), min(node), min(origin) FROM dataclass_audit.event WHERE application LIKE 'beta_'}), '3|beta|journal', 'with the node of the standby');
is(import_as('watcher', $journal), '3|0|3', 'the same file again brings nothing');
like(deny($standby, "beta$_"), qr/42501/, 'the standby goes on') for 4 .. 5;
is(import_as('watcher', $journal), '5|2|3', 'a longer copy brings what is new');
is(import_as('watcher', "$scratch/short"), '3|0|3', 'a shorter one nothing');
like(one(q{SELECT detail FROM dataclass_audit.event WHERE detail LIKE 'Recording was impaired %"beta"%' ORDER BY seq LIMIT 1}), qr/of node "beta": 3 \(standby\)/, 'the window of the standby is a record');
is(one(q{SELECT severity, breach FROM dataclass_audit.event WHERE detail LIKE 'Recording was impaired %"beta"%' LIMIT 1}), 'info|f', 'no breach');
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE action = 'import_journal' AND outcome = 'allowed' AND session_user_name = 'watcher'}), '4', 'who handed in what is recorded');

# --- what a hostile caller hands in
my $bytes = slurp_file($journal);
like(import_as('watcher', 'base/x'), qr/42602.*absolute path/, 'no relative path');
like(import_as('watcher', "$scratch/none"), qr/58P01/, 'no file');
like(import_as('watcher', '/dev/zero'), qr/22023.*\n?.*no regular file/s, 'no device');
like(import_as('watcher', $scratch), qr/22023/, 'no directory');
POSIX::mkfifo("$scratch/fifo", 0600) or die;
like(import_as('watcher', "$scratch/fifo"), qr/22023/, 'no pipe, and no waiting for one');
my $other = import_as('watcher', $node->data_dir . '/pg_hba.conf');
like($other, qr/22023.*no audit journal/s, 'no other file');
unlike($other, qr/trust|host/, 'of which nothing is shown');
my $flipped = $bytes;
substr($flipped, -60, 1) ^= "\x01";
like(import_as('watcher', write_file('flip', $flipped)), qr/22023|XX001|\d+\|0\|\d+/, 'a changed last record is cut off or refused');
$flipped = $bytes;
substr($flipped, 150, 1) ^= "\x01";
like(import_as('watcher', write_file('flip2', $flipped)), qr/XX001.*are damaged/s, 'damage is refused');
my @starts;
push @starts, pos($bytes) - 4 while $bytes =~ /DCFR/g;
like(import_as('watcher', write_file('cut', substr($bytes, 0, $starts[1]) . substr($bytes, $starts[2]))), qr/XX001.*does not follow/s, 'a record taken out is noticed');
is(import_as('watcher', write_file('tail', substr($bytes, 0, -9))), '4|0|4', 'a tail that is being written is left out');
my $foreign = $bytes;
substr($foreign, 8, 4) = pack 'N', $oid + 1;
like(import_as('watcher', write_file('foreign', $foreign)), qr/22023/, 'a header that was edited');
cmp_ok(one(q{SELECT count(*) FROM dataclass_audit.event WHERE action = 'import_journal' AND outcome = 'denied' AND breach}), '>=', 2, 'what was damaged is recorded as a breach');
is(one(q{SELECT count(*), count(DISTINCT application) FROM dataclass_audit.event WHERE application LIKE 'beta_'}), '5|5', 'nothing came in twice');
sound('handed in');

# --- promotion: its journal is there still, and brings only what nobody had
$node->wait_for_catchup($standby, 'replay');
like(deny($standby, 'beta6'), qr/42501/, 'one more denial');
($rc, $out, $err) = $standby->psql('postgres', "SELECT dataclass_audit.import_journal('$journal')", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/55000/, 'nothing is imported on a standby');
$node->stop;
$standby->promote;
$node = $standby;
ok($node->poll_query_until('postgres', q{SELECT count(*) = 6 FROM dataclass_audit.event WHERE application LIKE 'beta_' AND node = 'beta'}), 'after promotion all are in the trail');
ok(settled(), 'no journal is left');
is(one(q{SELECT count(*), count(DISTINCT application) FROM dataclass_audit.event WHERE application LIKE 'beta_'}), '6|6', 'each once');
sound('promoted');
$node->stop;
done_testing();
