# pg_stat_dataclass: counts what happens, for those who monitor.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('statistics');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.repeat_window = 0
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE low LOGIN;
CREATE ROLE mon LOGIN;
GRANT pg_monitor TO mon;
CREATE TABLE files (id int);
CREATE TABLE rows (id int, label dataclass.label);
GRANT SELECT ON files, rows TO low;
GRANT USAGE ON SCHEMA dataclass TO low;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
SECURITY LABEL FOR dataclass ON ROLE low IS 'restricted';
CREATE TABLE open_files (id int);
GRANT SELECT ON open_files TO low;
SECURITY LABEL FOR dataclass ON TABLE open_files IS 'open';
CREATE DATABASE second;
});

sub as
{
	my ($role, $sql) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-U', $role ], on_error_stop => 0);
	return wantarray ? ($out, $err) : $out;
}
sub counts { return as('mon', "SELECT " . shift . " FROM dataclass.pg_stat_dataclass WHERE datname = 'postgres'"); }

my $before = counts('decisions');
as('low', 'SELECT * FROM open_files; SELECT * FROM open_files; SELECT * FROM open_files;');
is(counts('decisions') - $before, 3, 'a decision for each relation that a statement reads');

my @start = split /\|/, counts('denials, events, waits, records, commits');
as('low', "SELECT * FROM files;\n" x 5);
my @end = split /\|/, counts('denials, events, waits, records, commits');
is($end[0] - $start[0], 5, 'five denials');
is($end[1] - $start[1], 5, 'five events');
is($end[2] - $start[2], 5, 'five waits');
is($end[3] - $start[3], 5, 'five records');
cmp_ok($end[4] - $start[4], '>=', 1, 'in at least one commit');
is(counts('wait_time > 0 AND writer_last_lag >= 0 AND writer_mean_lag >= 0 AND queue_depth = 0 AND queue_size > 0 AND writer_pid IS NOT NULL'), 't',
	'times, queue and writer');
is(as('mon', q{SELECT denials, permitted FROM dataclass.pg_stat_dataclass_denials WHERE datname = 'postgres' AND rule = 'dominance'}), '5|0',
	'denials by rule');
is(as('mon', q{SELECT sum(d.denials) = s.denials FROM dataclass.pg_stat_dataclass_denials d JOIN dataclass.pg_stat_dataclass s USING (datid)
	WHERE s.datname = 'postgres' GROUP BY s.denials}), 't', 'and they add up');

# The journal.
my $journaled = counts('journaled');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(writer_pid) FROM dataclass_audit.status() WHERE writer_pid <> 0});
as('low', 'SELECT * FROM files;');
$node->safe_psql('postgres', q{ALTER SYSTEM SET max_worker_processes = 0});
$node->restart;
is(counts('denials, events, journaled'), '0|0|0', 'counts start with the server');
as('low', 'SELECT * FROM files; SELECT * FROM files;');
is(counts('journaled >= 2 AND journal_written > 100 AND journal_files = 1 AND journal_bytes > 100 AND records = 0 AND writer_pid IS NULL'), 't',
	'without a writer events and bytes of the journal are counted');
$node->safe_psql('postgres', q{ALTER SYSTEM RESET max_worker_processes});
$node->restart;
ok($node->poll_query_until('postgres', q{SELECT journal_files = 0 FROM dataclass.pg_stat_dataclass WHERE datname = 'postgres'}), 'and gone after the import');

# Permissive, reset, who may look.
$node->append_conf('postgresql.conf', 'dataclass.enforcement = permissive');
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('dataclass.enforcement') = 'permissive'});
my $permitted = counts('permitted');
as('low', 'SELECT * FROM files;');
is(counts('permitted') - $permitted, 1, 'what permissive mode lets pass');
my ($out, $err) = as('low', 'SELECT * FROM dataclass.pg_stat_dataclass');
like($err, qr/permission denied for view pg_stat_dataclass/, 'not for everybody');
($out, $err) = as('mon', 'SELECT dataclass.pg_stat_dataclass_reset()');
like($err, qr/permission denied for function/, 'who monitors does not reset');
my $since = counts('stats_reset');
$node->safe_psql('postgres', 'SELECT dataclass.pg_stat_dataclass_reset()');
is(counts("denials + permitted, stats_reset > '$since'"), '0|t', 'a reset');
is($node->safe_psql('postgres', q{SELECT count(*) > 0 FROM dataclass_audit.event WHERE outcome = 'denied'}), 't', 'leaves the trail as it is');

$node->stop;
done_testing();
