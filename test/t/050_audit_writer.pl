# The writer, the queue and the journal: whatever becomes of the writer, each
# denial that a client was told of is in the trail, once.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep time);
use AuditWorld;

my $node = PostgreSQL::Test::Cluster->new('writer');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.repeat_window = 0
max_prepared_transactions = 2
log_line_prefix = '%m [%p] %q%a '
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE low LOGIN;
CREATE TABLE files (id int);
GRANT SELECT ON files TO low;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
});

my $script = PostgreSQL::Test::Utils::tempdir . '/denied.sql';
append_to_file($script, q{DO $$ BEGIN PERFORM * FROM files; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;});

# What this test does, without what the writer, the watch and the launchers add
# of themselves at times of their own.
my $events = q{WHERE kind IN ('trail_begin', 'label_change', 'clearance_change')};

sub one { return $node->safe_psql('postgres', shift); }
sub denials { return one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'access_denied'}); }

sub deny { return AuditWorld::deny($node, @_); }

sub in_trail
{
	my ($name, $number) = @_;
	return $node->poll_query_until('postgres', "SELECT count(*) = $number FROM dataclass_audit.event WHERE application = '$name'");
}

sub settled
{
	return $node->poll_query_until('postgres', 'SELECT queued = 0 AND journal_files = 0 FROM dataclass_audit.status()');
}

sub sound
{
	my ($what) = @_;
	ok(settled(), "$what: nothing is on its way any more");
	is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', "$what: verify() holds");
	is(one('SELECT count(*) = max(seq) AND min(seq) = 1 FROM dataclass_audit.event'), 't', "$what: no gaps");
}

sub writer
{
	$node->poll_query_until('postgres', 'SELECT writer_pid IS NOT NULL FROM dataclass_audit.status()');
	return one('SELECT writer_pid FROM dataclass_audit.status()');
}

sub set_conf
{
	$node->append_conf('postgresql.conf', $_) for @_;
	$node->reload;
	my ($name, $value) = $_[-1] =~ /(\S+) = (\S+)/;
	$node->poll_query_until('postgres', "SELECT current_setting('$name') = '$value'") or die "$name is not $value";
}

# --- the first record
ok(settled(), 'trail begins');
is(one('SELECT seq, kind, origin FROM dataclass_audit.event ORDER BY seq LIMIT 1'), '1|trail_begin|writer', 'first record says so');
like(one('SELECT detail FROM dataclass_audit.event WHERE seq = 1'), qr/system identifier \d+, server version/, 'and whose it is');

# --- a plain denial
like(deny('plain'), qr/ERROR:  42501/, 'denied');
is(one(q{SELECT count(*), min(origin) FROM dataclass_audit.event WHERE application = 'plain'}), '1|queue',
	'in the trail before the client knows');

# --- writer terminated again and again under load
my $before = denials();
my $load = IPC::Run::start([ 'pgbench', '-n', '-U', 'low', '-h', $node->host, '-p', $node->port, '-f', $script,
	'-c', '8', '-t', '250', 'postgres' ], '>', \my $out, '2>', \my $err);
my $killed = 0;
for (1 .. 200)
{
	last if $killed >= 5 || !$load->pumpable;
	$load->pump_nb;
	$killed++ if one('SELECT coalesce(pg_terminate_backend(writer_pid), false) FROM dataclass_audit.status()') eq 't';
	usleep(50_000);
}
$load->finish;
cmp_ok($killed, '>=', 1, "writer terminated $killed times");
sound('writer terminated');
is(denials() - $before, 2000, 'every denial once');

# --- the launcher
$before = denials();
is(one(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'dataclass audit launcher'}), 't', 'launcher terminated');
one('SELECT pg_terminate_backend(writer_pid) FROM dataclass_audit.status()');
like(deny("nolauncher"), qr/42501/, 'denied without launcher and writer');
ok(in_trail('nolauncher', 1), 'recorded after all');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'dataclass audit launcher'}), 'launcher is back');
sound('launcher terminated');

# --- a writer that does not answer: timeout, journal, import
set_conf('dataclass.audit_timeout = 200ms');
my $pid = writer();
kill 'STOP', $pid;
my $start = time;
like(deny('stopped'), qr/42501/, 'denied while the writer is stopped');
cmp_ok(time - $start, '<', 60, 'after the timeout, not after a hang');
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE application = 'stopped'}), 0, 'not in the trail yet');
is(one('SELECT journal_files FROM dataclass_audit.status()'), 1, 'but in the journal');
kill 'CONT', $pid;
ok(in_trail('stopped', 1), 'imported when the writer goes on');
is(one(q{SELECT origin FROM dataclass_audit.event WHERE application = 'stopped'}), 'journal', 'from the journal');
sound('writer stopped');

# --- a writer that took the event and cannot finish: it waits for a lock; then one that is ended while it imports
for my $name ('taken', 'left')
{
	set_conf('dataclass.enforcement = off');
	my $locker = $node->background_psql('postgres');
	$locker->query_safe('BEGIN');
	$locker->query_safe('LOCK TABLE dataclass_audit.event IN ACCESS EXCLUSIVE MODE');
	set_conf('dataclass.enforcement = enforcing');
	like(deny($name), qr/42501/, "$name: denied while the writer waits for a lock");
	if ($name eq 'left')
	{
		$pid = writer();
		ok($node->poll_query_until('postgres', "SELECT count(*) > 0 FROM dataclass_audit.status() s, pg_locks l WHERE s.queued = 0 AND s.journal_files > 0 AND l.pid = $pid AND NOT l.granted"),
			'the writer waits with the journal');
		one("SELECT pg_terminate_backend($pid)");
		ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid"), 'and is ended');
	}
	$locker->query_safe('COMMIT');
	$locker->quit;
	ok(in_trail($name, 1), 'recorded');
	sound("event $name and given up");
	is(one("SELECT count(*) FROM dataclass_audit.event WHERE application = '$name'"), 1, 'once');
}
is(one(q{SELECT string_agg(substring(detail from 'to (\w+)'), ',' ORDER BY seq) FROM dataclass_audit.event WHERE kind = 'enforcement_change' AND object_identity = 'dataclass.enforcement'}),
	'off,enforcing,off,enforcing', 'all changes of enforcement are in the trail');

# --- the writer ends when idle, and databases can be dropped and copied
set_conf('dataclass.audit_timeout = 58s', 'dataclass.writer_idle_timeout = 1s');
ok($node->poll_query_until('postgres', 'SELECT writer_pid IS NULL FROM dataclass_audit.status()'), 'idle writer ends');
like(deny('idle'), qr/42501/, 'denied');
is(one(q{SELECT count(*), min(origin) FROM dataclass_audit.event WHERE application = 'idle'}), '1|queue', 'a new writer took it');
set_conf('dataclass.writer_idle_timeout = 1h');
one('CREATE DATABASE source');
$node->safe_psql('source', 'CREATE EXTENSION pg_dataclass');
$node->poll_query_until('source', "SELECT count(*) = 1 FROM dataclass_audit.event $events");
one('CREATE DATABASE copy TEMPLATE source');
$node->safe_psql('copy', q{CREATE TABLE t (); SECURITY LABEL FOR dataclass ON TABLE t IS 'secret'});
ok($node->poll_query_until('copy', "SELECT count(*) = 3 FROM dataclass_audit.event $events"), 'a copied trail goes on');
like($node->safe_psql('copy', "SELECT detail FROM dataclass_audit.event $events ORDER BY seq OFFSET 1 LIMIT 1"), qr/^Copied trail goes on in database "copy"/, 'and says where it comes from');
is($node->safe_psql('copy', 'SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'and verifies');

# --- changes: at commit, dropped at rollback, refused in prepared transactions
sub changes { return one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'label_change'}); }
$before = changes();
one(q{BEGIN; CREATE TABLE gone (); SECURITY LABEL FOR dataclass ON TABLE gone IS 'secret'; ROLLBACK});
is(changes(), $before, 'a rolled back change is not recorded');
one(q{BEGIN; SAVEPOINT a; CREATE TABLE gone (); SECURITY LABEL FOR dataclass ON TABLE gone IS 'secret'; ROLLBACK TO a; SAVEPOINT b; CREATE TABLE more (); SECURITY LABEL FOR dataclass ON TABLE more IS 'secret'; RELEASE b; COMMIT});
is(changes(), $before + 1, 'nor one of a rolled back savepoint; that of a released one is');
my ($rc, $stdout, $stderr) = $node->psql('postgres', q{BEGIN; CREATE TABLE p (); SECURITY LABEL FOR dataclass ON TABLE p IS 'secret'; PREPARE TRANSACTION 'x'});
like($stderr, qr/cannot prepare a transaction that changed labels/, 'no prepared transaction with changes');
sound('changes');

# --- recorded soon after instead of before
set_conf('dataclass.audit_durability = async');
$before = denials();
$node->command_ok([ 'pgbench', '-n', '-U', 'low', '-h', $node->host, '-p', $node->port, '-f', $script, '-c', '8', '-t', '250', 'postgres' ], 'load with durability async');
sound('async');
is(denials() - $before, 2000, 'every denial once');
set_conf('dataclass.audit_durability = sync');

# --- the extension dropped and created anew: a new trail, which says so
$node->safe_psql('source', q{CREATE TABLE t (); SECURITY LABEL FOR dataclass ON TABLE t IS 'secret'});
my $old_seq = $node->safe_psql('source', 'SELECT max(seq) FROM dataclass_audit.event');
set_conf('dataclass.enforcement = off');
$node->poll_query_until('source', "SELECT count(*) = max(seq) AND max(seq) > $old_seq FROM dataclass_audit.event");
$node->safe_psql('source', 'DROP EXTENSION pg_dataclass CASCADE');
$node->safe_psql('source', 'CREATE EXTENSION pg_dataclass');
ok($node->poll_query_until('source', q{SELECT count(*) > 0 FROM dataclass_audit.event WHERE seq = 1 AND detail LIKE '%A former trail of this database ended at record %'}), 'a new trail tells of the former one');
is($node->safe_psql('source', 'SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'and verifies');
set_conf('dataclass.enforcement = enforcing');

# --- a full queue
set_conf('dataclass.audit_timeout = 58s');
$node->append_conf('postgresql.conf', 'dataclass.audit_queue_size = 1');
$node->restart;
$before = denials();
$node->command_ok([ 'pgbench', '-n', '-U', 'low', '-h', $node->host, '-p', $node->port, '-f', $script, '-c', '8', '-t', '250', 'postgres' ], 'load with a queue of one');
sound('queue full');
is(denials() - $before, 2000, 'every denial once');
cmp_ok(one(q{SELECT count(*) FROM dataclass_audit.event WHERE origin = 'journal'}), '>', 10, 'many of them through the journal');

# --- the same, and nobody waits for the record: a moment for room before the journal
set_conf('dataclass.audit_durability = async');
$before = one(q{SELECT coalesce(max(seq), 0) FROM dataclass_audit.event});
$node->command_ok([ 'pgbench', '-n', '-U', 'low', '-h', $node->host, '-p', $node->port, '-f', $script, '-c', '8', '-t', '250', 'postgres' ], 'load with a queue of one, durability async');
sound('queue full, async');
is(one("SELECT count(*) FROM dataclass_audit.event WHERE kind = 'access_denied' AND seq > $before"), 2000, 'every denial once');
cmp_ok(one("SELECT count(*) FROM dataclass_audit.event WHERE kind = 'access_denied' AND seq > $before AND origin = 'queue'"), '>', 600, 'many of them found room');
set_conf('dataclass.audit_durability = sync');

# --- events of a database without the extension wait for it
one('CREATE DATABASE later');
my $oid = one(q{SELECT oid FROM pg_database WHERE datname = 'later'});
$node->safe_psql('later', q{SECURITY LABEL FOR dataclass ON ROLE low IS 'open'});
ok(scalar(glob($node->data_dir . "/pg_dataclass/journal-$oid-*")), 'journal of a database without a trail');
$node->safe_psql('later', 'CREATE EXTENSION pg_dataclass');
ok($node->poll_query_until('later', "SELECT count(*) = 2 FROM dataclass_audit.event $events"), 'imported when the extension is there');
is($node->safe_psql('later', "SELECT string_agg(kind, ',' ORDER BY seq) FROM dataclass_audit.event $events"), 'trail_begin,clearance_change', 'after the first record');

$node->stop;
done_testing();
