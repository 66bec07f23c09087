# Sources of events that no single session shows: failed logins, a flood of
# them, and settings by every route that leads past a session's SET.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('seen');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.failed_login_window = 6s
log_line_prefix = '%m [%p] %q%a '
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE cleared LOGIN PASSWORD 'right';
CREATE ROLE heir LOGIN PASSWORD 'right' IN ROLE cleared;
CREATE ROLE other LOGIN PASSWORD 'right';
CREATE ROLE retired NOLOGIN;
SECURITY LABEL FOR dataclass ON ROLE cleared IS 'secret';
SECURITY LABEL FOR dataclass ON ROLE retired IS 'secret';
});
$node->safe_psql('postgres', 'CREATE DATABASE bare');
$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION pg_dataclass');
my $hba = slurp_file($node->data_dir . '/pg_hba.conf');
unlink($node->data_dir . '/pg_hba.conf');
append_to_file($node->data_dir . '/pg_hba.conf', join('', map { "local all $_ scram-sha-256\n" } qw(cleared heir other)) . $hba);
$node->reload;

sub one { return $node->safe_psql('postgres', shift); }

sub login
{
	my ($role, $database, $password) = @_;
	local $ENV{PGPASSWORD} = $password;
	my ($rc) = $node->psql($database, 'SELECT 1', extra_params => [ '-U', $role, '-w' ]);
	return $rc;
}

sub failures
{
	my ($database) = @_;
	return $node->safe_psql($database, q{SELECT string_agg(concat_ws(' ', subject, outcome, breach, object_type, object_identity, client_addr, database, repeats), ',' ORDER BY seq)
		FROM dataclass_audit.event WHERE kind = 'login_failed'});
}

# ---- failed logins ----

isnt(login('cleared', 'postgres', 'SECRET-CANARY'), 0, 'a wrong password is refused');
is(failures('postgres'), 'cleared denied t role cleared [local] postgres', 'and recorded before the client hears of it');
isnt(login('other', 'postgres', 'SECRET-CANARY'), 0, 'a role without a clearance is refused');
isnt(login('SECRET-CANARY', 'postgres', 'x'), 0, 'so is one that does not exist');
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'login_failed'}), 1, 'neither is recorded');
is(login('cleared', 'postgres', 'right'), 0, 'the right password is good');
is(failures('second'), '', 'the trail of another database has nothing of it');
login('heir', 'bare', 'wrong');
is(failures('second'), 'heir denied t role heir [local] second', 'asked for a database without a trail: all trails, an inherited clearance counts');
login('retired', 'postgres', '');
like(failures('postgres'), qr/retired denied t role retired/, 'a cleared role that may not log in');
is(one(q{SELECT count(*) FROM dataclass_audit.event e WHERE e::text LIKE '%CANARY%'}), 0, 'no password and no name of nobody is in the trail');

# A flood: each failure is in the trail, by itself or counted.
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM dataclass_audit.event WHERE kind = 'login_failed' AND time < now() - interval '7 s'}), 'the window is over');
my $before = one(q{SELECT coalesce(sum(coalesce(repeats, 1)), 0) FROM dataclass_audit.event WHERE kind = 'login_failed' AND subject = 'cleared'});
login('cleared', 'postgres', 'wrong') for 1 .. 25;
ok($node->poll_query_until('postgres', qq{SELECT sum(coalesce(repeats, 1)) = $before + 25 FROM dataclass_audit.event WHERE kind = 'login_failed' AND subject = 'cleared'}),
	'25 failures are counted exactly');
cmp_ok(one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'login_failed' AND subject = 'cleared'}), '<', 25, 'in fewer records');

# ---- settings ----

sub changes
{
	my ($name) = @_;
	return one(qq{SELECT string_agg(concat_ws('|', kind, outcome, breach, action, detail), ';' ORDER BY seq)
		FROM dataclass_audit.event WHERE object_identity = '$name' AND kind IN ('setting_change', 'enforcement_change')});
}

sub changed
{
	my ($name, $like) = @_;
	return $node->poll_query_until('postgres', qq{SELECT count(*) > 0 FROM dataclass_audit.event
		WHERE object_identity = '$name' AND detail LIKE '$like'});
}

{
	local $ENV{PGOPTIONS} = '-c dataclass.session_ceiling=restricted';
	one('SELECT 1');
}
is(changes('dataclass.session_ceiling'), q{setting_change|allowed|f|SET|Setting dataclass.session_ceiling changed from '' to 'restricted' by the options that the client came in with.},
	'by PGOPTIONS');
{
	local $ENV{PGOPTIONS} = '-c dataclass.enforcement=off';
	my ($rc, $out, $err) = $node->psql('postgres', 'SELECT 1');
	isnt($rc, 0, 'PGOPTIONS cannot switch enforcement off');
}
like(changes('dataclass.enforcement'), qr/^setting_change\|denied\|t\|SET\|/, 'and the attempt is recorded');
one(q{ALTER ROLE other SET dataclass.session_ceiling = 'open'});
like(changes('dataclass.session_ceiling'), qr/stored for role other: 'open'/, 'by ALTER ROLE');
login('other', 'postgres', 'right');
is(() = changes('dataclass.session_ceiling') =~ /setting_change/g, 2, 'the login it is applied to says nothing more');

$node->append_conf('postgresql.conf', "dataclass.watch_interval = 77s\ndataclass.trust_anchors = '/nowhere/SECRET'\ndataclass.session_ceiling = 'secret'\n");
$node->reload;
ok(changed('dataclass.watch_interval', q{%to ''77'' in the configuration of the server.}), 'by reload');
ok(changed('dataclass.session_ceiling', q{%to ''secret'' in the configuration of the server.}), 'by reload, one that sessions may change');
ok(changed('dataclass.trust_anchors', q{%changed; only superusers may see its value.}), 'by reload, without its value');
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE detail LIKE '%SECRET%'}), 0, 'which is nowhere');
one('SELECT 1') for 1 .. 3;
is(() = changes('dataclass.watch_interval') =~ /setting_change/g, 1, 'recorded once');
is(() = changes('dataclass.session_ceiling') =~ /in the configuration/g, 1, 'not by each session');
ok($node->poll_query_until('second', q{SELECT count(*) = 1 FROM dataclass_audit.event WHERE object_identity = 'dataclass.watch_interval'}), 'in each trail');

$node->stop;
$node->adjust_conf('postgresql.conf', 'dataclass.watch_interval', '78s');
$node->append_conf('postgresql.conf', "dataclass.node_name = 'elsewhere'\n");
$node->start;
ok(changed('dataclass.watch_interval', q{%from ''77'' to ''78''%}), 'by restart');
ok(changed('dataclass.node_name', q{%to ''elsewhere''%}), 'by restart, what only a restart changes');
$node->append_conf('postgresql.conf', "dataclass.enforcement = permissive\n");
$node->reload;
ok(changed('dataclass.enforcement', q{%from enforcing to permissive.}), 'what weakens enforcement');
is(one(q{SELECT kind || breach || severity FROM dataclass_audit.event WHERE detail LIKE '%to permissive.'}), 'enforcement_changetruecritical', 'is a breach');
is(one('SELECT ok FROM dataclass_audit.verify()'), 't', 'the trail holds');

$node->stop;
done_testing();
