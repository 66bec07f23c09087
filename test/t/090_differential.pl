# A bounded run of the differential fuzzer: random statements against labeled
# tables and against a plain-SQL model of the policy.  One seed is fixed, one
# comes from the time; both are printed, and either can be run again with
# test/bin/prepare fuzzdiff --seed N.
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('differential');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
max_worker_processes = 16
fsync = off
});
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_dataclass');
my $user = $node->safe_psql('postgres', 'SELECT current_user');

$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = $user;
$ENV{PGDATABASE} = 'postgres';
my $program = "$FindBin::RealBin/../fuzzdiff/fuzzdiff.pl";
for my $run ([ 20260101, 1500 ], [ time, 1500 ])
{
	my ($seed, $statements) = @$run;
	my ($out, $err) = run_command([ $^X, $program, '--seed', $seed, '--statements', $statements ]);
	note $out;
	my ($done, $differences) = $out =~ /^# seed \d+: (\d+) statements .* (\d+) differences/m;
	is($differences, 0, "seed $seed: no difference") or diag "$out$err";
	cmp_ok($done // 0, '>=', $statements, "seed $seed: $statements statements compared");
	my %seen = map { /^(.+): (\d+)$/ ? ($1 => $2) : () } split /, /, ($out =~ /\((.*)\)\s*\z/)[0] // '';
	cmp_ok($seen{$_} // 0, '>', $statements / 50, "seed $seed: enough results of the kind \"$_\"") for 'rows', 'no rows', 'error 42501';
	is(scalar(grep { /error (XX|57|08|42601|42P)/ } keys %seen), 0, "seed $seed: no error that only a fault could give");
}
$node->stop;
done_testing();
