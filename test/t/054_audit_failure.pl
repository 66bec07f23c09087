# When recording is impossible, on a standby, and across restarts with other
# settings.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use AuditWorld;

my $node = PostgreSQL::Test::Cluster->new('failure');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.audit_timeout = 300ms
});
$node->start;
sub one { return $node->safe_psql('postgres', shift); }
one(q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE low LOGIN;
CREATE TABLE files (id int);
GRANT SELECT ON files TO low;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
});

sub deny { return AuditWorld::deny(@_); }

sub set_conf { return AuditWorld::set_conf($node, @_); }

# --- no writer, no journal
my $dir = $node->data_dir . '/pg_dataclass';
$node->poll_query_until('postgres', 'SELECT queued = 0 AND journal_files = 0 AND writer_pid IS NOT NULL FROM dataclass_audit.status()');
my $writer = one('SELECT writer_pid FROM dataclass_audit.status()');
kill 'STOP', $writer;
rename $dir, "$dir.away" or die;
append_to_file($dir, 'in the way');
like(deny($node, 'lost1'), qr/ERROR:  42501/, 'a denial is raised all the same');
my ($rc, $out, $err) = $node->psql('postgres', q{\set VERBOSITY verbose
CREATE TABLE a (); SECURITY LABEL FOR dataclass ON TABLE a IS 'secret'});
like($err, qr/ERROR:  58030.*could not record/, 'refuse: a change that cannot be recorded does not happen');
is(one(q{SELECT count(*) FROM pg_seclabels WHERE objname = 'a'}), 0, 'really not');
set_conf('dataclass.on_audit_failure', 'continue');
($rc, $out, $err) = $node->psql('postgres', q{CREATE TABLE b (); SECURITY LABEL FOR dataclass ON TABLE b IS 'secret'});
like($err, qr/WARNING:  audit event could not be recorded/, 'continue: a warning');
is(one(q{SELECT count(*) FROM pg_seclabels WHERE objname = 'b'}), 1, 'and the change');
like(slurp_file($node->logfile), qr/kind=label_change .*object=table public\.b /, 'the event is in the server log');
unlink $dir;
rename "$dir.away", $dir or die;
kill 'CONT', $writer;
like(deny($node, 'again'), qr/42501/, 'recording works again');
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM dataclass_audit.event WHERE kind = 'audit_impaired' AND breach AND detail LIKE 'Events recorded nowhere but in the server log: %, from % to %'}),
	'the window is recorded');
ok($node->poll_query_until('postgres', q{SELECT unrecorded = 0 AND journal_files = 0 FROM dataclass_audit.status()}), 'and over');
is(one('SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'verify() holds');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM dataclass_audit.event WHERE kind = 'enforcement_change' AND detail = 'Setting dataclass.on_audit_failure changed from refuse to continue.'}),
	'so is the change of the setting');

# --- a synchronous standby that is not there must not stop recording
set_conf('dataclass.audit_timeout', '58s');
set_conf('synchronous_standby_names', 'nobody');
like(deny($node, 'nostandby'), qr/42501/, 'denied although no standby confirms');
is(one(q{SELECT count(*), min(origin) FROM dataclass_audit.event WHERE application = 'nostandby'}), '1|queue', 'recorded, once');
deny($node, 'nostandby2');
ok($node->poll_query_until('postgres', q{SELECT count(*) >= 1 FROM dataclass_audit.event WHERE kind = 'audit_impaired' AND detail LIKE 'No synchronous standby%'}), 'and that is recorded');
$node->append_conf('postgresql.conf', "synchronous_standby_names = ''");
$node->reload;

# --- a restart with other settings
$node->append_conf('postgresql.conf', 'dataclass.enforcement = permissive');
$node->restart;
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM dataclass_audit.event WHERE kind = 'enforcement_change' AND severity = 'critical' AND detail = 'Setting dataclass.enforcement changed from enforcing to permissive.'}),
	'a restart with less enforcement is in the trail');
$node->append_conf('postgresql.conf', 'dataclass.enforcement = enforcing');
$node->restart;
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM dataclass_audit.event WHERE detail = 'Setting dataclass.enforcement changed from permissive to enforcing.'}),
	'and the way back');
$node->restart;
is(one(q{SELECT count(*) FROM dataclass_audit.event WHERE object_identity = 'dataclass.enforcement'}), 2, 'a restart without a change is not');

# --- a journal cut off by a crash, and one damaged in the middle
$node->safe_psql('postgres', 'CREATE DATABASE other');
my $oid = one(q{SELECT oid FROM pg_database WHERE datname = 'other'});
$node->safe_psql('other', "SECURITY LABEL FOR dataclass ON ROLE low IS '$_'") for qw(open public restricted confidential);
$node->stop;
my ($journal) = glob "$dir/journal-$oid-*";
ok(defined $journal, 'a journal waits');
my $bytes = slurp_file($journal);
my @starts;
push @starts, pos($bytes) - 4 while $bytes =~ /DCFR/g;
is(scalar @starts, 4, 'of four records');
substr($bytes, $starts[1] + 60, 1) ^= "\x01";
$bytes = substr($bytes, 0, length($bytes) - 9);
open my $fh, '>:raw', $journal or die;
print $fh $bytes;
close $fh;
$node->start;
$node->safe_psql('other', 'CREATE EXTENSION pg_dataclass');
ok($node->poll_query_until('other', 'SELECT journal_files = 0 FROM dataclass_audit.status()'), 'imported');
is($node->safe_psql('other', q{SELECT string_agg(kind, ',' ORDER BY seq) FROM dataclass_audit.event WHERE kind IN ('trail_begin', 'clearance_change', 'audit_impaired')}),
	'trail_begin,clearance_change,audit_impaired,clearance_change,audit_impaired', 'the sound records, and what was wrong between and behind them');
is($node->safe_psql('other', 'SELECT records, damages, complete FROM dataclass_audit.journal_position'), '2|2|t', 'accounted for');
ok(scalar(glob("$dir/damaged-journal-$oid-*")), 'the damaged file is kept');
is($node->safe_psql('other', 'SELECT ok FROM dataclass_audit.verify()'), 't', 'verify() holds');

# --- a standby decides as the primary does, and keeps its events until promoted
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay');
like(deny($standby, 'standby1'), qr/42501/, 'denied on the standby');
like(deny($standby, 'standby2'), qr/42501/, 'again');
is($standby->safe_psql('postgres', 'SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'verify() works there');
is($standby->safe_psql('postgres', 'SELECT journal_files FROM dataclass_audit.status()'), 1, 'the events are in its journal');
$node->stop;
$standby->promote;
ok($standby->poll_query_until('postgres', q{SELECT count(*) = 2 FROM dataclass_audit.event WHERE application LIKE 'standby_'}), 'and in the trail after promotion');
is($standby->safe_psql('postgres', 'SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'which verifies');
$standby->stop;
done_testing();
