# What those outside are told must arrive and be readable, whoever tries to keep
# it back: bytes that are no text, names at their longest, many recipients, a
# notification queue that is held, a command that will not end; and nobody tells,
# acknowledges or decides about himself.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep time);
use WireClient;

my $dir = PostgreSQL::Test::Utils::tempdir;
my $node = PostgreSQL::Test::Cluster->new('told');
# a database that takes any bytes for text
# streaming: without it nobody waits for a standby, see below
$node->init(allows_streaming => 1, extra => [ '--encoding=SQL_ASCII', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.breach_command_retry = 1s
synchronous_commit = local
max_worker_processes = 16
});
$node->start;
my $super = $node->safe_psql('postgres', 'SELECT current_user');

sub one { return $node->safe_psql('postgres', shift); }
sub soon
{
	my ($query, $name) = @_;
	ok($node->poll_query_until('postgres', $query), $name)
	  or diag(one('SELECT * FROM dataclass_audit.delivery ORDER BY notice, attempt') . "\n" . one('SELECT * FROM dataclass_audit.notice_status'));
}
sub as
{
	my ($role, $sql) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ]);
	return $err . $out;
}
sub setting
{
	my ($name, $value) = @_;
	(my $quoted = $value) =~ s/'/''/g;
	$node->append_conf('postgresql.conf', "$name = '$quoted'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('$name') = '$quoted'") or die "$name is not set";
}
sub listener
{
	my $wire = WireClient->new(host => $node->host, port => $node->port, user => $super, database => 'postgres');
	$wire->must('LISTEN dataclass_breach');
	return $wire;
}
# The payload about an incident, as text.
sub heard
{
	my ($wire, $incident) = @_;
	for (1 .. 300)
	{
		$wire->must('SELECT 1');
		for my $body (@{ $wire->{notifications} })
		{
			my (undef, undef, $payload) = unpack('N Z* Z*', $body);
			my $document = eval { decode_json($payload) };
			return "no JSON: $payload" if !$document;
			return $payload if ($document->{incident} // 0) == $incident;
		}
		usleep(50_000);
	}
	return 'nothing';
}
sub incident_of
{
	my ($role) = @_;
	$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM dataclass_audit.incident WHERE subject = '$role'");
	return one("SELECT max(id) FROM dataclass_audit.incident WHERE subject = '$role'");
}

one(q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE officer LOGIN; GRANT dataclass_officer TO officer;
CREATE ROLE deputy LOGIN; GRANT dataclass_officer TO deputy;
CREATE ROLE auditor LOGIN; GRANT dataclass_auditor TO auditor;
CREATE ROLE second LOGIN; GRANT dataclass_auditor TO second;
CREATE ROLE owner LOGIN;
CREATE TABLE scratch (id int);
CREATE TABLE files (id int);
GRANT ALL ON files TO PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE files IS 'secret';
});
for my $page ('SELECT dataclass_audit.compliance_report_html(NULL, NULL)', q{SELECT dataclass_audit.compliance_report_html('2001-01-01', '2001-01-02')})
{
	my $html = as('auditor', $page);
	like($html, qr/<h2 id="words">.*<dt>Breach<\/dt>.*<\/html>/s, 'a report where nothing happened, its words explained');
	is(() = $html =~ /<svg /g, 2, 'with the charts that need no breach');
}

# --- what is no text ------------------------------------------------------------

my $wire = listener();
setting('dataclass.breach_command', qq{cat > $dir/told.%i.tmp && mv $dir/told.%i.tmp $dir/told.%i});
my %table = (
	bytes => "caf\xe9 \xff\xc3\x28 \xed\xa0\x80 end",
	urdu => "\xd9\x85\xd8\xb1\xdb\x8c\xd8\xb6 \xf0\x9f\x94\x92",
	controls => join('', map { chr } 1 .. 31, 127),
	long => 'W' x 63,
	quotes => q{"\\} x 31,
);
for my $name (sort keys %table)
{
	(my $quoted = $table{$name}) =~ s/"/""/g;
	one(qq{CREATE ROLE r_$name LOGIN; CREATE TABLE "$quoted" (id int); GRANT ALL ON "$quoted" TO PUBLIC; SECURITY LABEL FOR dataclass ON TABLE "$quoted" IS 'secret'});
	as("r_$name", qq{SELECT * FROM "$quoted"});
	my $incident = incident_of("r_$name");
	my $payload = heard($wire, $incident);
	unlike($payload, qr/[^\x20-\x7e]/, "$name: a notification is plain ASCII");
	cmp_ok(length $payload, '<', 8000, "$name: and has room");
	is(decode_json($payload)->{role}, "r_$name", "$name: says who");
	soon("SELECT state = 'notified' FROM dataclass_audit.incident WHERE id = $incident", "$name: the command is run");
	my $document = decode_json(slurp_file("$dir/told.$incident"));
	my $text = $table{$name};
	$text = "caf\x{fffd} \x{fffd}\x{fffd}( \x{fffd}\x{fffd}\x{fffd} end" if $name eq 'bytes';
	utf8::decode($text) if $name eq 'urdu';
	(my $identity = $text) =~ s/"/""/g;
	like($document->{object_identity}, qr/^public\."?\Q$identity\E"?$/, "$name: what it was about");
}

# --- no room --------------------------------------------------------------------

one(q{INSERT INTO dataclass.disclosure_window (class, recipient, within)
	SELECT 'secret', repeat(chr(1), 60) || n, '1 day' FROM generate_series(1, 40) n});
one('CREATE ROLE r_many LOGIN');
as('r_many', 'SELECT * FROM files');
my $many = incident_of('r_many');
my $short = heard($wire, $many);
cmp_ok(length $short, '<', 8000, 'many recipients: the payload is cut');
ok(decode_json($short)->{truncated} && decode_json($short)->{seq}, 'to what leads to the rest');
soon("SELECT state = 'notified' FROM dataclass_audit.incident WHERE id = $many", 'the command is run');
is(scalar @{ decode_json(slurp_file("$dir/told.$many"))->{deadlines} }, 41, 'and has all of it');
one(q{DELETE FROM dataclass.disclosure_window WHERE recipient <> 'Cloud Office'});

# --- a notification queue that is held ----------------------------------------------

# Whoever notifies holds a lock until his commit is through; no standby ever answers.
setting('synchronous_standby_names', 'nobody');
my ($held_out, $held_err) = ('', '');
# the checkpointer has to hear of the setting first: until then none of these waits
append_to_file("$dir/notify.sql", "SET synchronous_commit = on;\n" . "BEGIN;\nINSERT INTO scratch VALUES (1);\nNOTIFY something;\nCOMMIT;\nSELECT pg_sleep(0.02);\n" x 500);
my $holder = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-f', "$dir/notify.sql" ],
	'<', \undef, '>', \$held_out, '2>', \$held_err);
soon(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE 'COMMIT%'}, 'somebody holds the queue');
one('CREATE ROLE r_held LOGIN');
as('r_held', 'SELECT * FROM files');
my $held = incident_of('r_held');
my $notice = one("SELECT min(id) FROM dataclass_audit.notice WHERE incident = $held");
soon("SELECT count(*) > 1 FROM dataclass_audit.delivery WHERE notice = $notice AND channel = 'notify' AND status = 'failed'", 'a NOTIFY that fails is tried again');
like(one("SELECT detail FROM dataclass_audit.delivery WHERE notice = $notice AND channel = 'notify' AND attempt = 1"), qr/lock timeout/, 'why is kept');
is(one("SELECT min(next_at - at) >= '0.9 s' FROM dataclass_audit.delivery WHERE notice = $notice AND channel = 'notify'"), 't', 'after a pause');
is(one("SELECT count(*), max(severity) FROM dataclass_audit.event WHERE kind = 'disclosure' AND action = 'notify' AND object_identity = '$notice'"), '1|high', 'the first failure is in the trail');
is(one("SELECT pending > 0 AND failing > 0 AND last_error ~ 'lock timeout' FROM dataclass_audit.notice_status WHERE channel = 'notify'"), 't', 'the status says so');
soon("SELECT state = 'notified' FROM dataclass_audit.incident WHERE id = $held", 'the command is run all the same');
setting('synchronous_standby_names', '');
$holder->kill_kill;
is(decode_json(heard($wire, $held))->{role}, 'r_held', 'what failed is told when it can be');
soon("SELECT count(*) = 1 FROM dataclass_audit.delivery WHERE notice = $notice AND channel = 'notify' AND status = 'delivered'", 'once');
$wire->finish;

# --- a command that will not end -------------------------------------------------------

$node->append_conf('postgresql.conf', 'dataclass.breach_command_timeout = 300ms');
setting('dataclass.breach_command', qq{trap "" TERM; (trap "" TERM; echo \$\$ > $dir/group; while :; do sleep 1; done) & while :; do sleep 1; done});
one('CREATE ROLE r_stuck LOGIN');
as('r_stuck', 'SELECT * FROM files');
my $stuck = incident_of('r_stuck');
soon("SELECT count(*) > 0 FROM dataclass_audit.delivery d JOIN dataclass_audit.notice n ON n.id = d.notice WHERE n.incident = $stuck AND d.channel = 'command' AND d.exit_status = 137",
	'a command that ignores SIGTERM is killed, with its exit status');
my $group = slurp_file("$dir/group") + 0;
setting('dataclass.breach_command', 'true');
my $left = 1;
for (1 .. 100) { $left = kill(0, -$group); last if !$left; usleep(50_000); }
ok($group > 1 && !$left, 'and what it had started');
soon("SELECT state = 'notified' FROM dataclass_audit.incident WHERE id = $stuck", 'another one is run instead');

# --- nobody about himself ----------------------------------------------------------------

setting('dataclass.breach_command', '');
as('officer', 'SELECT * FROM files');
as('auditor', 'SELECT * FROM files');
my ($of_officer, $of_auditor) = map { incident_of($_) } 'officer', 'auditor';
like(as('officer', "SELECT dataclass_audit.mark_notified($of_officer, 'I telephoned')"),
	qr/42501: permission denied for a step of incident $of_officer to notified.*DETAIL:  Nobody says of an incident about himself.*HINT:  Ask another member of dataclass_officer/s, 'an officer does not say that he was told of');
is(one("SELECT count(*) FROM dataclass_audit.breach WHERE rule = 'separation' AND action = 'mark_notified' AND subject = 'officer'"), '1', 'the attempt is a breach');
like(as('auditor', "SELECT dataclass_audit.acknowledge($of_auditor, 'fine')"), qr/42501.*Nobody acknowledges an incident about himself.*HINT:  Ask another/s, 'an auditor does not acknowledge his own');
is(one("SELECT string_agg(DISTINCT status, ' ') FROM dataclass_audit.disclosure WHERE incident IN ($of_officer, $of_auditor) AND disclosed_at IS NOT NULL"), '', 'so nothing counts as disclosed');
is(as('deputy', "SELECT dataclass_audit.mark_notified($of_officer, 'told by me')"), '', 'a colleague does');
is(as('second', "SELECT dataclass_audit.acknowledge($of_auditor, 'seen'), dataclass_audit.request_report($of_auditor, 'why')"), '|', 'a colleague goes on');
like(as('auditor', "SELECT dataclass_audit.decide_measure($of_auditor, 'none')"), qr/42501.*Nobody decides what follows/s, 'nobody decides about himself');
is(as('auditor', "SELECT dataclass_audit.acknowledge($of_officer, 'seen')"), '', 'an auditor works on what is not about him');
is(as('officer', "SELECT 1"), '1', 'and the officer goes on');

# --- how bad an attempt was: the label at stake --------------------------------------------

one('ALTER TABLE files OWNER TO owner');
as('owner', q{SECURITY LABEL FOR dataclass ON TABLE files IS 'public'});
as('owner', q{SECURITY LABEL FOR dataclass ON TABLE files IS NULL});
is(one(q{SELECT string_agg(DISTINCT label, ' ') FROM dataclass_audit.event WHERE kind = 'label_refused' AND subject = 'owner'}), 'secret', 'lowering a label is about the label that is there');
is(one(q{SELECT class FROM dataclass_audit.incident WHERE kind = 'label_refused' AND subject = 'owner'}), 'secret', 'so is its incident, and who is told in time');
one(q{CREATE TABLE open_files (id int); SECURITY LABEL FOR dataclass ON TABLE open_files IS 'public'; ALTER TABLE open_files OWNER TO owner});
as('owner', q{SECURITY LABEL FOR dataclass ON TABLE open_files IS 'confidential'});
is(one(q{SELECT label FROM dataclass_audit.event WHERE kind = 'label_refused' AND object_identity = 'public.open_files'}), 'confidential', 'raising one about the label asked for');

# --- a report of many -----------------------------------------------------------------------

one('CREATE ROLE r_flood LOGIN');
$node->append_conf('postgresql.conf', 'dataclass.repeat_window = 0');
$node->reload;
as('r_flood', q{DO $$ BEGIN FOR i IN 1 .. 10000 LOOP BEGIN EXECUTE 'SELECT * FROM files /* ' || i || ' */'; EXCEPTION WHEN insufficient_privilege THEN NULL; END; END LOOP; END $$});
my $flood = incident_of('r_flood');
soon("SELECT breaches = 10000 FROM dataclass_audit.incident WHERE id = $flood", 'ten thousand breaches');
my $from = time;
my $page = as('auditor', "SELECT dataclass_audit.incident_report_html($flood)");
my $period = as('auditor', 'SELECT dataclass_audit.compliance_report_html(NULL, NULL)');
my $json = as('auditor', "SELECT r->>'class_uid', r->>'count', jsonb_array_length(r->'unmapped'->'events') FROM dataclass_audit.incident_report($flood) r");
my $lines = as('auditor', "SELECT count(*), count(*) FILTER (WHERE l LIKE 'CEF:0|%') FROM dataclass_audit.export_events(NULL, NULL, 'cef') l");
note(sprintf('reports of ten thousand: %.1f s', time - $from));
like($page, qr{<dt>Breaches</dt><dd>10000</dd>.*</html>}s, 'the report of the incident counts all');
cmp_ok(length $page, '<', 1_000_000, 'and can be sent');
like($period, qr{<bdi>r_flood</bdi></th><td[^>]*><bdi>10000</bdi>}, 'so does the one of the period');
is($json, '2005|10000|10000', 'and OCSF');
is(one('SELECT count(*) FROM dataclass_audit.event') . '|' . one('SELECT count(*) FROM dataclass_audit.event'), $lines, 'every record is a line of CEF');

# --- readable without us ------------------------------------------------------------------------

my @rules = split /\n/, one('SELECT DISTINCT rule FROM dataclass_audit.breach WHERE rule IS NOT NULL');
cmp_ok(scalar @rules, '>', 2, 'several rules were broken');
like($period, qr{<bdi>$_</bdi><span class="minor">[a-z][^<]{10,}</span>}, "rule $_ is explained") for @rules;
like($page, qr{<dt>Which means</dt><dd><bdi>the clearance of the role does not cover the label of the data</bdi>}, 'on the page of an incident, too');
# a column of the chart is a day of the calendar, not a day from the hour the period begins
my $day = one(q{SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')});
my $week = as('auditor', q{SELECT dataclass_audit.compliance_report_html(now() - interval '29 days 5 hours', now() + interval '1 minute')});
like($week, qr{One column for each day, UTC.*<th scope="row" role="rowheader" data-h="From">$day</th>}s, 'a day is a day');

is(one('SELECT ok FROM dataclass_audit.verify()'), 't', 'the trail is whole');
$node->stop;
done_testing();
