# Limits of sessions: dataclass.session_limit, which officers fill, and
# dataclass.session_tier, which can only lower, wherever its value comes from.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TierWorld;

my $node = PostgreSQL::Test::Cluster->new('limits');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.at_rest_enforcement = off
dataclass.session_tier_enforcement = off
listen_addresses = '127.0.0.1'
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE officer LOGIN PASSWORD 'pass' IN ROLE dataclass_officer;
CREATE ROLE auditor LOGIN PASSWORD 'pass' IN ROLE dataclass_auditor;
CREATE ROLE anna LOGIN PASSWORD 'pass';
CREATE ROLE bilal LOGIN PASSWORD 'pass';
CREATE ROLE dba LOGIN SUPERUSER PASSWORD 'pass';
SECURITY LABEL FOR dataclass ON ROLE anna IS 'secret';
SECURITY LABEL FOR dataclass ON ROLE bilal IS 'secret';
SECURITY LABEL FOR dataclass ON ROLE dba IS 'secret';
DO $$ BEGIN EXECUTE format('SECURITY LABEL FOR dataclass ON ROLE %I IS %L', current_user, 'secret'); END $$;
GRANT bilal TO anna;
CREATE TABLE rows (class text, label dataclass.label NOT NULL);
INSERT INTO rows SELECT c, c::dataclass.label FROM unnest('{open,public,restricted,confidential,secret}'::text[]) c;
GRANT SELECT ON rows TO PUBLIC;
-- tiers by authentication alone
UPDATE dataclass.tier_control SET requirement = 'any' WHERE control = 'transport';
});
unlink $node->data_dir . '/pg_hba.conf';
$node->append_conf('pg_hba.conf', "local all officer,auditor,anna,bilal,dba scram-sha-256\nlocal all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
$node->append_conf('postgresql.conf', "dataclass.session_tier_enforcement = enforcing");
$node->restart;

my $tcp = 'host=127.0.0.1 sslmode=disable';
my $rows = q{SELECT count(*) FROM rows};
my $tier = 'SELECT tier FROM dataclass.session()';
my $why = 'SELECT tier, next_tier_needs FROM dataclass.session()';
my $parallel = q{SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET force_parallel_mode = on;};
my ($out, $err);
sub policy { my ($sql) = @_; my ($out, $err) = connect_as($node, 'officer', '', $sql); is($err, '', "officer: $sql"); }
sub is_as
{
	my ($role, $connection, $sql, $expected, $name) = @_;
	my ($out, $err) = connect_as($node, $role, $connection, $sql);
	is($out, $expected, $name) or diag $err;
}

# dataclass.session_limit
is_as('anna', $tcp, "$rows; $tier", "5\nhighest", 'no limits');
policy(q{INSERT INTO dataclass.session_limit (role, network, tier) VALUES ('anna', '127.0.0.0/8', 'intermediate')});
is_as('anna', $tcp, "$rows; $why", "3\nintermediate|session_limit: requires enhanced, found intermediate", 'limited from that network');
is_as('anna', $tcp, "$parallel $rows", '3', '... in parallel workers too');
is_as('anna', '', "$rows; $tier", "5\nhighest", 'not over the socket');
is_as('bilal', $tcp, "$rows; $tier", "5\nhighest", 'nor another role');
is_as('anna', $tcp, "SET ROLE bilal; $rows; $tier", "3\nintermediate", 'SET ROLE takes the limit with it');
is_as('anna', $tcp, q{SELECT tier, required, found, verdict FROM dataclass.tier_report() WHERE control = 'session_limit' ORDER BY rank},
	"baseline|baseline|intermediate|satisfied\nintermediate|intermediate|intermediate|satisfied\nenhanced|enhanced|intermediate|failed\nhighest|highest|intermediate|failed", 'tier_report() shows the limit');
policy(q{INSERT INTO dataclass.session_limit (role, tier) VALUES ('anna', 'enhanced')});
is_as('anna', '', "$rows; $tier", "4\nenhanced", 'network NULL: everywhere, the socket included');
is_as('anna', $tcp, $tier, 'intermediate', 'the lowest that matches counts');
($out, $err) = connect_as($node, 'officer', '', q{INSERT INTO dataclass.session_limit (role, tier) VALUES ('anna', 'baseline')});
like($err, qr/duplicate key/, 'one limit for each role and network');
($out, $err) = connect_as($node, 'officer', '', q{INSERT INTO dataclass.session_limit (role, tier) VALUES ('nobody', 'baseline')});
like($err, qr/role "nobody" does not exist/, 'a role that does not exist is an error, not a limit of nobody');
policy(q{UPDATE dataclass.session_limit SET tier = 'no-such-tier' WHERE network IS NULL});
is_as('anna', '', "$rows; $why", "0\nnone|session_limit: requires baseline, found none", 'a tier that does not exist leaves nothing');
policy(q{DELETE FROM dataclass.session_limit; INSERT INTO dataclass.session_limit (role, network, tier) VALUES ('anna', '10.0.0.0/8', 'baseline'), ('anna', '::/0', 'baseline')});
is_as('anna', $tcp, $tier, 'highest', 'networks that do not match');
policy(q{DELETE FROM dataclass.session_limit; INSERT INTO dataclass.session_limit (role, tier) VALUES ('anna', 'intermediate'), ('dba', 'baseline')});
$node->safe_psql('postgres', 'ALTER ROLE anna RENAME TO anna_other; ALTER ROLE anna_other PASSWORD $$pass$$');
is_as('anna_other', $tcp, $tier, 'intermediate', 'a new name is no way out');
$node->safe_psql('postgres', 'ALTER ROLE anna_other RENAME TO anna; ALTER ROLE anna PASSWORD $$pass$$');
is_as('dba', '', "SET SESSION AUTHORIZATION bilal; $rows; $tier", "2\nbaseline", 'SET SESSION AUTHORIZATION is none either');
is_as('auditor', '', q{SELECT role, network IS NULL, tier FROM dataclass.session_limit ORDER BY role::text}, "anna|t|intermediate\ndba|t|baseline", 'auditors may read the limits');
($out, $err) = connect_as($node, 'auditor', '', q{DELETE FROM dataclass.session_limit});
like($err, qr/permission denied/, '... and not change them');
is($node->safe_psql('postgres', q{SELECT count(*) > 5 FROM dataclass_audit.event WHERE kind = 'policy_change' AND object_identity = 'dataclass.session_limit'}), 't', 'each change is recorded');

# dumped and restored
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, '--no-sync', '--exclude-table-data=rows', '-d', $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE template0');
$node->command_ok([ 'psql', '-X', '-q', '-f', $dump, '-d', $node->connstr('copy') ], 'restored');
is($node->safe_psql('copy', 'SELECT role, tier FROM dataclass.session_limit ORDER BY role::text'), "anna|intermediate\ndba|baseline", 'a dump carries the limits');
($out) = connect_as($node, 'anna', '', $tier, 'copy');
is($out, 'intermediate', '... and they hold');
policy('DELETE FROM dataclass.session_limit');

# dataclass.session_tier: SET
is_as('anna', '', "SET dataclass.session_tier = 'intermediate'; $rows; $why; $parallel $rows", "3\nintermediate|session_tier: requires enhanced, found intermediate\n3", 'SET narrows, parallel workers too');
is_as('anna', '', "SET dataclass.session_tier = 'intermediate'; RESET dataclass.session_tier; $tier", 'highest', 'RESET goes back');
is_as('anna', '', "BEGIN; SET LOCAL dataclass.session_tier = 'baseline'; $tier; COMMIT; $tier", "baseline\nhighest", 'SET LOCAL ends with the transaction');
is_as('anna', '', "BEGIN; SAVEPOINT s; SET LOCAL dataclass.session_tier = 'baseline'; $rows; ROLLBACK TO s; $rows; COMMIT", "2\n5", '... or the subtransaction');
is_as('anna', '', "SET dataclass.session_tier = 'galactic'; $rows; $tier", "0\nnone", 'a tier that does not exist leaves nothing');
is_as('anna', '', "PREPARE p AS $rows; EXECUTE p; SET dataclass.session_tier = 'baseline'; EXECUTE p; RESET ALL; EXECUTE p", "5\n2\n5", 'prepared statements follow');
($out, $err) = connect_as($node, 'anna', '', q{SET dataclass.session_tier = 'Not a tier'});
like($err, qr/invalid value for parameter "dataclass.session_tier"/, 'a malformed name is refused');
$node->safe_psql('postgres', q{UPDATE dataclass.tier_control SET requirement = 'tls' WHERE tier = 'intermediate' AND control = 'transport'});
is_as('anna', $tcp, "SET dataclass.session_tier = 'highest'; $why", 'baseline|transport: requires tls, found tcp', 'SET never raises');
$node->safe_psql('postgres', q{UPDATE dataclass.tier_control SET requirement = 'any' WHERE control = 'transport'});

# ... and the values that a session comes in with: all of them bind it
my @widen = ("SET dataclass.session_tier = 'highest'", "SET dataclass.session_tier = ''", 'RESET dataclass.session_tier', 'RESET ALL',
	'DISCARD ALL', "SELECT FROM set_config('dataclass.session_tier', 'highest', false)");
sub binds
{
	my ($connection, $expected, $name) = @_;
	is_as('anna', $connection, $tier, $expected, $name);
	foreach my $widen (@widen)
	{
		my ($out, $err) = connect_as($node, 'anna', $connection, "\\pset tuples_only on\n$widen;\n$rows; $tier");
		$out =~ s/^\s*\n//;
		is($out, { baseline => 2, intermediate => 3, enhanced => 4 }->{$expected} . "\n$expected", "$name: $widen") or diag $err;
	}
}
my $startup = "options='-c dataclass.session_tier=%s'";
binds(sprintf($startup, 'intermediate'), 'intermediate', 'startup packet');
is_as('anna', "options='-c dataclass.session_tier=baseline -c dataclass.session_tier=highest'", $tier, 'baseline', 'two in one startup packet');
$node->safe_psql('postgres', q{ALTER DATABASE postgres SET dataclass.session_tier = 'enhanced'});
binds('', 'enhanced', 'database');
is_as('anna', sprintf($startup, 'highest'), $tier, 'enhanced', 'the startup packet takes precedence, and raises nothing');
$node->safe_psql('postgres', q{ALTER ROLE anna SET dataclass.session_tier = 'intermediate'});
binds('', 'intermediate', 'role');
$node->safe_psql('postgres', q{ALTER ROLE anna SET dataclass.session_tier = 'highest'});
is_as('anna', '', $tier, 'enhanced', "a role's value above its database's raises nothing");
$node->safe_psql('postgres', q{ALTER ROLE anna IN DATABASE postgres SET dataclass.session_tier = 'baseline'});
binds(sprintf($startup, 'highest'), 'baseline', 'role in database');
is_as('anna', '', "$parallel $rows", '2', '... in parallel workers too');
($out, $err) = connect_as($node, 'anna', "options='-c dataclass.session_tier=NO'", 'SELECT 1');
like($err, qr/invalid value for parameter "dataclass.session_tier"/, 'a malformed one: no connection');

# who may change what is stored
foreach my $statement ('ALTER ROLE anna RESET dataclass.session_tier', "ALTER ROLE anna SET dataclass.session_tier = 'highest'", 'ALTER ROLE anna RESET ALL',
	'ALTER ROLE anna IN DATABASE postgres RESET ALL', "ALTER ROLE anna SET DataClass.Session_Tier TO DEFAULT", 'ALTER ROLE anna SET dataclass.session_tier FROM CURRENT')
{
	($out, $err) = connect_as($node, 'anna', '', $statement);
	like($err, qr/permission denied to change "dataclass.session_tier"/, "not the account itself: $statement");
}
is_as('anna', '', "ALTER ROLE anna SET work_mem = '5MB'; SELECT 1", '1', 'its other settings are its own');
$node->append_conf('postgresql.conf', 'dataclass.superuser_is_officer = off');
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('dataclass.superuser_is_officer') = 'off'}) or die;
foreach my $statement ('ALTER DATABASE postgres RESET dataclass.session_tier', 'ALTER DATABASE postgres RESET ALL', 'ALTER ROLE ALL SET dataclass.session_tier = $$baseline$$',
	'ALTER ROLE anna RESET ALL', 'ALTER SYSTEM SET dataclass.session_tier = $$$$', 'DELETE FROM dataclass.session_limit', q{DELETE FROM pg_db_role_setting})
{
	($out, $err) = connect_as($node, 'dba', '', $statement);
	like($err, qr/permission denied/, "nor a superuser who is no officer: $statement");
}
$node->append_conf('postgresql.conf', 'dataclass.superuser_is_officer = on');
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('dataclass.superuser_is_officer') = 'on'}) or die;
$node->safe_psql('postgres', q{ALTER ROLE anna RESET ALL; ALTER ROLE anna IN DATABASE postgres RESET ALL; ALTER DATABASE postgres RESET ALL});
is_as('anna', '', $tier, 'highest', 'an officer takes them away');

# the configuration file
$node->append_conf('postgresql.conf', "dataclass.session_tier = 'intermediate'");
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('dataclass.session_tier') = 'intermediate'}) or die;
binds('', 'intermediate', 'configuration file');
is_as('anna', sprintf($startup, 'highest'), $tier, 'intermediate', '... against the startup packet');
is($node->safe_psql('postgres', q{SELECT ok FROM dataclass_audit.verify()}), 't', 'verify() holds');

$node->stop;
done_testing();
