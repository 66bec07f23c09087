# Databases as objects: a copy of a labelled database keeps its labels, its own
# included; a database with a trail or a journal is not dropped.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('databases');
$node->init(auth_extra => []);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.writer_idle_timeout = 1s
max_worker_processes = 16
});
$node->start;

sub try_as
{
	my ($role, $db, $sql) = @_;
	my ($stdout, $stderr) = ('', '');
	$node->psql($db, "\\set VERBOSITY verbose\n$sql", stdout => \$stdout, stderr => \$stderr, on_error_stop => 1,
		connstr => $node->connstr($db) . " user=$role");
	return ($stdout, $stderr);
}
sub denied_in
{
	my ($db, $action) = @_;
	return $node->safe_psql($db, "SET ROLE dataclass_auditor; SELECT count(*) FROM dataclass_audit.denied WHERE action = '$action'");
}
my ($out, $err);

$node->safe_psql('postgres', q{
CREATE ROLE doctor LOGIN; CREATE ROLE maker LOGIN CREATEDB; CREATE ROLE dba LOGIN SUPERUSER;
CREATE DATABASE agency OWNER maker;
CREATE DATABASE empty OWNER maker;
});
$node->safe_psql('agency', q{
CREATE EXTENSION pg_dataclass;
INSERT INTO dataclass.compartment (name) VALUES ('health');
SELECT dataclass.create_label('secret:health');
CREATE TABLE inside (id int); INSERT INTO inside VALUES (1);
CREATE TABLE own (id int); INSERT INTO own VALUES (1);
CREATE TABLE cols (id int, body text); INSERT INTO cols VALUES (1, 'hidden');
CREATE TABLE enc (id int, label dataclass.label NOT NULL);
INSERT INTO enc VALUES (1, 'open');
GRANT SELECT ON inside, own, cols, enc TO PUBLIC;
SECURITY LABEL FOR dataclass ON DATABASE agency IS 'restricted';
SECURITY LABEL FOR dataclass ON TABLE own IS 'secret:health';
SECURITY LABEL FOR dataclass ON COLUMN cols.body IS 'secret:health';
SECURITY LABEL FOR dataclass ON TABLE enc IS 'secret:health';
SECURITY LABEL FOR dataclass ON ROLE doctor IS 'secret:health';
});
$node->safe_psql('agency', 'GRANT INSERT ON enc TO doctor');
try_as('doctor', 'agency', "INSERT INTO enc VALUES (2, 'secret:health')");

# --- copies -----------------------------------------------------------------

# The writer of the template's trail lets go of it for the copy.
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE agency OWNER maker');
is($node->safe_psql('copy', "SELECT label FROM pg_shseclabel s JOIN pg_database d ON d.oid = s.objoid WHERE d.datname = 'copy' AND provider = 'dataclass'"),
	'restricted', 'the copy has the label of the database that it was made of');
is($node->safe_psql('copy', "SELECT string_agg(objname || '=' || label, ' ' ORDER BY objname COLLATE \"C\") FROM pg_seclabels WHERE provider = 'dataclass' AND objtype IN ('table', 'column')"),
	'cols.body=secret:health enc=secret:health own=secret:health', 'and the labels of tables and columns')
  or diag $node->safe_psql('copy', 'SELECT * FROM pg_seclabels');
for my $db ('agency', 'copy')
{
	for my $role ('maker', 'dba')
	{
		(undef, $err) = try_as($role, $db, 'SELECT * FROM inside');
		like($err, qr/42501: permission denied for relation "inside"/, "$db, $role: the database's label protects its tables");
		(undef, $err) = try_as($role, $db, 'SELECT * FROM own');
		like($err, qr/42501: permission denied for relation "own"/, "$db, $role: so does a table's");
		(undef, $err) = try_as($role, $db, 'SELECT body FROM cols');
		like($err, qr/42501: permission denied/, "$db, $role: and a column's");
		($out) = try_as($role, $db, 'SELECT id FROM enc');
		is($out, '1', "$db, $role: and a row's");
	}
	($out) = try_as('doctor', $db, 'SELECT count(*) FROM enc');
	is($out, '2', "$db: the cleared one reads all rows");
}
# What the copy brought of the trail is the template's; its own follows it, and both stand.
is(denied_in('copy', 'SELECT') > 0 ? 'yes' : 'no', 'yes', 'denials in the copy are recorded');
is($node->safe_psql('copy', 'SET ROLE dataclass_auditor; SELECT ok FROM dataclass_audit.verify()'), 't', 'its trail verifies');
is($node->safe_psql('agency', 'SET ROLE dataclass_auditor; SELECT ok FROM dataclass_audit.verify()'), 't', "so does the template's");

(undef, $err) = try_as('maker', 'postgres', "CREATE DATABASE stolen TEMPLATE agency");
is($err, '', 'the owner may copy his database');
(undef, $err) = try_as('maker', 'stolen', 'SELECT * FROM inside');
like($err, qr/42501/, 'which gives him nothing to read');
$node->append_conf('postgresql.conf', 'dataclass.superuser_is_officer = off');
$node->reload;
(undef, $err) = try_as('dba', 'copy', 'SECURITY LABEL FOR dataclass ON DATABASE copy IS NULL');
like($err, qr/42501/, 'who is no officer does not take the label off a copy');
(undef, $err) = try_as('dba', 'postgres', 'SECURITY LABEL FOR dataclass ON DATABASE copy IS NULL');
like($err, qr/55000/, 'nor does anybody from a database without the extension');
(undef, $err) = try_as('dba', 'postgres', 'ALTER DATABASE copy RENAME TO renamed');
is($err, '', 'a database with a trail can be renamed');
(undef, $err) = try_as('dba', 'renamed', 'SELECT * FROM own');
like($err, qr/42501/, 'and keeps its labels');
(undef, $err) = try_as('dba', 'renamed', 'SELECT * FROM inside');
like($err, qr/42501/, 'its own included');

# --- dropping ---------------------------------------------------------------

for my $role ('maker', 'dba')
{
	(undef, $err) = try_as($role, 'postgres', 'DROP DATABASE agency');
	like($err, qr/55000: cannot drop database "agency" because it holds an audit trail/, "$role does not drop a database with a trail");
	(undef, $err) = try_as($role, 'postgres', 'DROP DATABASE agency WITH (FORCE)');
	like($err, qr/55000: cannot drop database "agency"/, "$role: not by force either");
}
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_database WHERE datname = 'agency'"), '1', 'it is there');
like(slurp_file($node->logfile), qr/cannot drop database "agency"/, 'the log says so');
(undef, $err) = try_as('maker', 'postgres', 'DROP DATABASE empty');
is($err, '', 'a database without a trail can be dropped');

# A journal that waits for import holds records, too.
$node->safe_psql('postgres', 'CREATE DATABASE journaled OWNER maker');
my $oid = $node->safe_psql('postgres', "SELECT oid FROM pg_database WHERE datname = 'journaled'");
my $directory = $node->data_dir . '/pg_dataclass';
ok(-d $directory, 'the directory of heads and journals is there');
open(my $fh, '>', "$directory/journal-$oid-1") or die;
close $fh;
(undef, $err) = try_as('maker', 'postgres', 'DROP DATABASE journaled');
like($err, qr/55000: cannot drop database "journaled"/, 'a database with a journal is not dropped');
unlink "$directory/journal-$oid-1";
(undef, $err) = try_as('maker', 'postgres', 'DROP DATABASE journaled');
is($err, '', 'without it, it is');

# The way that the hint names.
$node->append_conf('postgresql.conf', 'dataclass.enforcement = off');
$node->reload;
ok($node->poll_query_until('postgres', "SELECT current_setting('dataclass.enforcement') = 'off'"), 'enforcement is off');
(undef, $err) = try_as('maker', 'postgres', 'DROP DATABASE agency WITH (FORCE)');
is($err, '', 'then it is dropped');

done_testing();
