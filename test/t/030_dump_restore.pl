# A labeled database goes through pg_dump and restore, plain, custom and
# parallel directory format, into a new cluster: same labels, clearances,
# policy and rows, and the same decisions.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $settings = q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
max_worker_processes = 16
};

my $old = PostgreSQL::Test::Cluster->new('old');
$old->init(auth_extra => []);
$old->append_conf('postgresql.conf', $settings);
$old->start;
$old->safe_psql('postgres', 'CREATE DATABASE agency');
my $admin = $old->safe_psql('postgres', 'SELECT current_user');

$old->safe_psql('agency', qq{
CREATE EXTENSION pg_dataclass;
CREATE ROLE doctor; CREATE ROLE clerk; CREATE ROLE analyst;
INSERT INTO dataclass.compartment (name) VALUES ('health'), ('health.punjab'), ('finance');
UPDATE dataclass.data_class SET description = 'changed by an officer' WHERE name = 'public';
INSERT INTO dataclass.data_class (name, rank, required_tier) VALUES ('ultra', 9, 'highest');
DELETE FROM dataclass.policy_setting WHERE name = 'profile';
SECURITY LABEL FOR dataclass ON ROLE doctor IS 'secret:health';
SECURITY LABEL FOR dataclass ON ROLE analyst IS 'public..restricted:finance with (export)';
SECURITY LABEL FOR dataclass ON ROLE "$admin" IS 'ultra:finance,health with (declassify, reclassify)';
CREATE SCHEMA ward;
SECURITY LABEL FOR dataclass ON SCHEMA ward IS 'restricted';
GRANT USAGE ON SCHEMA ward TO PUBLIC;
});
$old->safe_psql('agency', q{
DO $$
DECLARE
	classes text[] := ARRAY['open', 'public', 'restricted:finance', 'confidential:health', 'secret:health', 'ultra'];
BEGIN
	FOR i IN 1..220 LOOP
		EXECUTE format('CREATE TABLE %s.t%s (id int PRIMARY KEY, v text, cnic text)', CASE WHEN i % 7 = 0 THEN 'ward' ELSE 'public' END, i);
		EXECUTE format('INSERT INTO %s.t%s SELECT g, ''v'' || g, ''c'' || g FROM generate_series(1, 20) g', CASE WHEN i % 7 = 0 THEN 'ward' ELSE 'public' END, i);
		EXECUTE format('GRANT SELECT ON %s.t%s TO PUBLIC', CASE WHEN i % 7 = 0 THEN 'ward' ELSE 'public' END, i);
		IF i % 7 <> 0 THEN
			EXECUTE format('SECURITY LABEL FOR dataclass ON TABLE t%s IS %L', i, classes[1 + i % 6]);
		END IF;
		IF i % 5 = 0 THEN
			EXECUTE format('SECURITY LABEL FOR dataclass ON COLUMN %s.t%s.cnic IS %L', CASE WHEN i % 7 = 0 THEN 'ward' ELSE 'public' END, i, 'secret:health');
		END IF;
	END LOOP;
END $$;
SELECT dataclass.create_label('confidential:health'), dataclass.create_label('secret:health.punjab');
CREATE TABLE encounter (id int PRIMARY KEY, note text, label dataclass.label NOT NULL DEFAULT 'restricted');
INSERT INTO encounter SELECT g, 'note ' || g, (ARRAY['open', 'restricted', 'confidential:health', 'secret:health.punjab']::dataclass.label[])[1 + g % 4] FROM generate_series(1, 400) g;
SECURITY LABEL FOR dataclass ON TABLE encounter IS 'secret:health';
GRANT SELECT ON encounter TO PUBLIC;
CREATE INDEX ON encounter (label);
CREATE FUNCTION total() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM encounter';
SECURITY LABEL FOR dataclass ON FUNCTION total() IS 'trusted secret:health';
CREATE TABLE visit (id int, d text) PARTITION BY LIST (d);
CREATE TABLE visit_a PARTITION OF visit FOR VALUES IN ('a');
INSERT INTO visit VALUES (1, 'a');
SECURITY LABEL FOR dataclass ON TABLE visit IS 'confidential:health';
GRANT SELECT ON visit, visit_a TO PUBLIC;
CREATE DOMAIN person_code AS text CHECK (VALUE <> '');
CREATE TABLE person (id int PRIMARY KEY, name text, code person_code, born date, mail text);
INSERT INTO person VALUES (1, 'Ayesha', 'AB-12-CD', '1980-02-01', 'a@x.pk');
GRANT SELECT ON person TO PUBLIC;
SECURITY LABEL FOR dataclass ON COLUMN person.name IS 'secret:health mask';
SECURITY LABEL FOR dataclass ON COLUMN person.code IS 'secret:health mask partial(2, ''it''''s)'', 1)';
SECURITY LABEL FOR dataclass ON COLUMN person.born IS 'secret:health mask constant(''1900-12-31'')';
SECURITY LABEL FOR dataclass ON COLUMN person.mail IS 'secret:health mask hash';
});

# What a restore must reproduce.  Decisions: which of all tables each role may read.
my $labels = q{SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM (SELECT objtype, objname, label FROM pg_seclabels WHERE provider = 'dataclass') x};
my $policy = q{SELECT string_agg(x, E'\n' ORDER BY x) FROM (
	SELECT 'tier ' || t::text FROM dataclass.tier t UNION ALL SELECT 'control ' || t::text FROM dataclass.tier_control t
	UNION ALL SELECT 'class ' || t::text FROM dataclass.data_class t UNION ALL SELECT 'compartment ' || t::text FROM dataclass.compartment t
	UNION ALL SELECT 'row ' || t::text FROM dataclass.row_label t UNION ALL SELECT 'setting ' || t::text FROM dataclass.policy_setting t) AS p (x)};
my $rows = q{SELECT md5(string_agg(e::text, ',' ORDER BY id)) FROM encounter e};
my $decisions = q{SELECT md5(string_agg(r || c.oid::regclass::text || a.object || a.allowed || coalesce(a.rule, ''), ',' ORDER BY r, c.oid::regclass::text, a.object))
	FROM unnest(ARRAY['doctor', 'clerk', 'analyst']) r, pg_class c, dataclass.explain_access(r::regrole, c.oid, 'SELECT') a
	WHERE c.relkind IN ('r', 'p') AND c.relnamespace IN ('public'::regnamespace, 'ward'::regnamespace)};
my $masked = q{SET datestyle = 'ISO, DMY'; SET ROLE doctor; SELECT * FROM person; SET ROLE clerk; SELECT id, name, code, born, length(mail) FROM person};
my $visible = q{SET ROLE doctor; SELECT count(*) FROM encounter; SET ROLE clerk; SELECT count(*) FROM encounter; SELECT total()};

my %expected;
sub observe
{
	my ($node, $db) = @_;
	return {
		labels => $node->safe_psql($db, $labels), policy => $node->safe_psql($db, $policy),
		rows => $node->safe_psql($db, $rows), decisions => $node->safe_psql($db, $decisions),
		visible => $node->safe_psql($db, $visible), masked => $node->safe_psql($db, $masked),
	};
}
my $before = observe($old, 'agency');
like($before->{labels}, qr/visit/, 'the database is labeled');
is($before->{masked}, "1|Ayesha|AB-12-CD|1980-02-01|a\@x.pk\n1||ABit's)D|1900-12-31|64", 'columns are masked');
is($before->{visible}, "400\n100\n400", 'doctor sees all, clerk a quarter, the trusted procedure all');

my $dir = PostgreSQL::Test::Utils::tempdir;
$old->command_ok(['pg_dumpall', '--globals-only', '-f', "$dir/globals.sql"], 'globals dumped');
$old->command_ok(['pg_dump', '-f', "$dir/plain.sql", 'agency'], 'plain dump');
$old->command_ok(['pg_dump', '-Fc', '-f', "$dir/custom", 'agency'], 'custom dump');
$old->command_ok(['pg_dump', '-Fd', '-j', '2', '-f', "$dir/directory", 'agency'], 'directory dump');

# A role without the clearance cannot dump: an incomplete dump would be worse.
$old->safe_psql('postgres', 'CREATE ROLE uncleared SUPERUSER LOGIN');
$old->command_fails_like(['pg_dump', '-U', 'uncleared', '-f', "$dir/none.sql", 'agency'],
	qr/permission denied|query would be affected by row labels/, 'dump by an uncleared superuser fails');

$old->command_fails_like(['pg_dump', '-U', 'uncleared', '-t', 'person', '-f', "$dir/none.sql", 'agency'],
	qr/query would be affected by column masks/, 'dump of masks in place of values fails');

my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
$new->append_conf('postgresql.conf', $settings);
$new->start;
my ($ret, $out, $err) = $new->psql('postgres', '', on_error_stop => 0, extra_params => ['-f', "$dir/globals.sql"]);
unlike($err, qr/ERROR(?!.*role "\w+" already exists)/, 'globals restored through a database without the extension');
is($new->safe_psql('postgres', q{SELECT label FROM pg_seclabels WHERE objname = 'analyst'}),
	'public..restricted:finance with (export)', 'clearances are there');

for my $format (qw(plain custom directory))
{
	$new->safe_psql('postgres', "CREATE DATABASE from_$format");
	if ($format eq 'plain')
	{
		($ret, $out, $err) = $new->psql("from_$format", '', extra_params => ['-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql"]);
		is($ret, 0, 'plain restored') or diag($err);
	}
	elsif ($format eq 'custom')
	{
		$new->command_ok(['pg_restore', '--exit-on-error', '-d', "from_$format", "$dir/custom"], 'custom restored');
	}
	else
	{
		$new->command_ok(['pg_restore', '--exit-on-error', '-j', '2', '-d', "from_$format", "$dir/directory"], 'directory restored in parallel');
	}
	my $after = observe($new, "from_$format");
	is($after->{$_}, $before->{$_}, "$format: same $_") for qw(labels policy rows decisions visible masked);
}

# Without the rights: refused, with the next step, and nothing is readable.
$new->append_conf('postgresql.conf', 'dataclass.superuser_is_officer = off');
$new->reload;
$new->poll_query_until('postgres', q{SELECT current_setting('dataclass.superuser_is_officer') = 'off'});
$new->safe_psql('postgres', 'CREATE DATABASE without_rights');
$new->command_fails_like(['pg_restore', '--exit-on-error', '-d', 'without_rights', "$dir/custom"],
	qr/Only members of dataclass_officer may set data class labels.*HINT|HINT.*dataclass_officer/s, 'restore without rights fails with a hint');

# Not preloaded: FATAL, so that psql and pg_restore stop.
my $bare = PostgreSQL::Test::Cluster->new('bare');
$bare->init;
$bare->start;
($ret, $out, $err) = $bare->psql('postgres', 'CREATE EXTENSION pg_dataclass');
like($err, qr/FATAL: +pg_dataclass must be loaded via shared_preload_libraries/, 'not preloaded: FATAL');
like($err, qr/shared_preload_libraries = 'pg_dataclass'/, 'not preloaded: the line to add');

$_->stop for ($old, $new, $bare);
done_testing();
