# Canary proof: against the plain heap the marker is found in every file it
# must reach; nothing stays behind; results are evidence that nobody writes by
# hand; what could not be read proves nothing; an access method that scrambles
# what it writes is told from one that does not.
use strict;
use warnings;
use Config;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('canary');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
max_worker_processes = 16
wal_level = replica
});
$node->start;

my $admin = $node->safe_psql('postgres', 'SELECT current_user');
my $space_dir = PostgreSQL::Test::Utils::tempdir();
$node->safe_psql('postgres', "CREATE TABLESPACE space LOCATION '$space_dir'");
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE officer LOGIN; GRANT dataclass_officer TO officer;
CREATE ROLE auditor LOGIN; GRANT dataclass_auditor TO auditor;
CREATE ROLE plain LOGIN;
CREATE ROLE dba LOGIN SUPERUSER;
});
run_sql(qq{SECURITY LABEL FOR dataclass ON ROLE "$admin" IS 'secret with (declassify, reclassify, export)'});

sub run_sql
{
	my ($sql, $role) = @_;
	return $node->safe_psql('postgres', $sql, extra_params => [ '-U', $role || $admin ]);
}

sub try_sql
{
	my ($sql, $role) = @_;
	my ($out, $err) = ('', '');
	$node->psql('postgres', "\\set VERBOSITY verbose\n$sql", stdout => \$out, stderr => \$err,
		extra_params => [ '-U', $role || $admin ]);
	return ($out, $err);
}

sub leftovers
{
	my @found;
	for my $dir ($node->data_dir . '/base/pgsql_tmp', glob("$space_dir/*/pgsql_tmp"))
	{
		push @found, grep { !m{/\.\.?$} } glob("$dir/*") if -d $dir;
	}
	return join ' ', @found;
}

sub relation_files
{
	return run_sql(q{SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname LIKE 'dataclass_canary%'})
	  + run_sql(q{SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'dataclass_canary%'});
}

# Against the plain heap
is(run_sql(q{SELECT place, found, verdict FROM dataclass.canary_proof()}, 'officer'),
	join("\n", 'control|t|works', 'relation file|t|plain', 'index|t|plain', 'toast|t|plain', 'wal|t|plain',
		'spill file|t|plain', 'proof|t|plain'),
	'the marker is found in every file of the plain heap');
is(run_sql(q{SELECT bool_and(bytes_read > 0 AND markers > 0), bool_and(path IS NOT NULL OR place = 'proof') FROM dataclass.canary_proof()}),
	't|t', 'each place says what was read of which file');
like(run_sql(q{SELECT detail FROM dataclass.canary_proof() WHERE place = 'proof'}),
	qr/In the clear: relation file, index, toast, wal, spill file\. Not applicable to encryption by the file system/,
	'the proof names them, and says what it is not about');
like(run_sql(q{SELECT string_agg(path, ' ') FROM dataclass.canary_proof('heap', 'space') WHERE place IN ('relation file', 'index', 'toast')}),
	qr/^pg_tblspc\S+ pg_tblspc\S+ pg_tblspc\S+$/, 'in the tablespace that was named');
is(leftovers(), '', 'no temporary file stays');
is(relation_files(), 0, 'no relation stays');

# Nobody watches: an event trigger would know the table, or end the proof
run_sql(q{
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'seen'; END $$;
CREATE EVENT TRIGGER watch_start ON ddl_command_start EXECUTE FUNCTION watch();
});
is(run_sql(q{SELECT verdict FROM dataclass.canary_proof() WHERE place = 'proof'}), 'plain', 'no event trigger runs');
run_sql('DROP EVENT TRIGGER watch_start; DROP FUNCTION watch()');

# Two at a time
my @sessions;
for my $i (1 .. 3)
{
	push @sessions, { out => \my $text, handle => undef };
	$sessions[-1]{handle} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c',
			"SELECT count(*) FROM dataclass.canary_proof() WHERE found" ], '<', \undef, '>', \$text);
}
for my $session (@sessions)
{
	$session->{handle}->finish;
	is(${ $session->{out} }, "7\n", 'proofs at the same time do not mind each other');
}
is(leftovers(), '', 'no temporary file stays of them');
is(run_sql(q{BEGIN; SELECT count(*) FROM dataclass.canary_proof(); ROLLBACK; SELECT count(*) FROM dataclass.canary_result}),
	"7\n8", 'a proof in a transaction that is rolled back leaves no result');

# Results
is(run_sql(q{SELECT proved_by, access_method, verdict, server_version = current_setting('server_version_num')::int FROM dataclass.canary_result ORDER BY proved_at LIMIT 1}, 'auditor'),
	'officer|heap|plain|t', 'the result is kept');
is(run_sql(q{SELECT DISTINCT kind, outcome FROM dataclass_audit.event WHERE action = 'canary_proof'}, 'auditor'),
	'attestation|allowed', 'and in the trail');
my $forged = q{INSERT INTO dataclass.canary_result VALUES (now(), 'officer', 'heap', 2, 'pg_default', current_setting('server_version_num')::int, 'encrypted', '')};
for my $role ($admin, 'dba', 'officer')
{
	for my $sql ($forged, q{UPDATE dataclass.canary_result SET verdict = 'encrypted'}, q{DELETE FROM dataclass.canary_result},
		'TRUNCATE dataclass.canary_result', "COPY dataclass.canary_result FROM PROGRAM 'true'",
		'ALTER TABLE dataclass.canary_result DROP COLUMN verdict')
	{
		my ($out, $err) = try_sql($sql, $role);
		like($err, qr/ERROR:  42501/, "nobody writes results: " . substr($sql, 0, 20));
	}
}
is(run_sql(q{SELECT count(*) > 0 FROM dataclass_audit.denied WHERE rule = 'kept' AND object_identity = 'dataclass.canary_result'}), 't', 'which is recorded');

# Who may
for my $role ('plain', 'auditor')
{
	my ($out, $err) = try_sql('SELECT * FROM dataclass.canary_proof()', $role);
	like($err, qr/ERROR:  42501: permission denied for function canary_proof/, "refused to $role");
}
is(run_sql(q{SELECT count(*) FROM dataclass_audit.denied WHERE action = 'canary_proof' AND rule = 'officer'}), 2, 'and recorded');
for my $case (
	[ q{SELECT * FROM dataclass.canary_proof('nothing')}, qr/ERROR:  42704: access method "nothing"/ ],
	[ q{SELECT * FROM dataclass.canary_proof('btree')}, qr/ERROR:  55000: access method "btree" is not of type TABLE/ ],
	[ q{SELECT * FROM dataclass.canary_proof('heap', 'nowhere')}, qr/ERROR:  42704: tablespace "nowhere"/ ],
	[ q{SELECT * FROM dataclass.canary_proof('heap', 'pg_global')}, qr/ERROR:  \w{5}: only shared relations can be placed in pg_global/ ],
	[ q{SELECT * FROM dataclass.canary_proof(NULL)}, qr/ERROR:  22004/ ],
	[ q{SET default_transaction_read_only = on; SELECT * FROM dataclass.canary_proof()}, qr/ERROR:  25006/ ])
{
	my ($out, $err) = try_sql($case->[0]);
	like($err, $case->[1], "$case->[0]");
}
is(leftovers(), '', 'no temporary file stays after errors');
is(relation_files(), 0, 'no relation either');

# A control that cannot be made
SKIP: {
	my ($tmp) = glob("$space_dir/*/pgsql_tmp");
	skip 'running as root', 1 if $> == 0 || !$tmp;
	chmod 0500, $tmp;
	is(run_sql(q{SELECT string_agg(place || ' ' || verdict, ', ') FROM dataclass.canary_proof('heap', 'space') WHERE place = 'control'}),
		'control failed', 'a control that cannot be written is told');
	chmod 0700, $tmp;
}

# Scrambling access method: a copy of heap that turns the bytes of its rows over
my $module = build_module();
SKIP: {
	skip "no compiler for the test's access method", 11 unless $module;
	run_sql(qq{
CREATE FUNCTION scrambled_handler(internal) RETURNS table_am_handler LANGUAGE c AS '$module', 'scrambled_handler';
CREATE ACCESS METHOD scrambled TYPE TABLE HANDLER scrambled_handler;
CREATE ACCESS METHOD renamed TYPE TABLE HANDLER heap_tableam_handler;
});
	is(run_sql(q{SELECT place, found, verdict FROM dataclass.canary_proof('scrambled') WHERE place NOT IN ('control', 'wal')}),
		join("\n", 'relation file|f|encrypted', 'index|t|plain', 'toast|f|encrypted', 'spill file|t|plain', 'proof|t|plain'),
		'absent where the access method scrambles, found where it does not: no proof');
	my ($tmp) = glob("$space_dir/*/pgsql_tmp");
	chmod 0500, $tmp;
	is(run_sql(q{SELECT place, verdict FROM dataclass.canary_proof('scrambled', 'space') WHERE place IN ('control', 'relation file', 'toast')}),
		$> == 0 ? "control|works\nrelation file|encrypted\ntoast|encrypted" : "control|failed\nrelation file|unknown\ntoast|unknown",
		'nothing is absent for a search that did not find its control');
	chmod 0700, $tmp;
	is(run_sql(q{SELECT verdict FROM dataclass.canary_proof('renamed') WHERE place = 'proof'}), 'plain',
		'a name does not encrypt');
	run_sql(q{CREATE TABLE t (a text PRIMARY KEY) USING scrambled});
	run_sql(q{SECURITY LABEL FOR dataclass ON TABLE t IS 'secret'});
	my $posture = q{SELECT DISTINCT verdict, grade = 5 FROM dataclass.posture WHERE relation = 't'::regclass};
	like(run_sql($posture), qr/\|f$/, 'a proof that failed raises nothing');

	# A proof that held, planted while enforcement is off (nothing less would let us)
	$node->append_conf('postgresql.conf', 'dataclass.enforcement = off');
	$node->reload;
	$node->poll_query_until('postgres', q{SELECT current_setting('dataclass.enforcement') = 'off'});
	run_sql(q{INSERT INTO dataclass.canary_result SELECT now(), 'officer', amname, oid, 'pg_default', current_setting('server_version_num')::int, 'encrypted', '' FROM pg_am WHERE amname IN ('scrambled', 'heap')});
	$node->append_conf('postgresql.conf', 'dataclass.enforcement = enforcing');
	$node->reload;
	$node->poll_query_until('postgres', q{SELECT current_setting('dataclass.enforcement') = 'enforcing'});
	is(run_sql($posture), 'compliant|t', 'a proof that held is evidence of grade 5');
	run_sql(q{CREATE TABLE h (a text)});
	run_sql(q{SECURITY LABEL FOR dataclass ON TABLE h IS 'secret'});
	like(run_sql(q{SELECT grade = 5 FROM dataclass.posture WHERE relation = 'h'::regclass}), qr/^f$/, 'never for heap');
	run_sql(q{CREATE INDEX th ON t USING hash (a)});
	like(run_sql($posture), qr/\|f$/, 'not where an index is of a kind that was not looked at');
	run_sql(q{DROP INDEX th});
	$node->append_conf('postgresql.conf', 'dataclass.canary_validity = 0');
	$node->reload;
	$node->poll_query_until('postgres', q{SELECT current_setting('dataclass.canary_validity') = '0'});
	like(run_sql($posture), qr/\|f$/, 'not when its time is over');
	$node->append_conf('postgresql.conf', 'dataclass.canary_validity = 1d');
	$node->reload;
	$node->poll_query_until('postgres', q{SELECT current_setting('dataclass.canary_validity') = '1d'});
	is(run_sql($posture), 'compliant|t', 'but until then');
	run_sql(q{SELECT * FROM dataclass.canary_proof('scrambled')});
	like(run_sql($posture), qr/\|f$/, 'nor after a proof that fails');
	is(run_sql(q{SELECT count(*) FROM dataclass_audit.breach WHERE kind = 'at_rest_violation' AND object_identity = 'scrambled'}), 1,
		'which is a breach, since it held before');
	run_sql(q{DROP TABLE h});
	run_sql(q{DROP TABLE t; DROP ACCESS METHOD scrambled; DROP ACCESS METHOD renamed; DROP FUNCTION scrambled_handler(internal)});
}

# Nothing goes to the log: nothing is proved about it
$node->append_conf('postgresql.conf', "wal_level = minimal\nmax_wal_senders = 0\n");
$node->restart;
is(run_sql(q{SELECT place, verdict FROM dataclass.canary_proof() WHERE place IN ('wal', 'index')}),
	"index|unknown\nwal|unknown", 'unlogged data prove nothing');
$node->stop;
done_testing();

# A few lines of C, built where the server's headers are
sub build_module
{
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $include = `$ENV{PG_CONFIG} --includedir-server`;
	chomp $include;
	return undef unless -f "$include/postgres.h";
	open my $file, '>', "$dir/scrambled.c" or return undef;
	print $file q{
#include "postgres.h"
#include "access/heapam.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/rel.h"
PG_MODULE_MAGIC;
static TableAmRoutine scrambled;
static void
scrambled_insert(Relation rel, TupleTableSlot *slot, CommandId cid, int options, BulkInsertState bistate)
{
	TupleTableSlot *copy = MakeSingleTupleTableSlot(slot->tts_tupleDescriptor, &TTSOpsHeapTuple);
	slot_getallattrs(slot);
	for (int i = 0; i < slot->tts_nvalid; i++)
	{
		struct varlena *value = pg_detoast_datum_copy((struct varlena *) DatumGetPointer(slot->tts_values[i]));
		for (int at = 0; at < VARSIZE(value) - VARHDRSZ; at++)
			VARDATA(value)[at] ^= 0x5a;
		copy->tts_values[i] = PointerGetDatum(value);
		copy->tts_isnull[i] = false;
	}
	ExecStoreVirtualTuple(copy);
	GetHeapamTableAmRoutine()->tuple_insert(rel, copy, cid, options, bistate);
	slot->tts_tid = copy->tts_tid;
}
/* indexes are made of empty tables only; that of heap wants heap */
static double
scrambled_build(Relation rel, Relation index, struct IndexInfo *info, bool allow_sync, bool anyvisible, bool progress,
	BlockNumber start, BlockNumber blocks, IndexBuildCallback callback, void *state, TableScanDesc scan)
{
	return 0;
}
static Oid
scrambled_toast_am(Relation rel)
{
	return HEAP_TABLE_AM_OID;
}
PG_FUNCTION_INFO_V1(scrambled_handler);
Datum
scrambled_handler(PG_FUNCTION_ARGS)
{
	scrambled = *GetHeapamTableAmRoutine();
	scrambled.tuple_insert = scrambled_insert;
	scrambled.index_build_range_scan = scrambled_build;
	scrambled.relation_toast_am = scrambled_toast_am;
	PG_RETURN_POINTER(&scrambled);
}
};
	close $file;
	return undef
	  if system('gcc', '-O1', '-fPIC', '-shared', "-I$include", '-o', "$dir/scrambled.so", "$dir/scrambled.c") != 0;
	return "$dir/scrambled";
}
