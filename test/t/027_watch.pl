# The storage watch on a real encrypted directory (test/fixtures/fscrypt): data
# labelled there, the file system unmounted while the server runs and a plain
# directory put in its place: a breach within one interval, data denied, the
# risk accepted for a time, denied again, healed once the key is back.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $encrypted = $ENV{DC_FSCRYPT_DIR};
my $agent = $ENV{DC_FSCRYPT_AGENT};
if (!$encrypted || !-d $encrypted)
{
	plan skip_all => 'no encrypted directory (DC_FSCRYPT_DIR): '
	  . ($ENV{DC_FSCRYPT_WHY} || 'see test/fixtures/fscrypt');
}
if (!$agent || !-p "$agent/request")
{
	plan skip_all => 'nobody here can unmount the encrypted directory (DC_FSCRYPT_AGENT)';
}

# One of the words that the agent of the fixture obeys; what it answers.
sub fixture
{
	my ($word) = @_;
	my $answer = '';
	eval {
		local $SIG{ALRM} = sub { die "no answer\n" };
		alarm 60;
		open(my $request, '>', "$agent/request") or die "$!\n";
		print $request "$word\n";
		close $request;
		open(my $reply, '<', "$agent/answer") or die "$!\n";
		$answer = <$reply>;
		close $reply;
		alarm 0;
	};
	chomp $answer if defined $answer;
	return $@ ? "failed: $@" : $answer;
}

my $node = PostgreSQL::Test::Cluster->new('watch');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.watch_interval = 1s
max_worker_processes = 16
autovacuum = off
checkpoint_timeout = 1h
bgwriter_lru_maxpages = 0
});
$node->start;

# The tablespace is a directory below the one with the policy, but for the last
# part, which is about the directory itself.
my $base = "$encrypted/027_watch.$$";
mkdir $base or BAIL_OUT("could not make $base: $!");
chmod 0700, $base;
my $copy = PostgreSQL::Test::Utils::tempdir();

END
{
	my $status = $?;
	$node->stop('immediate') if $node;
	if (defined $base)
	{
		# whatever state the test left: the next test wants the directory as it was
		system('rm', '-rf', $base);
		fixture('mount');
		fixture('unlock');
		system('rm', '-rf', $base);
	}
	$? = $status;
}

sub run_sql { return $node->safe_psql('agency', $_[0]); }

sub try_sql
{
	my ($sql) = @_;
	my ($out, $err) = ('', '');
	$node->psql('agency', "\\set VERBOSITY verbose\n$sql", stdout => \$out, stderr => \$err, on_error_stop => 1);
	return ($out, $err);
}

sub soon
{
	my ($query, $name, $expected) = @_;
	ok($node->poll_query_until('agency', $query, $expected // 't'), $name)
	  or diag(run_sql('SELECT * FROM dataclass.watch_status') . "\n"
		  . run_sql('SELECT kind, tablespace, name, path, verdict, grade, violates FROM dataclass.place_state'));
}

sub denied
{
	my ($sql, $name) = @_;
	my ($out, $err) = try_sql($sql);
	like($err, qr/ERROR:  42501: permission denied for relation/, $name);
	return;
}

# Nothing of the tablespace may be open or dirty when it goes.
sub let_go
{
	run_sql('CHECKPOINT');
	$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'agency' AND backend_type = 'client backend'});
}

$node->safe_psql('postgres', 'CREATE DATABASE agency');
my $admin = run_sql('SELECT current_user');
run_sql("CREATE TABLESPACE crypt LOCATION '$base'");
run_sql(qq{
CREATE EXTENSION pg_dataclass;
SECURITY LABEL FOR dataclass ON ROLE "$admin" IS 'secret with (declassify, reclassify, export)';
CREATE TABLE record (id int PRIMARY KEY USING INDEX TABLESPACE crypt, note text) TABLESPACE crypt;
CREATE TABLE other (id int);
SECURITY LABEL FOR dataclass ON TABLE record IS 'confidential';
INSERT INTO record SELECT i, 'note ' || i FROM generate_series(1, 100) i;
INSERT INTO other VALUES (1);
VACUUM (FREEZE) record;
});

# --- all is well ---------------------------------------------------------------

is(run_sql('SELECT count(*) FROM record'), '100', 'labelled data on encrypted storage are read');
soon(q{SELECT count(*) = 1 FROM dataclass.place_state WHERE name = 'crypt' AND verdict = 'encrypted' AND grade = 3 AND violates = '{}'},
	'the watch has looked at the tablespace');
is(run_sql('SELECT count(*) FROM dataclass.quarantine'), '0', 'and has no complaint');
# the directory of the database may have come after the first pass
my $before = run_sql('SELECT passes FROM dataclass.watch_status WHERE database = current_database()');
soon("SELECT passes > $before + 1 FROM dataclass.watch_status WHERE database = current_database()", 'a pass, and another one');
$before = run_sql('SELECT passes FROM dataclass.watch_status WHERE database = current_database()');
my $written = run_sql(q{SELECT string_agg(ctid::text || xmin::text, ',' ORDER BY kind, tablespace, name) FROM dataclass.place_state});
soon("SELECT passes >= $before + 2 FROM dataclass.watch_status WHERE database = current_database()", 'it looks again and again');
is(run_sql(q{SELECT string_agg(ctid::text || xmin::text, ',' ORDER BY kind, tablespace, name) FROM dataclass.place_state}), $written,
	'and writes nothing where nothing changed');

# --- a plain directory in the place of the encrypted one -------------------------

let_go();
system('cp', '-a', "$base/.", $copy) == 0 or BAIL_OUT('could not copy the tablespace');
is(fixture('unmount'), 'ok unmounted', 'the file system is unmounted while the server runs') or BAIL_OUT('cannot go on');
mkdir $base or BAIL_OUT("could not make $base on the plain file system: $!");
chmod 0700, $base;
system('cp', '-a', "$copy/.", $base) == 0 or BAIL_OUT('could not copy the tablespace back');

soon(q{SELECT count(*) > 0 FROM dataclass_audit.breach WHERE kind = 'at_rest_violation' AND object_identity = 'crypt' AND label = 'confidential'},
	'a breach is recorded within one interval');
like(run_sql(q{SELECT detail FROM dataclass_audit.breach WHERE kind = 'at_rest_violation' AND object_identity = 'crypt' ORDER BY seq LIMIT 1}),
	qr/^Before: encrypted, grade 3, fscrypt.* Now: (plain|unknown), .*class confidential there: 1\. /,
	'with the evidence before and after, and how many relations');
is(run_sql(q{SELECT DISTINCT severity, outcome, action, subject IS NULL FROM dataclass_audit.breach WHERE kind = 'at_rest_violation'}),
	'high|observed|watch|t', 'nobody asked for it');
soon(q{SELECT origin = 'watch' AND place = 'crypt' FROM dataclass.quarantine WHERE relation = 'record'::regclass},
	'the relation is under quarantine');
is(run_sql(q{SELECT object_identity FROM dataclass_audit.event WHERE kind = 'quarantine'}), 'public.record',
	'which is recorded of the relation');
denied('SELECT * FROM record', 'data on the plain directory are denied');
denied('INSERT INTO record VALUES (1000)', 'nor may anything be written');
soon(q{SELECT count(*) > 0 FROM dataclass_audit.denied WHERE object_identity = 'public.record' AND rule = 'quarantine'},
	'denials name the rule');
is(run_sql('SELECT count(*) FROM other'), '1', 'other relations are not touched');
my ($out, $err) = try_sql(q{SELECT dataclass.release_quarantine('record', 'it will do')});
like($err, qr/ERROR:  55000: cannot end the quarantine/, 'an officer cannot end it while storage is as it is');
like($err, qr/HINT: .*dataclass\.accept_risk/, 'but is told what he can do');

# --- accepted for a time ----------------------------------------------------------

run_sql(q{SELECT dataclass.accept_risk('record', 'the hospital needs it', now() + interval '20 seconds')});
is(run_sql('SELECT count(*) FROM record'), '100', 'readable once an officer has accepted the risk');
is(run_sql(q{SELECT accepted_until > now() FROM dataclass.posture WHERE relation = 'record'::regclass AND verdict <> 'compliant' LIMIT 1}),
	't', 'the posture says until when');
like(run_sql(q{SELECT detail FROM dataclass_audit.event WHERE kind = 'risk_accepted' AND action = 'accept_risk'}),
	qr/the hospital needs it/, 'the reason is in the trail');
($out, $err) = try_sql('CREATE TABLE more (id int) TABLESPACE crypt; ' . q{SECURITY LABEL FOR dataclass ON TABLE more IS 'confidential'});
like($err, qr/ERROR:  55000: cannot place data/, 'no more data are placed there');
run_sql('DROP TABLE IF EXISTS more');
soon(q{SELECT count(*) = 0 FROM dataclass.accepted_risk WHERE until > now()}, 'the time passes');
denied('SELECT * FROM record', 'and the data are denied again');
soon(q{SELECT count(*) > 0 FROM dataclass_audit.event WHERE kind = 'risk_accepted' AND action = 'watch'}, 'the end of the risk is recorded');

# --- healed ------------------------------------------------------------------------

let_go();
system('rm', '-rf', $base);
is(fixture('mount'), 'ok mounted', 'the file system is back, with its key');
soon(q{SELECT count(*) > 0 FROM dataclass_audit.event WHERE kind = 'at_rest_healed' AND object_identity = 'crypt'}, 'healing is recorded of the place');
soon(q{SELECT count(*) > 0 FROM dataclass_audit.event WHERE kind = 'at_rest_healed' AND object_identity = 'public.record'}, 'and of the relation');
is(run_sql('SELECT count(*) FROM record'), '100', 'data are readable again');
is(run_sql('SELECT count(*) FROM dataclass.quarantine'), '0', 'no quarantine is left');
is(run_sql(q{SELECT violates FROM dataclass.place_state WHERE name = 'crypt'}), '{}', 'no violation stands');

# --- the key alone is removed -----------------------------------------------------

# A tablespace in the very directory that has the policy: it is still there, and
# says that it is encrypted, when its key has gone.
run_sql("CREATE TABLESPACE top LOCATION '$encrypted'");
run_sql(q{
CREATE TABLE top_confidential (id int) TABLESPACE top;
CREATE TABLE top_secret (id int) TABLESPACE top;
INSERT INTO top_confidential VALUES (1);
INSERT INTO top_secret VALUES (1);
VACUUM (FREEZE) top_confidential, top_secret;
SECURITY LABEL FOR dataclass ON TABLE top_confidential IS 'confidential';
SECURITY LABEL FOR dataclass ON TABLE top_secret IS 'secret';
});
is(run_sql('SELECT count(*) FROM top_secret'), '1', 'secret data are read while the key is present');
soon(q{SELECT grade = 3 FROM dataclass.place_state WHERE name = 'top'}, 'the key is seen');
let_go();
is(fixture('lock'), 'ok locked', 'the key is removed while the server runs');
soon(q{SELECT violates = '{secret}' AND grade = 2 FROM dataclass.place_state WHERE name = 'top'},
	'without its key the directory is good enough for confidential data, not for secret ones');
denied('SELECT * FROM top_secret', 'secret data are denied');
is(run_sql(q{SELECT count(*) FROM dataclass.quarantine WHERE relation = 'top_confidential'::regclass}), '0',
	'confidential data are not under quarantine');
is(fixture('unlock'), 'ok unlocked', 'the key is back');
soon(q{SELECT violates = '{}' AND grade = 3 FROM dataclass.place_state WHERE name = 'top'}, 'which the watch sees');
soon(q{SELECT count(*) = 0 FROM dataclass.quarantine}, 'and ends the quarantines');
is(run_sql('SELECT count(*) FROM top_secret'), '1', 'secret data are readable again');
run_sql('DROP TABLE top_secret, top_confidential; DROP TABLESPACE top');

is(run_sql('SELECT ok FROM dataclass_audit.verify()'), 't', 'the trail is whole');
$node->stop;
undef $node;
system('rm', '-rf', $base);
undef $base;
done_testing();
