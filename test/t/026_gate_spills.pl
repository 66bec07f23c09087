# Temporary files of labeled data on a real encrypted directory: the database and
# temp_tablespaces lie on plain storage, the data on encrypted storage, and
# wherever a statement spills, the files are found (server log, log_temp_files)
# where the data may be.  Applications go on unchanged; what changes
# temp_tablespaces in the middle does not undo it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $encrypted = $ENV{DC_FSCRYPT_DIR};
if (!$encrypted || !-d $encrypted)
{
	plan skip_all => 'no encrypted directory (DC_FSCRYPT_DIR): '
	  . ($ENV{DC_FSCRYPT_WHY} || 'see test/fixtures/fscrypt');
}

my $node = PostgreSQL::Test::Cluster->new('gate_spills');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
max_worker_processes = 16
work_mem = '64kB'
maintenance_work_mem = '1MB'
log_temp_files = 0
max_prepared_transactions = 5
autovacuum = off
});
$node->start;

my $crypt_dir = "$encrypted/026_gate_spills.$$";
my $plain_dir = PostgreSQL::Test::Utils::tempdir();
mkdir $crypt_dir or BAIL_OUT("could not make $crypt_dir: $!");
chmod 0700, $plain_dir;

sub drop_directory
{
	system('rm', '-rf', $crypt_dir);
}
END { my $status = $?; if (defined $crypt_dir) { $node->stop('immediate') if $node; drop_directory(); } $? = $status; }

sub run_sql
{
	return $node->safe_psql('agency', $_[0]);
}

$node->safe_psql('postgres', 'CREATE DATABASE agency');
my $admin = run_sql('SELECT current_user');
$node->safe_psql('agency', "CREATE TABLESPACE crypt LOCATION '$crypt_dir'");
$node->safe_psql('agency', "CREATE TABLESPACE plain LOCATION '$plain_dir'");
run_sql(qq{
CREATE EXTENSION pg_dataclass;
SECURITY LABEL FOR dataclass ON ROLE "$admin" IS 'secret with (declassify, reclassify, export)';
CREATE TABLE patient (id int, note text, ward int) TABLESPACE crypt;
INSERT INTO patient SELECT i, repeat('x', 50) || md5(i::text), i % 7 FROM generate_series(1, 20000) i;
CREATE TABLE open_data (id int, note text);
INSERT INTO open_data SELECT i, repeat('y', 50) || md5(i::text) FROM generate_series(1, 20000) i;
CREATE TABLE big (id int, body text) TABLESPACE crypt;
ALTER TABLE big ALTER body SET STORAGE EXTERNAL;
INSERT INTO big SELECT i, repeat(md5(i::text), 200) FROM generate_series(1, 100) i;
SECURITY LABEL FOR dataclass ON TABLE patient IS 'confidential';
SECURITY LABEL FOR dataclass ON TABLE big IS 'secret';
ANALYZE;
});
my %oid = map { $_ => run_sql("SELECT oid FROM pg_tablespace WHERE spcname = '$_'") } qw(crypt plain);

# Where the temporary files of some SQL were: number of files by place.
my $log_offset = 0;
sub places_of
{
	my ($sql, %options) = @_;
	my ($out, $err) = ('', '');
	$log_offset = -s $node->logfile;
	my $status = $node->psql('agency', $sql, stdout => \$out, stderr => \$err, on_error_stop => 1);
	diag("status $status: $err") if $status != 0 && !$options{may_fail};
	my %places = (crypt => 0, plain => 0, default => 0);
	foreach my $line (split /\n/, slurp_file($node->logfile, $log_offset))
	{
		next unless $line =~ /temporary file: path "([^"]+)"/;
		my $path = $1;
		$places{ $path =~ m{^pg_tblspc/$oid{crypt}/} ? 'crypt'
			  : $path =~ m{^pg_tblspc/$oid{plain}/} ? 'plain' : 'default' }++;
	}
	return (\%places, $status, $out, $err);
}

sub spills_to_crypt
{
	my ($sql, $name) = @_;
	my ($places, $status) = places_of($sql);
	ok($status == 0 && $places->{crypt} > 0 && $places->{plain} == 0 && $places->{default} == 0, $name)
	  or diag(join(', ', "status $status", map { "$_: $places->{$_}" } sort keys %$places));
}

my $sort = 'SELECT count(*) FROM (SELECT * FROM patient ORDER BY note || 1 OFFSET 0) s';
my $open_sort = 'SELECT count(*) FROM (SELECT * FROM open_data ORDER BY note OFFSET 0) s';

# What ordinary data do is not changed.
my ($places) = places_of($open_sort);
ok($places->{default} > 0 && $places->{crypt} == 0, 'data without a label spill to the default tablespace');
($places) = places_of("SET temp_tablespaces = plain; $open_sort");
ok($places->{plain} > 0 && $places->{crypt} == 0, 'and where temp_tablespaces says');

# Each way of spilling
spills_to_crypt($sort, 'sort');
spills_to_crypt("SET temp_tablespaces = plain; $sort", 'sort with temp_tablespaces on plain storage');
spills_to_crypt("SET temp_tablespaces = plain, crypt; $sort; $sort; $sort", 'sort with one of two on plain storage');
spills_to_crypt('SET enable_sort = off; SELECT count(*) FROM (SELECT note, count(*) FROM patient GROUP BY note OFFSET 0) s', 'hash aggregate');
spills_to_crypt('SET enable_mergejoin = off; SET enable_nestloop = off; SELECT count(*) FROM patient a JOIN patient b USING (note)', 'hash join');
spills_to_crypt('SELECT sum(c) FROM (SELECT count(*) OVER () AS c FROM patient) s', 'window');
spills_to_crypt('WITH c AS MATERIALIZED (SELECT * FROM patient) SELECT count(*) FROM c a, (SELECT 1 FROM c LIMIT 1) b', 'CTE');
spills_to_crypt('WITH RECURSIVE r AS (SELECT id, note FROM patient UNION ALL SELECT id + 20000, note FROM r WHERE id < 20001) SELECT count(*) FROM r', 'recursive CTE');
spills_to_crypt('SELECT count(DISTINCT note) FROM patient', 'DISTINCT in an aggregate');
spills_to_crypt('SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY note) FROM patient', 'ordered-set aggregate');
spills_to_crypt('SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off; SELECT count(*) FROM (SELECT * FROM patient LIMIT 3000) a JOIN (SELECT * FROM patient LIMIT 3000 OFFSET 1) b ON a.id > b.id', 'materialize');
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;';
spills_to_crypt("$parallel SELECT count(*) FROM (SELECT * FROM patient ORDER BY note OFFSET 0) s", 'parallel sort');
spills_to_crypt("$parallel SET enable_mergejoin = off; SET enable_nestloop = off; SET temp_tablespaces = plain; SELECT count(*) FROM patient a JOIN patient b USING (note)", 'parallel hash join');
spills_to_crypt('BEGIN; DECLARE c SCROLL CURSOR FOR SELECT note FROM patient ORDER BY note; FETCH 5 FROM c; COMMIT', 'cursor');

# Files that outlive the transaction, which core puts in the default tablespace
spills_to_crypt('DECLARE c CURSOR WITH HOLD FOR SELECT note FROM patient; MOVE 3 IN c; CLOSE c', 'held cursor');
spills_to_crypt('DECLARE c CURSOR WITH HOLD FOR SELECT id, body FROM big; MOVE 3 IN c; CLOSE c', 'held cursor with long values');
spills_to_crypt('BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT note FROM patient; COMMIT; BEGIN; FETCH 5000 FROM c; COMMIT; CLOSE c', 'held cursor fetched later');
is(run_sql('DECLARE c CURSOR WITH HOLD FOR SELECT id, md5(body) = md5(repeat(md5(id::text), 200)), repeat(note, 2) = note || note FROM big JOIN patient USING (id) ORDER BY id; MOVE 41 IN c; FETCH 2 FROM c'),
	"42|t|t\n43|t|t", 'the rows of a held cursor are right');
spills_to_crypt('UPDATE patient SET ward = ward + 1 RETURNING *', 'RETURNING');
spills_to_crypt('BEGIN; DECLARE c CURSOR FOR SELECT note FROM patient; FETCH 10000 FROM c; COMMIT', 'FETCH');
spills_to_crypt('PREPARE p AS SELECT note FROM patient; EXECUTE p', 'EXECUTE');
run_sql(q{CREATE PROCEDURE walk() LANGUAGE plpgsql AS $$
DECLARE r record; n int := 0;
BEGIN
	FOR r IN SELECT note FROM patient LOOP
		n := n + 1;
		IF n = 10 THEN COMMIT; END IF;
	END LOOP;
END $$});
spills_to_crypt('CALL walk()', 'a loop that commits');

# Functions
run_sql(q{
CREATE FUNCTION notes() RETURNS SETOF text LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT note FROM patient; END';
CREATE FUNCTION turn() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('temp_tablespaces', 'plain', false);
	RETURN QUERY SELECT note FROM patient ORDER BY note;
	PERFORM set_config('temp_tablespaces', '', true);
END $$;
CREATE FUNCTION turned() RETURNS SETOF text LANGUAGE plpgsql SET temp_tablespaces = plain AS
	'BEGIN RETURN QUERY SELECT note FROM patient ORDER BY note; END';
CREATE FUNCTION turn_away(int) RETURNS int LANGUAGE plpgsql AS
	$$BEGIN IF $1 = 5 THEN PERFORM set_config('temp_tablespaces', 'plain', false); END IF; RETURN $1; END$$;
});
spills_to_crypt('SELECT count(*) FROM notes()', 'rows of a function');
spills_to_crypt('SELECT count(*) FROM (SELECT * FROM notes() n ORDER BY n OFFSET 0) s', 'a sort around a function');
spills_to_crypt('SELECT count(*) FROM (SELECT * FROM turn() n ORDER BY n OFFSET 0) s', 'a function that sets temp_tablespaces');
spills_to_crypt('SELECT count(*) FROM turned()', 'a function with a SET clause');
spills_to_crypt('SELECT count(*) FROM (SELECT note, turn_away(id) FROM patient ORDER BY note OFFSET 0) s', 'a setting changed by a row of the query');
spills_to_crypt("BEGIN; SELECT count(*) FROM patient; $sort; SET LOCAL temp_tablespaces = plain; $sort; COMMIT", 'SET LOCAL');
spills_to_crypt("BEGIN; $sort; SAVEPOINT s; SET temp_tablespaces = plain; ROLLBACK TO s; $open_sort; COMMIT", 'ROLLBACK TO, and what comes later in the transaction');
spills_to_crypt("BEGIN; SAVEPOINT s; $sort; ROLLBACK TO s; SET temp_tablespaces = plain; $open_sort; COMMIT", 'read in a subtransaction that was rolled back');
spills_to_crypt("BEGIN; $sort; DECLARE c CURSOR FOR SELECT note FROM patient ORDER BY note; SET temp_tablespaces = plain; FETCH 1 FROM c; COMMIT", 'a cursor opened before the setting changed');
($places) = places_of("BEGIN; $sort; COMMIT; $open_sort");
ok($places->{default} > 0, 'the next transaction is as it was');
run_sql('CREATE TABLE kept (n text)');
run_sql("BEGIN; SELECT count(*) FROM (SELECT * FROM patient ORDER BY note OFFSET 0) s; INSERT INTO kept VALUES ('x'); PREPARE TRANSACTION 'gate'");
run_sql(q{COMMIT PREPARED 'gate'});
($places) = places_of($open_sort);
ok($places->{default} > 0, 'PREPARE TRANSACTION ends it');

# A query whose files were there before a function brought labeled rows
run_sql(q{CREATE FUNCTION late(i int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF i < 15000 THEN RETURN repeat('z', 90) || md5(i::text); END IF;
	RETURN (SELECT note FROM patient LIMIT 1);
END $$});
my ($p, $status, $out, $err) = places_of('SELECT count(*) FROM (SELECT late(id) AS l FROM open_data ORDER BY 1 OFFSET 0) s', may_fail => 1);
ok($status != 0 && $err =~ /cannot place temporary data labeled "confidential" in tablespace "pg_default"/, 'files that are there already: refused') or diag($err);
like($err, qr/HINT:  SET temp_tablespaces = crypt before the statement/, 'with the next command');
spills_to_crypt('SET temp_tablespaces = crypt; SELECT count(*) FROM (SELECT late(id) AS l FROM open_data ORDER BY 1 OFFSET 0) s', 'which helps');

# Commands without a plan
spills_to_crypt('CREATE INDEX patient_note ON patient (note) TABLESPACE crypt', 'CREATE INDEX');
spills_to_crypt('SET max_parallel_maintenance_workers = 2; SET min_parallel_table_scan_size = 0; ALTER TABLE patient SET (parallel_workers = 2); CREATE INDEX patient_note_2 ON patient (note, id) TABLESPACE crypt', 'CREATE INDEX in parallel');
spills_to_crypt('REINDEX INDEX patient_note', 'REINDEX');
spills_to_crypt('CLUSTER patient USING patient_note', 'CLUSTER');
spills_to_crypt('ALTER TABLE patient ALTER ward TYPE bigint', 'ALTER TABLE that builds indexes');
spills_to_crypt('CREATE MATERIALIZED VIEW mv TABLESPACE crypt AS SELECT * FROM patient ORDER BY note || 1', 'CREATE MATERIALIZED VIEW');
spills_to_crypt('REFRESH MATERIALIZED VIEW mv', 'REFRESH');
spills_to_crypt('COPY (SELECT note FROM patient ORDER BY note || 1) TO STDOUT', 'COPY of a query');
for my $many (
	[ 'CREATE INDEX CONCURRENTLY patient_note_3 ON patient (note) TABLESPACE crypt', 'CREATE INDEX CONCURRENTLY' ],
	[ 'REINDEX INDEX CONCURRENTLY patient_note', 'REINDEX CONCURRENTLY' ],
	[ 'REINDEX SCHEMA public', 'REINDEX SCHEMA' ], [ 'VACUUM FULL patient', 'VACUUM FULL' ],
	[ 'CLUSTER', 'CLUSTER of all' ])
{
	($p, $status, $out, $err) = places_of($many->[0], may_fail => 1);
	ok($status != 0 && $err =~ /HINT:  Run this before it: SET temp_tablespaces = crypt/ && $p->{default} == 0,
		"$many->[1]: works in several transactions, refused with the next command") or diag($err);
	($p, $status) = places_of("SET temp_tablespaces = crypt; $many->[0]");
	ok($status == 0 && $p->{default} == 0 && $p->{plain} == 0, "$many->[1] after it");
}

# Temporary tables
is(run_sql(q{CREATE TEMP TABLE t AS SELECT * FROM patient; SELECT spcname FROM pg_class c JOIN pg_tablespace s ON s.oid = c.reltablespace WHERE c.oid = 't'::regclass}),
	'crypt', 'a temporary table made of labeled data goes where they may be');
is(run_sql(q{BEGIN; SELECT count(*) FROM (SELECT * FROM patient ORDER BY note OFFSET 0) s; CREATE TEMP TABLE t (i int); SELECT reltablespace FROM pg_class WHERE oid = 't'::regclass; COMMIT}),
	"20000\n0", 'an empty one where the setting says');
is(run_sql(q{BEGIN; SELECT count(*) FROM (SELECT * FROM patient ORDER BY note OFFSET 0) s; CREATE TEMP TABLE t (i int); SHOW temp_tablespaces; COMMIT}),
	"20000\n", 'the setting is shown as it was set');

# Somebody without rights on the tablespace
run_sql(q{CREATE ROLE nurse LOGIN; GRANT SELECT ON patient TO nurse; SECURITY LABEL FOR dataclass ON ROLE nurse IS 'confidential'});
spills_to_crypt("SET ROLE nurse; $sort", 'no right on the tablespace is needed for temporary files');

# Nowhere to go
run_sql(q{UPDATE dataclass.data_class SET min_evidence = 4, on_violation = 'record' WHERE name = 'confidential'});
($p, $status, $out, $err) = places_of("\\set VERBOSITY verbose\n$sort", may_fail => 1);
ok($status != 0 && $err =~ /ERROR:  55000: cannot place temporary data labeled "confidential" in tablespace "pg_default"/, 'nowhere to go: refused') or diag($err);
like($err, qr/temporary files \(pg_default\).*evidence of grade 4.*grade \d/i, 'with place, control, required, found, grade');
is($p->{default} + $p->{plain} + $p->{crypt}, 0, 'nothing was written');
is(run_sql('SELECT count(*) FROM patient WHERE id = 5'), '1', 'a plan that keeps no rows goes on');
($p, $status, $out, $err) = places_of("SET temp_tablespaces = plain; $sort", may_fail => 1);
ok($err =~ /in tablespace "plain"/, 'the place of the setting is named');
ok($node->poll_query_until('agency', q{SELECT count(*) >= 2 FROM dataclass_audit.event WHERE kind = 'at_rest_refused' AND object_type = 'temporary files' AND object_identity = 'public.patient' AND action = 'SELECT' AND outcome = 'denied' AND label = 'confidential' AND breach}),
	'recorded') or diag(run_sql(q{SELECT kind, object_type, object_identity, action, outcome FROM dataclass_audit.event ORDER BY seq DESC LIMIT 5}));

# Modes
$node->append_conf('postgresql.conf', 'dataclass.at_rest_enforcement = permissive');
$node->reload;
ok($node->poll_query_until('agency', q{SELECT current_setting('dataclass.at_rest_enforcement') = 'permissive'}), 'permissive');
my $before = run_sql(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'at_rest_refused' AND outcome = 'permitted'});
($p, $status) = places_of("BEGIN; $sort; $sort; COMMIT");
ok($status == 0 && $p->{default} > 0, 'permissive lets go on');
is(run_sql(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'at_rest_refused' AND outcome = 'permitted'}), $before + 1, 'recorded once a transaction');
$node->append_conf('postgresql.conf', 'dataclass.at_rest_enforcement = off');
$node->reload;
ok($node->poll_query_until('agency', q{SELECT current_setting('dataclass.at_rest_enforcement') = 'off'}), 'off');
run_sql(q{UPDATE dataclass.data_class SET min_evidence = 2 WHERE name = 'confidential'});
($p) = places_of($sort);
ok($p->{default} > 0 && $p->{crypt} == 0, 'off does nothing');

$node->stop;
drop_directory();
undef $crypt_dir;
done_testing();
