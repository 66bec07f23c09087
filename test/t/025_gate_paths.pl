# Ways by which labeled data reach a place, beyond those of 020_at_rest.pl: each
# cell of docs/gate.md on a real encrypted directory, and two sessions at once.
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

my $node = PostgreSQL::Test::Cluster->new('gate_paths');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
max_worker_processes = 16
autovacuum = off
});
$node->start;

my $crypt_dir = "$encrypted/025_gate_paths.$$";
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
	my ($sql, $dbname) = @_;
	return $node->safe_psql($dbname || 'agency', $sql);
}

sub refused
{
	my ($sql, $name, $pattern, $dbname) = @_;
	my ($out, $err) = ('', '');
	my $status = $node->psql($dbname || 'agency', "\\set VERBOSITY verbose\n$sql",
		stdout => \$out, stderr => \$err, on_error_stop => 1);
	ok($status != 0 && $err =~ /ERROR:  55000: cannot place data/, "$name: refused") or diag("status $status: $out $err");
	like($err, $pattern, "$name: the reason is told") if $pattern;
	return $err;
}

sub allowed
{
	my ($sql, $name) = @_;
	my ($out, $err) = ('', '');
	is($node->psql('agency', $sql, stdout => \$out, stderr => \$err, on_error_stop => 1), 0, $name) or diag($err);
	return $out;
}

sub tablespace_of
{
	return run_sql("SELECT coalesce(t.spcname, 'pg_default') FROM pg_class c LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE c.oid = '$_[0]'::regclass");
}

$node->safe_psql('postgres', 'CREATE DATABASE agency');
my $admin = run_sql('SELECT current_user');
$node->safe_psql('agency', "CREATE TABLESPACE crypt LOCATION '$crypt_dir'");
$node->safe_psql('agency', "CREATE TABLESPACE plain LOCATION '$plain_dir'");
run_sql(qq{
CREATE EXTENSION pg_dataclass;
SECURITY LABEL FOR dataclass ON ROLE "$admin" IS 'secret with (declassify, reclassify, export)';
CREATE TABLE good (id int PRIMARY KEY USING INDEX TABLESPACE crypt, n int, note text) TABLESPACE crypt;
INSERT INTO good SELECT i, i, 'x' FROM generate_series(1, 100) i;
SECURITY LABEL FOR dataclass ON TABLE good IS 'confidential';
CREATE TABLE low (id int PRIMARY KEY, note text);
});

# Labels
my $err = refused(q{SECURITY LABEL FOR dataclass ON TABLE low IS 'confidential'}, 'SECURITY LABEL on a table',
	qr/DETAIL: .*pg_default.*at_rest.*requires.*found.*grade \d/s);
like($err, qr/HINT: .*ALTER TABLE public\.low SET TABLESPACE crypt/, 'the hint is the next command');
refused(q{SECURITY LABEL FOR dataclass ON COLUMN low.note IS 'confidential mask'}, 'SECURITY LABEL on a column');
refused(q{SECURITY LABEL FOR dataclass ON SCHEMA public IS 'confidential'}, 'SECURITY LABEL on a schema');
refused(q{SECURITY LABEL FOR dataclass ON DATABASE agency IS 'confidential'}, 'SECURITY LABEL on the database');
refused(q{SELECT dataclass.set_label('table', 'low', 'confidential')}, 'set_label()');
refused(q{SELECT dataclass.protect('low', 'confidential')}, 'protect()');
is(run_sql(q{SELECT count(*) FROM pg_attribute WHERE attrelid = 'low'::regclass AND attnum > 0}), '2', 'protect() left nothing behind');

# Making relations of labeled data
refused('CREATE TABLE c1 AS SELECT * FROM good', 'CREATE TABLE AS');
refused('SELECT * INTO c1 FROM good', 'SELECT INTO');
refused('SET default_tablespace = plain; CREATE TABLE c1 AS SELECT * FROM good', 'default_tablespace');
refused('CREATE UNLOGGED TABLE c1 TABLESPACE plain AS SELECT * FROM good', 'CREATE UNLOGGED TABLE AS');
refused('CREATE MATERIALIZED VIEW c1 AS SELECT * FROM good', 'CREATE MATERIALIZED VIEW');
refused('EXPLAIN (ANALYZE) CREATE TABLE c1 AS SELECT * FROM good', 'EXPLAIN ANALYZE CREATE TABLE AS');
refused('PREPARE p AS SELECT * FROM good; CREATE TABLE c1 AS EXECUTE p', 'CREATE TABLE AS EXECUTE');
refused('CREATE TABLE c1 () INHERITS (good)', 'CREATE TABLE INHERITS');
refused('CREATE TEMP TABLE c1 TABLESPACE plain AS SELECT * FROM good', 'CREATE TEMP TABLE with a tablespace');
refused(q{CREATE TEMP TABLE c1 (i int); SECURITY LABEL FOR dataclass ON TABLE c1 IS 'confidential'}, 'a temporary table that is labeled');
run_sql(q{CREATE MATERIALIZED VIEW mv AS SELECT 1 AS x WITH NO DATA; CREATE VIEW v AS SELECT n FROM good; CREATE MATERIALIZED VIEW mv_good AS SELECT * FROM v WITH NO DATA});
refused('REFRESH MATERIALIZED VIEW mv_good', 'REFRESH');
is(run_sql(q{SELECT count(*) FROM pg_class WHERE relname = 'c1'}), '0', 'nothing was made');
is(run_sql(q{SELECT relispopulated FROM pg_class WHERE relname = 'mv_good'}), 'f', 'nothing was filled');
allowed('CREATE TABLE made TABLESPACE crypt AS SELECT * FROM good', 'CREATE TABLE AS in a good place');
is(run_sql(q{SELECT label FROM pg_seclabels WHERE objoid = 'made'::regclass}), 'confidential', 'with the label');

run_sql('CREATE MATERIALIZED VIEW mv_made TABLESPACE crypt AS SELECT * FROM good');
refused('ALTER MATERIALIZED VIEW mv_made SET TABLESPACE plain', 'a materialized view that is moved');
refused('ALTER MATERIALIZED VIEW ALL IN TABLESPACE crypt SET TABLESPACE plain', 'all materialized views');

# What is made for a relation later
refused('CREATE INDEX ON good (n) TABLESPACE plain', 'CREATE INDEX');
refused('ALTER TABLE good ADD UNIQUE (n) USING INDEX TABLESPACE plain', 'ADD UNIQUE');
allowed(q{CREATE TABLE narrow (i int) TABLESPACE crypt; SECURITY LABEL FOR dataclass ON TABLE narrow IS 'confidential'; ALTER TABLE narrow ADD note text}, 'a TOAST table that comes later');
is(run_sql(q{SELECT t.spcname FROM pg_class c JOIN pg_class x ON x.oid = c.reltoastrelid JOIN pg_tablespace t ON t.oid = x.reltablespace WHERE c.oid = 'narrow'::regclass}),
	'crypt', 'is where the table is');
for my $rewrite ('ALTER TABLE narrow ALTER i TYPE bigint', 'ALTER TABLE narrow SET UNLOGGED', 'ALTER TABLE narrow SET LOGGED', 'ALTER TABLE narrow SET ACCESS METHOD heap')
{
	allowed($rewrite, $rewrite);
	is(tablespace_of('narrow'), 'crypt', 'stays where it was');
}

# Partitions
run_sql(q{
SET default_tablespace = crypt;
CREATE TABLE parts (id int, note text) PARTITION BY LIST (id);
CREATE INDEX parts_id ON parts (id);
SECURITY LABEL FOR dataclass ON TABLE parts IS 'confidential';
CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1);
});
refused('CREATE TABLE part_2 PARTITION OF parts FOR VALUES IN (2) TABLESPACE plain', 'CREATE TABLE PARTITION OF');
refused('ALTER TABLE part_1 SET TABLESPACE plain', 'a partition that is moved');
run_sql('CREATE INDEX ON ONLY parts (note) TABLESPACE crypt; CREATE INDEX part_1_note ON part_1 (note) TABLESPACE crypt');
for my $stays ('ALTER INDEX parts_note_idx ATTACH PARTITION part_1_note', 'REINDEX TABLE part_1', 'CLUSTER part_1 USING part_1_note', 'SET temp_tablespaces = crypt; VACUUM FULL part_1')
{
	allowed($stays, $stays);
	is(tablespace_of('part_1') . ' ' . tablespace_of('part_1_note'), 'crypt crypt', 'moves nothing');
}
run_sql('ALTER TABLE parts DETACH PARTITION part_1');
refused('ALTER TABLE part_1 SET TABLESPACE plain', 'a partition that was detached keeps its label');

# Schemas and extensions
run_sql(q{CREATE SCHEMA ward; SECURITY LABEL FOR dataclass ON SCHEMA ward IS 'confidential'});
refused('CREATE SCHEMA AUTHORIZATION CURRENT_USER CREATE TABLE x (i int); ALTER TABLE low SET SCHEMA ward', 'SET SCHEMA');
refused('ALTER MATERIALIZED VIEW mv SET SCHEMA ward', 'SET SCHEMA of a materialized view');
run_sql(q{CREATE SCHEMA lobby; CREATE EXTENSION dblink SCHEMA lobby; CREATE TABLE lobby.brought (i int); ALTER EXTENSION dblink ADD TABLE lobby.brought});
refused('ALTER EXTENSION dblink SET SCHEMA ward', 'SET SCHEMA of an extension with a table', qr/labeled "confidential" in tablespace "pg_default"/);
is(run_sql(q{SELECT 'lobby.brought'::regclass}), 'lobby.brought', 'its table stays');
run_sql('ALTER TABLE lobby.brought SET TABLESPACE crypt');
allowed('ALTER EXTENSION dblink SET SCHEMA ward', 'SET SCHEMA of an extension whose table lies well');

# A restore of labels does not stop moves that heal
run_sql(q{SET check_function_bodies = off; CREATE TABLE ill (id int PRIMARY KEY, n int); SECURITY LABEL FOR dataclass ON TABLE ill IS 'confidential'});
refused('ALTER TABLE ill ADD x int', 'changing a relation that lies in a wrong place');
allowed('ALTER TABLE ill SET TABLESPACE crypt', 'moving it, though its index is in a wrong place');
allowed('ALTER INDEX ill_pkey SET TABLESPACE crypt', 'then its index');
is(run_sql(q{SELECT DISTINCT verdict FROM dataclass.posture WHERE relation = 'ill'::regclass}), 'compliant', 'healed');

# Databases
$node->safe_psql('postgres', 'CREATE DATABASE vault TABLESPACE crypt');
refused('ALTER DATABASE vault SET TABLESPACE plain', 'ALTER DATABASE SET TABLESPACE', qr/Control at_rest requires what tablespace "crypt" has/);
refused('CREATE DATABASE copied TEMPLATE vault TABLESPACE plain', 'CREATE DATABASE TEMPLATE');
refused('CREATE DATABASE copied TEMPLATE vault TABLESPACE plain STRATEGY file_copy', 'CREATE DATABASE STRATEGY', qr/./, 'postgres');
run_sql('CREATE EXTENSION pg_dataclass; CREATE TABLE t (id int PRIMARY KEY)', 'vault');
run_sql(q{SECURITY LABEL FOR dataclass ON TABLE t IS 'confidential'}, 'vault');
refused('CREATE DATABASE copied TEMPLATE vault TABLESPACE plain', 'a copy of this database', qr/labeled "confidential" in tablespace "plain"/, 'vault');
run_sql(q{SECURITY LABEL FOR dataclass ON DATABASE vault IS 'confidential'}, 'vault');
refused('ALTER DATABASE vault SET TABLESPACE pg_default', 'a database with a label', qr/The database is labeled "confidential"/);
is(run_sql(q{SELECT spcname FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = 'vault'}), 'crypt', 'not moved');

# Two sessions: labeled in one while the other waits to move.
my $labeler = $node->background_psql('agency');
my $mover = $node->background_psql('agency', on_error_stop => 0, on_error_die => 0);
my $mover_pid = $mover->query_safe('SELECT pg_backend_pid()');
my $race = 0;
sub waits_for_lock
{
	foreach (1 .. 200)
	{
		return 1 if run_sql("SELECT count(*) > 0 FROM pg_locks WHERE pid = $mover_pid AND NOT granted") eq 't';
		select(undef, undef, undef, 0.05);
	}
	return 0;
}
sub race
{
	my ($move, $name, $pattern, $where, $object) = @_;
	$object ||= 'TABLE TABLE_NAME';
	$race++;
	my $table = "race_$race";
	if ($object =~ /^SCHEMA (\w+)$/)
	{
		$table = "$1.$table";
		run_sql("CREATE SCHEMA $1");
	}
	s/TABLE_NAME/$table/g foreach ($move, $object);
	run_sql("CREATE TABLE $table (id int PRIMARY KEY USING INDEX TABLESPACE crypt, n int) TABLESPACE crypt");
	$labeler->query_safe("BEGIN; SECURITY LABEL FOR dataclass ON $object IS 'confidential'");
	$mover->query_until(qr/started/, "\\echo started\n$move;\n");
	ok(waits_for_lock(), "$name: waits");
	$labeler->query_safe('COMMIT');
	$mover->query('SELECT 1');
	like($mover->{stderr}, $pattern, "$name: " . ($where eq 'crypt' ? 'refused' : 'recorded'));
	$mover->{stderr} = '';
	is(run_sql("SELECT string_agg(DISTINCT t.spcname, ',') FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE c.oid IN ('$table'::regclass, '${table}_pkey'::regclass)"),
		$where, "$name: where it is");
}
my $no = qr/cannot place data labeled "confidential" in tablespace "plain"/;
race('ALTER TABLE TABLE_NAME SET TABLESPACE plain', 'SET TABLESPACE', $no, 'crypt');
race('ALTER INDEX TABLE_NAME_pkey SET TABLESPACE plain', 'ALTER INDEX', $no, 'crypt');
race('ALTER TABLE TABLE_NAME SET TABLESPACE plain', 'SET TABLESPACE against a column', $no, 'crypt', 'COLUMN TABLE_NAME.n');
race('ALTER TABLE TABLE_NAME SET TABLESPACE plain', 'SET TABLESPACE against a schema', $no, 'crypt', 'SCHEMA room_1');
race('ALTER INDEX TABLE_NAME_pkey SET TABLESPACE plain', 'ALTER INDEX against a schema', $no, 'crypt', 'SCHEMA room_2');
race('CREATE INDEX ON TABLE_NAME (n) TABLESPACE plain', 'CREATE INDEX', $no, 'crypt');
race('REINDEX (TABLESPACE plain) TABLE TABLE_NAME', 'REINDEX TABLE', $no, 'crypt');
race('REINDEX (TABLESPACE plain) INDEX TABLE_NAME_pkey', 'REINDEX INDEX', $no, 'crypt');
race('REINDEX (TABLESPACE plain, CONCURRENTLY) TABLE TABLE_NAME', 'REINDEX CONCURRENTLY', qr/WARNING:  data labeled "confidential" were placed in tablespace "plain"/, 'crypt,plain');
is(run_sql(q{SELECT outcome, action FROM dataclass_audit.event WHERE kind = 'at_rest_violation' AND object_identity LIKE '%race%'}), 'observed|REINDEX', 'in the trail');
run_sql('CREATE TABLESPACE crypt_2 LOCATION ' . "'$crypt_dir.2'") if mkdir "$crypt_dir.2";
run_sql('ALTER TABLE ALL IN TABLESPACE crypt SET TABLESPACE crypt_2; ALTER INDEX ALL IN TABLESPACE crypt SET TABLESPACE crypt_2');
race('ALTER TABLE ALL IN TABLESPACE crypt SET TABLESPACE plain', 'ALL IN TABLESPACE', $no, 'crypt');

# Moved in one while the other waits to label.
run_sql('CREATE TABLE moved (id int) TABLESPACE crypt');
$labeler->query_safe('BEGIN; ALTER TABLE moved SET TABLESPACE plain');
$mover->query_until(qr/started/, "\\echo started\nSECURITY LABEL FOR dataclass ON TABLE moved IS 'confidential';\n");
ok(waits_for_lock(), 'SECURITY LABEL waits');
$labeler->query_safe('COMMIT');
$mover->query('SELECT 1');
like($mover->{stderr}, $no, 'SECURITY LABEL sees where it is now');
$mover->{stderr} = '';
run_sql('CREATE SCHEMA room_3; CREATE TABLE room_3.moved (id int) TABLESPACE crypt');
$labeler->query_safe('BEGIN; ALTER TABLE room_3.moved SET TABLESPACE plain');
$mover->query_until(qr/started/, "\\echo started\nSECURITY LABEL FOR dataclass ON SCHEMA room_3 IS 'confidential';\n");
ok(waits_for_lock(), 'SECURITY LABEL on a schema waits');
$labeler->query_safe('COMMIT');
$mover->query('SELECT 1');
like($mover->{stderr}, $no, 'and sees where its table is now');
$labeler->quit;
$mover->quit;

# Places that all data pass through, where a tier names their control.
# Class confidential requires tier enhanced.
sub names
{
	my ($control, $tier) = @_;
	$tier ||= 'enhanced';
	run_sql("DELETE FROM dataclass.tier_control WHERE control = '$control'");
	run_sql("INSERT INTO dataclass.tier_control (tier, control, requirement) VALUES ('$tier', '$control', 'encrypted')");
}
sub unnames { run_sql("DELETE FROM dataclass.tier_control WHERE control = '$_[0]'"); }

run_sql(q{SET default_tablespace = crypt_2; CREATE TABLE fresh (id int PRIMARY KEY, n int); CREATE TABLE other (id int PRIMARY KEY, n int);
	CREATE TABLE flat (id int) TABLESPACE plain; CREATE VIEW seen AS SELECT 1 AS x});
my $fresh = q{SECURITY LABEL FOR dataclass ON TABLE fresh IS 'confidential'};
names('wal');
$err = refused($fresh, 'SECURITY LABEL while pg_wal is plain',
	qr/DETAIL:  Place "pg_wal": Control wal of tier "enhanced" requires encrypted storage with evidence of grade 2, found at "pg_wal": plain, grade 2/);
like($err, qr/labeled "confidential" while place "pg_wal"/, 'the message names the place');
like($err, qr/HINT:  Stop the server and move the data directory, or pg_wal/, 'the hint is the next step');
is(run_sql(q{SELECT action, split_part(object_identity, '.', 2), outcome, breach, required_tier FROM dataclass_audit.event WHERE kind = 'at_rest_refused' AND detail LIKE 'Place "pg_wal"%' ORDER BY seq DESC LIMIT 1}),
	'SECURITY LABEL|fresh|denied|t|enhanced', 'in the trail');
refused(q{SELECT dataclass.set_label('table', 'fresh', 'confidential')}, 'set_label()', qr/pg_wal/);
refused(q{SECURITY LABEL FOR dataclass ON SCHEMA public IS 'confidential'}, 'a schema', qr/pg_wal|tablespace "p/);
refused('CREATE TABLE c1 TABLESPACE crypt_2 AS SELECT 1 AS x WHERE EXISTS (SELECT FROM made)', 'CREATE TABLE AS', qr/pg_wal/)
  if run_sql(q{SELECT count(*) FROM dataclass.quarantine}) eq '0';
allowed(q{SECURITY LABEL FOR dataclass ON TABLE fresh IS 'restricted'}, 'a class of a lower tier');
allowed(q{SECURITY LABEL FOR dataclass ON VIEW seen IS 'confidential'}, 'a view holds no data');
ok($node->poll_query_until('agency', q{SELECT count(*) > 0 FROM dataclass.quarantine WHERE relation = 'good'::regclass AND origin = 'watch' AND place = 'pg_wal'}),
	'the watch puts what is there under quarantine');
is(run_sql(q{SELECT verdict FROM dataclass.posture WHERE place = 'pg_wal' AND verdict = 'violation' LIMIT 1}), 'violation', 'posture shows it');
my ($denied_out, $denied_err) = ('', '');
$node->psql('agency', 'SELECT count(*) FROM good', stdout => \$denied_out, stderr => \$denied_err);
like($denied_err, qr/permission denied for relation "good"/, 'it is not read');
refused('ALTER TABLE good SET TABLESPACE crypt', 'moving it to a good place', qr/pg_wal/);
refused('CREATE INDEX ON good (n) TABLESPACE crypt_2', 'CREATE INDEX', qr/pg_wal/);
run_sql('CREATE TABLE parts_3 (id int, note text) TABLESPACE crypt_2');
refused('ALTER TABLE parts ATTACH PARTITION parts_3 FOR VALUES IN (3)', 'ATTACH PARTITION', qr/pg_wal/);
refused('ALTER DATABASE vault SET TABLESPACE crypt_2', 'a database with a label', qr/pg_wal/);
refused('CREATE DATABASE copied TEMPLATE vault', 'a copy of a database with a label', qr/pg_wal/);

# every mode, and a restore
my $seq = run_sql('SELECT max(seq) FROM dataclass_audit.event');
sub since { return run_sql("SELECT kind, outcome, count(*) FROM dataclass_audit.event WHERE seq > $seq AND detail LIKE 'Place \"pg_wal\"%' AND action <> 'watch' GROUP BY 1, 2"); }
$node->append_conf('postgresql.conf', q{dataclass.at_rest_enforcement = permissive});
$node->reload;
$node->poll_query_until('agency', q{SELECT current_setting('dataclass.at_rest_enforcement') = 'permissive'});
allowed('BEGIN; ALTER TABLE ALL IN TABLESPACE crypt_2 SET TABLESPACE crypt; ROLLBACK; ' . $fresh, 'permissive: labelled');
$node->poll_query_until('agency', "SELECT count(*) > 0 FROM dataclass_audit.event WHERE seq > $seq AND kind = 'at_rest_refused' AND object_identity LIKE '%.fresh'");
is(run_sql("SELECT split_part(object_identity, '.', 2), count(*) FROM dataclass_audit.event WHERE seq > $seq AND kind = 'at_rest_refused' AND action = 'SECURITY LABEL' GROUP BY 1"), 'fresh|1', 'permissive: recorded');
is(run_sql("SELECT outcome, count(*) FROM dataclass_audit.event WHERE seq > $seq AND detail LIKE 'Place \"pg_wal\"%' AND action = 'ALTER ALL IN TABLESPACE' GROUP BY 1"), 'permitted|1', 'once a statement, however many relations it moves');
run_sql(q{SECURITY LABEL FOR dataclass ON TABLE fresh IS NULL});
$node->append_conf('postgresql.conf', q{dataclass.at_rest_enforcement = off});
$node->reload;
$node->poll_query_until('agency', q{SELECT current_setting('dataclass.at_rest_enforcement') = 'off'});
$seq = run_sql('SELECT max(seq) FROM dataclass_audit.event');
allowed($fresh, 'off: labelled');
is(since(), '', 'off: not recorded');
run_sql(q{SECURITY LABEL FOR dataclass ON TABLE fresh IS NULL});
$node->append_conf('postgresql.conf', q{dataclass.at_rest_enforcement = enforcing});
$node->reload;
$node->poll_query_until('agency', q{SELECT current_setting('dataclass.at_rest_enforcement') = 'enforcing'});
run_sql(q{SET check_function_bodies = off; SECURITY LABEL FOR dataclass ON TABLE other IS 'confidential'});
is(run_sql(q{SELECT origin FROM dataclass.quarantine WHERE relation = 'other'::regclass}), 'restore', 'a restore is let in, under quarantine');
is(run_sql(q{SELECT outcome FROM dataclass_audit.event WHERE kind = 'at_rest_violation' AND object_identity LIKE '%.other' AND detail LIKE 'Place "pg_wal"%' LIMIT 1}), 'observed', 'and recorded');

# a tier above that of the class names it: nothing to this class
names('wal', 'highest');
allowed($fresh, 'named by a higher tier alone');
run_sql(q{SECURITY LABEL FOR dataclass ON TABLE fresh IS NULL});
run_sql(q{UPDATE dataclass.tier_control SET tier = 'enhanced', requirement = 'none' WHERE control = 'wal'});
allowed($fresh, 'named with requirement none');
run_sql(q{SECURITY LABEL FOR dataclass ON TABLE fresh IS NULL});
unnames('wal');
allowed($fresh, 'named no more');
ok($node->poll_query_until('agency', q{SELECT count(*) = 0 FROM dataclass.quarantine WHERE relation = 'good'::regclass}), 'the watch ends the quarantine');
is(run_sql('SELECT count(*) FROM good'), '100', 'it is read again');
run_sql(q{SECURITY LABEL FOR dataclass ON TABLE fresh IS NULL});

# the other kinds
my %step = (journal => qr/pg_dataclass/, log => qr/logging_collector/, archive => qr/Archive to a local directory/, swap => qr/swap/, core_dump => qr/core dumps/);
run_sql(q{ALTER SYSTEM SET log_directory = '} . $plain_dir . q{'});
run_sql(q{SELECT pg_reload_conf()});
for my $control (sort keys %step)
{
	my $found = run_sql("SELECT count(*) FROM dataclass.storage_evidence() WHERE control = '$control' AND (verdict <> 'encrypted')");
	names($control);
	if ($found eq '0')
	{
		allowed($fresh, "$control: no such place here");
		run_sql(q{SECURITY LABEL FOR dataclass ON TABLE fresh IS NULL});
	}
	else
	{
		my $told = refused($fresh, $control, qr/DETAIL:  Place "[^"]+": Control $control of tier "enhanced" requires/);
		like($told, qr/HINT:  .*$step{$control}/, "$control: the next step");
	}
	unnames($control);
}

# the write-ahead log on encrypted storage, and all that counts with it
names('wal');
$node->stop;
for my $directory ('pg_wal', 'pg_replslot', 'pg_twophase')
{
	my $from = $node->data_dir . "/$directory";
	system('cp', '-a', $from, "$crypt_dir.2/$directory") == 0 && rename($from, "$from.old") && symlink("$crypt_dir.2/$directory", $from)
	  or BAIL_OUT("could not move $directory: $!");
}
$node->start;
allowed($fresh, 'the write-ahead log was moved to encrypted storage');
unnames('wal');

ok($node->poll_query_until('agency', q{SELECT count(*) >= 30 FROM dataclass_audit.event WHERE kind = 'at_rest_refused' AND outcome = 'denied'}), 'refusals are in the trail');

$node->stop;
drop_directory();
system('rm', '-rf', "$crypt_dir.2");
undef $crypt_dir;
done_testing();
