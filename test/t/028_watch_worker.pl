# The storage watch as a process: policy changes, SIGHUP, check_at_start, passes
# that fail or are killed, databases that come and go, a standby; cursors and
# cached plans under quarantine.  Needs no encrypted storage: the policy asks
# for it or does not.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WireClient;

my $node = PostgreSQL::Test::Cluster->new('watch_worker');
$node->init(allows_streaming => 1, auth_extra => []);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.watch_interval = 3600s
dataclass.writer_idle_timeout = 1s
max_worker_processes = 16
autovacuum = off
});
$node->start;

sub run_sql { return $node->safe_psql($_[1] // 'agency', $_[0]); }

sub try_sql
{
	my ($sql, $on) = @_;
	my ($out, $err) = ('', '');
	($on // $node)->psql('agency', "\\set VERBOSITY verbose\n$sql", stdout => \$out, stderr => \$err, on_error_stop => 1);
	return ($out, $err);
}

sub soon
{
	my ($query, $name) = @_;
	ok($node->poll_query_until('agency', $query), $name)
	  or diag(run_sql('SELECT * FROM dataclass.watch_status') . "\n"
		  . run_sql('SELECT kind, name, verdict, grade, violates FROM dataclass.place_state'));
}

# Storage that is not encrypted: is it good enough?
sub ask_for { run_sql("UPDATE dataclass.tier_control SET requirement = '$_[0]' WHERE control = 'at_rest' AND tier IN ('enhanced', 'highest')"); }
sub passes { return run_sql('SELECT passes FROM dataclass.watch_status WHERE database = current_database()') || 0; }

$node->safe_psql('postgres', 'CREATE DATABASE agency');
my $admin = run_sql('SELECT current_user');
run_sql(qq{
CREATE EXTENSION pg_dataclass;
SECURITY LABEL FOR dataclass ON ROLE "$admin" IS 'secret with (declassify, reclassify, export)';
UPDATE dataclass.tier_control SET requirement = 'none' WHERE control = 'at_rest';
CREATE TABLE record (id int, note text);
INSERT INTO record SELECT i, 'note' FROM generate_series(1, 10) i;
SECURITY LABEL FOR dataclass ON TABLE record IS 'confidential';
CREATE TABLE parts (id int) PARTITION BY LIST (id);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF parts FOR VALUES IN (2);
INSERT INTO parts VALUES (1), (2);
SECURITY LABEL FOR dataclass ON TABLE parts IS 'confidential';
CREATE TABLE lesser (id int);
SECURITY LABEL FOR dataclass ON TABLE lesser IS 'restricted';
CREATE ROLE clerk LOGIN;
GRANT SELECT ON record TO clerk;
SECURITY LABEL FOR dataclass ON ROLE clerk IS 'confidential';
});
soon(q{SELECT last_complete IS NOT NULL FROM dataclass.watch_status WHERE database = current_database()}, 'a first pass');

# --- a change of the policy, cursors, cached plans --------------------------------

my $session = WireClient->new(host => $node->host, port => $node->port, user => $admin, database => 'agency');
$session->must('PREPARE q AS SELECT count(*) FROM record');
$session->must('EXECUTE q');
my $reader = WireClient->new(host => $node->host, port => $node->port, user => 'clerk', database => 'agency');
$reader->must('BEGIN');
$reader->must('DECLARE c CURSOR FOR SELECT id FROM record');
$reader->must('FETCH 1 FROM c');

ask_for('encrypted');
soon(q{SELECT count(*) = 3 FROM dataclass.quarantine WHERE origin = 'watch' AND relation IN ('record'::regclass, 'part_1'::regclass, 'part_2'::regclass)},
	'a change of the policy is followed soon, not after an hour');
is(run_sql('SELECT count(*) FROM dataclass.quarantine'), '3', 'relations of other classes, and those without data, are not touched');
my ($result) = $session->run('EXECUTE q');
like($result->{error}{message} // '', qr/permission denied for relation "record"/, 'a cached plan is denied');
($result) = $reader->run('FETCH 1 FROM c');
like($result->{error}{message} // '', qr/permission denied for relation "record"/, 'so is an open cursor');
$reader->run('ROLLBACK');
my ($out, $err) = try_sql('SELECT * FROM parts');
like($err, qr/42501: permission denied/, 'partitions are denied through their parent');
($out, $err) = try_sql('COPY record TO STDOUT');
like($err, qr/42501: permission denied/, 'COPY is denied');
is(run_sql(q{SELECT DISTINCT rule FROM dataclass_audit.denied WHERE object_identity IN ('public.record', 'public.part_1', 'public.part_2')}), 'quarantine',
	'all by the same rule');
like(run_sql(q{SELECT detail FROM dataclass_audit.breach WHERE kind = 'at_rest_violation' AND label = 'confidential'}),
	qr/Relations of class confidential there: 3\./, 'one breach for the place and the class, with how many relations');
is(run_sql(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'quarantine' AND object_id IS NOT NULL}), '3', 'and an event per relation');

# --- accepted risks -----------------------------------------------------------------

run_sql(q{SELECT dataclass.accept_risk('parts', 'until it is moved', now() + interval '1 day')});
is(run_sql('SELECT count(*) FROM parts'), '2', 'accepting the risk of a partitioned table covers its partitions');
is(run_sql(q{SELECT string_agg(relation::regclass::text, ' ' ORDER BY relation) FROM dataclass.accepted_risk}), 'part_1 part_2',
	'those that are in violation');
for my $case (
	[ q{'record', '', now() + interval '1 day'}, qr/22023: a reason is required/, 'no reason' ],
	[ q{'record', 'x', now() - interval '1 day'}, qr/22023: the time until which the risk is accepted is past/, 'a time that is past' ],
	[ q{'record', 'x', 'infinity'}, qr/22023: a risk may be accepted for 90 days at most/, 'for ever' ],
	[ q{'record', 'x', now() + interval '91 days'}, qr/22023: a risk may be accepted for 90 days at most/, 'too long' ],
	[ q{'lesser', 'x', now() + interval '1 day'}, qr/55000: relation public.lesser is not in violation/, 'no violation' ],
	[ q{0, 'x', now() + interval '1 day'}, qr/42P01: relation with OID 0 does not exist/, 'no relation' ])
{
	($out, $err) = try_sql("SELECT dataclass.accept_risk($case->[0])");
	like($err, $case->[1], "accept_risk refused: $case->[2]");
}
($out, $err) = try_sql(q{SET ROLE clerk; SELECT dataclass.accept_risk('record', 'x', now() + interval '1 day')});
like($err, qr/permission denied/, 'accept_risk is for officers');
run_sql(q{SELECT dataclass.withdraw_risk('parts', 'moved elsewhere')});
($out, $err) = try_sql('SELECT * FROM parts');
like($err, qr/42501: permission denied/, 'a withdrawn risk counts no more');
# in one transaction: denied when the time is over, without a pass
run_sql(q{SELECT dataclass.accept_risk('record', 'briefly', now() + interval '15 seconds')});
$session->must('BEGIN');
$session->must('EXECUTE q');
$session->must('SELECT pg_sleep(16)');
($result) = $session->run('EXECUTE q');
like($result->{error}{message} // '', qr/permission denied for relation "record"/, 'the end of the time is seen in the middle of a transaction');
$session->run('ROLLBACK');
soon(q{SELECT count(*) = 0 FROM dataclass.accepted_risk}, 'the watch removes what is over');
soon(q{SELECT count(*) = 1 FROM dataclass_audit.event WHERE kind = 'risk_accepted' AND action = 'watch'}, 'and records it');

# --- on_violation = record ----------------------------------------------------------

run_sql(q{UPDATE dataclass.data_class SET on_violation = 'record' WHERE name = 'confidential'});
soon('SELECT count(*) = 0 FROM dataclass.quarantine', 'a class that asks for a record alone is not under quarantine');
is(run_sql('SELECT count(*) FROM record'), '10', 'and readable');
run_sql(q{UPDATE dataclass.data_class SET on_violation = 'quarantine' WHERE name = 'confidential'});
soon('SELECT count(*) = 3 FROM dataclass.quarantine', 'and back');
ask_for('none');
soon('SELECT count(*) = 0 FROM dataclass.quarantine', 'healed when nothing is asked for any more');
soon(q{SELECT count(*) > 0 FROM dataclass_audit.event WHERE kind = 'at_rest_healed' AND object_identity = 'public.record'}, 'which is recorded');

# --- a pass at will ------------------------------------------------------------------

run_sql('SELECT * FROM dataclass.check_storage()');
is(run_sql('SELECT count(*) FROM dataclass.check_storage()'), '0', 'check_storage() finds nothing new');
# that of this session: others write some at times of their own
my $pass = run_sql(q{BEGIN; EXPLAIN (ANALYZE, WAL, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM dataclass.check_storage(true); SELECT pg_current_xact_id_if_assigned() IS NULL; COMMIT});
like($pass, qr/rows=0 .*^t$/ms, 'a complete pass finds nothing new either');
unlike($pass, qr/WAL:/, 'and writes no WAL then');
is(run_sql(q{
BEGIN;
UPDATE dataclass.tier_control SET requirement = 'encrypted' WHERE control = 'at_rest' AND tier IN ('enhanced', 'highest');
SELECT change, class, relations FROM dataclass.check_storage() WHERE change <> 'evidence' ORDER BY change;
ROLLBACK;
}), "quarantined|confidential|3\nviolation|confidential|3", 'and tells what it finds, in its transaction');
is(run_sql('SELECT count(*) FROM record'), '10', 'which can be rolled back');
($out, $err) = try_sql('SET ROLE clerk; SELECT * FROM dataclass.check_storage()');
like($err, qr/permission denied for function check_storage/, 'it is not for everybody');

# --- SIGHUP -------------------------------------------------------------------------

my $before = passes();
$node->reload;
soon("SELECT passes > $before FROM dataclass.watch_status WHERE database = current_database()", 'SIGHUP: a pass at once');

# --- passes that cannot be made ------------------------------------------------------

my $blocker = WireClient->new(host => $node->host, port => $node->port, user => $admin, database => 'agency');
$blocker->must('BEGIN');
$blocker->must('SELECT * FROM dataclass.check_storage()');
$node->reload;
soon(q{SELECT count(*) = 1 FROM dataclass_audit.breach WHERE kind = 'at_rest_violation' AND detail LIKE 'Storage could not be checked since%'},
	'passes that fail again and again are a breach');
$blocker->must('COMMIT');
soon('SELECT failed = 0 FROM dataclass.watch_status WHERE database = current_database()', 'and the next one works');

$before = passes();
run_sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'dataclass storage watch launcher'});
ok($node->poll_query_until('agency', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'dataclass storage watch launcher'}),
	'a launcher that is killed comes back');
$node->reload;
soon("SELECT passes > $before FROM dataclass.watch_status WHERE database = current_database()", 'and goes on');

# --- many databases, dropped and copied while they are watched -------------------------

$node->append_conf('postgresql.conf', 'dataclass.watch_interval = 1s');
$node->reload;
for my $i (1 .. 5)
{
	$node->safe_psql('postgres', "CREATE DATABASE many_$i");
	$node->safe_psql("many_$i", 'CREATE EXTENSION pg_dataclass');
}
soon(q{SELECT count(*) = 6 FROM dataclass.watch_status WHERE last_complete IS NOT NULL AND (database LIKE 'many%' OR database = 'agency')},
	'every database with the extension is watched');
for my $i (1 .. 3)
{
	is($node->psql('postgres', "CREATE DATABASE copy_$i TEMPLATE many_$i"), 0, "database $i is copied while it is watched");
}
$node->append_conf('postgresql.conf', 'dataclass.enforcement = off');
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT current_setting('dataclass.enforcement') = 'off'}), 'off, so that trails may be dropped');
for my $i (1 .. 5)
{
	is($node->psql('postgres', "DROP DATABASE many_$i"), 0, "database $i is dropped while it is watched");
}
$node->append_conf('postgresql.conf', 'dataclass.enforcement = enforcing');
$node->reload;
soon(q{SELECT count(*) = 0 FROM dataclass.watch_status WHERE database LIKE 'many%'}, 'dropped databases are forgotten');
soon(q{SELECT current_setting('dataclass.enforcement') = 'enforcing'}, 'on again');

# Commands that have the worker stay away do not keep it away for ever.
$before = passes();
my $until = time + 180;
while (passes() <= $before + 1 && time < $until)
{
	$node->psql('postgres', 'SET ROLE clerk; ALTER DATABASE agency CONNECTION LIMIT -1');
}
cmp_ok(passes(), '>', $before + 1, 'whoever asks for the database again and again does not keep the watch away');

# --- a standby, and check_at_start ------------------------------------------------------

# Data in violation that no pass quarantines: let in while the mode was off.
$node->append_conf('postgresql.conf', 'dataclass.at_rest_enforcement = off');
$node->reload;
soon(q{SELECT current_setting('dataclass.at_rest_enforcement') = 'off'}, 'at rest off');
ask_for('encrypted');
run_sql(q{UPDATE dataclass.policy_setting SET value = 'on' WHERE name = 'check_at_start'});
$before = passes();
$node->reload;
soon("SELECT passes > $before FROM dataclass.watch_status WHERE database = current_database()", 'a pass while off');
is(run_sql('SELECT count(*) FROM dataclass.quarantine'), '0', 'puts nothing under quarantine');
is(run_sql('SELECT count(*) FROM record'), '10', 'and check_at_start has no say');
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('watch_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'dataclass.at_rest_enforcement = enforcing');
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
($out, $err) = try_sql('SELECT * FROM record', $standby);
like($err, qr/42501: permission denied for relation "record".*checked before its first use/s, 'a standby judges by its own storage');
is($standby->safe_psql('agency', 'SELECT count(*) FROM lesser'), '0', 'classes that need nothing are read there');
($out, $err) = try_sql('SELECT * FROM dataclass.check_storage()', $standby);
like($err, qr/25006: cannot execute dataclass.check_storage\(\) in a read-only transaction/, 'no pass on a standby');
$standby->promote;
ok($standby->poll_query_until('agency', q{SELECT count(*) = 3 FROM dataclass.quarantine}), 'a standby that is promoted makes its first pass');
$standby->stop;

# A server that comes up without room for a worker serves nothing unchecked.
$node->append_conf('postgresql.conf', "dataclass.at_rest_enforcement = enforcing\nmax_worker_processes = 3\ndataclass.audit_timeout = 100ms");
$node->restart;
($out, $err) = try_sql('SELECT * FROM record');
like($err, qr/42501: permission denied for relation "record".*checked before its first use/s, 'check_at_start: denied before the first pass');
($out, $err) = try_sql('INSERT INTO record VALUES (1)');
like($err, qr/42501: permission denied for relation "record"/, 'writing, too');
($out, $err) = try_sql('LOCK TABLE record; ALTER TABLE record ADD CHECK (id > 0)');
like($err, qr/42501: permission denied for relation "record"/, 'and commands');
is(run_sql('SELECT count(*) FROM lesser'), '0', 'classes that need nothing are served');
$node->append_conf('postgresql.conf', "max_worker_processes = 16");
$node->restart;
soon('SELECT count(*) = 3 FROM dataclass.quarantine', 'the first pass after a start');
soon(q{SELECT count(*) >= 2 FROM dataclass_audit.denied WHERE rule = 'quarantine' AND detail LIKE 'Place "pg_default", checked before the first access%'},
	'the denials before it are in the trail');
is(run_sql('SELECT ok FROM dataclass_audit.verify()'), 't', 'the trail is whole');
$node->stop;
done_testing();
