# Notices: NOTIFY and dataclass.breach_command, their failures, back-off,
# time-out, a worker that is ended, a server that is killed, a listener that
# never reads, names that are no harmless text.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep time);
use WireClient;

my $dir = PostgreSQL::Test::Utils::tempdir;
my $node = PostgreSQL::Test::Cluster->new('notice');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.breach_command_retry = 2s
dataclass.incident_window = 1s
max_worker_processes = 16
log_line_prefix = '%m [%p] %q%a '
});
$node->start;

sub one { return $node->safe_psql('postgres', shift); }
sub soon
{
	my ($query, $name) = @_;
	ok($node->poll_query_until('postgres', $query), $name)
	  or diag(one('SELECT * FROM dataclass_audit.delivery ORDER BY notice, attempt') . "\n" . one('SELECT * FROM dataclass_audit.notice_status'));
}

# A new value of the command, in force when this returns.
sub command
{
	my ($command) = @_;
	$command =~ s/'/''/g;
	$node->append_conf('postgresql.conf', "dataclass.breach_command = '$command'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('dataclass.breach_command') = '$command'");
}

# One role per breach: each is an incident of its own.
my $roles = 0;
sub deny
{
	my ($table) = @_;
	my $role = 'low' . ++$roles;
	one(qq{CREATE ROLE "$role" LOGIN; GRANT pg_read_all_data TO "$role"});
	my $from = time;
	$node->psql('postgres', 'SELECT * FROM ' . ($table // 'files'), extra_params => [ '-U', $role ]);
	return ($role, $from);
}
# The notification about the breach of a role as a listener gets it.
sub notification
{
	my ($listener, $who) = @_;
	for (1 .. 3600)
	{
		$listener->must('SELECT 1');
		for my $body (@{ $listener->{notifications} })
		{
			my (undef, $channel, $payload) = unpack('N Z* Z*', $body);
			my $document = decode_json($payload);
			return ($document, $channel, length $payload) if ($document->{role} // '') eq $who;
		}
		usleep(50_000);
	}
	return;
}
sub slurp { my ($file) = @_; return -e $file ? slurp_file($file) : ''; }

one(q{
CREATE EXTENSION pg_dataclass;
CREATE TABLE files (id int);
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
CREATE ROLE watcher LOGIN;
GRANT pg_monitor TO watcher;
CREATE ROLE auditor LOGIN;
GRANT dataclass_auditor TO auditor;
CREATE ROLE nobody_in_particular LOGIN;
});

# --- NOTIFY ---------------------------------------------------------------------

my $wire = WireClient->new(host => $node->host, port => $node->port, user => one('SELECT current_user'), database => 'postgres');
$wire->must('LISTEN dataclass_breach');
my ($role) = deny();
soon(q{SELECT count(*) = 1 FROM dataclass_audit.delivery WHERE channel = 'notify' AND status = 'delivered'}, 'a breach is notified of');
is(one(q{SELECT count(*) FROM dataclass_audit.delivery WHERE channel = 'command'}), '0', 'no command is configured: nothing else happens');
is(one(q{SELECT state FROM dataclass_audit.incident}), 'discovered', 'and nothing counts as notified');
is(one(q{SELECT configured, pending, failing FROM dataclass_audit.notice_status WHERE channel = 'command'}), 'f|1|0', 'the notice waits for a command');
is(one(q{SELECT pending FROM dataclass_audit.notice_status WHERE channel = 'notify'}), '0', 'and for nothing else');

my ($heard, $channel, $length) = notification($wire, $role);
is($channel, 'dataclass_breach', 'a listener is told');
is_deeply([ @$heard{qw(subject role class severity object_identity)} ], [ 'breach', $role, 'secret', one('SELECT severity FROM dataclass_audit.incident'), 'public.files' ],
	'what it gets is JSON: who, which class, what');
is($heard->{incident}, one('SELECT id FROM dataclass_audit.incident'), 'which incident');
ok(one("SELECT breach FROM dataclass_audit.event WHERE seq = $heard->{seq} AND event_id = '$heard->{event_id}'") eq 't', 'which record');
ok(exists $heard->{checkpoint}, 'a checkpoint, as far as there is one');
ok($node->poll_query_until('postgres', 'SELECT count(*) > 0 FROM dataclass_audit.latest_checkpoint()'), 'there is one by now');
my ($second) = deny();
($heard) = notification($wire, $second);
my $checkpoint = $heard->{checkpoint};
like($checkpoint->{root} // '', qr/^[0-9a-f]{64}$/, 'the next notice has it');
is($checkpoint->{root}, one("SELECT encode(root, 'hex') FROM dataclass_audit.checkpoint WHERE size = $checkpoint->{size}"), 'and it is that of the trail');
is($checkpoint->{covers} ? 1 : 0, $checkpoint->{size} >= $heard->{seq} ? 1 : 0, 'it says whether it covers the record');
cmp_ok($length, '<', 8000, 'within what NOTIFY takes');
$wire->finish;

my ($rc, $out, $err) = $node->psql('postgres', 'LISTEN dataclass_breach', extra_params => [ '-U', 'nobody_in_particular' ]);
like($err, qr/permission denied to listen to channel "dataclass_breach"/, 'not everybody listens');
is($node->psql('postgres', 'LISTEN dataclass_breach', extra_params => [ '-U', 'auditor' ]), 0, 'auditors do');
is($node->safe_psql('postgres', 'SELECT channel FROM dataclass_audit.notice_status ORDER BY 1', extra_params => [ '-U', 'watcher' ]), "command\nnotify",
	'pg_monitor reads the status');
($rc, $out, $err) = $node->psql('postgres', 'SELECT * FROM dataclass_audit.notice_status', extra_params => [ '-U', 'nobody_in_particular' ]);
like($err, qr/permission denied/, 'not everybody does');
($rc, $out, $err) = $node->psql('postgres', 'DELETE FROM dataclass_audit.delivery');
like($err, qr/permission denied for table dataclass_audit.delivery/, 'nobody writes what was delivered');

# --- the command ------------------------------------------------------------------

for my $setting ('dataclass.breach_command', 'dataclass.breach_command_timeout', 'dataclass.breach_command_retry')
{
	($rc, $out, $err) = $node->psql('postgres', "ALTER SYSTEM SET $setting = 3000");
	isnt($rc, 0, "$setting comes from the configuration file only");
	($rc, $out, $err) = $node->psql('postgres', "SET $setting = 3000");
	isnt($rc, 0, 'not from a session');
}
($rc, $out, $err) = $node->psql('postgres', 'SHOW dataclass.breach_command', extra_params => [ '-U', 'nobody_in_particular' ]);
like($err, qr/pg_read_all_settings/, 'and is not shown to everybody');

command(qq{cat > $dir/told.%i.tmp && echo "%c %% \$#" > $dir/argument.%i && env > $dir/environment.%i && ls /proc/self/fd > $dir/files.%i && mv $dir/told.%i.tmp $dir/told.%i});
soon(q{SELECT count(*) = 1 FROM dataclass_audit.incident WHERE id = 1 AND state = 'notified' AND state_by = 'pg_dataclass'}, 'what waited is handed over once there is a command');
my $told = decode_json(slurp("$dir/told.1"));
is($told->{role}, $role, 'who');
is($told->{class}, 'secret', 'which class');
is($told->{object_identity}, 'public.files', 'what');
is($told->{incident}, 1, 'which incident');
like($told->{notice_id}, qr/^\d+-\d+-1$/, 'a number that stays the same');
ok(exists $told->{checkpoint}, 'a checkpoint, as far as there is one');
is(ref $told->{deadlines}, 'ARRAY', 'deadlines');
ok($told->{seq} > 0 && $told->{node}, 'where in the trail, and on which server');
is(slurp("$dir/argument.1"), "secret % 0\n", 'placeholders');
is(join(' ', sort map { /^(\w+)=/ ? $1 : () } split /\n/, slurp("$dir/environment.1")), 'LANG PATH PWD', 'nothing of the server is in the environment');
# 0 1 2, and the one that ls reads the directory with
cmp_ok(scalar(split /\n/, slurp("$dir/files.1")), '<=', 4, 'no file of the server is open');
is(one(q{SELECT status, attempt, exit_status FROM dataclass_audit.delivery WHERE channel = 'command' AND notice = 1}), 'delivered|1|0', 'recorded with its exit status');
is(one(q{SELECT outcome, breach FROM dataclass_audit.event WHERE kind = 'disclosure' AND action = 'command' AND object_identity = '1'}), 'observed|f', 'and in the trail');
is(one(q{SELECT status FROM dataclass_audit.disclosure LIMIT 1}), one(q{SELECT status FROM dataclass_audit.disclosure WHERE disclosed_at IS NOT NULL LIMIT 1}), 'the disclosure is made');

# From the denial to the start of the command.  It begins and ends with programs
# that are started, which takes what it takes: how long, the machine itself says.
my @idle;
for (1 .. 5)
{
	my $from = time;
	$node->psql('postgres', 'SELECT 1');
	system('sh', '-c', 'date > /dev/null');
	push @idle, time - $from;
}
@idle = sort { $a <=> $b } @idle;
command(qq{date +%%s.%%N > $dir/at.%i.tmp && mv $dir/at.%i.tmp $dir/at.%i; cat > $dir/told.%i});
my @took;
for my $i (1 .. 20)
{
	my ($who, $from) = deny();
	my $id;
	my $until = time + 180;
	while (time < $until)
	{
		$id = one("SELECT id FROM dataclass_audit.incident WHERE subject = '$who'");
		last if $id && -e "$dir/at.$id";
		usleep(20_000);
	}
	push @took, slurp("$dir/at.$id") - $from;
}
@took = sort { $a <=> $b } @took;
note(sprintf('denial to command: median %.3f s, most %.3f s', $took[10], $took[-1]));
my $slow = $idle[2] < 0.1 ? 0 : 5 * $idle[2];
note(sprintf('one program after another: %.3f s', $idle[2]));
cmp_ok($took[10], '<', 1 + $slow, 'from the denial to the command: less than a second, on a machine that is not busy');
cmp_ok($took[-1], '<', 60, 'every time in bounds');
soon(q{SELECT count(*) = 0 FROM dataclass_audit.incident WHERE state <> 'notified'}, 'all are notified');

# --- failure, back-off --------------------------------------------------------------

my $events = one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'disclosure'});
command(qq{test -e $dir/open || exit 7; cat > $dir/told.%i});
($role) = deny();
my $notice = one('SELECT max(id) FROM dataclass_audit.notice');
soon("SELECT count(*) >= 3 FROM dataclass_audit.delivery WHERE notice = $notice AND channel = 'command' AND status = 'failed' AND exit_status = 7",
	'a command that fails is run again');
is(one("SELECT min(next_at - at) >= '0.9 s' AND max(next_at - at) BETWEEN '1.9 s' AND '3.9 s' FROM dataclass_audit.delivery WHERE notice = $notice AND channel = 'command'"), 't',
	'after longer pauses, up to the setting');
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'disclosure' AND severity = 'high'}), '1', 'the first failure alone is in the trail');
like(one(q{SELECT detail FROM dataclass_audit.event WHERE kind = 'disclosure' AND severity = 'high'}), qr/The command ended with exit status 7/, 'with the exit status');
is(one("SELECT state FROM dataclass_audit.incident WHERE subject = '$role'"), 'discovered', 'it does not count as notified');
like(one(q{SELECT pending || ' ' || failing || ' ' || last_error FROM dataclass_audit.notice_status WHERE channel = 'command'}), qr/^1 1 The command ended with exit status 7/, 'the status says so');
append_to_file("$dir/open", '');
soon("SELECT count(*) = 1 FROM dataclass_audit.incident WHERE subject = '$role' AND state = 'notified'", 'it is not given up');
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'disclosure'}) - $events, 2, 'first failure and success');

# One that always fails does not hold up the others.
unlink "$dir/open";
command(qq{grep -q low_poison && exit 1; echo %i >> $dir/order});
one('CREATE ROLE low_poison LOGIN; GRANT pg_read_all_data TO low_poison');
$node->psql('postgres', 'SELECT * FROM files', extra_params => [ '-U', 'low_poison' ]);
my ($after) = deny();
soon("SELECT count(*) = 1 FROM dataclass_audit.incident WHERE subject = '$after' AND state = 'notified'", 'a notice that fails does not hold up later ones');
is(one(q{SELECT state FROM dataclass_audit.incident WHERE subject = 'low_poison'}), 'discovered', 'and is not forgotten');

# --- time-out: the whole process group ------------------------------------------------

$node->append_conf('postgresql.conf', 'dataclass.breach_command_timeout = 500ms');
command(qq{(echo \$\$ > $dir/group; sleep 600) & sleep 600});
($role) = deny();
$notice = one('SELECT max(id) FROM dataclass_audit.notice');
soon("SELECT count(*) >= 1 FROM dataclass_audit.delivery WHERE notice = $notice AND channel = 'command' AND status = 'failed' AND exit_status > 128 AND detail LIKE 'The command was ended after 500 ms%'",
	'a command that takes too long is ended');
my $group = slurp("$dir/group") + 0;
command('true');
soon("SELECT count(*) = 1 FROM dataclass_audit.incident WHERE subject = '$role' AND state = 'notified'", 'and run again');
my $left = 0;
for (1 .. 3600) { $left = kill(0, -$group); last if !$left; usleep(50_000); }
ok($group > 1 && !$left, 'nothing of its process group is left');

# --- hostile names ----------------------------------------------------------------------

unlink glob("$dir/told.*");
command(qq{cat > $dir/told.%i});
my $bad = q{a'b"c$(touch X)`x`;\\n%i&|<>} . "\n\t";
my $quoted = $bad;
$quoted =~ s/"/""/g;
one(qq{CREATE TABLE "$quoted" (id int); SECURITY LABEL FOR dataclass ON TABLE "$quoted" IS 'secret'});
($role) = deny(qq{"$quoted"});
soon("SELECT count(*) = 1 FROM dataclass_audit.incident WHERE subject = '$role' AND state = 'notified'", 'a name that would be code somewhere');
my $incident = one("SELECT id FROM dataclass_audit.incident WHERE subject = '$role'");
is(decode_json(slurp("$dir/told.$incident"))->{object_identity}, qq{public."$quoted"}, 'is a name in the document');
is(scalar(grep { !/^$dir\/told\.\d+$/ } glob("$dir/told*")), 0, 'and nothing on a command line');

# --- a worker that is ended, a server that is killed ---------------------------------------

command(qq{echo %i >> $dir/seen; test -e $dir/go || sleep 600});
$node->append_conf('postgresql.conf', 'dataclass.breach_command_timeout = 300s');
command(qq{echo %i >> $dir/seen; test -e $dir/go || exec sleep 600});
($role) = deny();
$incident = one("SELECT id FROM dataclass_audit.incident WHERE subject = '$role'");
for (1 .. 3600) { last if slurp("$dir/seen") =~ /^$incident$/m; usleep(50_000); }
like(slurp("$dir/seen"), qr/^$incident$/m, 'a command is at it');
one(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'dataclass notices'});
for (1 .. 3600) { last if (() = slurp("$dir/seen") =~ /^$incident$/mg) > 1; usleep(50_000); }
cmp_ok(scalar(() = slurp("$dir/seen") =~ /^$incident$/mg), '>', 1, 'a worker that is ended starts anew, with what was not told');
my $started = () = slurp("$dir/seen") =~ /^$incident$/mg;
$node->stop('immediate');
append_to_file("$dir/go", '');
$node->start;
soon("SELECT count(*) = 1 FROM dataclass_audit.incident WHERE subject = '$role' AND state = 'notified'", 'after a crash the outbox is taken up without a new breach');
cmp_ok(scalar(() = slurp("$dir/seen") =~ /^$incident$/mg), '>', $started, 'by running the command again');

# --- a listener that never reads ---------------------------------------------------------------

my $deaf = WireClient->new(host => $node->host, port => $node->port, user => 'nobody_in_particular', database => 'postgres');
$deaf->must('LISTEN something');
$deaf->must('BEGIN');
$deaf->must('SELECT 1');
($rc, $out, $err) = $node->psql('postgres', q{DO $$ BEGIN FOR i IN 1..2000 LOOP PERFORM pg_notify('something', repeat('x', 7990) || i % 10); COMMIT; END LOOP; END $$});
is(one('SELECT pg_notification_queue_usage() > 0'), 't', 'somebody holds notifications up');
is(one('SELECT count(*) FROM dataclass_audit.notice_status'), '2', 'the status can be read meanwhile');
($role) = deny();
soon("SELECT count(*) = 1 FROM dataclass_audit.incident WHERE subject = '$role' AND state = 'notified'", 'the command is run whatever the notification queue does');
$deaf->must('ROLLBACK');
$deaf->run('COMMIT');

# --- no worker slot, an extension that goes, a database that goes ---------------------------------

$node->append_conf('postgresql.conf', "max_worker_processes = 4");
$node->restart;
($role) = deny();
soon("SELECT count(*) > 0 FROM dataclass_audit.event WHERE subject = '$role'", 'without room for a worker, recording goes on');
$node->append_conf('postgresql.conf', "max_worker_processes = 16");
$node->restart;
soon("SELECT count(*) = 1 FROM dataclass_audit.incident WHERE subject = '$role' AND state = 'notified'", 'and what waited is told when there is room');
is(one('SELECT ok FROM dataclass_audit.verify()'), 't', 'the trail is whole');
$node->append_conf('postgresql.conf', 'dataclass.enforcement = off');
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('dataclass.enforcement') = 'off'});
one('CREATE DATABASE second TEMPLATE postgres');
is($node->psql('postgres', 'DROP DATABASE second'), 0, 'no worker stands in the way of DROP DATABASE');
one('DROP EXTENSION pg_dataclass');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'dataclass notices' AND datname = 'postgres'}), 'nor does one stay behind the extension');
$node->stop;
done_testing();
