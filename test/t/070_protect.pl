# dataclass.protect() on a table of 300,000 rows: progress seen by another
# session, readers and writers at the same time, lock_timeout, a backend killed
# in the middle, dump and restore.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rows = $ENV{DC_PROTECT_ROWS} || 300_000;
my $node = PostgreSQL::Test::Cluster->new('protect');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
restart_after_crash = on
client_min_messages = warning
});
$node->start;
$node->safe_psql('postgres', qq{
CREATE EXTENSION pg_dataclass;
CREATE ROLE boss SUPERUSER LOGIN;
CREATE ROLE reader LOGIN;
CREATE ROLE writer LOGIN;
SECURITY LABEL FOR dataclass ON ROLE boss IS 'secret with (declassify, reclassify)';
SECURITY LABEL FOR dataclass ON ROLE writer IS 'restricted';
CREATE TABLE big (id int PRIMARY KEY, body text);
INSERT INTO big SELECT i, 'row ' || i FROM generate_series(1, $rows) i;
CREATE SEQUENCE big_id START 1000000000;
GRANT SELECT ON big TO PUBLIC;
GRANT INSERT ON big TO writer;
GRANT USAGE ON SEQUENCE big_id TO writer;
CREATE TABLE wide (id int, body text, label dataclass.label NOT NULL);
GRANT SELECT ON wide TO PUBLIC;
SET ROLE boss;
INSERT INTO wide SELECT i, repeat('x', 200), 'restricted' FROM generate_series(1, $rows) i;
});

# Everything that protect() changes, as one text.
my $state = q{SELECT concat_ws(' ',
	(SELECT string_agg(attname || ':' || attnotnull || ':' || coalesce(pg_get_expr(adbin, adrelid), ''), ',' ORDER BY attnum)
		FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
		WHERE attrelid = 'TABLE'::regclass AND attnum > 0 AND NOT attisdropped),
	(SELECT string_agg(conname, ',' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'TABLE'::regclass),
	(SELECT relrowsecurity::text || relforcerowsecurity FROM pg_class WHERE oid = 'TABLE'::regclass),
	(SELECT label FROM pg_seclabels WHERE objoid = 'TABLE'::regclass),
	(SELECT count(*) FROM dataclass.protected WHERE relation = 'TABLE'::regclass))};
sub state
{
	my ($table, $db) = @_;
	return $node->safe_psql($db || 'postgres', $state =~ s/TABLE/$table/gr);
}
sub as
{
	my ($role, $sql, $db) = @_;
	my ($ret, $out, $err) = $node->psql($db || 'postgres', $sql,
		connstr => $node->connstr($db || 'postgres') . " user=$role", on_error_stop => 1);
	return ($out, $err, $ret);
}
my $before = state('big');
my $file = $node->safe_psql('postgres', q{SELECT pg_relation_filenode('big')});
my ($out, $err);

# A reader in the middle of a transaction is waited for, and lock_timeout counts.
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; SELECT count(*) FROM big WHERE id < 10');
($out, $err) = as('boss', q{SET lock_timeout = '50ms'; SELECT dataclass.protect('big', 'restricted')});
like($err, qr/canceling statement due to lock timeout/, 'lock_timeout ends the wait');
is(state('big'), $before, 'and nothing is changed');
is($node->safe_psql('postgres', 'SELECT count(*) FROM dataclass.protect_progress'), '0', 'nor is it said to be going on');

my $protector = $node->background_psql('postgres', extra_params => [ '-U', 'boss' ]);
my $pid = $protector->query_safe('SELECT pg_backend_pid()');
$protector->query_until(qr/started/, "\\echo started\nSELECT dataclass.protect('big', 'restricted', index => true);\n");
ok($node->poll_query_until('postgres', "SELECT phase = 'waiting for locks' AND relation = 'big'::regclass AND datid =
	(SELECT oid FROM pg_database WHERE datname = current_database()) AND started <= clock_timestamp() FROM dataclass.protect_progress WHERE pid = $pid"),
	'while it waits, another session sees that');
$holder->query_safe('COMMIT');
$protector->query_safe('SELECT 1');
is($node->safe_psql('postgres', 'SELECT count(*) FROM dataclass.protect_progress'), '0', 'the progress ends with it');
is(state('big'), "id:true:,body:false:,label:true:dataclass.row_label() big_pkey,dataclass_ceiling truetrue restricted 1", 'protected');
is((as('boss', 'SELECT label, count(*) FROM big GROUP BY label'))[0], "restricted|$rows", 'all rows have the label');
is((as('reader', 'SELECT count(*) FROM big'))[0], '0', 'a reader below sees none');
is($node->safe_psql('postgres', q{SELECT pg_relation_filenode('big')}), $file, 'no row was written again');

# Lowering the ceiling looks at the rows: seen from outside, block by block.
my $seen = "SELECT DISTINCT relation, phase, blocks_done > 0 AND blocks_done < blocks_total,
	blocks_total = pg_relation_size('wide') / current_setting('block_size')::int FROM seen WHERE phase = 'checking rows' AND blocks_done > 0";
$node->safe_psql('postgres', q{
CREATE TABLE seen (relation regclass, phase text, blocks_total bigint, blocks_done bigint);
CREATE FUNCTION watch() RETURNS void LANGUAGE plpgsql AS $$
DECLARE p record; until timestamptz := clock_timestamp() + '60 s';
BEGIN
	WHILE clock_timestamp() < until AND NOT pg_try_advisory_xact_lock(7) LOOP
		SELECT * INTO p FROM dataclass.protect_progress;
		IF p.phase = 'checking rows' AND p.blocks_done > 0 THEN
			INSERT INTO seen VALUES (p.relation, p.phase, p.blocks_total, p.blocks_done);
			RETURN;
		END IF;
	END LOOP;
END $$});
my $what = '';
foreach my $attempt (1 .. 20)
{
	# the advisory lock tells the watcher when it is over
	as('boss', "SELECT dataclass.protect('wide', 'secret')");
	$protector->query_safe('SELECT pg_advisory_lock(7)');
	my $watcher = $node->background_psql('postgres');
	my $watcher_pid = $watcher->query_safe('SELECT pg_backend_pid()');
	$watcher->query_until(qr/watching/, "\\echo watching\nSELECT watch();\n");
	$node->poll_query_until('postgres', "SELECT state = 'active' FROM pg_stat_activity WHERE pid = $watcher_pid");
	$protector->query_safe("SELECT dataclass.protect('wide', 'restricted')");
	$protector->query_safe('SELECT pg_advisory_unlock(7)');
	$watcher->quit;
	$what = $node->safe_psql('postgres', $seen);
	last if $what ne '';
}
is($what, 'wide|checking rows|t|t', 'blocks are counted while rows are looked at');

# Readers and writers go on: they wait, and nothing is lost or left without a label.
my $dir = PostgreSQL::Test::Utils::tempdir;
append_to_file("$dir/write.sql", "INSERT INTO big (id, body) VALUES (nextval('big_id'), 'new');\n");
append_to_file("$dir/read.sql", "SELECT count(*) FROM big WHERE id < 100;\n");
as('boss', "SELECT dataclass.unprotect('big')");
is(state('big'), $before, 'unprotected: as it was');
my @bench = map { IPC::Run::start([ 'pgbench', '-n', '-c', '2', '-t', '400', '-U', $_->[0], '-h', $node->host, '-p', $node->port, '-f', "$dir/$_->[1]", 'postgres' ],
	'>', \my $o, '2>', $_->[2]) } ([ 'writer', 'write.sql', \my $write_err ], [ 'reader', 'read.sql', \my $read_err ]);
$node->poll_query_until('postgres', 'SELECT last_value > 1000000010 FROM big_id');
foreach my $round (1 .. 3)
{
	is((as('boss', "SELECT dataclass.protect('big', 'restricted')"))[1], '', "protected among writers, round $round");
	is((as('boss', "SELECT dataclass.unprotect('big')"))[1], '', "unprotected among writers, round $round") if $round < 3;
}
ok($_->finish, 'readers and writers had no error') for @bench;
is((as('boss', 'SELECT label, count(*) FROM big GROUP BY label'))[0], 'restricted|' . ($rows + 800), 'all rows are there, with a label');

# Killed in the middle: as if it had never begun.
as('boss', "SELECT dataclass.unprotect('big')");
my $victim = $node->background_psql('postgres', on_error_die => 0, on_error_stop => 0, extra_params => [ '-U', 'boss' ]);
$pid = $victim->query_safe('SELECT pg_backend_pid()');
$victim->query_safe("BEGIN; SELECT dataclass.protect('big', 'secret', index => true)");
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE pid = $pid AND mode = 'AccessExclusiveLock' AND relation = 'big'::regclass"), '1', 'protected, not committed');
PostgreSQL::Test::Utils::system_log('pg_ctl', 'kill', 'KILL', $pid);
$node->poll_query_until('postgres', 'SELECT true', 't');
is(state('big'), $before, 'after a crash the table is as it was');
is($node->safe_psql('postgres', "SELECT count(*) FROM big WHERE id <= $rows"), $rows, 'with its rows');
eval { $victim->quit };
eval { $protector->quit };
eval { $holder->quit };

# The same by a client that goes away.
$victim = $node->background_psql('postgres', on_error_die => 0, on_error_stop => 0, extra_params => [ '-U', 'boss' ]);
$pid = $victim->query_safe('SELECT pg_backend_pid()');
$holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; SELECT count(*) FROM big WHERE id < 10');
$victim->query_until(qr/started/, "\\echo started\nSELECT dataclass.protect('big', 'secret');\n");
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM dataclass.protect_progress WHERE pid = $pid");
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 10000)");
is($node->safe_psql('postgres', 'SELECT count(*) FROM dataclass.protect_progress'), '0', 'a session that is ended leaves no progress behind');
$holder->query_safe('COMMIT');
$holder->quit;
eval { $victim->quit };

# Dump and restore: the entry finds its table, the ceiling is renewed, and there is a way back.
as('boss', "SELECT dataclass.protect('big', 'restricted')");
$node->command_ok([ 'pg_dump', '-U', 'boss', '-Fc', '-f', "$dir/dump", 'postgres' ], 'dumped');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'pg_restore', '-U', 'boss', '--exit-on-error', '-d', 'copy', "$dir/dump" ], 'restored');
is(state('big', 'copy'), state('big') , 'the restored table is protected');
is($node->safe_psql('copy', "SELECT relation, root, column_added FROM dataclass.protected WHERE relation = 'big'::regclass"), 'big|big|t', 'its entry is there');
is((as('boss', 'SELECT "table", ceiling, outcome FROM dataclass.renew_ceilings() ORDER BY 1::text', 'copy'))[0], "big|restricted|renewed\nwide|restricted|renewed", 'ceilings of the old database are renewed');
is((as('boss', 'SELECT count(*) FROM dataclass.renew_ceilings()', 'copy'))[0], '0', 'once');
is((as('boss', "SELECT dataclass.unprotect('big')", 'copy'))[1], '', 'the way back works after a restore');
unlike(state('big', 'copy'), qr/label|dataclass/, 'row labels are gone there');

$node->stop;
done_testing();
