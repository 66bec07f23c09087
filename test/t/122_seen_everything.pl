# Sources of events that no statement on data shows: privileges and owners by
# whatever command, core's refusals about roles and labels, commands that fail,
# logins refused before and after authentication, replication connections.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('everything');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.repeat_window = 0
dataclass.failed_login_window = 1s
log_min_messages = panic
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE cleared LOGIN;
SECURITY LABEL FOR dataclass ON ROLE cleared IS 'secret';
CREATE ROLE other LOGIN;
CREATE ROLE low LOGIN;
CREATE ROLE owner;
CREATE ROLE heir;
CREATE ROLE officer LOGIN IN ROLE dataclass_officer;
CREATE SCHEMA s AUTHORIZATION owner;
GRANT USAGE ON SCHEMA s TO low;
SET ROLE owner;
CREATE TABLE s.files (id serial, body text);
CREATE VIEW s.over_files AS SELECT * FROM s.files;
CREATE SEQUENCE s.counter;
CREATE FUNCTION s.trusted() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION s.plain() RETURNS int LANGUAGE sql AS 'SELECT 1';
RESET ROLE;
CREATE SCHEMA labelled;
CREATE TABLE labelled.below (id int);
SECURITY LABEL FOR dataclass ON SCHEMA labelled IS 'public';
CREATE SCHEMA free;
CREATE TABLE free.files (id int);
CREATE FUNCTION free.plain() RETURNS int LANGUAGE sql AS 'SELECT 1';
SECURITY LABEL FOR dataclass ON TABLE s.files IS 'restricted';
SECURITY LABEL FOR dataclass ON SEQUENCE s.counter IS 'restricted';
SECURITY LABEL FOR dataclass ON FUNCTION s.trusted() IS 'trusted secret';
});
$node->safe_psql('postgres', "CREATE DATABASE $_") for qw(second closed private bare);
$node->safe_psql('second', 'CREATE EXTENSION pg_dataclass');
$node->safe_psql('postgres', 'ALTER DATABASE closed ALLOW_CONNECTIONS false');
$node->safe_psql('postgres', 'REVOKE CONNECT ON DATABASE private FROM PUBLIC');

my $since = 0;
sub mark { $since = $node->safe_psql('postgres', 'SELECT coalesce(max(seq), 0) FROM dataclass_audit.event'); return; }
sub as
{
	my ($role, $sql, $database) = @_;
	my $replication = ($database // '') eq 'replication' ? 'true' : undef;
	my ($rc) = $node->psql($replication ? '' : $database // 'postgres', $sql, extra_params => [ '-U', $role ], replication => $replication);
	return $rc;
}
# What a statement left in the trail.
sub events
{
	my ($columns, $database) = @_;
	return $node->safe_psql($database // 'postgres', qq{SELECT string_agg(concat_ws(' ', $columns), ', ' ORDER BY object_identity, seq)
		FROM dataclass_audit.event WHERE seq > $since AND kind NOT IN ('incident', 'disclosure', 'checkpoint')});
}
sub leaves
{
	my ($role, $sql, $expected, $columns) = @_;
	mark();
	as($role, $sql);
	is(events($columns // 'kind, action, object_identity'), $expected, "$role: $sql");
	return;
}

# ---- privileges and owners ----

leaves('postgres', 'GRANT SELECT ON ALL TABLES IN SCHEMA s TO low', 'grant GRANT s.files');
leaves('postgres', 'GRANT SELECT ON ALL TABLES IN SCHEMA free TO low', '');
leaves('postgres', 'GRANT USAGE ON ALL SEQUENCES IN SCHEMA s TO low', 'grant GRANT s.counter');
leaves('postgres', 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA s TO low', 'grant GRANT s.trusted()');
leaves('postgres', 'GRANT EXECUTE ON ALL ROUTINES IN SCHEMA s, free TO low', '');
leaves('postgres', 'GRANT CREATE ON SCHEMA s TO low', 'grant GRANT s');
leaves('postgres', 'GRANT CREATE ON SCHEMA free TO low', '');
leaves('postgres', 'GRANT CREATE ON DATABASE postgres TO low', 'grant GRANT postgres');
leaves('postgres', 'GRANT INSERT ON dataclass.data_class TO low', 'grant GRANT dataclass.data_class');
leaves('postgres', 'GRANT EXECUTE ON FUNCTION dataclass.create_label(text) TO low', 'grant GRANT dataclass.create_label(pg_catalog.text)');
leaves('postgres', 'GRANT ALTER SYSTEM ON PARAMETER dataclass.enforcement TO low', 'grant GRANT dataclass.enforcement');
leaves('postgres', 'GRANT SET ON PARAMETER work_mem TO low', '');
leaves('postgres', 'ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO low', 'grant ALTER DEFAULT PRIVILEGES default privileges');
leaves('postgres', 'ALTER DEFAULT PRIVILEGES IN SCHEMA free GRANT SELECT ON TABLES TO low', '');
leaves('postgres', 'ALTER DEFAULT PRIVILEGES IN SCHEMA dataclass_audit GRANT SELECT ON TABLES TO low', 'trail_guard ALTER DEFAULT PRIVILEGES dataclass_audit');
leaves('postgres', 'DROP OWNED BY low',
	join(', ', map { "grant DROP OWNED $_" } 'dataclass.create_label(pg_catalog.text)', 'dataclass.data_class', 'postgres', 's', 's.counter', 's.files', 's.trusted()'));
is($node->safe_psql('postgres', q{SELECT DISTINCT detail FROM dataclass_audit.event WHERE action = 'DROP OWNED'}),
	'Privileges of a role were dropped with what it owns: low', 'whose');
leaves('postgres', 'BEGIN; GRANT SELECT ON s.files TO low; ROLLBACK; DROP OWNED BY low', '');
leaves('postgres', 'ALTER SCHEMA s OWNER TO heir', 'grant s The owner was changed from owner to heir.', 'kind, object_identity, detail');
leaves('postgres', 'ALTER FUNCTION s.trusted() OWNER TO heir', 'grant s.trusted() The owner was changed from owner to heir.', 'kind, object_identity, detail');
leaves('postgres', 'ALTER FUNCTION s.plain() OWNER TO heir', '');
leaves('postgres', 'ALTER DATABASE postgres OWNER TO heir', 'grant postgres The owner was changed from postgres to heir.', 'kind, object_identity, detail');
leaves('postgres', 'REASSIGN OWNED BY owner, heir TO other',
	join(', ', map { "grant ALTER OWNER $_" } 'postgres', 's', 's.counter', 's.files', 's.trusted()'));
leaves('postgres', 'REASSIGN OWNED BY owner TO other', '');
leaves('postgres', 'ALTER DATABASE postgres OWNER TO postgres', 'grant ALTER OWNER postgres');

# ---- roles ----

$node->safe_psql('postgres', 'GRANT USAGE ON SCHEMA s TO low');
leaves('postgres', 'CREATE ROLE chief SUPERUSER', 'clearance_change CREATE ROLE chief');
leaves('postgres', 'CREATE ROLE nobody', '');
leaves('postgres', 'ALTER ROLE nobody SUPERUSER', 'clearance_change ALTER ROLE nobody');
leaves('postgres', 'CREATE ROLE member IN ROLE cleared', 'clearance_change CREATE ROLE cleared');
leaves('postgres', 'DROP ROLE member', 'clearance_change DROP ROLE member');
leaves('low', 'SET ROLE cleared', 'privilege_denied SET cleared');
leaves('low', q{SELECT set_config('role', 'cleared', false)}, 'privilege_denied cleared');
leaves('low', 'DO $$ BEGIN SET ROLE cleared; EXCEPTION WHEN OTHERS THEN NULL; END $$', 'privilege_denied SET cleared');
leaves('low', 'SET SESSION AUTHORIZATION cleared', 'privilege_denied SET cleared');
leaves('low', 'SET ROLE heir', '');
leaves('low', q{DO $$ BEGIN RAISE EXCEPTION 'permission denied to set role "cleared"' USING ERRCODE = '42501'; END $$}, '');
leaves('low', 'ALTER ROLE cleared NOLOGIN', 'ddl_denied ALTER ROLE cleared');
leaves('low', 'ALTER ROLE heir NOLOGIN', '');
leaves('low', 'DROP ROLE heir, cleared', 'ddl_denied DROP ROLE cleared');
leaves('low', q{COMMENT ON ROLE cleared IS 'x'}, 'ddl_denied COMMENT cleared');
leaves('low', q{SECURITY LABEL FOR dataclass ON ROLE low IS 'secret'}, 'label_refused SECURITY LABEL low');
leaves('low', q{SECURITY LABEL FOR dataclass ON FUNCTION s.plain() IS 'trusted secret'}, 'label_refused SECURITY LABEL s.plain');
leaves('low', 'DROP FUNCTION s.trusted()', 'ddl_denied DROP FUNCTION s.trusted()');
leaves('low', 'DROP FUNCTION s.plain()', '');
leaves('officer', q{ALTER SYSTEM SET dataclass.watch_interval = '77s'},
	'setting_change allowed, setting_change denied', 'kind, outcome');

# ---- commands that fail ----

leaves('postgres', 'DROP TABLE s.files', 'ddl observed f failed DROP TABLE s.files The command failed with SQLSTATE 2BP01.',
	'kind, outcome, breach, rule, action, object_identity, detail');
leaves('postgres', 'DO $$ BEGIN ALTER TABLE s.files ADD body int; EXCEPTION WHEN OTHERS THEN NULL; END $$', 'ddl ALTER TABLE s.files');
leaves('postgres', 'ALTER TABLE free.files ADD id int', '');
leaves('postgres', 'DROP TRIGGER nothing ON s.files', 'ddl DROP TRIGGER s.files');
leaves('postgres', 'CREATE TRIGGER t BEFORE INSERT ON free.files FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger(); DROP TRIGGER t ON free.files', '');
leaves('postgres', 'DROP TABLE labelled.below', 'ddl DROP labelled.below');
leaves('postgres', 'DROP TABLE free.files', '');

# ---- logins refused before and after authentication; nothing is logged that low ----

unlink($node->data_dir . '/pg_hba.conf');
append_to_file($node->data_dir . '/pg_hba.conf', "local postgres other reject\nlocal postgres cleared reject\nlocal all postgres,other,cleared trust\nlocal replication postgres,cleared trust\n");
$node->reload;
$node->poll_query_until('postgres', q{SELECT count(*) = 4 FROM pg_hba_file_rules}) or die;

sub refused
{
	my ($role, $database, $expected, $what) = @_;
	# the window of the last failure is over
	$node->poll_query_until('postgres', q{SELECT coalesce(max(time), '-infinity') < now() - interval '1100 ms' FROM dataclass_audit.event WHERE kind = 'login_failed'}) or die;
	mark();
	isnt(as($role, 'SELECT 1', $database), 0, "$what: refused");
	is(events('kind, outcome, breach, object_identity, detail'), $expected, "$what: recorded");
	return;
}

my $failed = 'login_failed denied t cleared';
refused('cleared', 'postgres', "$failed A role with a clearance or an office was rejected by pg_hba.conf, or may not log in.", 'a line that rejects');
refused('other', 'postgres', '', 'a line that rejects, no clearance');
$node->safe_psql('postgres', q{SECURITY LABEL FOR dataclass ON ROLE low IS 'restricted'});
refused('low', 'postgres', 'login_failed denied t low A role with a clearance or an office was rejected by pg_hba.conf, or may not log in.', 'no line');
refused('cleared', 'closed', "$failed The database does not accept connections of a role with a clearance or an office.", 'a closed database');
refused('cleared', 'private', "$failed A role with a clearance or an office lacks the privilege to connect to the database, or to start replication.", 'no privilege');
refused('cleared', 'nowhere', "$failed A role with a clearance or an office asked for a database that does not exist.", 'no such database');
refused('cleared', 'replication', "$failed A role with a clearance or an office lacks the privilege to connect to the database, or to start replication.", 'replication');
is($node->safe_psql('second', q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'login_failed'}), 4, 'where no trail was asked for: in all trails');
$node->safe_psql('postgres', 'ALTER ROLE cleared CONNECTION LIMIT 0');
refused('cleared', 'bare', "$failed A role with a clearance or an office has reached a limit of connections.", 'too many');
$node->safe_psql('postgres', 'ALTER ROLE cleared CONNECTION LIMIT -1 NOLOGIN');
refused('cleared', 'bare', "$failed A role with a clearance or an office was rejected by pg_hba.conf, or may not log in.", 'a role that may not log in');

# ---- replication connections ----

mark();
$node->command_ok([ 'pg_basebackup', '-h', $node->host, '-p', $node->port, '-U', 'postgres', '-c', 'fast', '-X', 'none', '-D', $node->backup_dir . '/one' ], 'a base backup');
ok($node->poll_query_until('postgres', qq{SELECT count(*) = 1 FROM dataclass_audit.event WHERE seq > $since AND kind = 'export'
	AND action = 'REPLICATION' AND subject = 'postgres' AND outcome = 'allowed' AND NOT breach}), 'is an export');
ok($node->poll_query_until('second', q{SELECT count(*) = 1 FROM dataclass_audit.event WHERE kind = 'export' AND action = 'REPLICATION'}), 'in each trail');
is($node->safe_psql('postgres', 'SELECT ok FROM dataclass_audit.verify()'), 't', 'the trail holds');

$node->stop;
done_testing();
