# The life of an incident and its deadlines: over restarts, on a standby, with
# roles that go, and what becomes overdue while nothing else happens.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = PostgreSQL::Test::Cluster->new('life');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.disclosure_grace = 1s
dataclass.writer_idle_timeout = 1s
max_prepared_transactions = 2
log_line_prefix = '%m [%p] %q%a '
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE low LOGIN;
CREATE ROLE off LOGIN;
GRANT dataclass_officer TO off;
CREATE ROLE aud LOGIN;
GRANT dataclass_auditor TO aud;
CREATE ROLE twin LOGIN;
GRANT dataclass_officer, dataclass_auditor TO twin;
CREATE ROLE boss LOGIN SUPERUSER;
CREATE TABLE files (id int);
CREATE TABLE notes (id int);
CREATE TABLE slips (id int);
GRANT SELECT ON files, notes, slips TO PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE notes IS 'confidential';
SECURITY LABEL FOR dataclass ON TABLE slips IS 'restricted';
DELETE FROM dataclass.disclosure_window;
INSERT INTO dataclass.disclosure_window (class, recipient, within)
	VALUES ('secret', 'Cloud Office', '1 s'), ('confidential', 'Cloud Office', '1 hour'), ('restricted', 'Cloud Office', '1 hour');
});

$node->append_conf('postgresql.conf', 'dataclass.superuser_is_officer = off');
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('dataclass.superuser_is_officer') = 'off'}) or die 'superusers are officers';

sub one { return $node->safe_psql('postgres', shift); }
sub poll { return $node->poll_query_until('postgres', shift); }

sub as
{
	my ($role, $sql, $on) = @_;
	$on = $node unless defined $on;
	my ($rc, $out, $err) = $on->psql('postgres', $sql, extra_params => ['-U', $role, '-v', 'VERBOSITY=verbose']);
	return $err eq '' ? $out : $err;
}

sub incident_of
{
	my ($role, $table) = @_;
	like(as($role, "SELECT * FROM $table"), qr/42501/, "$role is denied $table");
	return one("SELECT max(id) FROM dataclass_audit.incident WHERE subject = '$role' AND object_identity = 'public.$table'");
}

# --- overdue: noticed by the writer, once, although nothing else happens
my $late = incident_of('low', 'files');
ok(poll("SELECT count(*) = 1 FROM dataclass_audit.event WHERE kind = 'disclosure' AND breach AND object_type = 'incident' AND object_identity = '$late'"),
	'what is overdue is a record');
is(one("SELECT body->>'recipient', body->>'reason', seq = (SELECT seq FROM dataclass_audit.event WHERE kind = 'disclosure' AND object_identity = '$late') FROM dataclass_audit.notice WHERE incident = $late AND subject = 'overdue'"),
	'Cloud Office|overdue|t', 'and a notice about that record');
is(one("SELECT recipient, class, overdue_by > interval '0', state FROM dataclass_audit.overdue WHERE incident = $late"), 'Cloud Office|secret|t|discovered', 'and stands in the view');
is(one("SELECT status FROM dataclass_audit.disclosure WHERE incident = $late"), 'overdue', 'as its status');
is(one(q{SELECT count(*) FROM dataclass_audit.incident WHERE kind = 'disclosure'}), '0', 'but opens no incident of its own');
ok(poll("SELECT count(*) = 1 FROM dataclass_audit.incident_event i JOIN dataclass_audit.event e USING (seq) WHERE i.incident = $late AND e.kind = 'disclosure'"), 'it belongs to the one it is about');
is(as('off', "SELECT dataclass_audit.mark_notified($late, 'by telephone')"), '', 'told at last');
is(one("SELECT status, time_to_disclosure > interval '1 s' FROM dataclass_audit.disclosure WHERE incident = $late"), 'late|t', 'late');
is(one("SELECT count(*) FROM dataclass_audit.overdue WHERE incident = $late"), '0', 'overdue no more');

# --- told in time
is(as('off', q{UPDATE dataclass.disclosure_window SET within = '1 hour' WHERE class = 'secret'}), '', 'now there is an hour');
like(as('boss', 'DELETE FROM dataclass_audit.notice'), qr/42501/, 'the outbox is guarded');
my $met = one("SELECT max(id) FROM dataclass_audit.incident WHERE kind = 'trail_guard'");
is(as('off', "SELECT dataclass_audit.mark_notified($met, 'mail')"), '', 'told at once');
is(one("SELECT string_agg(status, ',') FROM dataclass_audit.disclosure WHERE incident = $met"), 'met', 'in time');

# --- over a restart: deadlines are watched without any event
one('CREATE ROLE third LOGIN');
is(as('off', q{UPDATE dataclass.disclosure_window SET within = '15 s' WHERE class = 'restricted'}), '', 'a deadline that comes soon');
my $slow = incident_of('third', 'slips');
is(one("SELECT status FROM dataclass_audit.disclosure WHERE incident = $slow"), 'pending', 'not yet over');
ok(poll('SELECT writer_pid IS NULL FROM dataclass_audit.status()'), 'the writer leaves, with a deadline to come');
$node->restart;
ok(poll("SELECT count(*) = 1 FROM dataclass_audit.event WHERE kind = 'disclosure' AND object_identity = '$slow'"), 'and comes back for it');

# --- the life of an incident, in full, with shortcuts and what is refused
one('CREATE ROLE fourth LOGIN');
my $id = incident_of('fourth', 'notes');
like(as('aud', "SELECT dataclass_audit.request_report($id, 'x')"), qr/55000.*HINT:.*mark_notified.*acknowledge/s, 'not from its state, and what is next');
like(as('off', "SELECT dataclass_audit.mark_notified($id, '  ')"), qr/22023/, 'no reason');
like(as('off', "SELECT dataclass_audit.mark_notified($id, NULL)"), qr/22023/, 'null is none');
like(as('off', 'SELECT dataclass_audit.mark_notified(999999, $$x$$)'), qr/22023/, 'no such incident');
like(as('off', "SELECT dataclass_audit.close_incident($id, 'x')"), qr/42501/, 'an officer does not close');
like(as('aud', "SELECT dataclass_audit.mark_notified($id, 'x')"), qr/42501/, 'an auditor does not tell');
like(as('boss', "SELECT dataclass_audit.close_incident($id, 'x')"), qr/42501.*Only members of dataclass_auditor/s, 'a superuser neither');
like(as('boss', "SET SESSION AUTHORIZATION aud; SELECT dataclass_audit.acknowledge($id, 'x')"), qr/42501/, 'in whatever clothes');
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE breach AND rule = 'auditor' AND authenticated_user = 'boss'}), '2', 'and that is recorded');
is(as('off', "SELECT dataclass_audit.mark_notified($id, 'by mail')"), '', 'notified');
is(as('aud', "SELECT dataclass_audit.acknowledge($id, E'seen\\n\\x1b[31m')"), '', 'acknowledged');
is(as('aud', "SELECT dataclass_audit.request_report($id, 'who and why')"), '', 'report requested');
is(as('off', "SELECT dataclass_audit.submit_report($id, 'no. 7')"), '', 'report submitted');
is(as('aud', "SELECT dataclass_audit.request_report($id, 'more')"), '', 'requested again');
is(as('off', "SELECT dataclass_audit.submit_report($id, 'no. 8')"), '', 'submitted again');
is(as('aud', "SELECT dataclass_audit.decide_measure($id, 'take the role away')"), '', 'measure decided');
is(as('twin', "SELECT dataclass_audit.apply_measure($id, 'taken')"), '', 'measure applied');
like(as('twin', "SELECT dataclass_audit.close_incident($id, 'enough')"), qr/42501.*applied the measure.*HINT/s, 'whoever applied it does not close');
is(as('aud', "SELECT dataclass_audit.close_incident($id, 'checked')"), '', 'closed by another');
like(as('aud', "SELECT dataclass_audit.acknowledge($id, 'x')"), qr/55000/, 'and that is the end');
is(one("SELECT string_agg(state || ' ' || by, ', ' ORDER BY step) FROM dataclass_audit.incident_step WHERE incident = $id"),
	'discovered pg_dataclass, notified off, acknowledged aud, report_requested aud, report_submitted off, report_requested aud, report_submitted off, measure_decided aud, measure_applied twin, closed aud',
	'who, at each step');
is(one("SELECT string_agg(action, ', ' ORDER BY seq) FROM dataclass_audit.event WHERE kind = 'incident' AND object_type = 'incident' AND object_identity = '$id'"),
	'discovered, notified, acknowledged, report_requested, report_submitted, report_requested, report_submitted, measure_decided, measure_applied, closed', 'each an event');
is(one("SELECT detail, authenticated_user, outcome FROM dataclass_audit.event WHERE kind = 'incident' AND action = 'closed' AND object_identity = '$id'"), 'closed: checked|aud|allowed', 'with who and why');
is(one("SELECT count(*) FROM dataclass_audit.incident_step WHERE reason ~ '[[:cntrl:]]'"), '0', 'reasons hold no control characters');
is(one("SELECT state, state_by, notified_at < acknowledged_at AND acknowledged_at < closed_at FROM dataclass_audit.incident WHERE id = $id"), 'closed|aud|t', 'in the view');

# --- nobody closes an incident about himself
like(as('aud', "SELECT * FROM files"), qr/42501/, 'an auditor is denied');
my $own = one("SELECT max(id) FROM dataclass_audit.incident WHERE subject = 'aud' AND rule = 'dominance'");
like(as('aud', "SELECT dataclass_audit.acknowledge($own, 'me')"), qr/42501.*about himself.*HINT.*another member of dataclass_auditor/s, 'does not acknowledge it himself');
is(as('twin', "SELECT dataclass_audit.acknowledge($own, 'seen')"), '', 'another does');
like(as('aud', "SELECT dataclass_audit.decide_measure($own, 'none')"), qr/42501.*about himself/s, 'he does not say what follows');
like(as('aud', "SELECT dataclass_audit.close_incident($own, 'nothing to see')"), qr/42501.*about himself/s, 'but does not close it');
is(as('twin', "SELECT dataclass_audit.close_incident($own, 'was a mistake')"), '', 'another does');

# --- roles that are renamed or dropped
one('ALTER ROLE fourth RENAME TO fifth');
one('DROP ROLE third');
is(one("SELECT subject FROM dataclass_audit.incident WHERE id = $id"), 'fourth', 'the name at the time stays');
is(as('off', "SELECT dataclass_audit.mark_notified($slow, 'late')"), '', 'an incident of a role that is gone goes on');
like(as('off', "BEGIN; SELECT dataclass_audit.mark_notified(" . incident_of('fifth', 'files') . ", 'x'); PREPARE TRANSACTION 'p'"), qr/ERROR/, 'no step in a prepared transaction');

# --- a standby shows, and refuses
$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('life_standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is($standby->safe_psql('postgres', "SELECT state FROM dataclass_audit.incident WHERE id = $id"), 'closed', 'a standby shows incidents');
like(as('off', "SELECT dataclass_audit.mark_notified($own, 'x')", $standby), qr/25006/, 'and takes no step');
like(as('off', "BEGIN READ ONLY; SELECT dataclass_audit.mark_notified($own, 'x')"), qr/25006/, 'nor does a read-only transaction');
$standby->stop;

is(one('SELECT ok FROM dataclass_audit.verify()'), 't', 'the trail is sound');
$node->stop;
done_testing();
