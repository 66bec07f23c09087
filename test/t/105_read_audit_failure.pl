# Acknowledged reads are durable before their rows are seen, or not seen; the
# others wait for nobody and are not lost.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use AuditWorld;

my $node = PostgreSQL::Test::Cluster->new('acknowledged');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.audit_durability = async
});
$node->start;
sub one { return $node->safe_psql('postgres', shift); }
one(q{
CREATE EXTENSION pg_dataclass;
UPDATE dataclass.data_class SET read_audit = 'statement' WHERE name = 'confidential';
UPDATE dataclass.data_class SET read_audit = 'statement', read_audit_acknowledged = true WHERE name = 'secret';
CREATE ROLE doctor LOGIN;
SECURITY LABEL FOR dataclass ON ROLE doctor IS 'secret';
CREATE TABLE conf (body text);
CREATE TABLE secr (body text);
GRANT ALL ON conf, secr TO doctor;
SECURITY LABEL FOR dataclass ON TABLE conf IS 'confidential';
SECURITY LABEL FOR dataclass ON TABLE secr IS 'secret';
SET ROLE doctor;
INSERT INTO conf VALUES ('a row');
INSERT INTO secr VALUES ('a row');
});

sub settled { return $node->poll_query_until('postgres', 'SELECT queued = 0 AND journal_files = 0 FROM dataclass_audit.status()'); }

# Output, error and seconds of a read.
sub look
{
	my ($name, $sql, $n) = @_;
	$n //= $node;
	my $start = time;
	my ($rc, $out, $err) = $n->psql('postgres', $sql, extra_params => ['-U', 'doctor', '-v', 'VERBOSITY=verbose'],
		connstr => $n->connstr('postgres') . " application_name=$name");
	return ($out, $err, time - $start);
}

# The writer, stopped: it starts with the first event.
sub stop_writer
{
	look('starts', 'SELECT body FROM secr');
	$node->poll_query_until('postgres', 'SELECT writer_pid IS NOT NULL FROM dataclass_audit.status()') or die 'no writer';
	my $writer = one('SELECT writer_pid FROM dataclass_audit.status()');
	kill 'STOP', $writer;
	return $writer;
}

sub recorded
{
	my ($name) = @_;
	return one("SELECT count(*) FROM dataclass_audit.event WHERE application = '$name' AND kind = 'read'");
}

sub set_conf { return AuditWorld::set_conf($node, @_); }

# --- durable when the rows are there, whatever audit_durability says
my ($out, $err, $seconds);
for my $n (1 .. 20)
{
	($out, $err) = look("durable$n", 'SELECT body FROM secr');
	die "not read: $err" if $out ne 'a row';
}
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE application ~ '^durable'}), 20, 'acknowledged reads are in the trail when they return');
($out) = look('crash', 'SELECT body FROM secr');
$node->stop('immediate');
$node->start;
ok(settled(), 'recovered');
is(recorded('crash'), 1, 'and after a crash right then');

# --- the writer does not answer: the journal has it before the row is seen
my $dir = $node->data_dir . '/pg_dataclass';
set_conf('dataclass.audit_timeout', '2s');
my $writer = stop_writer();
($out, $err, $seconds) = look('waits', 'SELECT body FROM secr');
is($out, 'a row', 'acknowledged, writer stopped: read');
cmp_ok($seconds, '>=', 1.9, 'after it waited for the writer');
my $journal = join '', map { slurp_file($_) } glob "$dir/journal-*";
like($journal, qr/waits/, 'and is in the journal');
set_conf('dataclass.audit_timeout', '58s');
($out, $err, $seconds) = look('hurries', 'SELECT body FROM conf');
is($out, 'a row', 'not acknowledged, writer stopped: read');
cmp_ok($seconds, '<', 50, 'without waiting');
kill 'CONT', $writer;
ok(settled(), 'the writer goes on');
is(recorded('waits'), 1, 'one record of the one');
is(recorded('hurries'), 1, 'and of the other');

# --- more reads than the queue has room for
my $slots = one(q{SELECT current_setting('dataclass.audit_queue_size')});
$slots =~ s/\D.*//;
my $many = 1500;
$writer = stop_writer();
($out, $err) = look('many', "DO \$\$ BEGIN FOR i IN 1 .. $many LOOP PERFORM body FROM conf; END LOOP; END \$\$");
is($err, '', 'many reads that wait for nobody');
kill 'CONT', $writer;
ok(settled(), 'all of them are taken');
is(recorded('many'), $many, 'none is lost, none is twice');

# --- no writer, no journal
$writer = stop_writer();
set_conf('dataclass.audit_timeout', '2s');
rename $dir, "$dir.away" or die;
append_to_file($dir, 'in the way');
($out, $err) = look('refused', 'SELECT body FROM secr');
is($out, '', 'refuse: no row of what cannot be recorded');
like($err, qr/ERROR:  58030: could not record the access to table public\.secr/, '58030');
($out, $err) = look('refused_copy', 'COPY secr TO STDOUT');
is($out, '', 'nor by COPY');
like($err, qr/ERROR:  58030/, '58030');
($out, $err) = look('refused_cursor', 'BEGIN; DECLARE c CURSOR FOR SELECT body FROM secr; FETCH c');
is($out, '', 'nor by a cursor');
($out, $err) = look('refused_function', q{DO $$ BEGIN PERFORM body FROM secr; EXCEPTION WHEN io_error THEN RAISE NOTICE 'no read'; END $$});
like($err, qr/no read/, 'nor by a function');
($out, $err) = look('queued', 'SELECT body FROM conf');
is($out, 'a row', 'what needs no acknowledgement is read, while the queue takes the record');
set_conf('dataclass.on_audit_failure', 'continue');
($out, $err) = look('continued', 'SELECT body FROM secr');
is($out, 'a row', 'continue: read');
like($err, qr/WARNING:  58030: audit event could not be recorded/, 'with a warning');
unlink $dir;
rename "$dir.away", $dir or die;
kill 'CONT', $writer;
ok(settled(), 'recording works again');
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM dataclass_audit.event WHERE kind = 'audit_impaired'}), 'the window is recorded');
is(recorded('queued'), 1, 'what was queued is in the trail');
set_conf('dataclass.on_audit_failure', 'refuse');
is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'verify() holds');

# --- a dump carries what classes ask for
my $dump = PostgreSQL::Test::Utils::tempdir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-n', 'dataclass', '-e', 'pg_dataclass', '-f', $dump ], 'dumped');
one('CREATE DATABASE copy');
my ($rc, $said, $errors) = $node->psql('copy', slurp_file($dump), on_error_stop => 0);
is($node->safe_psql('copy', 'SELECT name, read_audit, read_audit_acknowledged FROM dataclass.data_class WHERE rank >= 3 ORDER BY rank'),
	"confidential|statement|f\nsecret|statement|t", 'restored');

# --- a standby
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay');
($out, $err) = look('on_standby', 'SELECT body FROM secr', $standby);
is($out, 'a row', 'read on a standby');
($out, $err) = look('on_standby2', 'SELECT body FROM conf', $standby);
is($out, 'a row', 'again');
like(join('', map { slurp_file($_) } glob $standby->data_dir . '/pg_dataclass/journal-*'), qr/on_standby.*on_standby2/s, 'recorded in its journal');
$node->stop;
$standby->promote;
ok($standby->poll_query_until('postgres', q{SELECT count(*) = 2 FROM dataclass_audit.event WHERE application ~ '^on_standby' AND kind = 'read'}), 'and in the trail after promotion');
$standby->stop;
done_testing();
