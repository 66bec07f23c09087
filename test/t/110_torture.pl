# 50 rounds: 100 connections are denied again and again while the writer is
# terminated or killed, the server is killed with SIGKILL or restarted, the
# disk under the trail is full, a standby is promoted.  Each denial has a marker of
# its own, its application_name; each one that a client was told of is in the trail
# exactly once, the sequence has no gaps and verify() holds.  In some rounds a client
# repeats its denial: then the trail stands for each of them, counted exactly.  At the
# end the incidents have counted all breaches of the trail.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Fcntl qw(:flock);
use File::Path ();
use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use Time::HiRes qw(usleep time);

my $clients = $ENV{DC_TORTURE_CLIENTS} || 100;
my $least = 2 * $clients;      # denials before and after what is done to the server
my $disk = $ENV{DC_SMALL_DIR} || '';
my $disk_rounds = 6;
my $repeating = 0;            # in this round
my $dir = PostgreSQL::Test::Utils::tempdir;
my $node = PostgreSQL::Test::Cluster->new('torture0');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'pg_dataclass'
max_connections = @{[ 2 * $clients + 20 ]}
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.repeat_window = '1s'
log_statement = none
log_connections = off
log_disconnections = off
fsync = on
restart_after_crash = on
});
$node->start;

sub setup
{
	my ($database) = @_;
	$node->safe_psql($database, q{
CREATE EXTENSION pg_dataclass;
CREATE TABLE files (id int);
GRANT SELECT ON files TO nobody;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
});
}
$node->safe_psql('postgres', 'CREATE ROLE nobody LOGIN');
setup('postgres');

# --- the load: one process, all connections, simple queries

sub message
{
	my ($type, $body) = @_;
	return $type . pack('N', length($body) + 4) . $body;
}

sub ask
{
	my ($c, $round) = @_;
	$c->{n}++;
	$c->{marker} = "r$round-$c->{name}" . ($repeating ? '' : "-n$c->{n}");
	$c->{denied} = 0;
	return syswrite $c->{socket}, message('Q', "SET application_name = '$c->{marker}'; SELECT * FROM files\0");
}

# What came from the server; false if the connection is gone.
sub hear
{
	my ($c, $round, $told) = @_;
	my $n = sysread $c->{socket}, $c->{buffer}, 65536, length $c->{buffer};
	return 0 unless $n;
	while (length $c->{buffer} >= 5)
	{
		my ($type, $length) = unpack 'aN', $c->{buffer};
		last if length $c->{buffer} < $length + 1;
		my $body = substr $c->{buffer}, 5, $length - 4;
		substr $c->{buffer}, 0, $length + 1, '';
		$c->{denied} = 1 if $type eq 'E' && $body =~ /(?:^|\0)C42501\0/;
		# told of it: the ReadyForQuery may never come
		if ($type eq 'E' && $c->{denied} && $c->{marker})
		{
			syswrite $told, "$c->{marker}\n";
			$c->{marker} = '';
		}
		return 0 if $type eq 'Z' && !ask($c, $round);
	}
	return 1;
}

# Runs until it is told to stop, or all connections are gone.
sub load
{
	my ($round, $file, @targets) = @_;
	my $stop = 0;
	local $SIG{TERM} = sub { $stop = 1 };
	local $SIG{PIPE} = 'IGNORE';
	open my $told, '>', $file or POSIX::_exit(1);
	my $select = IO::Select->new;
	my %of;
	for my $client (1 .. $clients)
	{
		my ($name, $path, $database) = @{ $targets[ $client % @targets ] };
		my $socket = IO::Socket::UNIX->new(Peer => $path) or next;
		my $c = { socket => $socket, name => "$name$client", n => 0, buffer => '', marker => '' };
		my $start = pack('N', 196608) . "user\0nobody\0database\0$database\0\0";
		syswrite $socket, pack('N', length($start) + 4) . $start;
		$select->add($socket);
		$of{ fileno $socket } = $c;
	}
	while (!$stop && $select->count)
	{
		for my $socket ($select->can_read(0.2))
		{
			next if hear($of{ fileno $socket }, $round, $told);
			$select->remove($socket);
			close $socket;
		}
	}
	POSIX::_exit(0);
}

my $round = 0;
my ($pid, $told_file);

sub start_load
{
	my (@targets) = @_;
	$round++;
	$told_file = "$dir/told$round";
	append_to_file($told_file, '');
	$pid = fork;
	die "fork: $!" unless defined $pid;
	load($round, $told_file, @targets) if $pid == 0;
}

sub told
{
	my @told = split /\n/, slurp_file($told_file);
	return \@told;
}

sub wait_for_told
{
	my ($number) = @_;
	for (1 .. 3600)
	{
		return if @{ told() } >= $number;
		usleep(50_000);
	}
	die "round $round: clients were not denied in time";
}

sub stop_load
{
	kill 'TERM', $pid;
	waitpid $pid, 0;
	$pid = 0;
}

END
{
	my $status = $?;
	kill 'KILL', $pid if $pid;
	unlink "$disk/filler", "$disk/ballast" if $disk ne '';
	$? = $status;
}

sub target
{
	my ($server, $name, $database) = @_;
	return [ $name, $server->host . '/.s.PGSQL.' . $server->port, $database || 'postgres' ];
}

# All that clients were told of in this round is in the trail, once.  Each may have
# been denied once more than it was told of, when its connection ended.
sub check
{
	my ($what, $database) = @_;
	$database ||= 'postgres';
	my (%told, %count, @missing);
	$told{$_}++ for @{ told() };
	for (1 .. 1800)
	{
		%count = map { split /=/ } split /\n/, $node->safe_psql($database, "SELECT application || '=' || sum(coalesce(repeats, 1)) FROM dataclass_audit.event WHERE kind = 'access_denied' AND application LIKE 'r$round-%' GROUP BY application");
		@missing = grep { ($count{$_} || 0) < $told{$_} } keys %told;
		last if !@missing && (!$repeating || $node->safe_psql($database, 'SELECT count(*) FROM dataclass_audit.repeat') eq '0');
		usleep(100_000);
	}
	my $number = @{ told() };
	my @twice = grep { $count{$_} > ($repeating ? ($told{$_} || 0) + 1 : 1) } keys %count;
	$what .= ', with repeats' if $repeating;
	my $ok = ok($number >= $least && !@missing && !@twice, "round $round, $what: $number denials told of, each in the trail, once");
	is($node->safe_psql($database, "SELECT count(*) > 0 FROM dataclass_audit.event WHERE repeats IS NOT NULL AND application LIKE 'r$round-%'"), 't', "round $round: which counts repeats") if $repeating;
	diag("missing: @missing[0 .. ($#missing > 5 ? 5 : $#missing)]; twice: @twice[0 .. ($#twice > 5 ? 5 : $#twice)]") unless $ok;
	is($node->safe_psql($database, 'SELECT count(*) = max(seq) AND min(seq) = 1 FROM dataclass_audit.event'), 't', "round $round, $what: sequence without gaps");
}

sub check_hashes
{
	my ($database) = @_;
	is($node->safe_psql($database, 'SELECT ok, reason FROM dataclass_audit.verify()'), 't|', "round $round: verify() holds in $database");
}

# Incidents stand for the breaches of the trail, all of them and each once.
sub check_incidents
{
	my ($database) = @_;
	my $of_trail = q{SELECT e.kind, e.rule, e.subject, sum(coalesce(e.repeats, 1)) FROM dataclass_audit.event e WHERE e.breach AND e.kind <> 'disclosure' GROUP BY 1, 2, 3};
	my $of_incidents = 'SELECT i.kind, i.rule, i.subject, sum(i.breaches) FROM dataclass_audit.incident_record i GROUP BY 1, 2, 3';
	ok($node->poll_query_until($database, q{SELECT queued = 0 AND journal_files = 0 AND NOT EXISTS (SELECT FROM dataclass_audit.repeat) FROM dataclass_audit.status()}), "nothing is on its way in $database");
	my $ok = ok($node->poll_query_until($database, "SELECT NOT EXISTS (($of_trail) EXCEPT ($of_incidents)) AND NOT EXISTS (($of_incidents) EXCEPT ($of_trail))"), "incidents in $database have counted the breaches of the trail, each once");
	diag($node->safe_psql($database, "SELECT * FROM ($of_trail) t FULL JOIN ($of_incidents) i USING (kind, rule, subject)")) unless $ok;
	is($node->safe_psql($database, q{SELECT count(*) FROM dataclass_audit.event e WHERE e.breach AND e.kind <> 'disclosure'
		AND (SELECT count(*) FROM dataclass_audit.incident_event i WHERE i.seq = e.seq) <> 1}), '0', 'and each breach belongs to one');
	note($node->safe_psql($database, "SELECT kind, rule, subject, count(*), sum(breaches) FROM dataclass_audit.incident_record GROUP BY 1, 2, 3"));
}

sub kill_server
{
	my $postmaster = $node->{_pid};
	# it starts no more of them meanwhile
	kill 'STOP', $postmaster;
	my @children = split /\s+/, `ps -o pid= --ppid $postmaster`;
	kill 'KILL', $postmaster, grep { /^\d+$/ } @children;
	$node->{_pid} = undef;
	# a killed postmaster may stay a zombie for a while, which looks alive to the next
	unlink $node->data_dir . '/postmaster.pid', $node->host . '/.s.PGSQL.' . $node->port . '.lock';
}

sub writer_pid
{
	$node->poll_query_until('postgres', 'SELECT writer_pid IS NOT NULL FROM dataclass_audit.status()') or die 'no writer';
	return $node->safe_psql('postgres', 'SELECT writer_pid FROM dataclass_audit.status()');
}

my %round = (
	terminate => sub {
		for (1 .. 2)
		{
			my $before = @{ told() };
			$node->safe_psql('postgres', 'SELECT pg_terminate_backend(writer_pid) FROM dataclass_audit.status()');
			wait_for_told($before + $clients);
		}
		stop_load();
	},
	writer_killed => sub {
		my $writer = writer_pid();
		kill 'KILL', $writer if $writer =~ /^\d+$/;
		waitpid $pid, 0;
		$pid = 0;
		# a psql that is refused at once breaks the pipe to its input
		for (1 .. 1800)
		{
			last if eval { $node->psql('postgres', 'SELECT true') == 0 };
			usleep(100_000);
		}
	},
	server_killed => sub {
		kill_server();
		waitpid $pid, 0;
		$pid = 0;
		$node->start;
	},
	restart => sub {
		$node->stop($round % 2 ? 'fast' : 'immediate');
		waitpid $pid, 0;
		$pid = 0;
		$node->start;
	});

# --- a standby is promoted, while clients are denied on both
for my $n (1 .. 2)
{
	$node->backup("base$n");
	my $standby = PostgreSQL::Test::Cluster->new("torture$n");
	$standby->init_from_backup($node, "base$n", has_streaming => 1);
	$standby->append_conf('postgresql.conf', "dataclass.node_name = 'node$n'\n");
	$standby->start;
	$node->wait_for_catchup($standby, 'replay');
	start_load(target($node, 'p'), target($standby, 's'));
	wait_for_told(2 * $least);
	stop_load();
	$node->poll_query_until('postgres', 'SELECT queued = 0 AND journal_files = 0 FROM dataclass_audit.status()');
	$node->wait_for_catchup($standby, 'replay');
	$node->stop;
	$standby->promote;
	$node = $standby;
	check('standby promoted');
}
check_hashes('postgres');

# --- writers and servers that end
my @kinds = qw(terminate server_killed terminate restart terminate writer_killed);
while ($round < ($disk ne '' ? 50 - $disk_rounds : 50))
{
	my $kind = $kinds[ $round % @kinds ];
	$repeating = $round >= 20 && $round < 20 + @kinds;
	start_load(target($node, 'c'));
	wait_for_told($least);
	$round{$kind}->();
	check($kind);
	check_hashes('postgres') if $round % 10 == 0;
}
$repeating = 0;
check_hashes('postgres');
check_incidents('postgres');

# --- the disk under the trail is full: a database of its own there
my ($ballast, $filler) = ("$disk/ballast", "$disk/filler");
sub fill_disk
{
	my ($file) = @_;
	open my $fh, '>', $file or die "$file: $!";
	binmode $fh;
	my $chunk = "\0" x (4 * 1024 * 1024);
	while (length $chunk)
	{
		my $n = syswrite $fh, $chunk;
		next if $n;
		$chunk = substr $chunk, 0, length($chunk) / 2;
		last if length $chunk < 512;
	}
	close $fh;
}

my $space = "$disk/torture";
my $lock;
if ($disk ne '')
{
	# one test at a time fills it
	open $lock, '>>', "$disk/lock" or die "$disk/lock: $!";
	flock $lock, LOCK_EX or die "flock: $!";
}
if ($disk ne '' && mkdir $space)
{
	$node->safe_psql('postgres', "CREATE TABLESPACE small LOCATION '$space'");
	$node->safe_psql('postgres', 'CREATE DATABASE small TABLESPACE small');
	setup('small');
	# so little room is left that it takes no time to fill it
	append_to_file($filler, "\0" x (16 * 1024 * 1024));
	fill_disk($ballast);
	unlink $filler;
	for (1 .. $disk_rounds)
	{
		$repeating = $_ % 3 == 0;
		my $log = -s $node->logfile;
		start_load(target($node, 'd', 'small'));
		wait_for_told($clients);
		fill_disk($filler);
		my $full = 0;
		for (1 .. 1800)
		{
			last if $full = $node->safe_psql('postgres', q{SELECT 1}) && slurp_file($node->logfile, $log) =~ /No space left on device|could not extend file/;
			usleep(50_000);
		}
		ok($full, 'the disk is full for the writer');
		my $before = @{ told() };
		wait_for_told($before + $clients);
		unlink $filler;
		stop_load();
		check('disk full', 'small');
	}
	ok($node->poll_query_until('small', q{SELECT count(*) > 0 FROM dataclass_audit.event WHERE detail LIKE 'Recording was impaired %' AND detail LIKE '%no space%'}),
		'the trail tells that there was no space');
	check_hashes('small');
	check_incidents('small');
}
else
{
	note('rounds with a full disk are left out: ' . ($ENV{DC_FSCRYPT_WHY} || 'there is no file system to fill'));
}

is($round, 50, '50 rounds');
$node->stop;
File::Path::remove_tree($space, $ballast) if $disk ne '';
done_testing();
