# Rows and errors that reach a client past all statements: portals that the
# extended protocol names and suspends, constraints checked at commit.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WireClient;

my $node = PostgreSQL::Test::Cluster->new('portals');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
dataclass.repeat_window = 0
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE high; CREATE ROLE low;
SECURITY LABEL FOR dataclass ON ROLE high IS 'secret';
SECURITY LABEL FOR dataclass ON ROLE low IS 'restricted';
GRANT ALL ON SCHEMA public TO PUBLIC;
CREATE TABLE r (id int, body text, label dataclass.label NOT NULL);
CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED, body text);
GRANT ALL ON r, late TO PUBLIC;
SET ROLE high;
INSERT INTO r SELECT i, 'open', 'open' FROM generate_series(1, 10) i;
INSERT INTO r SELECT i, 'hidden', 'secret' FROM generate_series(11, 20) i;
INSERT INTO late VALUES (1, 'hidden');
RESET ROLE;
SECURITY LABEL FOR dataclass ON TABLE r IS 'secret';
SECURITY LABEL FOR dataclass ON COLUMN late.body IS 'secret';
});
my $user = $node->safe_psql('postgres', 'SELECT current_user');

sub client
{
	return WireClient->new(host => $node->host, port => $node->port, user => $user, database => 'postgres');
}

# Bodies that a result brought, and how it ended.
sub told
{
	my ($result) = @_;
	my $hidden = grep { grep { ($_ // '') =~ /hidden/ } @$_ } @{ $result->{rows} // [] };
	return sprintf '%d rows, %d hidden, %s', scalar @{ $result->{rows} // [] }, $hidden,
		$result->{error} ? $result->{error}{code} : $result->{suspended} ? 'suspended' : 'complete';
}

sub run_portal
{
	my ($wire, $portal, $limit) = @_;
	my ($result) = $wire->execute($portal, $limit)->sync;
	return told($result);
}

# A cursor WITH HOLD, executed by its name.
my $wire = client();
$wire->must('SET ROLE high');
$wire->must('DECLARE held CURSOR WITH HOLD FOR SELECT body FROM r ORDER BY id DESC');
is(run_portal($wire, 'held', 2), '2 rows, 2 hidden, suspended', 'a held cursor, for whom it was read');
$wire->must('SET ROLE low');
is(run_portal($wire, 'held', 2), '0 rows, 0 hidden, 42501', 'not after SET ROLE');
$wire->must('SET ROLE high');
is(run_portal($wire, 'held', 2), '2 rows, 2 hidden, suspended', 'again after the role is back');
$wire->must("SET dataclass.session_ceiling = 'open'");
is(run_portal($wire, 'held', 2), '0 rows, 0 hidden, 42501', 'not after narrowing');
$wire->must('RESET dataclass.session_ceiling');
$node->safe_psql('postgres', "SECURITY LABEL FOR dataclass ON ROLE high IS 'restricted'");
is(run_portal($wire, 'held', 2), '0 rows, 0 hidden, 42501', 'not after another session took the clearance');
$wire->must('SELECT 1');
is(run_portal($wire, 'held', 2), '0 rows, 0 hidden, 42501', 'nor after the next statement');
$node->safe_psql('postgres', "SECURITY LABEL FOR dataclass ON ROLE high IS 'secret'");
$wire->must('SELECT 1');
is(run_portal($wire, 'held', 2), '2 rows, 2 hidden, suspended', 'again when it is given back');
$wire->finish;

# The role belonged to the transaction that made the cursor; nothing runs in between.
$wire = client();
$wire->must('SET SESSION AUTHORIZATION low');
$wire->query('BEGIN; RESET SESSION AUTHORIZATION; SET LOCAL ROLE high; DECLARE held CURSOR WITH HOLD FOR SELECT body FROM r ORDER BY id DESC; COMMIT; SET SESSION AUTHORIZATION low');
is(run_portal($wire, 'held', 2), '0 rows, 0 hidden, 42501', 'not after the session is somebody else\'s');
$wire->finish;
$wire = client();
$wire->must('SET ROLE low');
$wire->query('BEGIN; SET LOCAL ROLE high; DECLARE held CURSOR WITH HOLD FOR SELECT body FROM r ORDER BY id DESC; COMMIT');
is(run_portal($wire, 'held', 2), '0 rows, 0 hidden, 42501', 'not after SET LOCAL ROLE ended with the transaction');
$wire->finish;
$wire = client();
$wire->must('SET ROLE high');
$wire->must('DECLARE held CURSOR WITH HOLD FOR SELECT body FROM r ORDER BY id DESC');
$wire->must('SET ROLE low');
$wire->must('BEGIN');
$wire->must('SAVEPOINT s');
$wire->must('SET LOCAL ROLE high');
is(run_portal($wire, 'held', 1), '1 rows, 1 hidden, suspended', 'high within the savepoint');
$wire->must('ROLLBACK TO s');
is(run_portal($wire, 'held', 1), '0 rows, 0 hidden, 42501', 'not after ROLLBACK TO');
$wire->finish;

# Suspended portals: a sort, a scan, RETURNING, FETCH and EXECUTE as utility commands.
for my $case (
	[ 'sort', 'SELECT body FROM r ORDER BY id DESC', '0 rows, 0 hidden, 42501' ],
	[ 'scan', 'SELECT body FROM r', '8 rows, 0 hidden, complete', '2 rows, 0 hidden, suspended' ],
	[ 'returning', 'UPDATE r SET body = body WHERE id > 10 RETURNING body', '0 rows, 0 hidden, 42501' ],
	[ 'modifying CTE', 'WITH u AS (UPDATE r SET body = body WHERE id > 10 RETURNING body) SELECT * FROM u', '0 rows, 0 hidden, 42501' ],
	[ 'fetch', 'FETCH ALL FROM c', '0 rows, 0 hidden, 42501' ],
	[ 'execute', 'EXECUTE p', '0 rows, 0 hidden, 42501' ])
{
	my ($name, $sql, $expected, $first) = @$case;
	for my $portal ('', 'named')
	{
		$wire = client();
		$wire->must('SET ROLE high');
		$wire->must('PREPARE p AS SELECT body FROM r ORDER BY id DESC');
		$wire->must('BEGIN');
		$wire->must('DECLARE c CURSOR FOR SELECT body FROM r ORDER BY id DESC') if $name eq 'fetch';
		# all in one transaction and, for the unnamed portal, without a simple query in between
		$wire->parse('s', $sql)->parse('role', 'SET LOCAL ROLE low');
		$wire->bind_portal($portal, 's')->execute($portal, 2);
		my @first = $wire->flush_results(1);
		is(told($first[0]), $first // '2 rows, 2 hidden, suspended', "$name: begun");
		$wire->bind_portal('r', 'role')->execute('r', 0);
		$wire->flush_results(1);
		my ($result) = $wire->execute($portal, $first ? 0 : 2)->flush_results(1);
		is(told($result), $expected, "$name: goes on with no more than the other role may see");
		$wire->finish;
	}
}

# One that is sealed when its transaction ends leaves nothing behind.
$wire = client();
$wire->must('SET ROLE high');
$wire->must('BEGIN');
$wire->parse('s', 'UPDATE r SET body = body RETURNING body')->bind_portal('p', 's')->execute('p', 1)->flush_results(1);
$wire->must('SET LOCAL ROLE low');
my $result = $wire->run('COMMIT');
is($result->{tag}, 'COMMIT', 'commit with a sealed portal');
is(scalar @{ $wire->{notices} }, 0, '... without a warning');
is(run_portal($wire, 'p', 1), '0 rows, 0 hidden, 34000', '... and the portal is gone');
$wire->finish;

cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM dataclass_audit.denied WHERE object_type = 'cursor' AND rule = 'dominance'"),
	'>=', 16, 'all of that is recorded');

# A deferred constraint, prepared in the session, checked by a COMMIT that no hook sees being parsed.
for my $before ('nothing', 'an error')
{
	$wire = client();
	$wire->must('SET ROLE low');
	$wire->parse('i', 'INSERT INTO late (id) VALUES (1)')->parse('b', 'BEGIN')->parse('c', 'COMMIT')->sync;
	$wire->run('SELECT nonsense') if $before eq 'an error';
	my @results = $wire->bind_portal('', 'b')->execute('')->bind_portal('', 'i')->execute('')->bind_portal('', 'c')->execute('')->sync;
	my $error = $results[-1]{error};
	is($error->{code}, '23505', "deferred constraint after $before: violated");
	unlike($error->{detail}, qr/Key/, "... no key in its detail");
	@results = $wire->bind_portal('', 'i')->execute('')->sync;
	$error = $results[-1]{error};
	is($error->{code}, '23505', "the same without a transaction block");
	unlike($error->{detail}, qr/Key/, "... no key in its detail");
	$wire->finish;
}
$node->stop;
done_testing();
