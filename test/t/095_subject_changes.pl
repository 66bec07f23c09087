# Statements prepared once, their subject changed in every way there is between
# executions: each answer is compared with that of a fresh connection of the
# same subject at that moment, in generic and in custom plan mode.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use SubjectWorld;
use WireClient;

my $node = PostgreSQL::Test::Cluster->new('subjects');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
max_worker_processes = 16
fsync = off
});
$node->start;
my %connect = (host => $node->host, port => $node->port, database => 'postgres');
my $admin = WireClient->new(%connect, user => $node->safe_psql('postgres', 'SELECT current_user'));
SubjectWorld::create($admin);

my ($session, %subject, %answers);
my @names = sort keys %SubjectWorld::STATEMENTS;

sub prepare_all
{
	$session->must('SET search_path = sub, public');
	$session->must("PREPARE q_$_ AS $SubjectWorld::STATEMENTS{$_}") for @names;
	return;
}

# Executes all, compares all.
my $executions = 0;
sub same_as_fresh
{
	my ($what) = @_;
	my $fresh = SubjectWorld::connect_as(\%connect, \%subject);
	my $in = $session->{status} eq 'T';
	my @wrong;
	for my $name (@names)
	{
		$session->must('SAVEPOINT before') if $in;
		my $got = SubjectWorld::text_of($session->run("EXECUTE q_$name"));
		$session->must('ROLLBACK TO before') if $in;
		my $expected = SubjectWorld::text_of($fresh->run($SubjectWorld::STATEMENTS{$name}));
		push @wrong, "$name: $got, a fresh connection: $expected" if $got ne $expected;
		$answers{$name}{$expected} = 1;
		$executions++;
	}
	$fresh->finish;
	is("@wrong", '', $what);
	return;
}

sub changed { my ($what, $sql, %to) = @_; $session->must($_) for ref $sql ? @$sql : $sql; %subject = (%subject, %to); return same_as_fresh($what); }

sub by_officer { my ($what, @sql) = @_; $admin->must($_) for @sql; return same_as_fresh($what); }

# A setting of the configuration file, until both sides see it.
sub reload
{
	my ($name, $value) = @_;
	$node->append_conf('postgresql.conf', "$name = $value");
	$node->reload;
	for my $c ($session, $admin)
	{
		my $tries = 0;
		until ($c->must("SELECT current_setting('$name')")->{rows}[0][0] eq $value)
		{
			die "$name does not become $value\n" if $tries++ > 3000;
			select undef, undef, undef, 0.01;
		}
	}
	return;
}

sub walk
{
	my ($mode) = @_;
	%subject = ();
	$session = WireClient->new(%connect, user => 'sub_login');
	$session->must("SET plan_cache_mode = $mode");
	$session->must('SET ROLE sub_high');
	$subject{role} = 'sub_high';
	prepare_all();
	same_as_fresh("$mode: as prepared");
	same_as_fresh("$mode: once more");

	changed("$mode: SET ROLE lower", 'SET ROLE sub_low', role => 'sub_low');
	changed("$mode: SET ROLE, BYPASSRLS", 'SET ROLE sub_mid', role => 'sub_mid');
	changed("$mode: SET ROLE, superuser", 'SET ROLE sub_boss', role => 'sub_boss');
	changed("$mode: SET ROLE back", 'SET ROLE sub_high', role => 'sub_high');
	changed("$mode: RESET ROLE", 'RESET ROLE', role => undef);
	changed("$mode: set_config", "SELECT set_config('role', 'sub_high', false)", role => 'sub_high');
	changed("$mode: SET LOCAL ROLE", [ 'BEGIN', 'SET LOCAL ROLE sub_low' ], role => 'sub_low');
	changed("$mode: committed", 'COMMIT', role => 'sub_high');
	changed("$mode: SET ROLE in a transaction", [ 'BEGIN', 'SET ROLE sub_low' ], role => 'sub_low');
	changed("$mode: rolled back", 'ROLLBACK', role => 'sub_high');
	changed("$mode: low at first", 'SET ROLE sub_low', role => 'sub_low');
	changed("$mode: high in a savepoint", [ 'BEGIN', 'SAVEPOINT s', 'SET LOCAL ROLE sub_high' ], role => 'sub_high');
	changed("$mode: savepoint rolled back", 'ROLLBACK TO s', role => 'sub_low');
	changed("$mode: high in a savepoint again", 'SET LOCAL ROLE sub_high', role => 'sub_high');
	changed("$mode: released and committed", [ 'RELEASE s', 'COMMIT' ], role => 'sub_low');
	changed("$mode: SET SESSION AUTHORIZATION", [ 'RESET ROLE', 'SET SESSION AUTHORIZATION sub_high' ], login => 'sub_high', role => undef);
	changed("$mode: another one", 'SET SESSION AUTHORIZATION sub_low', login => 'sub_low');
	changed("$mode: RESET SESSION AUTHORIZATION", 'RESET SESSION AUTHORIZATION', login => undef);
	changed("$mode: SET LOCAL SESSION AUTHORIZATION", [ 'BEGIN', 'SET LOCAL SESSION AUTHORIZATION sub_high' ], login => 'sub_high');
	changed("$mode: and its end", 'COMMIT', login => undef);

	changed("$mode: high", 'SET ROLE sub_high', role => 'sub_high');
	changed("$mode: narrowed", "SET dataclass.session_ceiling = 'restricted'", ceiling => 'restricted');
	changed("$mode: narrowed more", "SET dataclass.session_ceiling = 'open'", ceiling => 'open');
	changed("$mode: not narrowed", 'RESET dataclass.session_ceiling', ceiling => undef);
	changed("$mode: narrowed in a transaction", [ 'BEGIN', "SET LOCAL dataclass.session_ceiling = 'confidential'" ], ceiling => 'confidential');
	changed("$mode: narrowed no longer", 'ROLLBACK', ceiling => undef);

	my $high = q{SECURITY LABEL FOR dataclass ON ROLE sub_high IS 'secret:subx with (declassify, reclassify)'};
	by_officer("$mode: role lowered by somebody else", "SECURITY LABEL FOR dataclass ON ROLE sub_high IS 'restricted'");
	by_officer("$mode: role without a label", 'SECURITY LABEL FOR dataclass ON ROLE sub_high IS NULL');
	by_officer("$mode: role raised again", $high);
	$session->must('BEGIN');
	by_officer("$mode: role lowered in the middle of the transaction", "SECURITY LABEL FOR dataclass ON ROLE sub_high IS 'public'");
	by_officer("$mode: raised there", $high);
	$session->must('ROLLBACK');
	by_officer("$mode: uncommitted relabeling", 'BEGIN', "SECURITY LABEL FOR dataclass ON ROLE sub_high IS 'open'");
	by_officer("$mode: rolled back by somebody else", 'ROLLBACK');

	by_officer("$mode: table raised", "SECURITY LABEL FOR dataclass ON TABLE sub.governed IS 'secret:subx'");
	changed("$mode: and read by one below", 'SET ROLE sub_mid', role => 'sub_mid');
	by_officer("$mode: table lowered", "SECURITY LABEL FOR dataclass ON TABLE sub.governed IS 'restricted'");
	by_officer("$mode: column raised", "SECURITY LABEL FOR dataclass ON COLUMN sub.plain.pin IS 'secret mask'");
	by_officer("$mode: column lowered", "SECURITY LABEL FOR dataclass ON COLUMN sub.plain.pin IS 'confidential mask'");
	by_officer("$mode: column without mask", "SECURITY LABEL FOR dataclass ON COLUMN sub.plain.pin IS 'secret'");
	by_officer("$mode: with mask", "SECURITY LABEL FOR dataclass ON COLUMN sub.plain.pin IS 'confidential mask'");
	by_officer("$mode: rows raised", "UPDATE sub.vouched SET label = 'secret:subx' WHERE id % 10 = 1", "UPDATE sub.parts SET label = 'secret' WHERE id % 10 = 1");
	by_officer("$mode: rows lowered", 'UPDATE sub.vouched v SET label = p.label FROM sub.plain p WHERE p.id = v.id', 'UPDATE sub.parts v SET label = p.label FROM sub.plain p WHERE p.id = v.id');

	changed("$mode: a member", 'SET ROLE sub_member', role => 'sub_member');
	by_officer("$mode: membership revoked", 'REVOKE sub_group FROM sub_member');
	by_officer("$mode: membership granted", 'GRANT sub_group TO sub_member');
	by_officer("$mode: inherits no longer", 'ALTER ROLE sub_member NOINHERIT');
	by_officer("$mode: inherits again", 'ALTER ROLE sub_member INHERIT');

	changed("$mode: high before the policy changes", 'SET ROLE sub_high', role => 'sub_high');
	my $rank = sub { my ($class, $to) = @_; return "UPDATE dataclass.data_class SET rank = $to WHERE name = '$class'"; };
	by_officer("$mode: secret becomes the lowest class", $rank->('open', 10), $rank->('secret', 0));
	changed("$mode: for one who reads little", 'SET ROLE sub_low', role => 'sub_low');
	by_officer("$mode: classes as they were", $rank->('secret', 4), $rank->('open', 0));
	by_officer("$mode: a row label unregistered", "DELETE FROM dataclass.row_label WHERE label = 'secret:subx'");
	changed("$mode: for one who read it", 'SET ROLE sub_high', role => 'sub_high');
	by_officer("$mode: registered again", "SELECT dataclass.create_label('secret:subx')");
	SubjectWorld::vouch($admin);
	same_as_fresh("$mode: vouched for in the new era");
	by_officer("$mode: constraint dropped", 'ALTER TABLE sub.vouched DROP CONSTRAINT ceiling');
	changed("$mode: constraint dropped, lower subject", 'SET ROLE sub_mid', role => 'sub_mid');
	SubjectWorld::vouch($admin);
	changed("$mode: constraint made again", 'SET ROLE sub_high', role => 'sub_high');

	for my $tier ('enforcing', 'permissive', 'off')
	{
		reload('dataclass.session_tier_enforcement', $tier);
		same_as_fresh("$mode: session tier $tier");
	}
	reload('dataclass.enforcement', 'off');
	changed("$mode: nothing enforced", 'SET ROLE sub_low', role => 'sub_low');
	reload('dataclass.enforcement', 'enforcing');
	same_as_fresh("$mode: enforced again");

	changed("$mode: parallel plans", [ 'SET ROLE sub_high', 'SET parallel_setup_cost = 0', 'SET parallel_tuple_cost = 0',
		'SET min_parallel_table_scan_size = 0', 'SET min_parallel_index_scan_size = 0', 'DISCARD PLANS' ], role => 'sub_high');
	changed("$mode: parallel plans of another subject", 'SET ROLE sub_low', role => 'sub_low');
	changed("$mode: index scans", [ 'SET enable_seqscan = off', 'SET enable_bitmapscan = off', 'DISCARD PLANS' ]);
	changed("$mode: index scans of another subject", 'SET ROLE sub_high', role => 'sub_high');
	changed("$mode: and of a third", 'SET ROLE sub_mid', role => 'sub_mid');
	$session->must('DISCARD ALL');
	%subject = ();
	$session->must("SET plan_cache_mode = $mode");
	prepare_all();
	same_as_fresh("$mode: after DISCARD ALL");
	changed("$mode: and as somebody", 'SET ROLE sub_boss', role => 'sub_boss');
	$session->finish;
	return;
}

walk($_) for qw(force_generic_plan force_custom_plan);
cmp_ok($executions, '>', 4000, "$executions executions compared");
my @dull = grep { $_ ne 'trusted' && keys %{ $answers{$_} } < 2 } @names;
is("@dull", '', 'each statement had another answer for other subjects');
$admin->finish;
$node->stop;
done_testing();
