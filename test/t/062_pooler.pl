# Connection poolers: pgbouncer in transaction mode.  Clients behind it look as
# good as it does, so an officer limits its account; nothing a client sends
# through it raises, and nothing one client narrows narrows another.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TierWorld;

my ($pgbouncer) = grep { -x $_ } '/usr/sbin/pgbouncer', '/usr/local/sbin/pgbouncer', '/usr/bin/pgbouncer';
plan skip_all => 'pgbouncer is not installed' unless $pgbouncer;

my $node = PostgreSQL::Test::Cluster->new('pooled');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.at_rest_enforcement = off
dataclass.session_tier_enforcement = off
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE pooler LOGIN PASSWORD 'pass';
CREATE ROLE direct LOGIN PASSWORD 'pass';
CREATE ROLE other_pooler LOGIN PASSWORD 'pass';
CREATE ROLE anna LOGIN PASSWORD 'pass';
GRANT anna TO pooler, other_pooler;
SECURITY LABEL FOR dataclass ON ROLE pooler IS 'secret';
SECURITY LABEL FOR dataclass ON ROLE direct IS 'secret';
SECURITY LABEL FOR dataclass ON ROLE anna IS 'secret';
DO $$ BEGIN EXECUTE format('SECURITY LABEL FOR dataclass ON ROLE %I IS %L', current_user, 'secret with (declassify)'); END $$;
CREATE TABLE rows (class text, label dataclass.label NOT NULL);
INSERT INTO rows SELECT c, c::dataclass.label FROM unnest('{open,public,restricted,confidential,secret}'::text[]) c;
GRANT SELECT ON rows TO PUBLIC;
CREATE TABLE r (id int);
INSERT INTO r VALUES (1);
GRANT SELECT ON r TO PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE r IS 'restricted';
});
unlink $node->data_dir . '/pg_hba.conf';
$node->append_conf('pg_hba.conf', "local all pooler,direct,other_pooler,anna scram-sha-256\nlocal all all trust\n");
$node->append_conf('postgresql.conf', 'dataclass.session_tier_enforcement = enforcing');
$node->restart;

# pgbouncer on a port of its own, on a unix socket in a directory of its own
my $directory = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
append_to_file("$directory/users", qq{"pooler" "pass"\n"direct" "pass"\n"other_pooler" "pass"\n});
append_to_file("$directory/pgbouncer.ini", qq{
[databases]
postgres = host=@{[ $node->host ]} port=@{[ $node->port ]}
limited = host=@{[ $node->host ]} port=@{[ $node->port ]} dbname=postgres user=pooler password=pass
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir = $directory
logfile = $directory/log
pidfile = $directory/pid
auth_type = plain
auth_file = $directory/users
pool_mode = transaction
default_pool_size = 1
server_reset_query = DISCARD ALL
ignore_startup_parameters = extra_float_digits,options
});
my ($said, $complained) = ('', '');
my $pooler = IPC::Run::start([ $pgbouncer, "$directory/pgbouncer.ini" ], '<', \undef, '>', \$said, '2>', \$complained);
END { $pooler->kill_kill(grace => 5) if $pooler; }
my $through = "host=127.0.0.1 port=$port sslmode=disable";

sub poll_pooler
{
	foreach (1 .. 1200)
	{
		my ($out) = connect_as($node, 'pooler', $through, 'SELECT 1');
		return 1 if ($out // '') eq '1';
		select undef, undef, undef, 0.1;
	}
	return 0;
}
ok(poll_pooler(), 'pgbouncer answers') or BAIL_OUT("pgbouncer: $said $complained " . slurp_file("$directory/log"));

my $select = q{SELECT string_agg(class, ',' ORDER BY array_position('{open,public,restricted,confidential,secret}', class)) FROM rows};
my $all = 'open,public,restricted,confidential,secret';
my $some = 'open,public';
my $tier = 'SELECT tier FROM dataclass.session()';
my ($out, $err);

# what a pooler makes of its clients: plain TCP to it, a unix socket for the server
($out, $err) = connect_as($node, 'pooler', $through, "$select; $tier");
is($out, "$all\nhighest", 'without a limit the clients of a pooler look as good as it does') or diag $err;

$node->safe_psql('postgres', q{INSERT INTO dataclass.session_limit (role, tier, description) VALUES ('pooler', 'baseline', 'pgbouncer')});
($out, $err) = connect_as($node, 'pooler', $through, "$select; SELECT tier, next_tier_needs FROM dataclass.session()");
is($out, "$some\nbaseline|session_limit: requires intermediate, found baseline", 'limited: at once, in a connection that was open') or diag $err;
($out) = connect_as($node, 'direct', $through, "$select; $tier");
is($out, "$all\nhighest", 'another account is not limited');

# no path raises
my @attempts = (
	[ 'SET', "SET dataclass.session_tier = 'highest'; $select" ],
	[ 'SET LOCAL', "BEGIN; SET LOCAL dataclass.session_tier = 'highest'; $select; COMMIT" ],
	[ 'set_config()', "DO \$\$ BEGIN PERFORM set_config('dataclass.session_tier', 'highest', false); END \$\$; $select" ],
	[ 'SET ROLE', "BEGIN; SET LOCAL ROLE anna; $select; COMMIT" ],
	[ 'RESET ALL', "RESET ALL; $select" ],
	[ 'DISCARD ALL', "DISCARD ALL; $select" ],
	[ 'PREPARE', "PREPARE p AS $select; EXECUTE p; DEALLOCATE p" ],
	[ 'a function with SET', "BEGIN; CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE plpgsql SET dataclass.session_tier = 'highest' AS \$\$ DECLARE t text; BEGIN $select INTO t; RETURN t; END \$\$; SELECT pg_temp.f(); ROLLBACK" ]);
foreach my $attempt (@attempts)
{
	($out, $err) = connect_as($node, 'pooler', $through, $attempt->[1]);
	is($out, $some, "through the pooler, $attempt->[0] does not raise") or diag $err;
}
($out, $err) = connect_as($node, 'pooler', "$through options='-c dataclass.session_tier=highest'", $select);
is($out, $some, 'nor does the startup packet');
($out, $err) = connect_as($node, 'pooler', '', 'SET SESSION AUTHORIZATION anna; SELECT 1');
like($err, qr/permission denied/, 'SET SESSION AUTHORIZATION is for superusers');
($out, $err) = connect_as($node, 'pooler', $through, 'UPDATE dataclass.session_limit SET tier = $$highest$$');
like($err, qr/permission denied for table session_limit/, 'the limit is not for its subjects to change');

# two clients of one server connection
$node->safe_psql('postgres', 'DELETE FROM dataclass.session_limit');
($out, $err) = connect_as($node, 'pooler', $through, "BEGIN; SET LOCAL dataclass.session_tier = 'baseline'; $select; COMMIT; $select");
is($out, "$some\n$all", 'SET LOCAL narrows one transaction') or diag $err;
my ($pid_one) = connect_as($node, 'pooler', $through, "BEGIN; SET LOCAL dataclass.session_tier = 'baseline'; SELECT pg_backend_pid(); COMMIT");
my ($pid_two) = connect_as($node, 'pooler', $through, 'SELECT pg_backend_pid()');
is($pid_two, $pid_one, 'two clients, one server connection');
($out) = connect_as($node, 'pooler', $through, $select);
is($out, $all, 'the other client does not inherit the narrowing');
($out) = connect_as($node, 'pooler', $through, "BEGIN; SET LOCAL dataclass.session_tier = 'baseline'; SAVEPOINT s; SET LOCAL dataclass.session_tier = ''; $select; ROLLBACK TO s; $select; COMMIT");
is($out, "$all\n$some", 'what a transaction narrowed by itself it may widen again, and ROLLBACK TO narrows');
# pgbouncer resets nothing between transactions: a SET outlives its client, and lowers the next one
connect_as($node, 'pooler', $through, "SET dataclass.session_tier = 'baseline'");
($out) = connect_as($node, 'pooler', $through, $select);
is($out, $some, 'SET without LOCAL lowers the next client too');
($out) = connect_as($node, 'pooler', $through, "SET dataclass.session_tier = 'no-such-tier'; $select; SELECT tier FROM dataclass.session()");
is($out, "\nnone", 'a tier that does not exist leaves nothing');
($out) = connect_as($node, 'pooler', $through, "DISCARD ALL; $select");
is($out, $all, 'DISCARD ALL ends it');
# what one client prepared and another executes is judged for the other
connect_as($node, 'pooler', $through, "PREPARE shared AS $select; EXECUTE shared");
($out, $err) = connect_as($node, 'pooler', $through, "BEGIN; SET LOCAL dataclass.session_tier = 'baseline'; EXECUTE shared; COMMIT; EXECUTE shared; DEALLOCATE shared");
is($out, "$some\n$all", "another client's prepared statement") or diag $err;
($out, $err) = connect_as($node, 'pooler', $through, "\\set ON_ERROR_STOP 0
DECLARE c CURSOR WITH HOLD FOR SELECT class FROM rows ORDER BY 1; BEGIN; SET LOCAL dataclass.session_tier = 'baseline'; FETCH ALL FROM c; ROLLBACK;
SELECT '--'; FETCH ALL FROM c; CLOSE c;");
like($err, qr/permission denied for cursor "c"/, 'rows of a held cursor are not for the narrowed transaction');
is($out, join("\n", '--', sort split /,/, $all), '... and are there again when it is over') or diag $err;
# narrowed when it was declared, wider afterwards: no more than was read
($out, $err) = connect_as($node, 'pooler', $through,
	"BEGIN; SET LOCAL dataclass.session_tier = 'baseline'; DECLARE d CURSOR WITH HOLD FOR SELECT class FROM rows ORDER BY 1; COMMIT; FETCH ALL FROM d; CLOSE d");
is($out, "open\npublic", 'a cursor that was held while narrowed') or diag $err;

# what the account comes in with binds its clients
sub reconnect
{
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'pooler'});
	$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'pooler'}) or die 'still there';
	poll_pooler() or die 'pgbouncer does not answer';
}
$node->safe_psql('postgres', q{ALTER ROLE pooler SET dataclass.session_tier = 'intermediate'});
reconnect();
($out) = connect_as($node, 'pooler', $through, "$select; SELECT next_tier_needs FROM dataclass.session()");
is($out, "open,public,restricted\nsession_tier: requires enhanced, found intermediate", 'ALTER ROLE ... SET narrows its sessions');
foreach my $attempt (@attempts)
{
	($out, $err) = connect_as($node, 'pooler', $through, $attempt->[1]);
	is($out, 'open,public,restricted', "$attempt->[0] does not get above what the account came in with") or diag $err;
}
($out) = connect_as($node, 'pooler', $through, "BEGIN; SET LOCAL dataclass.session_tier = 'baseline'; $select; COMMIT; RESET dataclass.session_tier; $select");
is($out, "$some\nopen,public,restricted", 'it may go lower, and back');
($out, $err) = connect_as($node, 'pooler', $through, "ALTER ROLE pooler SET dataclass.session_tier = 'highest'");
like($err, qr/permission denied to change "dataclass.session_tier"/, 'and may not take it away from itself');
($out, $err) = connect_as($node, 'pooler', $through, 'ALTER ROLE pooler RESET ALL');
like($err, qr/permission denied to change "dataclass.session_tier"/, '... with RESET ALL neither');
is($node->safe_psql('postgres', q{SELECT count(*) FROM dataclass_audit.denied WHERE rule = 'officer' AND subject = 'pooler'}), '2', 'recorded');

$pooler->kill_kill(grace => 5);
undef $pooler;
$node->stop;
done_testing();
