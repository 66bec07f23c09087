# 200 connections are denied at once while the server is killed with SIGKILL.
# After restart every denial that a client was told of is in the trail, once,
# the sequence has no gaps and verify() holds.  Then the same while the writer
# alone is killed, which restarts the whole cluster.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use POSIX ();
use Time::HiRes qw(usleep);

my $clients = $ENV{DC_STORM_CLIENTS} || 200;
my $node = PostgreSQL::Test::Cluster->new('storm');
$node->init;
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'pg_dataclass'
max_connections = @{[ $clients + 20 ]}
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
fsync = on
restart_after_crash = on
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE nobody LOGIN;
CREATE TABLE files (id int);
GRANT SELECT ON files TO nobody;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
});
my $dir = PostgreSQL::Test::Utils::tempdir;

# Each client names each attempt by application_name and notes what it was told.
sub start_clients
{
	my ($round) = @_;
	my @pids;
	# all of them at once: they wait for a lock until everybody is connected
	my $gate = $node->background_psql('postgres');
	$gate->query_safe('SELECT pg_advisory_lock(42)');
	for my $client (1 .. $clients)
	{
		my $script = "$dir/$round-$client.sql";
		open my $fh, '>', $script or die "$script: $!";
		print $fh "SELECT 1 FROM (SELECT pg_advisory_lock_shared(42)) x \\g /dev/null\n";
		for my $n (1 .. 400)
		{
			print $fh "SET application_name = 'r$round-c$client-n$n';\nSELECT * FROM files;\n\\echo told r$round-c$client-n$n :SQLSTATE\n";
		}
		close $fh;
		my $pid = fork;
		die "fork: $!" unless defined $pid;
		if ($pid == 0)
		{
			open STDOUT, '>', "$dir/$round-$client.out";
			open STDERR, '>', "$dir/$round-$client.err";
			no warnings 'exec';
			exec 'psql', '-X', '-q', '-U', 'nobody', '-h', $node->host, '-p', $node->port, '-d', 'postgres', '-f', $script;
			POSIX::_exit(127);
		}
		push @pids, $pid;
	}
	$node->poll_query_until('postgres', "SELECT count(*) = $clients FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
		or die 'clients did not connect';
	$gate->quit;
	return @pids;
}

sub told
{
	my ($round) = @_;
	my %told;
	for my $client (1 .. $clients)
	{
		open my $fh, '<', "$dir/$round-$client.out" or next;
		while (<$fh>)
		{
			$told{$1}++ if /^told (\S+) 42501$/;
		}
		close $fh;
	}
	return \%told;
}

sub wait_for_told
{
	my ($round, $least) = @_;
	for (1 .. 1800)
	{
		return if keys %{ told($round) } >= $least;
		usleep(100_000);
	}
	die "clients were not denied in time";
}

sub check
{
	my ($round, $what) = @_;
	my $told = told($round);
	my $number = keys %$told;
	cmp_ok($number, '>=', $clients, "$what: $number denials were told to clients");

	# journals are imported by the writer; wait for the last of what was told
	my $list = join ',', map { "('$_')" } sort keys %$told;
	my $missing_sql = "SELECT count(*) FROM (VALUES $list) v (name) WHERE NOT EXISTS (SELECT FROM dataclass_audit.event e WHERE e.application = v.name)";
	ok($node->poll_query_until('postgres', $missing_sql, '0'), "$what: every one of them is in the trail");
	is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT application FROM dataclass_audit.event WHERE application LIKE 'r$round-%' AND kind = 'access_denied' GROUP BY application HAVING count(*) > 1) x"),
		'0', "$what: none of them twice");
	is($node->safe_psql('postgres', 'SELECT count(*) = max(seq) AND min(seq) = 1 FROM dataclass_audit.event'), 't', "$what: sequence without gaps");
	is($node->safe_psql('postgres', 'SELECT ok, reason FROM dataclass_audit.verify()'), 't|', "$what: verify() holds");
}

# SIGKILL for the postmaster and all its children
my @pids = start_clients(1);
wait_for_told(1, 2 * $clients);
my $postmaster = $node->{_pid};
my @children = split /\s+/, `ps -o pid= --ppid $postmaster`;
kill 'KILL', $postmaster, grep { /^\d+$/ } @children;
waitpid $_, 0 for @pids;
$node->{_pid} = undef;
# a killed postmaster may stay a zombie for a while, which looks alive to the next
unlink $node->data_dir . '/postmaster.pid', $node->host . '/.s.PGSQL.' . $node->port . '.lock';
$node->start;
check(1, 'server killed');

# SIGKILL for the writer: the postmaster restarts everybody
@pids = start_clients(2);
wait_for_told(2, 2 * $clients);
my $writer = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type LIKE '%dataclass%writer%' LIMIT 1");
like($writer, qr/^\d+$/, 'the writer runs');
kill 'KILL', $writer;
waitpid $_, 0 for @pids;
ok($node->poll_query_until('postgres', 'SELECT true'), 'the server came back');
check(2, 'writer killed');

$node->stop;
done_testing();
