# A profile that would put existing data below their tier: named, refused, and
# loaded by force with a breach for each.  Real places: a tablespace on an
# encrypted directory where there is one, and plain ones.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('impact');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
max_worker_processes = 16
});
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE agency');
my $admin = $node->safe_psql('postgres', 'SELECT current_user');
sub run_sql { return $node->safe_psql('agency', $_[0]); }

my $encrypted = $ENV{DC_FSCRYPT_DIR};
my $crypt_dir = $encrypted && -d $encrypted ? "$encrypted/066_impact.$$" : undef;
END { my $status = $?; if (defined $crypt_dir) { $node->stop('immediate') if $node; system('rm', '-rf', $crypt_dir); } $? = $status; }

run_sql(qq{
CREATE EXTENSION pg_dataclass;
SECURITY LABEL FOR dataclass ON ROLE "$admin" IS 'secret with (declassify, reclassify, export)';
CREATE SCHEMA s;
CREATE TABLE plain (id int PRIMARY KEY, note text);
CREATE TABLE cols (id int PRIMARY KEY, note text);
CREATE TABLE s.inherits (id int);
CREATE TABLE open (id int);
CREATE TABLE unlabelled (id int);
SECURITY LABEL FOR dataclass ON TABLE plain IS 'restricted';
SECURITY LABEL FOR dataclass ON COLUMN cols.note IS 'restricted mask';
SECURITY LABEL FOR dataclass ON SCHEMA s IS 'restricted';
SECURITY LABEL FOR dataclass ON TABLE open IS 'open';
});

# restricted comes to need encryption at rest
my $stricter = q{jsonb_set(jsonb_set(dataclass.export_profile()::jsonb, '{classes,2,required_tier}', '"enhanced"'), '{version}', '"2"')::text};
is(run_sql("SELECT object_type, identity, label, what, required, found FROM dataclass.profile_impact($stricter) ORDER BY identity"),
	"table column|public.cols.note|restricted|below its tier|enhanced|intermediate\n"
	  . "table|public.plain|restricted|below its tier|enhanced|intermediate\n"
	  . 'table|s.inherits|restricted|below its tier|enhanced|intermediate',
	'the impact names all that would be below its tier');
like(run_sql("SELECT reason FROM dataclass.profile_impact($stricter) LIMIT 1"), qr/Place "pg_default": .*requires encrypted/, 'and why');
is(run_sql('SELECT dataclass.export_profile() = dataclass.shipped_profile(\'pakistan-cloud-first\') || \'\''), 't', 'it changes nothing');
my ($ret, $out, $err) = $node->psql('agency', "\\set VERBOSITY verbose\nSELECT dataclass.load_profile($stricter)");
like($err, qr/ERROR:  55000: profile "pakistan-cloud-first" would put 3 objects outside of the policy/, 'refused');
like($err, qr/DETAIL:  table column public\.cols\.note labeled "restricted": below its tier; table public\.plain/, 'the objects are named');
like($err, qr/HINT:.*dataclass\.profile_impact\(document\).*force => true/, 'the next step is told');
is(run_sql(q{SELECT required_tier FROM dataclass.data_class WHERE name = 'restricted'}), 'intermediate', 'nothing was loaded');
is(run_sql(q{SELECT count(*) FROM dataclass_audit.event WHERE kind = 'profile' AND rule = 'profile_impact' AND outcome = 'denied'}), '1', 'the refusal is recorded');

is(run_sql("SELECT dataclass.load_profile($stricter, force => true)"), '2', 'loaded by force');
is(run_sql(q{SELECT string_agg(object_identity, ' ' ORDER BY object_identity) FROM dataclass_audit.event WHERE kind = 'at_rest_violation' AND breach AND action = 'load_profile' AND required_tier = 'enhanced'}),
	'public.cols.note public.plain s.inherits', 'a breach for each');
is(run_sql(q{SELECT forced, shipped FROM dataclass.profile_version WHERE version = 2}), 't|f', 'the version says that it was forced');
is(run_sql("SELECT count(*) FROM dataclass.profile_impact($stricter)"), '0', 'what is below its tier already is not the doing of a profile');
is(run_sql(q{SELECT count(*) FROM dataclass.posture WHERE verdict <> 'compliant' AND relation = 'plain'::regclass}), '1', 'the posture shows it');

SKIP:
{
	skip 'no encrypted directory', 3 unless defined $crypt_dir;
	mkdir $crypt_dir or BAIL_OUT("could not make $crypt_dir: $!");
	$node->safe_psql('agency', "CREATE TABLESPACE crypt LOCATION '$crypt_dir'");
	run_sql(q{CREATE TABLE safe (id int) TABLESPACE crypt; SECURITY LABEL FOR dataclass ON TABLE safe IS 'confidential'});
	is(run_sql(q{SELECT count(*) FROM dataclass.profile_impact(jsonb_set(dataclass.export_profile()::jsonb, '{classes,3,required_tier}', '"highest"')::text)}),
		'0', 'data on encrypted storage satisfy a higher tier');
	my $attested = q{jsonb_set(jsonb_set(dataclass.export_profile()::jsonb, '{classes,3,min_evidence}', '4'), '{classes,3,on_violation}', '"record"')::text};
	is(run_sql("SELECT identity, what FROM dataclass.profile_impact($attested)"), 'public.safe|below its tier', 'but not a grade of evidence that is not there');
	run_sql("SELECT dataclass.load_profile($attested, force => true)");
	is(run_sql('SELECT id FROM safe'), '', 'the session goes on');
}
$node->stop unless defined $crypt_dir;
done_testing();
