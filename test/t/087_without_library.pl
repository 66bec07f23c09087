# The server started without the library: a known limit.  Labels stay where they
# are and mean nothing then; back with the library they hold again, and what was
# changed meanwhile shows.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('ghost');
$node->init(auth_extra => []);
my $with = q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
};
$node->append_conf('ghost.conf', $with);
$node->append_conf('postgresql.conf', "include 'ghost.conf'\n");
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE doctor LOGIN; CREATE ROLE dba LOGIN SUPERUSER; CREATE ROLE clerk LOGIN;
SECURITY LABEL FOR dataclass ON ROLE doctor IS 'secret';
CREATE TABLE tab (id int); INSERT INTO tab VALUES (1);
CREATE TABLE enc (id int, label dataclass.label NOT NULL);
INSERT INTO enc VALUES (1, 'open');
GRANT ALL ON tab, enc TO PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE tab IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE enc IS 'secret';
});
sub try_as
{
	my ($role, $sql) = @_;
	my ($stdout, $stderr) = ('', '');
	$node->psql('postgres', "\\set VERBOSITY verbose\n$sql", stdout => \$stdout, stderr => \$stderr, on_error_stop => 1,
		connstr => $node->connstr('postgres') . " user=$role");
	return ($stdout, $stderr);
}
my ($out, $err);
try_as('doctor', "INSERT INTO enc VALUES (2, 'secret')");
($out) = try_as('dba', 'SELECT count(*) FROM enc');
is($out, '1', 'with the library: rows are filtered');
(undef, $err) = try_as('dba', 'SELECT * FROM tab');
like($err, qr/42501/, 'tables are protected');

$node->stop;
unlink $node->data_dir . '/ghost.conf';
$node->append_conf('ghost.conf', "\n");
$node->start;
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_seclabel WHERE provider = 'dataclass'"), '2', 'without it: the labels are still stored');
($out) = try_as('dba', 'SELECT count(*) FROM tab');
is($out, '1', 'and protect nothing: the limit');
(undef, $err) = try_as('dba', "SECURITY LABEL FOR dataclass ON TABLE tab IS 'open'");
like($err, qr/security label provider "dataclass" is not loaded/, 'no label can be set');
($out) = try_as('clerk', 'SELECT count(*) FROM enc');
is($out, '0', 'row security stays on for ordinary roles');
try_as('dba', 'ALTER TABLE enc DISABLE ROW LEVEL SECURITY');

$node->stop;
unlink $node->data_dir . '/ghost.conf';
$node->append_conf('ghost.conf', $with);
$node->start;
(undef, $err) = try_as('dba', 'SELECT * FROM tab');
like($err, qr/42501/, 'with it again: tables are protected');
($out) = try_as('dba', 'SELECT count(*) FROM enc');
is($out, '1', 'rows are filtered, although row security was switched off meanwhile');
($out) = try_as('clerk', 'SELECT count(*) FROM enc');
is($out, '1', 'for everybody');
$out = $node->safe_psql('postgres', "SELECT verdict || ': ' || reason FROM dataclass.posture WHERE relation = 'enc'::regclass");
like($out, qr/row level security is not enabled/, 'and the posture shows what was changed');
done_testing();
