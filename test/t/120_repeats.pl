# Repeats of a denial: the first is a record at once, the rest one record with
# their exact number when the window is over, whatever happens meanwhile.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $node = PostgreSQL::Test::Cluster->new('repeats');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.repeat_window = '15s'
restart_after_crash = on
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE low LOGIN;
CREATE ROLE other LOGIN;
CREATE TABLE files (id int);
CREATE TABLE other_files (id int);
GRANT SELECT ON files, other_files TO low, other;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE other_files IS 'secret';
});

sub one { return $node->safe_psql('postgres', shift); }
sub loop_of
{
	my ($n, $table) = @_;
	return "DO \$\$ BEGIN FOR i IN 1..$n LOOP BEGIN PERFORM * FROM $table;"
		. " EXCEPTION WHEN insufficient_privilege THEN NULL; END; END LOOP; END \$\$;\n";
}

sub deny
{
	my ($name, $role, @sql) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', join('', @sql), extra_params => [ '-U', $role ],
		connstr => $node->connstr('postgres') . " application_name=$name");
	return $rc;
}

sub set_window
{
	$node->append_conf('postgresql.conf', "dataclass.repeat_window = '$_[0]'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('dataclass.repeat_window')::interval = '$_[0]'::interval");
	one("SELECT pg_terminate_backend(writer_pid) FROM dataclass_audit.status() WHERE writer_pid <> 0");
	$node->poll_query_until('postgres', 'SELECT writer_pid IS NULL OR writer_pid = 0 FROM dataclass_audit.status()');
	return;
}

# Denials that the trail stands for, and records.
sub total { return one("SELECT coalesce(sum(coalesce(repeats, 1)), 0) FROM dataclass_audit.event WHERE kind = 'access_denied' AND application = '$_[0]'"); }
sub records { return one("SELECT count(*) FROM dataclass_audit.event WHERE kind = 'access_denied' AND application = '$_[0]'"); }
sub waiting { return one('SELECT coalesce(sum(repeats), 0) FROM dataclass_audit.repeat'); }
sub summed { return $node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM dataclass_audit.repeat'); }

# One window.
deny('plain', 'low', loop_of(200, 'files'));
is(records('plain'), 1, 'the first is a record at once');
is(waiting(), 199, 'the others are counted, durably, before their clients hear of them');
ok(summed(), 'the window ends');
is(records('plain'), 2, 'with one record');
is(one(q{SELECT s.repeats, s.breach, s.outcome, s.object_identity = f.object_identity, s.session_id = f.session_id,
	s.backend_pid = f.backend_pid, s.rule = f.rule, s.detail ~ ('^Repeated 199 times after record ' || f.seq || ', from 2.* to 2.*\.$')
	FROM dataclass_audit.event f, dataclass_audit.event s
	WHERE f.application = 'plain' AND f.repeats IS NULL AND s.application = 'plain' AND s.repeats IS NOT NULL}),
	'199|t|denied|t|t|t|t|t', 'which tells how many, of what, and when');

# What differs is recorded by itself.
deny('two', 'low', loop_of(3, 'files'), loop_of(4, 'other_files'));
deny('two', 'other', loop_of(5, 'files'));
deny('two', 'low', loop_of(2, 'files'));
ok(summed(), 'their windows end');
is(one(q{SELECT string_agg(subject || ' ' || object_identity || ' ' || coalesce(repeats, 1), ', ' ORDER BY seq) FROM
	(SELECT * FROM dataclass_audit.event WHERE application = 'two' AND repeats IS NULL) e}),
	'low public.files 1, low public.other_files 1, other public.files 1, low public.files 1',
	'another object, subject or session is no repeat');
is(total('two'), 14, 'and all are counted');

# Many at once.
my $script = PostgreSQL::Test::Utils::tempdir . '/denied.sql';
append_to_file($script, loop_of(5, 'files'));
my $runs = 40;
{
	local $ENV{PGAPPNAME} = 'many';
	$node->run_log([ 'pgbench', '-n', '-f', $script, '-c', 8, '-j', 2, '-t', $runs, '-h', $node->host, '-p', $node->port, '-U', 'low', 'postgres' ]);
}
ok(summed(), 'eight sessions at once: their windows end');
is(total('many'), 8 * $runs * 5, 'not one is lost or counted twice');
cmp_ok(records('many'), '<', 8 * $runs, 'in few records');

# A crash with open windows.
set_window('1h');
deny('crash', 'low', loop_of(50, 'files'));
is(waiting(), 49, 'counted in an open window');
$node->stop('immediate');
$node->append_conf('postgresql.conf', "dataclass.repeat_window = '2s'");
$node->start;
is(waiting(), 49, 'after a crash the count is still there');
deny('after', 'low', loop_of(1, 'files'));
is(records('after'), 1, 'and recording goes on');
$node->stop('fast');
$node->start;
ok(summed(), 'a shutdown in good order sums up all windows');
is(total('crash'), 50, 'exactly');

# The writer is taken away again and again.
set_window('500ms');
my $load = $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', 'low' ]);
$load->query_safe("SET application_name = 'taken'");
my $told = 0;
for (1 .. 30)
{
	$load->query(loop_of(40, 'files'));
	$told += 40;
	one('SELECT pg_terminate_backend(writer_pid) FROM dataclass_audit.status() WHERE writer_pid <> 0');
}
$load->quit;
ok($node->poll_query_until('postgres', 'SELECT queued = 0 AND journal_files = 0 FROM dataclass_audit.status()'), 'the journal is imported');
ok(summed(), 'and all windows end');
is(total('taken'), $told, "$told denials, the writer terminated 30 times: the trail stands for each, once");

# Off.
set_window('0');
deny('off', 'low', loop_of(20, 'files'));
is(records('off'), 20, 'dataclass.repeat_window = 0 records each');
is(waiting(), 0, 'and counts none');

is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'verify() holds');
is(one('SELECT count(*) = max(seq) AND min(seq) = 1 FROM dataclass_audit.event'), 't', 'no gaps');
my ($rc, $out, $err) = $node->psql('postgres', 'DELETE FROM dataclass_audit.repeat', on_error_stop => 0);
like($err, qr/permission denied/, 'a superuser cannot make counted denials go away');

$node->stop;
done_testing();
