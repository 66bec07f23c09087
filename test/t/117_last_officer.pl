# A response rule never locks out the last officer: whoever else is there has to
# be able to log in, an officer, and not suspended; roles that are being dropped,
# decisions under way and officers who offend at the same moment.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WireClient;

my $node = PostgreSQL::Test::Cluster->new('last_officer');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
max_worker_processes = 16
});
$node->start;

sub one { return $node->safe_psql('postgres', shift); }
sub soon
{
	my ($query, $name) = @_;
	ok($node->poll_query_until('postgres', $query), $name)
	  or diag(one('SELECT * FROM dataclass_audit.measure ORDER BY seq') . "\n" . one('SELECT * FROM dataclass.suspension'));
}
sub as
{
	my ($role, $sql) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ]);
	return $err . $out;
}
sub settled
{
	my $seq = one('SELECT max(seq) FROM dataclass_audit.breach');
	$node->poll_query_until('postgres', "SELECT seq >= $seq FROM dataclass_audit.response_position");
}
sub suspended { return one(q{SELECT coalesce(string_agg(name, ' ' ORDER BY name), '') FROM dataclass.suspension}); }
# He does what the rule is about; the last measure about him.
sub offend
{
	my ($role) = @_;
	as($role, 'SELECT * FROM files');
	settled();
	return one("SELECT outcome FROM dataclass_audit.measure WHERE target = '$role' ORDER BY seq DESC LIMIT 1");
}
sub reinstate { my ($by, $whom) = @_; return as($by, "SELECT dataclass.reinstate_clearance('$whom', 'for the test')"); }

one(q{
CREATE EXTENSION pg_dataclass;
CREATE TABLE files (id int);
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
CREATE ROLE first LOGIN;
CREATE ROLE second LOGIN;
CREATE ROLE clerk LOGIN;
CREATE ROLE root LOGIN SUPERUSER;
GRANT pg_read_all_data TO first, second, clerk;
GRANT dataclass_officer TO first;
SECURITY LABEL FOR dataclass ON ROLE first IS 'public with (declassify, reclassify)';
SECURITY LABEL FOR dataclass ON ROLE second IS 'public';
INSERT INTO dataclass.response_rule (name, kind, measure) VALUES ('once', 'access_denied', 'suspend_clearance');
});
$node->append_conf('postgresql.conf', 'dataclass.superuser_is_officer = off');
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('dataclass.superuser_is_officer') = 'off'});

# granting needs CREATEROLE in core, and an officer here
one('ALTER ROLE first CREATEROLE');

# --- who counts -------------------------------------------------------------------------

is(offend('first'), 'refused', 'the only officer is not suspended');
is(suspended(), '', 'nobody is');
is(one(q{SELECT severity, detail FROM dataclass_audit.event WHERE kind = 'measure' AND object_identity = 'first'}) =~ s/ Breaches.*//r,
	'high|Not applied: no other officer who can log in would remain.', 'that it was not is an event');
is(offend('clerk'), 'applied', 'who is no officer is');
is(reinstate('first', 'clerk'), '', 'as long as somebody can reinstate him');

for my $case (
	[ 'CREATE ROLE deputy NOLOGIN', 'one who cannot log in' ],
	[ q{CREATE ROLE deputy LOGIN VALID UNTIL '2001-01-01'}, 'one whose password has expired' ],
	[ 'CREATE ROLE deputy LOGIN CONNECTION LIMIT 0', 'one who may have no connection' ])
{
	one("$case->[0]");
	as('first', 'GRANT dataclass_officer TO deputy');
	is(one(q{SELECT pg_has_role('deputy', 'dataclass_officer', 'member')}), 't', "$case->[1] is made an officer");
	is(offend('first'), 'refused', "$case->[1] does not count");
	one('DROP ROLE deputy');
}
is(one(q{SELECT rolsuper FROM pg_roles WHERE rolname = 'root'}), 't', 'superusers are no officers here');
is(offend('first'), 'refused', 'and do not count');

as('first', 'GRANT dataclass_officer TO second');
one('ALTER ROLE second NOINHERIT');
is(offend('first'), 'applied', 'one who can become an officer by SET ROLE counts');
one('ALTER ROLE second INHERIT');
is(suspended(), 'first', 'so the first one is suspended');
is(offend('second'), 'refused', 'but not the second, too');
like(as('first', q{SELECT dataclass.reinstate_clearance('first', 'me')}), qr/42501: permission denied to reinstate a clearance/, 'the suspended one is no officer any more');
like(as('first', q{SET ROLE dataclass_officer; SELECT dataclass.reinstate_clearance('first', 'me')}), qr/42501: permission denied to reinstate a clearance/, 'not by SET ROLE either');
like(as('first', q{SECURITY LABEL FOR dataclass ON ROLE clerk IS 'secret'}), qr/42501/, 'and clears nobody');
like(as('root', q{SET SESSION AUTHORIZATION second; SELECT dataclass.reinstate_clearance('first', 'me')}), qr/42501/, 'a superuser who takes on the officer is none');
is(reinstate('second', 'first'), '', 'the other officer reinstates');
is(suspended(), '', 'nobody is suspended');

# --- sessions ------------------------------------------------------------------------------

one(q{REVOKE dataclass_officer FROM second});
as('first', q{UPDATE dataclass.response_rule SET measure = 'end_session' WHERE name = 'once'});
my $session = WireClient->new(host => $node->host, port => $node->port, user => 'first', database => 'postgres');
$session->run('SELECT * FROM files');
settled();
is(one(q{SELECT measure || ' ' || outcome FROM dataclass_audit.measure ORDER BY seq DESC LIMIT 1}), 'end_session refused', 'the session of the only officer is not ended');
$session->must('SELECT 1');
as('first', q{UPDATE dataclass.response_rule SET measure = 'suspend_clearance' WHERE name = 'once'; GRANT dataclass_officer TO second});

# --- a role that is being dropped ---------------------------------------------------------------

my $dba = WireClient->new(host => $node->host, port => $node->port, user => 'root', database => 'postgres');
one('CREATE ROLE third LOGIN; GRANT pg_read_all_data TO third; REVOKE dataclass_officer FROM second');
as('first', 'GRANT dataclass_officer TO third');
$dba->must('BEGIN');
$dba->must('DROP ROLE third');
is(offend('first'), 'refused', 'an officer whose drop is under way does not count, and is not waited for');
$dba->must('ROLLBACK');
is(offend('first'), 'applied', 'one that stays does');
is(reinstate('third', 'first'), '', 'reinstated');

# --- a decision under way --------------------------------------------------------------------------

is(offend('first'), 'applied', 'suspended again');
my $officer = WireClient->new(host => $node->host, port => $node->port, user => 'third', database => 'postgres');
$officer->must('BEGIN');
$officer->must(q{SELECT dataclass.reinstate_clearance('first', 'perhaps')});
as('third', 'SELECT * FROM files');
soon(q{SELECT count(*) > 0 FROM dataclass_audit.breach WHERE subject = 'third'}, 'the officer who would remain offends while he reinstates the other');
$officer->must('ROLLBACK');
settled();
is(suspended(), 'first', 'as he did not, he is the last one');
is(reinstate('third', 'first'), '', 'now he does');
as('third', 'SELECT * FROM files');
settled();
is(suspended(), 'third', 'and may be suspended himself');
is(reinstate('first', 'third'), '', 'both are back');

# --- at the same moment ----------------------------------------------------------------------------

my $both = 0;
my $some = 0;
for my $round (1 .. 10)
{
	my @running;
	for my $role ('first', 'third')
	{
		push @running, IPC::Run::start([ 'psql', '-X', '-U', $role, '-d', $node->connstr('postgres'), '-c', 'SELECT * FROM files' ],
			'<', \undef, '>', \my $out, '2>', \my $err);
	}
	$_->finish for @running;
	settled();
	my $who = suspended();
	$both++ if $who eq 'first third';
	$some++ if $who ne '';
	reinstate('third', 'first') if $who eq 'first';
	reinstate('first', 'third') if $who eq 'third';
}
is($both, 0, 'of two officers who offend at once one is left, ten times');
is($some, 10, 'and one is suspended');

# --- superusers that count ---------------------------------------------------------------------------

one('DROP ROLE third');
is(offend('first'), 'refused', 'alone again');
$node->append_conf('postgresql.conf', 'dataclass.superuser_is_officer = on');
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('dataclass.superuser_is_officer') = 'on'});
is(offend('first'), 'applied', 'where superusers are officers, one of them remains');
is(one('SELECT ok FROM dataclass_audit.verify()'), 't', 'the trail is whole');
$node->stop;
done_testing();
