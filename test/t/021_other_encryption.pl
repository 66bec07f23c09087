# Encryption that the kernel cannot confirm: by the server itself, as an access
# method's extension says, and by FUSE (gocryptfs, test/fixtures/gocryptfs).
# Both are declarations, which satisfy only a class that asks for no more.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $config = $ENV{PG_CONFIG} || 'pg_config';
my $fuse = $ENV{DC_GOCRYPTFS_DIR};

# A library with the function of pg_tde, which calls relations encrypted by their names.
open my $source, '>', "$dir/fake_tde.c" or BAIL_OUT("fake_tde.c: $!");
print $source q{
#include "postgres.h"
#include "fmgr.h"
#include "utils/lsyscache.h"
PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(pg_tde_is_encrypted);
Datum
pg_tde_is_encrypted(PG_FUNCTION_ARGS)
{
	char	   *name = get_rel_name(PG_GETARG_OID(0));

	if (name == NULL || strncmp(name, "odd", 3) == 0)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(strncmp(name, "clear", 5) != 0);
}
};
close $source;
chomp(my $include = `$config --includedir-server`);
system("cc -shared -fPIC -I'$include' -o '$dir/fake_tde.so' '$dir/fake_tde.c'") == 0
  or BAIL_OUT('the library for the test could not be compiled');
system('cp', "$dir/fake_tde.so", "$dir/other_tde.so");

my $node = PostgreSQL::Test::Cluster->new('other_encryption');
$node->init;
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'pg_dataclass, $dir/fake_tde'
dataclass.session_tier_enforcement = off
max_worker_processes = 16
});
$node->start;
my $crypt_dir = $fuse && -d $fuse ? "$fuse/021.$$" : undef;
END { my $status = $?; if ($crypt_dir) { $node->stop('immediate') if $node; system('rm', '-rf', $crypt_dir); } $? = $status; }

sub run_sql { return $node->safe_psql('agency', $_[0]); }

sub posture_of
{
	return run_sql("SELECT verdict, grade, mechanism FROM dataclass.posture WHERE relation = '$_[0]'::regclass");
}

$node->safe_psql('postgres', 'CREATE DATABASE agency');
my $admin = run_sql('SELECT current_user');
run_sql(qq{
CREATE EXTENSION pg_dataclass;
SECURITY LABEL FOR dataclass ON ROLE "$admin" IS 'secret with (declassify, reclassify, export)';
CREATE EXTENSION pg_freespacemap;
CREATE ACCESS METHOD tde TYPE TABLE HANDLER heap_tableam_handler;
CREATE FUNCTION pg_tde_is_encrypted(regclass) RETURNS bool LANGUAGE c STRICT AS '$dir/fake_tde';
});

# Labels are let in, so that the posture has something to judge.
$node->append_conf('postgresql.conf', 'dataclass.at_rest_enforcement = permissive');
$node->reload;
$node->poll_query_until('agency', q{SELECT current_setting('dataclass.at_rest_enforcement') = 'permissive'})
  or BAIL_OUT('the setting does not change');
run_sql(q{
CREATE TABLE sealed (id int PRIMARY KEY, note text) USING tde;
CREATE TABLE half (id int, note text) USING tde;
CREATE INDEX clear_index ON half (id);
CREATE TABLE odd (id int) USING tde;
CREATE TABLE heap (id int);
SECURITY LABEL FOR dataclass ON TABLE sealed IS 'confidential';
SECURITY LABEL FOR dataclass ON TABLE half IS 'confidential';
SECURITY LABEL FOR dataclass ON TABLE odd IS 'confidential';
SECURITY LABEL FOR dataclass ON TABLE heap IS 'confidential';
});

my $heap = posture_of('heap');
unlike($heap, qr/pg_tde|compliant/, 'a table without encryption');
is(posture_of('sealed'), $heap, 'neither function nor method of an extension: nobody is asked');
run_sql('ALTER EXTENSION pg_freespacemap ADD ACCESS METHOD tde');
is(posture_of('sealed'), $heap, 'a function of the right name that is not of the extension is not asked');
run_sql('ALTER EXTENSION pg_freespacemap ADD FUNCTION pg_tde_is_encrypted(regclass)');
is(posture_of('sealed'), 'violation|1|pg_tde', 'the function of the extension is asked, and is a declaration');
like(run_sql(q{SELECT reason FROM dataclass.posture WHERE relation = 'sealed'::regclass}),
	qr/Control at_rest of tier "enhanced" requires encrypted storage with evidence of grade 2, found at "pg_default": encrypted, grade 1\./,
	'the reason names control, tier, place, what is required and found');
is(posture_of('half'), $heap, 'an index that is not encrypted');
is(posture_of('odd'), $heap, 'NULL is no');
is(posture_of('heap'), $heap, 'tables of another access method');
run_sql(q{UPDATE dataclass.data_class SET min_evidence = 1 WHERE name = 'confidential'});
is(posture_of('sealed'), 'compliant|1|pg_tde', 'a class that a declaration is enough for');
run_sql(q{UPDATE dataclass.data_class SET min_evidence = 2 WHERE name = 'confidential'});

# Functions that are not to be run for their word.
run_sql(q{CREATE ROLE maker; ALTER FUNCTION pg_tde_is_encrypted(regclass) OWNER TO maker});
is(posture_of('sealed'), $heap, 'a function that no superuser owns is not asked');
run_sql(qq{ALTER FUNCTION pg_tde_is_encrypted(regclass) OWNER TO "$admin"});
is(posture_of('sealed'), 'violation|1|pg_tde', 'asked again');
run_sql(qq{CREATE OR REPLACE FUNCTION pg_tde_is_encrypted(regclass) RETURNS bool LANGUAGE c STRICT AS '$dir/other_tde'});
is(posture_of('sealed'), $heap, 'code of a library that is not preloaded is not run');
run_sql(q{CREATE TABLE witness (id int);
CREATE OR REPLACE FUNCTION pg_tde_is_encrypted(regclass) RETURNS bool LANGUAGE plpgsql AS
 $$BEGIN INSERT INTO witness VALUES (1); RETURN true; END$$});
is(posture_of('sealed'), $heap, 'a function in another language is not run');
is(run_sql('SELECT count(*) FROM witness'), '0', 'not even in part');
is(run_sql(q{SELECT count(*) FROM dataclass.storage_evidence() WHERE mechanism = 'server'}), '0',
	'this server does not say of itself that it encrypts');

$node->append_conf('postgresql.conf', 'dataclass.at_rest_enforcement = enforcing');
$node->reload;
$node->poll_query_until('agency', q{SELECT current_setting('dataclass.at_rest_enforcement') = 'enforcing'})
  or BAIL_OUT('the setting does not change');

SKIP:
{
	skip 'no gocryptfs (DC_GOCRYPTFS_DIR): ' . ($ENV{DC_GOCRYPTFS_WHY} || 'see test/fixtures/gocryptfs'), 8
	  unless $crypt_dir;
	mkdir $crypt_dir or BAIL_OUT("could not make $crypt_dir: $!");
	run_sql("CREATE TABLESPACE veiled LOCATION '$crypt_dir'");
	is(run_sql(q{SELECT verdict, grade, mechanism, cipher, key_bits, control FROM dataclass.storage_evidence('veiled')}),
		'encrypted|1|fuse.gocryptfs|||at_rest', 'a tablespace on gocryptfs is a declaration');
	run_sql(q{CREATE TABLE veiled (id int, note text) TABLESPACE veiled});
	my ($status, $out, $err) = $node->psql('agency', q{SECURITY LABEL FOR dataclass ON TABLE veiled IS 'confidential'});
	isnt($status, 0, 'the label is refused');
	like($err, qr/requires encrypted storage with evidence of grade 2, found(?: at "veiled")?: encrypted, grade 1/, 'for its grade');
	run_sql(q{UPDATE dataclass.data_class SET min_evidence = 1, on_violation = 'record' WHERE name = 'confidential'});
	run_sql(q{SECURITY LABEL FOR dataclass ON TABLE veiled IS 'confidential'});
	is(posture_of('veiled'), 'compliant|1|fuse.gocryptfs', 'accepted where a declaration is enough');
	run_sql(q{INSERT INTO dataclass.tier_control VALUES ('enhanced', 'at_rest_key', '128')});
	like(run_sql(q{SELECT verdict, reason FROM dataclass.posture WHERE relation = 'veiled'::regclass}),
		qr/^unknown\|Control at_rest_key of tier "enhanced" requires encryption with a key of 128 bits or more.*key length not seen/,
		'a key that is not seen is not long enough');
	run_sql(q{DELETE FROM dataclass.tier_control WHERE control = 'at_rest_key'});

	# The data are really encrypted below.
	run_sql(q{INSERT INTO veiled VALUES (1, 'MARKER-' || repeat('x', 20) || '-OF-THE-TEST'); CHECKPOINT});
	my $marker = 'MARKER-' . ('x' x 20) . '-OF-THE-TEST';
	is(system("grep -rqF '$marker' '$crypt_dir'"), 0, 'the marker is in the files as the server sees them');
	(my $below = $fuse) =~ s{/mnt/encrypted$}{/cipher};
	chomp(my $readable = `find '$below' -type f -size +8k -readable 2>/dev/null | wc -l`);
	ok($readable > 0, 'the files below can be read');
	isnt(system("grep -rqF '$marker' '$below' 2>/dev/null"), 0, 'and the marker is not in them');
}

$node->stop;
system('rm', '-rf', $crypt_dir) if $crypt_dir;
undef $crypt_dir;
done_testing();
