# The session tier comes from what the server knows of the connection; modes of
# enforcement; superusers who are no officers; parallel workers.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

$ENV{PGPASSWORD} = 'pass';
my $node = PostgreSQL::Test::Cluster->new('tier');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.at_rest_enforcement = off
password_encryption = 'scram-sha-256'
listen_addresses = '127.0.0.1'
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE scram LOGIN PASSWORD 'pass';
CREATE ROLE weak LOGIN PASSWORD 'pass';
CREATE ROLE trusted_role LOGIN;
SECURITY LABEL FOR dataclass ON ROLE scram IS 'secret';
SECURITY LABEL FOR dataclass ON ROLE weak IS 'secret';
SECURITY LABEL FOR dataclass ON ROLE trusted_role IS 'secret';
CREATE TABLE r (id int); INSERT INTO r VALUES (1);
GRANT SELECT ON r TO PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE r IS 'restricted';
CREATE TABLE rows (id int, label dataclass.label NOT NULL);
GRANT SELECT ON rows TO PUBLIC;
});
my $admin = $node->safe_psql('postgres', 'SELECT current_user');
unlink $node->data_dir . '/pg_hba.conf';
$node->append_conf('pg_hba.conf', "local all scram scram-sha-256\nlocal all weak password\nlocal all all trust\nhost all scram 127.0.0.1/32 scram-sha-256\n");
$node->restart;

sub as
{
	my ($role, $sql, %opt) = @_;
	my $connection = $opt{tcp} ? 'host=127.0.0.1 ' : '';
	my ($ret, $out, $err) = $node->psql('postgres', $sql, connstr => $node->connstr('postgres') . " user=$role " . $connection, on_error_stop => 1);
	return ($out, $err);
}
my ($out, $err);

($out) = as('scram', 'SELECT tier, transport, authentication, next_tier_needs IS NULL FROM dataclass.session()');
is($out, 'highest|unix|scram|t', 'scram over a unix socket reaches the highest tier');
($out) = as('scram', 'SELECT count(*) FROM r');
is($out, '1', 'and reads restricted data');

($out) = as('trusted_role', 'SELECT tier, authentication, next_tier_needs FROM dataclass.session()');
is($out, 'baseline|trust|authentication: requires scram, found trust', 'trust stays at baseline and is told why');
($out, $err) = as('trusted_role', 'SELECT count(*) FROM r');
like($err, qr/permission denied for relation "r".*The session reaches tier "baseline"/s, 'denied by tier though cleared');

($out) = as('weak', 'SELECT tier, authentication FROM dataclass.session()');
is($out, 'baseline|password', 'password is below scram');

($out) = as('scram', 'SELECT tier, transport, next_tier_needs FROM dataclass.session()', tcp => 1);
is($out, 'baseline|tcp|transport: requires tls, found tcp', 'plain TCP stays at baseline');
($out, $err) = as('scram', 'SELECT count(*) FROM r', tcp => 1);
like($err, qr/permission denied for relation "r"/, 'the same role over plain TCP is denied');

is($node->safe_psql('postgres', q{SELECT rule, required_tier, found_tier, subject, client_addr FROM dataclass_audit.denied ORDER BY seq DESC LIMIT 1}),
	'session_tier|intermediate|baseline|scram|127.0.0.1', 'recorded with both tiers and the client');

# rows: the tier is part of the decision for each label
($out, $err) = as('scram', q{SELECT 1});
$node->safe_psql('postgres', q{
SECURITY LABEL FOR dataclass ON ROLE scram IS 'secret with (declassify, reclassify)';
GRANT INSERT ON rows TO scram});
($out, $err) = as('scram', q{INSERT INTO rows SELECT g, (ARRAY['open', 'restricted', 'secret']::dataclass.label[])[1 + g % 3] FROM generate_series(1, 30000) g});
is($err, '', 'rows of three classes stored');
($out) = as('scram', 'SELECT count(*) FROM rows');
is($out, '30000', 'all rows over the unix socket');
($out) = as('scram', 'SELECT count(*) FROM rows', tcp => 1);
is($out, '10000', 'only open rows over plain TCP');

# parallel workers have their leader's tier and clearance
my $parallel = q{SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET force_parallel_mode = on; SET max_parallel_workers_per_gather = 2; };
($out) = as('scram', "$parallel SELECT count(*) FROM rows");
is($out, '30000', 'parallel workers: all rows over the unix socket');
($out) = as('scram', "$parallel SELECT count(*) FROM rows", tcp => 1);
is($out, '10000', 'parallel workers: open rows over plain TCP');
($out) = as('scram', "SET dataclass.session_ceiling = 'restricted'; $parallel SELECT count(*) FROM rows");
is($out, '20000', 'parallel workers: narrowed with the session');

# modes
sub configure
{
	my ($setting, $value) = @_;
	$node->append_conf('postgresql.conf', "$setting = $value");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('$setting') = '$value'") or die "$setting did not change";
}
my $count = q{SELECT count(*) FROM dataclass_audit.event WHERE outcome = 'permitted'};
configure('dataclass.session_tier_enforcement', 'permissive');
($out, $err) = as('trusted_role', 'SELECT count(*) FROM r');
is($out, '1', 'session tier permissive: allowed');
is($node->safe_psql('postgres', $count), '1', 'and recorded');
($out, $err) = as($admin, 'SELECT count(*) FROM r');
like($err, qr/permission denied/, 'dominance is enforced all the same');
configure('dataclass.enforcement', 'permissive');
($out, $err) = as($admin, 'SELECT count(*) FROM r');
is($out, '1', 'permissive: allowed');
is($node->safe_psql('postgres', $count), '2', 'and recorded');
configure('dataclass.enforcement', 'off');
($out, $err) = as($admin, 'SELECT count(*) FROM r; SELECT count(*) FROM rows');
is($out, "1\n30000", 'off: allowed');
is($node->safe_psql('postgres', $count), '2', 'and nothing recorded');
configure('dataclass.enforcement', 'enforcing');
configure('dataclass.session_tier_enforcement', 'enforcing');
ok($node->poll_query_until('postgres', q{SELECT count(*) >= 5 FROM dataclass_audit.event WHERE kind = 'enforcement_change'}), 'each change of enforcement is an event');

# superusers who are no officers
($out, $err) = as($admin, "SET ROLE scram; SELECT 1; SELECT count(*) FROM rows");
is($out, "1\n10000", 'superuser in a role: its clearance, the tier of the session');
configure('dataclass.superuser_is_officer', 'off');
($out, $err) = as($admin, "SET ROLE scram; SELECT clearance FROM dataclass.session(); SELECT count(*) FROM r");
like($out, qr/^\{\}$/, 'superuser in a role it is no member of: no clearance');
like($err, qr/permission denied for relation "r"/, 'and denied');
($out, $err) = as($admin, "SECURITY LABEL FOR dataclass ON ROLE \"$admin\" IS 'secret'");
like($err, qr/permission denied to label role/, 'may not clear itself');
($out, $err) = as($admin, "UPDATE dataclass.data_class SET required_tier = 'baseline'");
like($err, qr/permission denied for policy table/, 'may not change the policy');
($out, $err) = as($admin, 'ALTER SYSTEM SET dataclass.enforcement = off');
like($err, qr/permission denied to run ALTER SYSTEM/, 'may not switch enforcement off by SQL');
($out, $err) = as($admin, "GRANT scram TO \"$admin\"");
like($err, qr/permission denied to grant role/, 'may not join a cleared role');
is($node->safe_psql('postgres', q{SELECT ok FROM dataclass_audit.verify()}), 't', 'verify() holds');

$node->stop;
done_testing();
