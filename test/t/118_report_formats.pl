# Reports for other systems: incident_report() and export_events() hold what
# the trail holds, fit the schema of OCSF, and CEF can be taken apart again,
# with hostile names in every field.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8 encode_utf8);
use FindBin;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

use lib $FindBin::RealBin;
use ReportWorld;

my ($node, $super, $id) = report_world('formats', 9);
my $dir = PostgreSQL::Test::Utils::tempdir;

# ---- who may ask

for my $call ("incident_report($id)", "export_events(NULL, NULL, 'ocsf')", "incident_report_html($id)", 'compliance_report_html(NULL, NULL)')
{
	my (undef, $err) = as_role($node, 'nobody_special', "SELECT dataclass_audit.$call");
	like($err, qr/permission denied/, "nobody special: $call");
	ok(length(value($node, $_, "SELECT dataclass_audit.$call")) > 100, "$_: $call") for 'auditor', 'officer', $super;
}
is(value($node, $super, q{SELECT count(*) FROM pg_proc p WHERE pronamespace = 'dataclass_audit'::regnamespace
	AND proname ~ 'report|export' AND has_function_privilege('public', p.oid, 'EXECUTE')}), 0, 'nothing is granted to PUBLIC');

# ---- what is not asked well

for my $format ("'xml'", "'OCSF'", "''", 'NULL')
{
	my (undef, $err) = as_role($node, 'auditor', "\\set VERBOSITY verbose\nSELECT dataclass_audit.export_events(NULL, NULL, $format)");
	like($err, qr/22023/, "format $format: SQLSTATE");
	like($err, qr/HINT:  The formats are 'ocsf' and 'cef'\./, "format $format: both are named");
}
for my $call ('incident_report(4711)', 'incident_report_html(4711)')
{
	my (undef, $err) = as_role($node, 'auditor', "\\set VERBOSITY verbose\nSELECT dataclass_audit.$call");
	like($err, qr/22023: incident 4711 does not exist/, $call);
}
is(value($node, 'auditor', 'SELECT dataclass_audit.incident_report(NULL) IS NULL'), 't', 'no incident, no report');

# ---- the trail itself, to compare with

my @rows = map { decode_json(encode_utf8($_)) }
  split /\n/, value($node, 'auditor', q{SELECT to_jsonb(e) || jsonb_build_object('ms', floor(extract(epoch FROM "time") * 1000))
	FROM dataclass_audit.event e ORDER BY seq});
my $last = $rows[-1]{seq};

sub export
{
	my ($format) = @_;
	my $lines = value($node, 'auditor', "SELECT dataclass_audit.export_events(NULL, NULL, '$format')");
	my @lines = split /\n/, $lines;
	return @lines[0 .. $#rows];
}

# ---- OCSF

my @lines = export('ocsf');
my @events = map { decode_json(encode_utf8($_)) } @lines;
my %class = map { $_->{class_uid} => 1 } @events;
is_deeply([ sort keys %class ], [ 2003, 2006, 6005 ], 'each class occurs');
my @wrong;
for my $i (0 .. $#rows)
{
	my ($row, $event) = ($rows[$i], $events[$i]);
	my $unmapped = $event->{unmapped};
	my %pair = (
		seq => $event->{metadata}{sequence}, event_id => $event->{metadata}{uid}, kind => $event->{metadata}{event_code},
		ms => $event->{time}, subject => $event->{actor}{user}{name}, application => $event->{actor}{app_name},
		map { $_ => $unmapped->{$_} } qw(outcome action label rule required_tier found_tier statement session_user_name
			current_user_name authenticated_user client_addr backend_pid database object_type object_identity object_id node origin));
	for my $field (sort keys %pair)
	{
		my ($got, $expected) = ($pair{$field}, $row->{$field});
		push @wrong, "record $row->{seq}, $field: " . ($got // 'none') . ' instead of ' . ($expected // 'none')
		  if ($got // '') ne ($expected // '');
	}
	push @wrong, "record $row->{seq}: hash" if '\x' . $unmapped->{leaf_hash} ne $row->{leaf_hash};
	push @wrong, "record $row->{seq}: breach" if !!$unmapped->{breach} ne !!$row->{breach};
}
is_deeply(\@wrong, [], 'each record is there with all it says');

my ($denied) = grep { $_->{metadata}{event_code} eq 'access_denied' && ($_->{actor}{user}{name} // '') eq $hostile{role_script} } @events;
is_deeply([ @$denied{qw(class_uid type_uid action_id disposition_id status_id severity_id timezone_offset)} ],
	[ 2006, 200601, 2, 2, 1, 4, 0 ], 'a denial: class, action, disposition, status, severity');
ok($denied->{is_suspected_breach} && $denied->{is_alert}, 'a denial is a suspected breach');
is($denied->{data_security}{confidentiality_id}, 3, 'its class is secret');
my ($image) = grep { ($_->{table}{name} // '') =~ /onerror/ && $_->{class_uid} == 2006 } @events;
is($image->{resources}[0]{name}, qq{s."$hostile{table_image}"}, 'the name of a table as it is');
my ($refused) = grep { $_->{metadata}{event_code} eq 'at_rest_refused' } @events;
is($refused->{class_uid}, 2003, 'encryption checks are compliance findings');
is($refused->{compliance}{status_id}, 3, 'and this one failed');
ok((grep { $_->{class_uid} == 6005 && $_->{metadata}{event_code} eq 'label_change' } @events) > 0, 'other events are datastore activity');

# ---- the incident

my $report = decode_json(encode_utf8(value($node, 'auditor', "SELECT dataclass_audit.incident_report($id)")));
is($report->{class_uid}, 2005, 'an incident finding');
is($report->{status_id}, 2, 'in progress once it is acknowledged');
is($report->{activity_id}, 2, 'an update');
is_deeply([ map { $_->{state} } @{ $report->{unmapped}{life_cycle} } ], [qw(discovered notified acknowledged)], 'its life');
is_deeply([ map { $_->{activity_id} } @{ $report->{unmapped}{life_cycle} } ], [ 1, 2, 2 ], 'each step is an activity');
is($report->{unmapped}{life_cycle}[1]{reason},
	value($node, 'auditor', "SELECT reason FROM dataclass_audit.incident_step WHERE incident = $id AND step = 2"), 'reasons as they are kept');
like($report->{unmapped}{life_cycle}[1]{reason}, qr/^<a href=javascript:alert\(4\)>told<\/a>/, 'nothing is taken out of them');
is($report->{assignee}{name}, 'auditor', 'who acknowledged it');
is($report->{unmapped}{deadlines}[0]{recipient}, 'Cloud Office', 'who has to be told');
my $members = value($node, 'auditor', "SELECT count(*) FROM dataclass_audit.incident_event WHERE incident = $id");
is(scalar @{ $report->{unmapped}{events} }, $members, 'all of its events');
is($report->{unmapped}{events_left_out}, 0, 'none left out');
is_deeply([ map { $_->{uid} } @{ $report->{finding_info_list}[0]{related_events} } ],
	[ map { $_->{metadata}{uid} } @{ $report->{unmapped}{events} } ], 'the finding names them');
my %status = (discovered => 1, notified => 1, acknowledged => 2, report_requested => 3, report_submitted => 2,
	measure_decided => 2, measure_applied => 4, closed => 5);
my @walk = (
	[ auditor => "request_report($id, 'what happened')" ], [ officer => "submit_report($id, 'this')" ],
	[ auditor => "decide_measure($id, 'less rights')" ], [ officer => "apply_measure($id, 'done')" ],
	[ auditor => "close_incident($id, 'over')" ]);
for my $step (@walk)
{
	value($node, $step->[0], "SELECT dataclass_audit.$step->[1]");
	my $now = decode_json(encode_utf8(value($node, 'officer', "SELECT dataclass_audit.incident_report($id)")));
	is($now->{status_id}, $status{ $now->{status_detail} }, "status of $now->{status_detail}");
	is($now->{type_uid}, 200500 + ($now->{status_detail} eq 'closed' ? 3 : 2), "activity of $now->{status_detail}");
}

# ---- the schema

SKIP:
{
	skip 'no jsonschema for Python', 2
	  if system('python3 -c "import jsonschema; jsonschema.Draft202012Validator" >/dev/null 2>&1') != 0;
	my $script = <<'PYTHON';
import json, sys
from jsonschema import Draft202012Validator
validator = Draft202012Validator(json.load(open(sys.argv[1])))
n = 0
for line in open(sys.argv[2], encoding='utf-8'):
    document = json.loads(line)
    n += 1
    for error in validator.iter_errors(document):
        print(document['class_uid'], list(error.absolute_path), error.message[:200])
print(n, 'documents')
PYTHON
	my $schema = "$FindBin::RealBin/../fixtures/ocsf.schema.json";
	my $all = join("\n", @lines, split(/\n/, value($node, 'auditor', 'SELECT dataclass_audit.incident_report(id) FROM dataclass_audit.incident'))) . "\n";
	append_to_file("$dir/all.json", encode_utf8($all));
	append_to_file("$dir/validate.py", $script);
	my $n = () = $all =~ /\n/g;
	is(qx{python3 $dir/validate.py $schema $dir/all.json 2>&1}, "$n documents\n", 'everything fits the schema');

	# the schema does find what is missing
	my %less = %$denied;
	delete $less{finding_info};
	append_to_file("$dir/less.json", encode_json(\%less) . "\n");
	like(qx{python3 $dir/validate.py $schema $dir/less.json 2>&1}, qr/finding_info/, 'a finding without what is required does not');
}

# ---- CEF

# Seven fields and the extension, unescaped.
sub parse_cef
{
	my ($line) = @_;
	$line =~ s/^CEF:0\|// or return;
	my @head;
	for (1 .. 6)
	{
		$line =~ s/^((?:[^|\\]|\\[|\\])*)\|// or return;
		push @head, $1 =~ s/\\([|\\])/$1/gr;
	}
	my %value;
	# a value ends where another key begins or at the end
	while ($line =~ s/^([A-Za-z0-9]+)=((?:[^=\\]|\\[=\\nr])*?)(?= [A-Za-z0-9]+=|$)//)
	{
		my ($key, $text) = ($1, $2);
		$text =~ s/\\([=\\nr])/$1 eq 'n' ? "\n" : $1 eq 'r' ? "\r" : $1/ge;
		return if exists $value{$key};
		$value{$key} = $text;
		$line =~ s/^ //;
	}
	return if $line ne '';
	return (\@head, \%value);
}

# Controls other than line ends are written by their number.
sub cef_text
{
	my ($text) = @_;
	return undef if !defined $text || $text eq '';
	return $text =~ s/([\x00-\x09\x0b\x0c\x0e-\x1f\x7f])/sprintf '\\x%02X', ord $1/ger;
}

my %severity = (info => 1, notice => 3, warning => 5, high => 8, critical => 10);
@wrong = ();
@lines = export('cef');
for my $i (0 .. $#rows)
{
	my $row = $rows[$i];
	my ($head, $value) = parse_cef($lines[$i]);
	if (!$head)
	{
		push @wrong, "no CEF: $lines[$i]";
		next;
	}
	my %expected = (rt => $row->{ms}, externalId => $row->{seq}, act => $row->{action}, outcome => $row->{outcome},
		suser => $row->{subject}, suid => $row->{authenticated_user}, duser => $row->{current_user_name}, dvchost => $row->{node},
		msg => $row->{detail}, cs1 => $row->{label}, cs2 => $row->{rule}, cs3 => $row->{object_identity}, cs4 => $row->{statement},
		cs5 => $row->{required_tier}, cs6 => $row->{application}, spt => $row->{client_port}, flexString2 => $row->{event_id});
	for my $key (sort keys %expected)
	{
		my ($got, $want) = ($value->{$key}, cef_text($expected{$key}));
		push @wrong, "record $row->{seq}, $key: " . ($got // 'none') . ' instead of ' . ($want // 'none') if ($got // '') ne ($want // '');
	}
	push @wrong, "record $row->{seq}: head @$head"
	  if $head->[0] ne 'pg_dataclass' || $head->[1] ne 'pg_dataclass' || $head->[3] ne $row->{kind} || $head->[5] != $severity{ $row->{severity} };
	push @wrong, "record $row->{seq}: a label of cs is missing" if grep { exists $value->{"cs$_"} != exists $value->{"cs${_}Label"} } 1 .. 6;
}
is_deeply(\@wrong, [], 'CEF: each record can be taken apart to what it says');
like(join("\n", @lines), qr/suser=a"b'c`\]\]><\/style>-->\|\\\\\\= /, 'CEF: backslash and equals sign are escaped, a pipe is not');
like(join("\n", @lines), qr/suser=line\\nend\\\\x1B\[2J\\\\x09tab /, 'CEF: a line end is \n');

# ---- from and to

my $cut = $rows[5]{time};
is(value($node, 'auditor', "SELECT count(*) FROM dataclass_audit.export_events('$cut', '$rows[-1]{time}', 'cef')"),
	scalar(grep { $_->{time} ge $cut && $_->{time} lt $rows[-1]{time} } @rows), 'from is included, to is not');
is(value($node, 'auditor', "SELECT count(*) FROM dataclass_audit.export_events('infinity', NULL, 'cef')"), 0, 'from infinity on there is nothing');
is(value($node, 'auditor', "SELECT count(*) FROM dataclass_audit.export_events('-infinity', '-infinity', 'ocsf')"), 0, 'nor before the beginning');

# ---- a cursor is closed whatever happens

is(value($node, 'auditor', q{BEGIN;
SELECT length(dataclass_audit.export_events(NULL, NULL, 'ocsf')) > 100 LIMIT 2;
SELECT count(*) FROM pg_cursors;
COMMIT;}), "t\nt\n0", 'who stops early leaves no cursor');
is(value($node, 'auditor', q{BEGIN;
DECLARE c CURSOR FOR SELECT dataclass_audit.export_events(NULL, NULL, 'ocsf'), dataclass_audit.export_events(NULL, NULL, 'cef');
MOVE 3 IN c;
CLOSE c;
SELECT count(*) FROM pg_cursors;
COMMIT;}), '0', 'two at a time, closed');

$node->stop;
done_testing();
