# Incidents: breaches are grouped in the transaction that records them, and come
# to the same whatever happens to the writer or to the tables of incidents.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep time);
use AuditWorld;

my $node = PostgreSQL::Test::Cluster->new('incidents');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.disclosure_grace = 1h
dataclass.repeat_window = 1s
log_line_prefix = '%m [%p] %q%a '
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE low LOGIN;
CREATE ROLE other LOGIN;
CREATE ROLE noisy LOGIN;
CREATE ROLE off LOGIN;
GRANT dataclass_officer TO off;
CREATE ROLE aud LOGIN;
GRANT dataclass_auditor TO aud;
CREATE TABLE files (id int);
CREATE TABLE notes (id int);
GRANT SELECT ON files, notes TO PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE notes IS 'restricted';
DELETE FROM dataclass.disclosure_window;
INSERT INTO dataclass.disclosure_window (class, recipient, within)
	VALUES ('restricted', 'Cloud Office', '30 days'), ('secret', 'Cloud Office', '1 hour'), ('secret', 'Minister', '2 hours');
});

my $script = PostgreSQL::Test::Utils::tempdir . '/denied.sql';
append_to_file($script, q{DO $$ BEGIN PERFORM * FROM files; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;});

sub one { return $node->safe_psql('postgres', shift); }
sub poll { return $node->poll_query_until('postgres', shift); }

sub as
{
	my ($role, $sql) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $sql, extra_params => ['-U', $role, '-v', 'VERBOSITY=verbose']);
	return $err eq '' ? $out : $err;
}

sub deny
{
	my ($role, $table) = @_;
	like(as($role, "SELECT * FROM $table"), qr/42501/, "$role is denied $table");
}

sub set_conf { return AuditWorld::set_conf($node, @_); }

# Every breach belongs to one incident, and the counts are those of the trail.
sub converged
{
	my ($what) = @_;
	# what sessions journalled, and repeats whose window is open, are no records yet
	ok(poll(q{SELECT queued = 0 AND journal_files = 0 AND NOT EXISTS (SELECT FROM dataclass_audit.repeat) FROM dataclass_audit.status()}), "$what: nothing is on its way");
	ok(poll(q{SELECT count(*) = 0 FROM dataclass_audit.event e WHERE breach
		AND NOT EXISTS (SELECT FROM dataclass_audit.incident_event i WHERE i.seq = e.seq)}), "$what: every breach has its incident");
	is(one(q{SELECT count(*) FROM dataclass_audit.incident_record r WHERE breaches <>
		(SELECT sum(coalesce(e.repeats, 1)) FROM dataclass_audit.incident_event i JOIN dataclass_audit.event e USING (seq)
			WHERE i.incident = r.id AND e.kind <> 'disclosure')}), '0', "$what: counts are those of the trail");
	is(one(q{SELECT count(*) FROM dataclass_audit.incident_record r
		WHERE NOT EXISTS (SELECT FROM dataclass_audit.incident_step s WHERE s.incident = r.id AND s.step = 1 AND s.state = 'discovered')
			OR (SELECT count(*) FROM dataclass_audit.event e WHERE e.kind = 'incident' AND e.action = 'discovered' AND e.object_identity = r.id::text) <> 1
			OR (SELECT count(*) FROM dataclass_audit.notice n WHERE n.incident = r.id AND n.body->>'reason' = 'opened') <> 1}), '0',
		"$what: each was discovered, recorded and told of once");
	is(one('SELECT ok FROM dataclass_audit.verify()'), 't', "$what: verify() holds");
}

my $of_low = q{FROM dataclass_audit.incident WHERE kind = 'access_denied' AND rule = 'dominance' AND subject = 'low'};

# --- grouping
deny('low', 'notes') for 1 .. 3;
is(one("SELECT count(*), sum(breaches), min(class), min(severity), min(object_identity), min(state) $of_low"),
	'1|3|restricted|high|public.notes|discovered', 'three breaches of one rule by one subject are one incident');
is(one("SELECT last_seq - first_seq >= 2, first_time < last_time, discovered_at >= first_time $of_low"), 't|t|t', 'its first and last breach');
is(one("SELECT count(*) FROM dataclass_audit.notice WHERE incident = (SELECT id $of_low)"), '1', 'one notice, at the first');
is(one("SELECT subject, body->>'reason', body->>'role', body->>'class', body->>'rule', (body->>'incident')::bigint = incident, (body->>'seq')::bigint = seq FROM dataclass_audit.notice WHERE incident = (SELECT id $of_low)"),
	'breach|opened|low|restricted|dominance|t|t', 'which names it');
is(one("SELECT recipient, class, due - discovered_at, status FROM dataclass_audit.disclosure WHERE incident = (SELECT id $of_low)"),
	'Cloud Office|restricted|30 days|pending', 'deadline of its class');
deny('other', 'notes');
is(one(q{SELECT count(*) FROM dataclass_audit.incident WHERE subject = 'other'}), '1', 'another subject: another incident');
is(one("SELECT breaches $of_low"), '3', 'which does not count for the first');

# --- a higher class
deny('low', 'files');
is(one("SELECT count(*), sum(breaches), min(class) $of_low"), '1|4|secret', 'the class of an incident is the highest of its breaches');
is(one("SELECT string_agg(body->>'reason', ',' ORDER BY id) FROM dataclass_audit.notice WHERE incident = (SELECT id $of_low)"),
	'opened,raised', 'which is told at once');
is(one("SELECT string_agg(recipient || ' ' || (due - discovered_at < '3 hours'), ',' ORDER BY recipient) FROM dataclass_audit.disclosure WHERE incident = (SELECT id $of_low)"),
	'Cloud Office true,Minister true', 'and deadlines come forward');
deny('low', 'notes');
is(one("SELECT class $of_low"), 'secret', 'and never falls');

# --- a breach without a class
like(($node->psql('postgres', 'DELETE FROM dataclass_audit.incident_record'))[2], qr/permission denied/, 'nobody deletes an incident');
is(one(q{SELECT i.class IS NULL, string_agg(d.recipient || ' ' || (d.due - i.discovered_at), ',' ORDER BY d.recipient)
	FROM dataclass_audit.incident i JOIN dataclass_audit.deadline d ON d.incident = i.id WHERE i.kind = 'trail_guard' GROUP BY i.id, i.class}),
	't|Cloud Office 01:00:00,Minister 02:00:00', 'no class: the shortest window of all, for each recipient');

# --- closed ones take no more
my $first = one("SELECT id $of_low");
is(as('aud', "SELECT dataclass_audit.acknowledge($first, 'seen'); SELECT dataclass_audit.close_incident($first, 'known')"), "\n", 'closed by an auditor');
deny('low', 'files');
is(one("SELECT string_agg(state || ' ' || breaches, ',' ORDER BY id) $of_low"), 'closed 5,discovered 1', 'the next breach opens another');
my $second = one("SELECT max(id) $of_low");

# --- the writer goes, the server crashes
one('SELECT pg_terminate_backend(writer_pid) FROM dataclass_audit.status()');
deny('low', 'files');
ok(poll("SELECT breaches = 2 FROM dataclass_audit.incident WHERE id = $second"), 'a new writer knows what is open');
$node->stop('immediate');
$node->start;
deny('low', 'files');
ok(poll("SELECT breaches = 3 FROM dataclass_audit.incident WHERE id = $second"), 'and one after a crash');
converged('after a crash');

# --- under load, with the writer terminated again and again
my $load = IPC::Run::start([ 'pgbench', '-n', '-U', 'noisy', '-h', $node->host, '-p', $node->port, '-f', $script,
	'-c', '8', '-t', '150', 'postgres' ], '>', \my $out, '2>', \my $err);
my $killed = 0;
for (1 .. 100)
{
	last if $killed >= 4;
	$killed++ if one('SELECT coalesce(pg_terminate_backend(writer_pid), false) FROM dataclass_audit.status()') eq 't';
	usleep(50_000);
}
$load->finish;
cmp_ok($killed, '>=', 1, "writer terminated $killed times");
# repeats come in one record for each session when their window is over
ok(poll(q{SELECT sum(breaches) >= 1200 FROM dataclass_audit.incident WHERE subject = 'noisy'}), 'all breaches are counted');
converged('under load');
is(one(q{SELECT sum(breaches) FROM dataclass_audit.incident WHERE subject = 'noisy'}), '1200', 'each of them once');
is(one(q{SELECT count(*) FROM dataclass_audit.incident WHERE subject = 'noisy'}), '1', 'in one incident');
is(one(q{SELECT count(*) FROM dataclass_audit.notice n JOIN dataclass_audit.incident i ON i.id = n.incident WHERE i.subject = 'noisy'}), '1', 'and one notice');

# --- nobody can make the writer wait
my $held = $node->background_psql('postgres', on_error_stop => 0, extra_params => ['-U', 'aud']);
$held->query_safe("BEGIN; SELECT dataclass_audit.acknowledge($second, 'holding on')");
my $start = time;
deny('low', 'files');
cmp_ok(time - $start, '<', 50, 'an open transaction with a step delays nothing');
is(one(q{SELECT origin FROM dataclass_audit.event WHERE kind = 'access_denied' ORDER BY seq DESC LIMIT 1}), 'queue', 'nor does the writer fail over it');
is(one("SELECT breaches FROM dataclass_audit.incident WHERE id = $second"), '4', 'and the breach is grouped');
$held->query_safe('ROLLBACK');
$held->quit;
is(one("SELECT state FROM dataclass_audit.incident WHERE id = $second"), 'discovered', 'a step that is rolled back is none');
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE detail LIKE '%holding on%'}), '0', 'and no event');
my $locked = $node->background_psql('postgres', on_error_stop => 0, extra_params => ['-U', 'off']);
$locked->query('BEGIN; DELETE FROM dataclass.disclosure_window; SELECT 1');
$start = time;
deny('other', 'files');
cmp_ok(time - $start, '<', 50, 'nor does an officer amid a change of the windows');
is(one(q{SELECT origin FROM dataclass_audit.event WHERE kind = 'access_denied' ORDER BY seq DESC LIMIT 1}), 'queue', 'and again nothing fails');
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'audit_impaired' AND detail LIKE 'Breaches are recorded, but cannot%'}), '0', 'grouping neither');
$locked->query('ROLLBACK');
$locked->quit;

# --- tables of incidents that are not there: recording goes on, grouping follows
set_conf('dataclass.enforcement', 'off');
one('ALTER TABLE dataclass_audit.incident_record RENAME TO hidden');
set_conf('dataclass.enforcement', 'enforcing');
my $before = one('SELECT count(*) FROM dataclass_audit.event');
deny('low', 'files') for 1 .. 3;
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'access_denied' AND seq > } . $before), '3', 'denials are in the trail all the same');
ok(poll(q{SELECT count(*) = 1 FROM dataclass_audit.event WHERE kind = 'audit_impaired' AND detail LIKE '%incidents%incident_record does not exist'}), 'that they are not grouped is a record, once');
set_conf('dataclass.enforcement', 'off');
one('ALTER TABLE dataclass_audit.hidden RENAME TO incident_record');
set_conf('dataclass.enforcement', 'enforcing');
ok(poll("SELECT breaches = 7 FROM dataclass_audit.incident WHERE id = $second"), 'they are as soon as that is possible');
converged('after a failure');
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'audit_impaired' AND detail LIKE '%incidents%incident_record does not exist'}), '1', 'and it was said once');

# --- a row that is gone
set_conf('dataclass.enforcement', 'off');
one("DELETE FROM dataclass_audit.incident_record WHERE id = $second");
set_conf('dataclass.enforcement', 'enforcing');
deny('low', 'files');
ok(poll("SELECT count(*) = 1 FROM dataclass_audit.incident WHERE subject = 'low' AND state = 'discovered' AND id > $second"), 'an incident whose row was taken away is opened anew');

# --- summaries instead of a flood, and the window
set_conf('dataclass.incident_notice_interval', '1s');
my $last = one("SELECT max(id) $of_low");
$start = time;
deny('low', 'files') for 1 .. 3;
ok(poll("SELECT count(*) >= 1 FROM dataclass_audit.notice WHERE incident = $last AND body->>'reason' = 'summary'"), 'further breaches are told of in a summary');
ok(poll("SELECT (SELECT max((body->>'breaches')::bigint) FROM dataclass_audit.notice WHERE incident = $last) = breaches FROM dataclass_audit.incident WHERE id = $last"),
	'that counts them all');
# one for each whole interval, and one for what is left
cmp_ok(one("SELECT count(*) FROM dataclass_audit.notice WHERE incident = $last"), '<=', 3 + int(time - $start), 'not one by one');
set_conf('dataclass.incident_window', '1s');
ok(poll("SELECT last_time < clock_timestamp() - interval '1.1 s' FROM dataclass_audit.incident WHERE id = $last"), 'the window passes');
deny('low', 'files');
is(one("SELECT max(id) > $last $of_low"), 't', 'a breach after the window opens another');

# --- settings are for the file alone
like(as('off', 'SET dataclass.incident_window = 1'), qr/55P02/, 'no session sets the window');
$node->stop;
done_testing();
