# Policy profiles with signatures: forged, truncated, flipped, replayed ones
# and those by other or revoked keys are refused with the reason; what
# dataclass.require_signed_policy keeps closed; versions through dump and
# restore; the schema of the documents against the server's own checks.
use strict;
use warnings;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $openssl = `openssl version 2>/dev/null`;
plan skip_all => 'no openssl program' unless $openssl;

my $dir = PostgreSQL::Test::Utils::tempdir;
my $anchors = "$dir/anchors";
mkdir $_ or die "$_: $!" for ($anchors, "$anchors/profile", "$anchors/attestation");

sub make_key
{
	my ($name, $purpose) = @_;
	system_or_bail('openssl', 'genpkey', '-algorithm', 'ed25519', '-out', "$dir/$name.key");
	if ($purpose)
	{
		system_or_bail('openssl', 'pkey', '-in', "$dir/$name.key", '-pubout', '-out', "$anchors/$purpose/$name.pem");
		chmod 0444, "$anchors/$purpose/$name.pem";
	}
}

sub spew
{
	my ($file, $text) = @_;
	open my $fh, '>:raw', $file or die "$file: $!";
	print $fh $text;
	close $fh;
}

# Hex of the signature over these bytes.
sub sign
{
	my ($document, $key) = @_;
	spew("$dir/document", $document);
	system_or_bail('openssl', 'pkeyutl', '-sign', '-rawin', '-inkey', "$dir/$key.key", '-in', "$dir/document", '-out', "$dir/signature");
	return unpack('H*', slurp_file("$dir/signature"));
}

make_key('office', 'profile');
make_key('old', 'profile');
make_key('device', 'attestation');
make_key('stranger', undef);

sub set_revoked
{
	chmod 0755, $anchors;
	unlink "$anchors/revoked";
	if (defined $_[0])
	{
		spew("$anchors/revoked", $_[0]);
		chmod 0444, "$anchors/revoked";
	}
	chmod 0555, $anchors;
}
chmod 0555, $_ for ("$anchors/profile", "$anchors/attestation", $anchors);
END { chmod 0755, $_ for grep { -d } ($anchors, "$anchors/profile", "$anchors/attestation"); }

my $node = PostgreSQL::Test::Cluster->new('profiles');
$node->init;
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.trust_anchors = '$anchors'
max_worker_processes = 16
});
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE agency ENCODING \'UTF8\' TEMPLATE template0');

sub run_sql { return $node->safe_psql('agency', $_[0]); }

sub refused
{
	my ($sql, $pattern, $name) = @_;
	my ($out, $err) = ('', '');
	my $status = $node->psql('agency', "\\set VERBOSITY verbose\n$sql", stdout => \$out, stderr => \$err, on_error_stop => 1);
	ok($status != 0, "$name: refused") or diag($out);
	like($err, $pattern, "$name: the reason");
}

sub literal { my $text = shift; $text =~ s/'/''/g; return "E'" . $text =~ s/\\/\\\\/gr . "'"; }
sub load
{
	my ($document, $signature, $more) = @_;
	return 'SELECT dataclass.load_profile(' . literal($document) . ', ' .
	  (defined $signature ? "'\\x$signature'" : 'NULL') . ($more ? ", $more" : '') . ')';
}

run_sql('CREATE EXTENSION pg_dataclass');
my $shipped = run_sql(q{SELECT dataclass.shipped_profile('pakistan-cloud-first')}) . "\n";
my $document = $shipped =~ s/"version": "1.0.0"/"version": "1.1"/r;
my $good = sign($document, 'office');

# Not required: a signature that is given has to be good all the same
is(run_sql(load($document, $good)), '2', 'a signed profile is loaded');
my $key = run_sql('SELECT key_id FROM dataclass.profile_version WHERE version = 2');
my $der = `openssl pkey -in $dir/office.key -pubout -outform DER | openssl dgst -sha256 -r`;
is($key, substr($der, 0, 64), 'the key is kept');
is(run_sql(q{SELECT item, verdict FROM dataclass.verify_policy()}), "version|ok\nsignature|good\ntables|ok", 'verified');
my $flipped = $good;
substr($flipped, 20, 1) = substr($flipped, 20, 1) eq '0' ? '1' : '0';
my $bad = qr/ERROR:  42501: the signature of the profile is not valid\nDETAIL:  No trust anchor made this signature over this document/;
refused(load($document, $flipped), $bad, 'a flipped bit of the signature');
refused(load($document =~ s/PK|Cloud Office/Cloud 0ffice/r, $good), $bad, 'a changed document');
refused(load("$document ", $good), $bad, 'a blank more');
refused(load($document, substr($good, 0, 126)), qr/42501.*\nDETAIL:  A signature has 64 bytes, this one has 63/, 'a truncated signature');
refused(load($document, ''), qr/42501.*\nDETAIL:  A signature has 64 bytes, this one has 0/, 'an empty signature');
refused(load(substr($document, 0, 200), $good), $bad, 'a truncated document');
refused(load($document, sign($document, 'stranger')), $bad, 'a forged signature');
refused(load($document, sign($document, 'device')), $bad, 'a key for another purpose');
refused(load($shipped, sign($shipped, 'office')), qr/55000: cannot go back to an older version/, 'an older version, signed');
my $other = $document =~ s/"min_evidence": 3/"min_evidence": 2/r;
refused(load($other, sign($other, 'office')), qr/55000: cannot go back.*\n.*Another signed document was loaded/, 'another document of the same version');
set_revoked('');
my $old_id = substr(`openssl pkey -in $dir/old.key -pubout -outform DER | openssl dgst -sha256 -r`, 0, 64);
my $next = $document =~ s/"version": "1.1"/"version": "1.2"/r;
set_revoked("# lost\n$old_id\n");
refused(load($next, sign($next, 'old')), qr/42501: the profile is signed by a revoked key\nDETAIL:  The signature is by key $old_id/, 'a revoked key');
set_revoked("no list\n");
refused(load($next, sign($next, 'office')), qr/55000: the signature of the profile cannot be checked/, 'a list of revoked keys that cannot be read');
set_revoked(undef);
is(run_sql('SELECT max(version) FROM dataclass.profile_version'), '2', 'nothing was loaded by any of it');
is(run_sql(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'profile' AND rule = 'signature' AND breach AND outcome = 'denied'}),
	'10', 'each is recorded');

# Required
$node->append_conf('postgresql.conf', 'dataclass.require_signed_policy = on');
$node->reload;
$node->poll_query_until('agency', q{SELECT current_setting('dataclass.require_signed_policy') = 'on'});
ok($node->poll_query_until('agency', q{SELECT count(*) = 1 FROM dataclass_audit.event WHERE kind = 'enforcement_change' AND object_identity = 'dataclass.require_signed_policy' AND NOT breach}),
	'that it was switched on is recorded, and is no breach');
refused(load($next), qr/42501: cannot load a profile without a signature\nDETAIL:  Setting dataclass.require_signed_policy is on/, 'no signature');
run_sql('CREATE ROLE officer; GRANT dataclass_officer TO officer; CREATE ROLE dba SUPERUSER');
my $closed = qr/42501: permission denied for policy table.*\nDETAIL:  Setting dataclass.require_signed_policy is on/;
for my $try (
	q{UPDATE dataclass.data_class SET required_tier = 'baseline'},
	q{INSERT INTO dataclass.data_class (name, rank, required_tier) VALUES ('x', 99, 'baseline')},
	q{INSERT INTO dataclass.tier (name, rank) VALUES ('baseline', 0) ON CONFLICT (name) DO UPDATE SET rank = 0},
	q{DELETE FROM dataclass.tier_control},
	q{UPDATE dataclass.policy_setting SET value = 'secret' WHERE name = 'default_clearance'},
	q{DELETE FROM dataclass.disclosure_window},
	q{TRUNCATE dataclass.tier_control},
	q{MERGE INTO dataclass.tier t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE},
	q{WITH w AS (DELETE FROM dataclass.tier_control RETURNING 1) SELECT count(*) FROM w},
	"COPY dataclass.tier_control (tier, control, requirement) FROM STDIN;\nbaseline\tx\ty\n\\.\n",
	q{SET check_function_bodies = off; UPDATE dataclass.data_class SET required_tier = 'baseline'},
	q{SET check_function_bodies = off; INSERT INTO dataclass.tier_control VALUES ('baseline', 'x', 'y')},
	q{SET session_replication_role = replica; UPDATE dataclass.data_class SET required_tier = 'baseline'},
	q{DO $$ BEGIN EXECUTE 'UPDATE dataclass.data_class SET required_tier = ''baseline'''; END $$},
	q{CREATE VIEW v AS SELECT * FROM dataclass.data_class; UPDATE v SET required_tier = 'baseline'},
	q{CREATE FUNCTION pg_temp.f() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM dataclass.tier_control'; SELECT pg_temp.f()},
)
{
	my $name = substr($try, 0, 60) =~ s/\n.*//sr;
	refused("SET ROLE officer; $try", qr/42501: permission denied/, "officer: $name");
	refused($try, $closed, "superuser: $name");
}
for my $try ('ALTER TABLE dataclass.data_class DISABLE TRIGGER ALL', 'ALTER EXTENSION pg_dataclass DROP TABLE dataclass.data_class',
	'DROP TRIGGER profile_guard ON dataclass.data_class', 'SET dataclass.require_signed_policy = off',
	'CREATE RULE r AS ON UPDATE TO dataclass.tier DO INSTEAD NOTHING', 'CREATE OR REPLACE FUNCTION dataclass.profile_row_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$')
{
	refused($try, qr/ERROR:  (42501|55P02)/, "superuser: $try");
}
# a function that core's would give way to, inside the statements of load_profile(): it can neither write nor change rows
my $smuggled = $next =~ s/"required_tier": "enhanced"/"required_tier": "highest"/r;
my $smuggled_load = load($smuggled, sign($smuggled, 'office'));
my $twisted = q{RETURN QUERY SELECT CASE WHEN $1[i] = 'highest' THEN 'baseline' ELSE $1[i] END FROM pg_catalog.generate_subscripts($1, 1) i; };
refused(qq{CREATE FUNCTION pg_catalog.unnest(text[]) RETURNS SETOF text LANGUAGE plpgsql VOLATILE AS
	\$\$ BEGIN UPDATE dataclass.data_class SET required_tier = 'baseline'; $twisted END \$\$; $smuggled_load},
	$closed, 'a function that writes from inside');
run_sql(qq{CREATE OR REPLACE FUNCTION pg_catalog.unnest(text[]) RETURNS SETOF text LANGUAGE plpgsql VOLATILE AS
	\$\$ BEGIN $twisted END \$\$});
refused($smuggled_load, qr/ERROR:  (42501: permission denied for policy table|XX001)/, 'a function that twists the rows');
run_sql('DROP FUNCTION IF EXISTS pg_catalog.unnest(text[])');
is(run_sql(q{SELECT item, verdict FROM dataclass.verify_policy()}), "version|ok\nsignature|good\ntables|ok", 'the policy is as signed');
cmp_ok(run_sql(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'profile' AND rule = 'signed_policy' AND breach AND outcome = 'denied'}),
	'>=', 16, 'each attempt is recorded as a breach');
run_sql(q{INSERT INTO dataclass.compartment (name) VALUES ('health')});
like(run_sql(q{SELECT dataclass.create_label('secret:health')}), qr/^secret:health$/, 'compartments and row labels stay changeable');
is(run_sql(load($next, sign($next, 'office'))), '3', 'a signed profile is loaded');

# Dump and restore: refused while it is on, complete when it is off
command_ok(['pg_dump', '-f', "$dir/dump.sql", $node->connstr('agency')], 'dumped');
$node->safe_psql('postgres', "CREATE DATABASE closed ENCODING 'UTF8' TEMPLATE template0; CREATE DATABASE copy ENCODING 'UTF8' TEMPLATE template0");
my ($ret, $out, $err) = $node->psql('closed', '', extra_params => [ '-v', 'ON_ERROR_STOP=1', '-f', "$dir/dump.sql" ]);
like($err, qr/permission denied for policy table/, 'a restore is refused while signatures are required');
$node->append_conf('postgresql.conf', 'dataclass.require_signed_policy = off');
$node->reload;
$node->poll_query_until('copy', q{SELECT current_setting('dataclass.require_signed_policy') = 'off'});
ok($node->poll_query_until('agency', q{SELECT count(*) = 1 FROM dataclass_audit.event WHERE kind = 'enforcement_change' AND object_identity = 'dataclass.require_signed_policy' AND breach}),
	'that it was switched off is recorded as a breach');
($ret, $out, $err) = $node->psql('copy', '', extra_params => [ '-v', 'ON_ERROR_STOP=1', '-f', "$dir/dump.sql" ]);
is($ret, 0, 'restored') or diag($err);
my $history = 'SELECT md5(string_agg(v::text, E\'\n\' ORDER BY version)), count(*) FROM dataclass.profile_version v';
is($node->safe_psql('copy', $history), run_sql($history), 'the versions are the same');
is($node->safe_psql('copy', 'SELECT dataclass.export_profile()'), run_sql('SELECT dataclass.export_profile()'), 'the policy is the same');
is($node->safe_psql('copy', q{SELECT item, verdict FROM dataclass.verify_policy()}), "version|ok\nsignature|good\ntables|ok", 'and still signed');
($ret, $out, $err) = $node->psql('copy', q{SET check_function_bodies = off; INSERT INTO dataclass.profile_version SELECT 9, name, '9', now(), 'x', 'x', '{}', NULL, NULL, false, '[]', false FROM dataclass.profile_version LIMIT 1});
like($err, qr/permission denied for policy table "profile_version"/, 'a history that is there takes no rows by a restore');
run_sql(q{UPDATE dataclass.data_class SET required_tier = 'baseline' WHERE name = 'secret'});
like(run_sql(q{SELECT item, verdict, detail FROM dataclass.verify_policy() WHERE verdict = 'differs'}),
	qr/class secret\|differs\|required_tier: in the document "highest", in the policy "baseline"/, 'a change by hand shows');

run_sql(qq{CREATE OR REPLACE FUNCTION pg_catalog.unnest(text[]) RETURNS SETOF text LANGUAGE plpgsql VOLATILE AS
	\$\$ BEGIN $twisted END \$\$});
refused(load($smuggled), qr/XX001: the policy did not become what the profile says/, 'the same without signatures');
run_sql('DROP FUNCTION pg_catalog.unnest(text[])');

# Two sessions at once: the second waits, then has the newer policy before it
my $first = $node->background_psql('agency');
$first->query_safe('BEGIN');
$first->query_safe(load($next =~ s/"version": "1.2"/"version": "1.3"/r));
my $second = $node->background_psql('agency', on_error_stop => 0);
$second->query_until(qr/started/, "\\echo started\n" . load($next, undef) . ";\n\\echo finished\n");
ok($node->poll_query_until('agency', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'dataclass.profile_version'::regclass}), 'the second load waits');
$first->query_safe('COMMIT');
$second->query_until(qr/finished/, '');
$first->quit;
$second->quit;
is(run_sql('SELECT max(version), count(*) FROM dataclass.profile_version'), '4|4', 'it is refused as older than the first');

# The published schema and the server agree
SKIP:
{
	my $tree = $ENV{DC_TREE} || '.';
	skip 'no jsonschema for Python', 1 if system('python3 -c "import jsonschema; jsonschema.Draft202012Validator" >/dev/null 2>&1') != 0;
	my $checker = "$dir/check.py";
	spew($checker, <<'PYTHON');
import copy, json, sys
from jsonschema import Draft202012Validator
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
out = []
for name in sys.argv[2:]:
    document = json.load(open(name))
    out.append((name, True, document))
base = copy.deepcopy(out[0][2])
values = [None, True, 0, -1, 1.5, 7, 1000001, "", "x", "X", "a b", "1.2.3", "1.2.3.4.5", "low", "none", "statement", "x" * 64, "x" * 2001, "x" * 201,
          "a\nb", [], ["PK"], ["pk"], ["PK", "PK"], ["public-cloud"], {}, {"at_rest": "none"}, {"at_rest": 1}, {"At": "x"}, "2020-01", "2020-1", "pg_dataclass-profile-1"]
def paths(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from paths(inner, path + (key,))
def parent(document, path):
    for key in path[:-1]:
        document = document[key]
    return document
base["disclosure_windows"] = [{"class": base["classes"][0]["name"], "recipient": "r", "within_seconds": 0}]
for path in list(paths(base)):
    if not path:
        continue
    changed = copy.deepcopy(base)
    del parent(changed, path)[path[-1]]
    out.append(("without " + repr(path), None, changed))
    if isinstance(parent(base, path), dict):
        changed = copy.deepcopy(base)
        parent(changed, path)["zz_unknown"] = "x"
        out.append(("more beside " + repr(path), None, changed))
    for value in values:
        changed = copy.deepcopy(base)
        parent(changed, path)[path[-1]] = value
        out.append((repr(path) + " = " + repr(value)[:40], None, changed))
for name, expected, document in out:
    print("\t".join([name, str(int(validator.is_valid(document))), json.dumps(document)]))
PYTHON
	my @profiles = sort glob("$tree/profiles/*.json");
	my ($stdout, $stderr) = ('', '');
	IPC::Run::run([ 'python3', $checker, "$tree/docs/profile.schema.json", @profiles ], '>', \$stdout, '2>', \$stderr) or die $stderr;
	spew("$dir/cases", $stdout =~ s/\\/\\\\/gr);
	run_sql(q{CREATE TABLE cases (n int GENERATED ALWAYS AS IDENTITY, name text, valid text, document text);});
	run_sql(qq{COPY cases (name, valid, document) FROM '$dir/cases'});
	run_sql(q{CREATE FUNCTION try(document text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM * FROM dataclass.profile_impact(document);
	RETURN '';
EXCEPTION WHEN invalid_parameter_value OR program_limit_exceeded THEN
	RETURN SQLERRM;
END $$;});
	run_sql(q{CREATE TABLE judged AS SELECT n, name, valid = '1' AS valid, try(document) AS said FROM cases});
	# what no schema can say
	my $beyond = q{said ~ 'is there twice|have the same rank|is not among the|not a clearance'};
	is(run_sql(q{SELECT count(*) FROM judged WHERE NOT valid AND said = ''}), '0', 'the server refuses what the schema refuses')
	  or diag(run_sql(q{SELECT name FROM judged WHERE NOT valid AND said = '' LIMIT 20}));
	is(run_sql("SELECT count(*) FROM judged WHERE valid AND said <> '' AND NOT $beyond"), '0', 'and takes what it takes')
	  or diag(run_sql("SELECT name, said FROM judged WHERE valid AND said <> '' AND NOT $beyond LIMIT 20"));
	cmp_ok(run_sql('SELECT count(*) FROM judged'), '>', 1000, 'many documents were judged');
	is(run_sql('SELECT count(*) FROM judged WHERE n <= 4 AND valid'), '4', 'the shipped profiles are valid');
}

$node->stop;
done_testing();
