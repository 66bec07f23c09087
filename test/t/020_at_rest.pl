# Encryption at rest on a real encrypted directory (test/fixtures/fscrypt): the
# label is accepted there and refused on plain storage, data cannot be moved or
# made elsewhere, refusals are in the trail, and the posture shows all of it.
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

my $node = PostgreSQL::Test::Cluster->new('at_rest');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
max_worker_processes = 16
});
$node->start;

my $crypt_dir = "$encrypted/020_at_rest.$$";
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
	my ($sql, %options) = @_;
	return $node->safe_psql($options{dbname} || 'agency', $sql);
}

# What a refusal must be: the SQLSTATE of the gate, and nothing done.
sub refused
{
	my ($sql, $name, $pattern) = @_;
	my ($out, $err) = ('', '');
	my $status = $node->psql('agency', "\\set VERBOSITY verbose\n$sql",
		stdout => \$out, stderr => \$err, on_error_stop => 1);
	ok($status != 0 && $err =~ /ERROR:  55000: cannot place data/, "$name: refused")
	  or diag("status $status: $out $err");
	like($err, $pattern, "$name: the reason is told") if $pattern;
	return $err;
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
});

# The evidence
is(run_sql(q{SELECT verdict, grade, mechanism FROM dataclass.storage_evidence('crypt')}),
	'encrypted|3|fscrypt', 'a tablespace in an encrypted directory');
isnt(run_sql(q{SELECT verdict FROM dataclass.storage_evidence('plain')}),
	'encrypted', 'a tablespace in another directory');
like(run_sql(q{SELECT path FROM dataclass.storage_evidence('crypt')}), qr/^\Q$crypt_dir\E/,
	'links of tablespaces are followed');
ok(run_sql(q{SELECT count(*) FROM dataclass.storage_evidence() WHERE place IN ('pg_default', 'pg_global', 'crypt', 'plain', 'pg_wal')}) == 5,
	'all places are shown');
my ($status, $out, $err) = $node->psql('agency', q{SELECT * FROM dataclass.storage_evidence('nowhere')});
like($err, qr/tablespace "nowhere" does not exist/, 'a tablespace that does not exist');

# The label
run_sql(q{
CREATE TABLE good (id int PRIMARY KEY USING INDEX TABLESPACE crypt, note text) TABLESPACE crypt;
CREATE TABLE bad (id int PRIMARY KEY, note text);
CREATE TABLE half (id int PRIMARY KEY, note text) TABLESPACE crypt;
CREATE TABLE low (id int PRIMARY KEY, note text);
});
run_sql(q{SECURITY LABEL FOR dataclass ON TABLE good IS 'confidential'});
is(run_sql(q{SELECT label FROM pg_seclabels WHERE objoid = 'good'::regclass}), 'confidential',
	'the label is accepted on encrypted storage');
run_sql(q{SECURITY LABEL FOR dataclass ON TABLE low IS 'restricted'});
is(run_sql(q{SELECT label FROM pg_seclabels WHERE objoid = 'low'::regclass}), 'restricted',
	'a class that needs no encryption is accepted anywhere');
$err = refused(q{SECURITY LABEL FOR dataclass ON TABLE bad IS 'confidential'},
	'label on plain storage', qr/labeled "confidential" in tablespace "pg_default"/);
like($err, qr/requires encrypted storage with evidence of grade 2/, 'the detail names what is required');
like($err, qr/ALTER TABLE public\.bad SET TABLESPACE crypt/, 'the hint is the next command');
refused(q{SECURITY LABEL FOR dataclass ON TABLE half IS 'confidential'},
	'label on a table whose index is on plain storage');
is(run_sql(q{SELECT count(*) FROM pg_seclabels WHERE objoid IN ('bad'::regclass, 'half'::regclass)}), '0',
	'no label after a refusal');
run_sql(q{
ALTER TABLE bad SET TABLESPACE crypt;
ALTER INDEX bad_pkey SET TABLESPACE crypt;
SECURITY LABEL FOR dataclass ON TABLE bad IS 'secret';
});
is(run_sql(q{SELECT label FROM pg_seclabels WHERE objoid = 'bad'::regclass}), 'secret',
	'accepted after the table and its index were moved');
refused(q{SECURITY LABEL FOR dataclass ON COLUMN low.note IS 'secret'}, 'label of a column on plain storage');

# Moving
for my $move (
	[ 'ALTER TABLE good SET TABLESPACE plain', 'SET TABLESPACE' ],
	[ 'ALTER TABLE good SET TABLESPACE pg_default', 'SET TABLESPACE pg_default' ],
	[ 'ALTER INDEX good_pkey SET TABLESPACE plain', 'ALTER INDEX SET TABLESPACE' ],
	[ 'ALTER TABLE ALL IN TABLESPACE crypt SET TABLESPACE plain', 'ALTER TABLE ALL IN TABLESPACE' ],
	[ 'ALTER INDEX ALL IN TABLESPACE crypt SET TABLESPACE plain', 'ALTER INDEX ALL IN TABLESPACE' ],
	[ 'REINDEX (TABLESPACE plain) TABLE good', 'REINDEX (TABLESPACE) TABLE' ],
	[ 'REINDEX (TABLESPACE plain) INDEX good_pkey', 'REINDEX (TABLESPACE) INDEX' ],
	[ 'REINDEX (TABLESPACE plain) SCHEMA public', 'REINDEX (TABLESPACE) SCHEMA' ],
	[ 'ALTER TABLE IF EXISTS good ADD COLUMN x int, SET TABLESPACE plain', 'SET TABLESPACE among others' ],
	[ 'CREATE INDEX good_note ON good (note) TABLESPACE plain', 'CREATE INDEX' ],
	[ 'ALTER TABLE good ADD UNIQUE (note) USING INDEX TABLESPACE plain', 'ADD UNIQUE' ],)
{
	refused($move->[0], $move->[1]);
}
is(tablespace_of('good') . ' ' . tablespace_of('good_pkey'), 'crypt crypt', 'nothing was moved');
run_sql('ALTER TABLE low SET TABLESPACE plain');
is(tablespace_of('low'), 'plain', 'data of a lower class move freely');

# Making
run_sql(q{CREATE SCHEMA ward; SECURITY LABEL FOR dataclass ON SCHEMA ward IS 'confidential'});
refused('CREATE TABLE ward.patient (id int)', 'CREATE TABLE in a labeled schema');
refused('CREATE TABLE ward.patient (id int PRIMARY KEY) TABLESPACE crypt', 'CREATE TABLE with an index elsewhere');
refused('CREATE TABLE ward.copied AS SELECT * FROM low', 'CREATE TABLE AS');
refused('CREATE MATERIALIZED VIEW ward.summary AS SELECT 1 AS x', 'CREATE MATERIALIZED VIEW');
refused('ALTER TABLE low SET SCHEMA ward; CREATE TABLE t (); ALTER TABLE t SET SCHEMA ward', 'SET SCHEMA');
run_sql('DROP TABLE IF EXISTS t, ward.low');
run_sql(q{SET default_tablespace = crypt; CREATE TABLE ward.patient (id int PRIMARY KEY, note text)});
is(tablespace_of('ward.patient'), 'crypt', 'CREATE TABLE on encrypted storage');

# Partitions and children
run_sql(q{
SET default_tablespace = crypt;
CREATE TABLE parts (id int, note text) PARTITION BY LIST (id);
SECURITY LABEL FOR dataclass ON TABLE parts IS 'confidential';
RESET default_tablespace;
CREATE TABLE part_plain (id int, note text);
CREATE TABLE child_plain (id int, note text);
CREATE TABLE parent (id int, note text) TABLESPACE crypt;
SECURITY LABEL FOR dataclass ON TABLE parent IS 'confidential';
});
refused('ALTER TABLE parts ATTACH PARTITION part_plain FOR VALUES IN (1)', 'ATTACH PARTITION');
refused('ALTER TABLE child_plain INHERIT parent', 'INHERIT');
refused('CREATE TABLE part_2 PARTITION OF parts FOR VALUES IN (2) TABLESPACE plain', 'CREATE TABLE PARTITION OF');
refused('ALTER TABLE parts SET TABLESPACE plain', 'default tablespace of partitions');
run_sql(q{CREATE TABLE part_3 PARTITION OF parts FOR VALUES IN (3)});
is(tablespace_of('part_3'), 'crypt', 'a partition goes where the others are');

# The trail
ok($node->poll_query_until('agency', q{SELECT count(*) >= 20 FROM dataclass_audit.event WHERE kind = 'at_rest_refused'}),
	'refusals are in the trail') or diag(run_sql('SELECT count(*), kind FROM dataclass_audit.event GROUP BY kind'));
is(run_sql(q{SELECT DISTINCT outcome, breach, severity, rule FROM dataclass_audit.event WHERE kind = 'at_rest_refused'}),
	'denied|t|high|at_rest', 'as breaches that were denied');
is(run_sql(q{SELECT action, object_identity, label, required_tier FROM dataclass_audit.event WHERE kind = 'at_rest_refused' ORDER BY seq LIMIT 1}),
	'SECURITY LABEL|public.bad|confidential|enhanced', 'with what was tried on what');

# The posture
is(run_sql(q{SELECT verdict, grade, required_grade, required_tier, mechanism FROM dataclass.posture WHERE relation = 'good'::regclass}),
	'compliant|3|2|enhanced|fscrypt', 'posture of a table on encrypted storage');
ok(run_sql(q{SELECT count(*) FROM dataclass.posture WHERE place = 'pg_wal'}) >= 1, 'posture of the write-ahead log');
is(run_sql(q{SELECT count(*) FROM dataclass.posture WHERE relation IS NOT NULL AND verdict <> 'compliant'}), '0',
	'no relation lies where it must not');
run_sql(q{UPDATE dataclass.data_class SET min_evidence = 4 WHERE name = 'confidential'});
is(run_sql(q{SELECT DISTINCT verdict, required_grade FROM dataclass.posture WHERE relation = 'good'::regclass}),
	'violation|4', 'posture follows the policy');
refused(q{CREATE TABLE ward.more (id int) TABLESPACE crypt}, 'evidence of too low a grade', qr/grade 4/);
run_sql(q{UPDATE dataclass.data_class SET min_evidence = 2 WHERE name = 'confidential'});
run_sql(q{CREATE ROLE outsider LOGIN});
($status, $out, $err) = $node->psql('agency', 'SET ROLE outsider; SELECT * FROM dataclass.posture');
like($err, qr/permission denied/, 'posture is not for everybody');
run_sql(q{GRANT dataclass_auditor TO outsider});
ok(run_sql(q{SET ROLE outsider; SELECT count(*) > 0 FROM dataclass.posture}) eq 't', 'posture is for auditors');

# Modes
$node->append_conf('postgresql.conf', 'dataclass.at_rest_enforcement = permissive');
$node->reload;
ok($node->poll_query_until('agency', q{SELECT current_setting('dataclass.at_rest_enforcement') = 'permissive'}), 'permissive');
run_sql(q{CREATE TABLE loose (id int); SECURITY LABEL FOR dataclass ON TABLE loose IS 'confidential'});
is(run_sql(q{SELECT outcome FROM dataclass_audit.event WHERE kind = 'at_rest_refused' AND object_identity = 'public.loose' ORDER BY seq DESC LIMIT 1}),
	'permitted', 'permissive records and allows');
isnt(run_sql(q{SELECT verdict FROM dataclass.posture WHERE relation = 'loose'::regclass}), 'compliant',
	'what was permitted is in the posture');
$node->append_conf('postgresql.conf', 'dataclass.at_rest_enforcement = enforcing');
$node->reload;
ok($node->poll_query_until('agency', q{SELECT current_setting('dataclass.at_rest_enforcement') = 'enforcing'}), 'enforcing');
run_sql('ALTER TABLE loose SET TABLESPACE crypt');
is(run_sql(q{SELECT verdict FROM dataclass.posture WHERE relation = 'loose'::regclass}), 'compliant', 'healed by moving it');

# A restore is let in, recorded and quarantined: refusing the label would leave the data without one.
run_sql(q{SET check_function_bodies = off; CREATE TABLE restored (id int); SECURITY LABEL FOR dataclass ON TABLE restored IS 'confidential'});
is(run_sql(q{SELECT kind, outcome, breach FROM dataclass_audit.event WHERE object_identity = 'public.restored' AND rule = 'at_rest'}),
	'at_rest_violation|observed|t', 'a violation that a restore brings in is recorded');
($status, $out, $err) = $node->psql('agency', 'SELECT * FROM restored');
like($err, qr/permission denied|quarantine/, 'and the relation is quarantined');

# A database is moved as a whole, seen from another one.
$node->safe_psql('postgres', 'CREATE DATABASE vault TABLESPACE crypt');
($status, $out, $err) = $node->psql('agency', 'ALTER DATABASE vault SET TABLESPACE plain');
like($err, qr/cannot place data of database "vault" in tablespace "plain"/, 'ALTER DATABASE SET TABLESPACE');
($status, $out, $err) = $node->psql('agency', 'CREATE DATABASE copied TEMPLATE vault TABLESPACE plain');
like($err, qr/cannot place data of database "vault" in tablespace "plain"/, 'CREATE DATABASE TEMPLATE');

$node->stop;
drop_directory();
undef $crypt_dir;
done_testing();
