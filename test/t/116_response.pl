# Response rules: exact counting over repeats, windows and restarts; each
# measure, who it is about, and how it ends.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use WireClient;

my $node = PostgreSQL::Test::Cluster->new('response');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.writer_idle_timeout = 1s
max_worker_processes = 16
});
$node->start;

sub one { return $node->safe_psql('postgres', shift); }
sub soon
{
	my ($query, $name) = @_;
	ok($node->poll_query_until('postgres', $query), $name)
	  or diag(one('SELECT * FROM dataclass_audit.measure ORDER BY seq') . "\n" . one(q{SELECT seq, kind, outcome, session_user_name, detail FROM dataclass_audit.event ORDER BY seq DESC LIMIT 10}));
}
sub as
{
	my ($role, $sql) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ]);
	return $err . $out;
}
sub connect_as { return WireClient->new(host => $node->host, port => $node->port, user => shift, database => 'postgres', timeout => 30); }
sub message { my ($c, $sql) = @_; my ($r) = eval { $c->run($sql) }; return $@ ? "gone: $@" : ($r->{error}{message} // ''); }

# Everything that happened so far has been looked at.
sub settled
{
	my $seq = one('SELECT max(seq) FROM dataclass_audit.breach');
	$node->poll_query_until('postgres', "SELECT seq >= $seq FROM dataclass_audit.response_position");
}
sub rule { one("DELETE FROM dataclass.response_rule; INSERT INTO dataclass.response_rule (name, kind, threshold, \"window\", measure, all_sessions, min_class) VALUES $_[0]"); }

one(q{
CREATE EXTENSION pg_dataclass;
CREATE TABLE files (id int);
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
CREATE TABLE notes (id int);
SECURITY LABEL FOR dataclass ON TABLE notes IS 'restricted';
CREATE ROLE officer LOGIN;
GRANT dataclass_officer TO officer;
CREATE ROLE clerk LOGIN;
CREATE ROLE victim LOGIN;
CREATE ROLE other LOGIN;
CREATE ROLE team;
GRANT victim TO clerk;
GRANT SELECT ON files, notes TO clerk, victim, other, team;
SECURITY LABEL FOR dataclass ON ROLE clerk IS 'restricted';
SECURITY LABEL FOR dataclass ON ROLE victim IS 'restricted';
SECURITY LABEL FOR dataclass ON ROLE other IS 'secret';
});

is(one(q{SELECT count(*) FROM dataclass.response_rule WHERE enabled AND measure <> 'notify'}), '0', 'no rule as shipped does more than tell');
is(one('SELECT count(*) > 0 FROM dataclass.response_rule WHERE shipped'), 't', 'some are shipped');
like(as('clerk', q{INSERT INTO dataclass.response_rule (name, measure) VALUES ('x', 'notify')}), qr/permission denied/, 'rules are for officers');
like(as('officer', q{INSERT INTO dataclass.response_rule (name, measure) VALUES ('x', 'shoot')}), qr/23514/, 'measures are those there are');
like(as('officer', q{INSERT INTO dataclass.response_rule (name, measure, "window") VALUES ('x', 'notify', '2 months')}), qr/23514/, 'windows have an end');
settled();

# --- suspend_clearance --------------------------------------------------------------

rule(q{('three', 'access_denied', 3, '1 hour', 'suspend_clearance', false, NULL)});
my $session = connect_as('clerk');
is(message($session, 'SELECT * FROM notes'), '', 'the clerk reads what he is cleared for');
as('clerk', 'SELECT * FROM files') for 1 .. 2;
settled();
is(one('SELECT count(*) FROM dataclass.suspension'), '0', 'two breaches are not three');
# the subject is another role, the one that logged in is the same
as('clerk', 'SET ROLE victim; SELECT * FROM files');
soon(q{SELECT count(*) = 1 FROM dataclass.suspension WHERE name = 'clerk' AND role = 'clerk'::regrole AND rule = 'three'}, 'three are: under whatever name, the role that logged in is suspended');
is(one(q{SELECT count(*) FROM dataclass.suspension WHERE name = 'victim'}), '0', 'and not the one he took on');
is(one(q{SELECT s.incident IS NOT NULL AND s.seq = max(e.seq) FROM dataclass.suspension s, dataclass_audit.breach e WHERE e.session_user_name = 'clerk' GROUP BY s.incident, s.seq}), 't', 'the suspension names the record and its incident');
like(message($session, 'SELECT * FROM notes'), qr/permission denied for relation "notes"/, 'a session that runs feels it at the next statement');
like(as('clerk', 'SELECT * FROM notes'), qr/The clearance of the role is suspended.*reinstate_clearance/s, 'the error says why');
like(as('clerk', 'SET ROLE victim; SELECT * FROM notes'), qr/permission denied for relation "notes"/, 'SET ROLE does not help');
is(as('victim', 'SELECT count(*) FROM notes'), '0', 'the other role works for itself');
one('GRANT clerk TO other; GRANT clerk TO team; CREATE ROLE heir LOGIN; GRANT clerk TO heir; GRANT SELECT ON notes TO heir');
like(as('heir', 'SELECT * FROM notes'), qr/permission denied for relation "notes"/, 'who inherits from it has nothing of it');
is(as('other', 'SELECT count(*) FROM notes'), '0', 'but what he has himself');
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'measure' AND action = 'suspend_clearance' AND object_identity = 'clerk' AND detail LIKE 'Applied%'}), '1', 'the measure is an event');
soon(q{SELECT count(*) = 1 FROM dataclass_audit.notice WHERE subject = 'measure' AND body->>'object_identity' = 'clerk' AND body->>'action' = 'suspend_clearance'}, 'and a notice');
like(as('clerk', q{SELECT dataclass.reinstate_clearance('clerk', 'let me')}), qr/42501: permission denied to reinstate a clearance/, 'he does not reinstate himself');
like(as('officer', q{SELECT dataclass.reinstate_clearance('clerk', ' ')}), qr/22023: a reason is required/, 'a reason is needed');
like(as('officer', q{SELECT dataclass.reinstate_clearance('victim', 'x')}), qr/55000: clearance of role "victim" is not suspended/, 'and a suspension');
like($node->psql('postgres', 'DELETE FROM dataclass.suspension') . '', qr/^[13]/, 'nobody deletes the row, superusers neither');
settled();
as('officer', q{SELECT dataclass.reinstate_clearance('clerk', 'has explained himself')});
is(message($session, 'SELECT * FROM notes'), '', 'reinstated at once');
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'clearance_change' AND action = 'reinstate_clearance' AND detail LIKE '%has explained himself%'}), '1', 'which is an event');
as('clerk', 'SELECT * FROM files') for 1 .. 2;
settled();
is(one('SELECT count(*) FROM dataclass.suspension'), '0', 'what was before counts no more');

# --- over a restart of the server ------------------------------------------------------

$node->stop('immediate');
$node->start;
as('clerk', 'SELECT * FROM files');
soon(q{SELECT count(*) = 1 FROM dataclass.suspension WHERE name = 'clerk'}, 'counts survive a crash: the third breach');
is(one(q{SELECT string_agg(breaches::text, ' ' ORDER BY seq) FROM dataclass_audit.measure WHERE rule = 'three' AND outcome = 'applied'}), '3 3', 'exactly');
$node->restart;
like(as('clerk', 'SELECT * FROM notes'), qr/The clearance of the role is suspended/, 'and so does the suspension');
as('officer', q{SELECT dataclass.reinstate_clearance('clerk', 'again')});

# --- windows, classes --------------------------------------------------------------------

rule(q{('short', 'access_denied', 2, '2 seconds', 'suspend_clearance', false, NULL)});
as('victim', 'SELECT * FROM files');
settled();
ok($node->poll_query_until('postgres', q{SELECT max("time") < clock_timestamp() - interval '2.1 seconds' FROM dataclass_audit.breach WHERE subject = 'victim'}), 'time passes');
as('victim', 'SELECT * FROM files');
settled();
is(one('SELECT count(*) FROM dataclass.suspension'), '0', 'breaches further apart than the window do not add up');
one('UPDATE dataclass.response_rule SET enabled = false');
as('victim', 'SELECT * FROM files') for 1 .. 3;
settled();
is(one('SELECT count(*) FROM dataclass.suspension'), '0', 'a rule that is not enabled does nothing');
one('CREATE ROLE low LOGIN; GRANT SELECT ON files, notes TO low');
rule(q{('high', NULL, 2, '1 hour', 'suspend_clearance', false, 'secret')});
as('low', 'SELECT * FROM notes') for 1 .. 3;
settled();
is(one('SELECT count(*) FROM dataclass.suspension'), '0', 'lower classes do not count');
as('low', 'SELECT * FROM files') for 1 .. 2;
soon(q{SELECT count(*) = 1 FROM dataclass.suspension WHERE name = 'low'}, 'the class of the rule does');
rule(q{('gone', NULL, 1, '1 hour', 'suspend_clearance', false, 'no-such-class')});
as('victim', 'SELECT * FROM files');
settled();
is(one(q{SELECT count(*) FROM dataclass.suspension WHERE name = 'victim'}), '0', 'a class that does not exist is reached by none');

# --- notify -------------------------------------------------------------------------------

rule(q{('tell', 'access_denied', 2, '1 hour', 'notify', false, NULL)});
one('CREATE ROLE talker LOGIN; GRANT SELECT ON files TO talker');
my $told = q{FROM dataclass_audit.notice WHERE subject = 'measure' AND body->>'rule' = 'tell' AND body->>'object_identity' = 'talker'};
as('talker', 'SELECT * FROM files') for 1 .. 2;
settled();
soon("SELECT count(*) = 1 $told", 'two breaches, a notice');
my $start = time;
as('talker', 'SELECT * FROM files') for 1 .. 3;
soon(q{SELECT clock_timestamp() > max(at) + interval '1 second' FROM dataclass_audit.measure WHERE rule = 'tell'}, 'a second passes');
as('talker', 'SELECT * FROM files');
settled();
soon("SELECT count(*) >= 2 $told", 'and another about what followed');
cmp_ok(one("SELECT count(*) $told"), '<=', 2 + int(time - $start), 'not more than one in a second');

# --- end_session ------------------------------------------------------------------------

rule(q{('end', 'access_denied', 2, '1 hour', 'end_session', false, NULL)});
one('CREATE ROLE guest LOGIN; GRANT SELECT ON files TO guest');
my ($bad, $good) = (connect_as('guest'), connect_as('guest'));
message($good, 'SELECT * FROM files');
message($bad, 'SELECT * FROM files');
soon(q{SELECT count(*) = 1 FROM dataclass_audit.event WHERE kind = 'measure' AND action = 'end_session' AND object_identity = 'guest'}, 'the session of the last breach is ended, recorded');
soon(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'guest'}, 'that one');
is(message($good, 'SELECT 1'), '', 'another one of the role goes on');
isnt(message($bad, 'SELECT 1'), '', 'the one does not');
rule(q{('end', 'access_denied', 2, '1 hour', 'end_session', true, NULL)});
my $third = connect_as('guest');
message($good, 'SELECT * FROM files');
message($good, 'SELECT * FROM files');
soon(q{SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'guest'}, 'all sessions, where the rule says so');
isnt(message($third, 'SELECT 1'), '', 'none is left');

# --- quarantine ----------------------------------------------------------------------------

rule(q{('shut', 'access_denied', 3, '1 hour', 'quarantine', false, NULL)});
one(q{CREATE TABLE parts (id int) PARTITION BY LIST (id); CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1);
SECURITY LABEL FOR dataclass ON TABLE parts IS 'secret'; GRANT SELECT ON parts, part_1 TO victim, talker, guest, other});
as('victim', 'SELECT * FROM parts');
as('talker', 'SELECT * FROM parts');
settled();
is(as('other', 'SELECT count(*) FROM parts'), '0', 'not yet');
as('guest', 'SELECT * FROM parts');
soon(q{SELECT count(*) = 2 FROM dataclass.quarantine WHERE origin = 'response'}, 'three breaches about one relation, by whomever: it is quarantined, with its partitions');
like(as('other', 'SELECT count(*) FROM parts'), qr/The relation is quarantined/, 'for those who are cleared, too');
as('officer', q{SELECT dataclass.accept_risk('parts', 'storage is another matter', now() + interval '1 day')});
like(as('other', 'SELECT count(*) FROM parts'), qr/The relation is quarantined/, 'accepting the risk of its storage does not lift it');
as('officer', q{SELECT dataclass.release_quarantine('parts', 'looked at'), dataclass.release_quarantine('part_1', 'looked at')});
is(as('other', 'SELECT count(*) FROM parts'), '0', 'until an officer releases it');
# tables of the trail and of the policy
rule(q{('shut', NULL, 1, '1 hour', 'quarantine', false, NULL)});
$node->psql('postgres', 'DELETE FROM dataclass_audit.event');
settled();
is(one(q{SELECT count(*) FROM dataclass.quarantine}), '0', 'the trail is never quarantined');
is(one(q{SELECT count(*) > 0 FROM dataclass_audit.event WHERE kind = 'measure' AND action = 'quarantine' AND detail LIKE 'Not applied: the relation is gone, or is not governed%'}), 't', 'which is recorded');
rule(q{('none', 'access_denied', 100000, '1 hour', 'notify', false, NULL)});

# --- repeats ---------------------------------------------------------------------------------

is(one('SELECT ok FROM dataclass_audit.verify()'), 't', 'the trail is whole');
is(one(q{SELECT count(*) FROM dataclass_audit.measure WHERE outcome = 'refused' AND measure <> 'quarantine'}), '0', 'nothing was refused by mistake');
$node->stop;
done_testing();
