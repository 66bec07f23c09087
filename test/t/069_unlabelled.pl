# What find_unlabelled() looks at stays in it: known values appear neither in
# its output, nor in the server log at its most talkative, nor in the trail.
# Tables that are locked, foreign, temporary or views are not read.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('unlabelled');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass, auto_explain'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
max_worker_processes = 16
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_nested_statements = on
log_statement = all
autovacuum = off
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE officer LOGIN; GRANT dataclass_officer TO officer;
CREATE ROLE owner LOGIN;
CREATE SCHEMA data AUTHORIZATION owner;
});

sub run_sql
{
	my ($sql, $role) = @_;
	return $node->safe_psql('postgres', $sql, extra_params => [ '-U', $role || 'officer' ]);
}

# Values that no statement spells out; the officer has no right to read them.
run_sql(q{
CREATE TABLE data.mails (a text, long text, n numeric, i bigint, f float8);
INSERT INTO data.mails SELECT format('%s-%s@mail.example', 'known', lpad(i::text, 5, '0')),
	repeat(format('%s-%s@mail.example ', 'known', lpad(i::text, 5, '0')), 5000), 7100000000 + i, 7100000000 + i, 0.7100713 + i
	FROM generate_series(1, 400) i;
CREATE TABLE data.guarded (a text);
INSERT INTO data.guarded SELECT format('%s-%s@mail.example', 'known', i + 10000) FROM generate_series(1, 100) i;
ALTER TABLE data.guarded ENABLE ROW LEVEL SECURITY;
ALTER TABLE data.guarded FORCE ROW LEVEL SECURITY;
CREATE TABLE data.locked (a text, email text);
INSERT INTO data.locked SELECT a, a FROM data.mails;
CREATE TABLE data.gone (a text);
INSERT INTO data.gone SELECT a FROM data.mails;
DELETE FROM data.gone;
CREATE UNLOGGED TABLE data.unlogged AS SELECT a FROM data.mails;
CREATE MATERIALIZED VIEW data.empty AS SELECT a FROM data.mails WITH NO DATA;
CREATE TABLE data.top (a text) PARTITION BY LIST (a);
CREATE TABLE data.leaf PARTITION OF data.top DEFAULT;
INSERT INTO data.top SELECT a FROM data.mails;
CREATE VIEW data.seen AS SELECT a AS email FROM data.mails;
}, 'owner');
$node->safe_psql('postgres', q{
CREATE FOREIGN DATA WRAPPER dummy; CREATE SERVER far FOREIGN DATA WRAPPER dummy;
CREATE FOREIGN TABLE data.far (passport text) SERVER far;
ALTER FOREIGN TABLE data.far OWNER TO owner;
});

# A table that somebody holds, and a temporary one
my $holder = $node->background_psql('postgres', extra_params => [ '-U', 'owner' ]);
$holder->query_safe('CREATE TEMP TABLE mine AS SELECT a FROM data.mails');
$holder->query_safe('BEGIN');
$holder->query_safe('LOCK TABLE data.locked IN ACCESS EXCLUSIVE MODE');

my $offset = -s $node->logfile;
my $columns = q{relation, "column", kinds, evidence, share, rows_sampled, note};
$node->safe_psql('postgres', 'ALTER ROLE officer SET log_min_messages = debug5; ALTER ROLE officer SET log_error_verbosity = verbose; ALTER ROLE officer SET debug_print_plan = on; ALTER ROLE officer SET log_executor_stats = on');
my ($output, $messages) = ('', '');
$node->psql('postgres', qq{SET client_min_messages = debug5;
SELECT $columns FROM dataclass.unlabelled WHERE relation::text LIKE 'data.%' OR relation::text LIKE 'pg_temp%' ORDER BY relation::text, "column" NULLS FIRST;},
	stdout => \$output, stderr => \$messages, extra_params => [ '-U', 'officer' ]);
my %row = map { my ($relation, $column, @rest) = split /\|/, $_, -1; ("$relation.$column" => join('|', @rest)) }
	split /\n/, $output;

is($row{'data.mails.a'}, '{email}|{format}|1|400|', 'every row counted');
ok(!exists $row{'data.mails.long'}, 'long values have no format');
is($row{'data.mails.'}, '{email}||' . '|400|', 'the table as a whole');
is($row{'data.guarded.a'}, '{email}|{format}|1|100|', 'no policy of the table is asked');
is($row{'data.locked.email'}, '{email}|{name}||0|locked by another session', 'a locked table is passed over');
is($row{'data.gone.'}, '{}|||0|', 'deleted rows are not there');
is($row{'data.unlogged.a'}, '{email}|{format}|1|400|', 'an unlogged table');
is($row{'data.empty.'}, '{}|||0|not populated', 'a materialized view without rows');
is($row{'data.leaf.a'}, '{email}|{format}|1|400|', 'a partition');
is($row{'data.top.'}, '{}|||0|holds no rows of its own', 'the partitioned table');
is($row{'data.seen.email'}, '{email}|{name}||0|holds no rows of its own', 'a view by its names');
is($row{'data.far.passport'}, '{passport}|{name}||0|holds no rows of its own', 'a foreign table by its names');
my ($temp) = grep { /^pg_temp_\d+\.mine\.$/ } keys %row;
is($row{ $temp || '' }, '{}|||0|temporary table of another session', 'a temporary table of another session');

# Bounded
is(run_sql(q{SELECT rows_sampled FROM dataclass.find_unlabelled(25) WHERE relation::text = 'data.mails' AND "column" = 'a'}), 25,
	'no more rows than asked for');
run_sql(q{CREATE TABLE data.large (a text, pad text);
ALTER TABLE data.large ALTER pad SET STORAGE PLAIN;
INSERT INTO data.large SELECT format('%s-%s@mail.example', 'known', lpad(i::text, 5, '0')), repeat('x', 3000) FROM generate_series(1, 3000) i}, 'owner');
is(run_sql(q{SELECT rows_sampled BETWEEN 256 AND 512 FROM dataclass.find_unlabelled(100000) WHERE relation::text = 'data.large' AND "column" = 'a'}),
	't', 'no more than 256 blocks');
run_sql('BEGIN READ ONLY; SELECT count(*) FROM dataclass.unlabelled; ROLLBACK');

# Nothing of the values, anywhere
my $known = qr/known-\d{5}|7100000\d{3}|\d\.7100713/;
unlike($output, $known, 'no value in the output');
unlike($messages, $known, 'nor in messages');
my $log = slurp_file($node->logfile, $offset);
like($log, qr/DEBUG:/, 'the server log is talkative');
unlike($log, $known, 'no value in the server log');
my $trail = $node->safe_psql('postgres', q{SELECT e FROM dataclass_audit.event e});
unlike($trail, $known, 'no value in the trail');
is($node->safe_psql('postgres', q{SELECT DISTINCT kind, outcome, session_user_name FROM dataclass_audit.event WHERE action = 'find_unlabelled'}),
	'trusted_entry|allowed|officer', 'each call is in the trail');
is($node->safe_psql('postgres', q{SELECT count(*) FROM dataclass_audit.event WHERE action = 'find_unlabelled'}), 4,
	'also of transactions that were rolled back');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stats WHERE schemaname = 'data'}), 0, 'no statistics were made');

# The search for them does find what is there
run_sql(q{DO $$ BEGIN RAISE LOG '%', (SELECT a FROM data.mails LIMIT 1); END $$}, 'owner');
like(slurp_file($node->logfile, $offset), $known, 'a value that is logged would have been seen');

$holder->query_safe('ROLLBACK');
$holder->quit;
$node->stop;
done_testing();
