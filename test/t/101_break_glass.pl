# Emergency access across sessions: its end with them, parallel workers, the
# tier of the session and quarantine, a standby, a server that is killed.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('glass');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
min_parallel_table_scan_size = 0
parallel_setup_cost = 0
parallel_tuple_cost = 0
max_parallel_workers_per_gather = 2
log_line_prefix = '%m [%p] %q%a '
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE medic LOGIN;
CREATE TABLE chart (id int, note text);
CREATE TABLE rows (id int, label dataclass.label NOT NULL);
INSERT INTO chart SELECT i, 'note' FROM generate_series(1, 1000) i;
GRANT SELECT ON chart, rows TO medic;
SECURITY LABEL FOR dataclass ON TABLE chart IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE rows IS 'secret';
SECURITY LABEL FOR dataclass ON ROLE medic IS 'restricted with (break_glass)';
});
$node->safe_psql('postgres', q{
CREATE ROLE writer;
GRANT INSERT ON rows TO writer;
SECURITY LABEL FOR dataclass ON ROLE writer IS 'secret';
SET ROLE writer;
INSERT INTO rows SELECT i, (CASE WHEN i <= 500 THEN 'open' ELSE 'secret' END)::dataclass.label FROM generate_series(1, 1000) i;
});
$node->safe_psql('postgres', 'ANALYZE');

sub one { return $node->safe_psql('postgres', shift); }

sub medic
{
	my ($sql, $on) = @_;
	$on //= $node;
	my ($rc, $out, $err) = $on->psql('postgres', $sql, extra_params => [ '-U', 'medic' ]);
	return $out . ($err =~ /(ERROR: .*)/ ? $1 : '');
}

sub ends
{
	my ($like, $number) = @_;
	return $node->poll_query_until('postgres', "SELECT count(*) = $number FROM dataclass_audit.event WHERE kind = 'break_glass' AND detail LIKE '$like'");
}

my $open = q{SELECT FROM dataclass.break_glass('the patient cannot be asked');};

like(medic('SELECT count(*) FROM chart'), qr/permission denied/, 'not without it');
is(medic("$open SELECT count(*) FROM chart"), '1000', 'with it');
ok(ends('Emergency access ended with the session.', 1), 'the end of the session is recorded');
is(one(q{SELECT DISTINCT subject FROM dataclass_audit.event WHERE detail LIKE '%ended with the session.'}), 'medic', 'as of who opened it');
like(medic('SELECT count(*) FROM chart'), qr/permission denied/, 'another session has none');

# parallel workers see what their leader does
my $parallel = 'SET force_parallel_mode = on; SELECT count(*) FROM rows';
is(medic($parallel), '500', 'rows in parallel, without');
is(medic("$open $parallel"), '1000', 'rows in parallel, with');
like(medic("$open SET force_parallel_mode = on; EXPLAIN (COSTS OFF) SELECT count(*) FROM rows"), qr/Gather/, 'the plan is one');
ok(ends('Emergency access ended with the session.', 3), 'each session ended it');

# terminated
my $session = $node->background_psql('postgres', extra_params => [ '-U', 'medic' ]);
$session->query_safe($open);
is($session->query_safe('SELECT count(*) FROM chart'), '1000', 'open');
my $pid = $session->query_safe('SELECT pg_backend_pid()');
one("SELECT pg_terminate_backend($pid)");
ok(ends('Emergency access ended with the session.', 4), 'recorded also when the session is terminated');
eval { $session->quit };

# an idle session finds it expired
is(medic(q{SELECT FROM dataclass.break_glass('short', '100 ms'); SELECT pg_sleep(0.2); SELECT count(*) FROM chart}) =~ /permission denied/ ? 1 : 0, 1, 'it expires');
ok(ends('%its time was over.', 1), 'recorded');

# the limit of the policy
one(q{INSERT INTO dataclass.policy_setting (name, value) VALUES ('break_glass_minutes', '5')});
like(medic($open), qr/for 5 minutes at most/, 'the policy limits it');
one(q{DELETE FROM dataclass.policy_setting WHERE name = 'break_glass_minutes'});

# the clearance is taken away while it is open
$session = $node->background_psql('postgres', extra_params => [ '-U', 'medic' ], on_error_stop => 0);
$session->query($open);
one(q{SECURITY LABEL FOR dataclass ON ROLE medic IS 'restricted'});
is($session->query('SELECT count(*) FROM chart') || '', '', 'without the privilege it opens nothing any more');
one(q{SECURITY LABEL FOR dataclass ON ROLE medic IS 'restricted with (break_glass)'});
eval { $session->quit };

# the tier of the session is not lifted
$node->adjust_conf('postgresql.conf', 'dataclass.session_tier_enforcement', 'enforcing');
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT session_tier_enforcement = 'enforcing' FROM dataclass.session()}), 'tiers are enforced');
like(medic("$open SELECT count(*) FROM chart"), qr/permission denied/, 'not beyond the tier of the session');
is(one(q{SELECT rule FROM dataclass_audit.event WHERE outcome = 'denied' ORDER BY seq DESC LIMIT 1}), 'session_tier', 'which is the rule');
$node->adjust_conf('postgresql.conf', 'dataclass.session_tier_enforcement', 'off');
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT session_tier_enforcement = 'off' FROM dataclass.session()}), 'tiers are off');

# durable before it takes effect
my $seq = one('SELECT max(seq) FROM dataclass_audit.event');
$session = $node->background_psql('postgres', extra_params => [ '-U', 'medic' ]);
$session->query_safe($open);
is($session->query_safe('SELECT count(*) FROM chart'), '1000', 'opened and used');
$node->stop('immediate');
eval { $session->quit };
$node->start;
ok($node->poll_query_until('postgres', 'SELECT queued = 0 AND journal_files = 0 FROM dataclass_audit.status()'), 'the server is back');
is(one(qq{SELECT string_agg(action, ',' ORDER BY seq) FROM dataclass_audit.event WHERE seq > $seq AND kind = 'break_glass'}), 'BREAK GLASS,SELECT',
	'opening and use survive a crash');
like(medic('SELECT count(*) FROM chart'), qr/permission denied/, 'the emergency access does not');

# on a standby
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('glass_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
like(medic('SELECT count(*) FROM chart', $standby), qr/permission denied/, 'standby: not without');
is(medic("$open SELECT count(*) FROM chart", $standby), '1000', 'standby: with');

# The session ends after its client has: look until it is there, for 60 s at most.
my $bytes = '';
for (1 .. 600)
{
	$bytes = join('', map { slurp_file($_) } glob($standby->data_dir . '/pg_dataclass/journal-*'));
	last if $bytes =~ /ended with the session/;
	usleep(100_000);
}
ok($bytes =~ /Emergency access opened until/, 'standby: the opening is in the journal');
ok($bytes =~ /Emergency access ended with the session/, 'standby: the end too');
$standby->stop;

is(one('SELECT ok FROM dataclass_audit.verify()'), 't', 'the trail holds');
$node->stop;
done_testing();
