# Extended protocol: portals that are suspended while the subject changes, and
# pipelines.  No libpq function sets the row limit of Execute: WireClient does.
# Once the subject may no longer read them, a portal gives no rows above the
# new clearance: those of the new subject, or a clean error.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WireClient;

my $node = PostgreSQL::Test::Cluster->new('protocol');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
});
$node->start;
my %connect = (host => $node->host, port => $node->port, database => 'postgres');
my $admin = WireClient->new(%connect, user => $node->safe_psql('postgres', 'SELECT current_user'));
$admin->must($_) for split /;\n/, q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE ext_high;
CREATE ROLE ext_low;
CREATE ROLE ext_group;
CREATE ROLE ext_app LOGIN NOINHERIT;
CREATE ROLE ext_member LOGIN;
GRANT ext_high, ext_low TO ext_app;
GRANT ext_group TO ext_member;
SECURITY LABEL FOR dataclass ON ROLE ext_high IS 'secret with (declassify, reclassify)';
SECURITY LABEL FOR dataclass ON ROLE ext_group IS 'secret';
SECURITY LABEL FOR dataclass ON ROLE ext_low IS 'public';
CREATE TABLE streamed (id int PRIMARY KEY, body text, label dataclass.label NOT NULL);
CREATE TABLE vouched (id int PRIMARY KEY, body text, label dataclass.label NOT NULL);
GRANT ALL ON streamed, vouched TO PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE vouched IS 'secret';
GRANT ext_high TO CURRENT_USER;
SET ROLE ext_high;
INSERT INTO streamed SELECT i, 'body ' || i, (ARRAY['open', 'secret'])[i % 2 + 1]::dataclass.label FROM generate_series(1, 40) i;
INSERT INTO vouched SELECT * FROM streamed;
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE postgres_is_not_it IS NULL
} =~ s/;\nSECURITY LABEL FOR dataclass ON ROLE postgres_is_not_it IS NULL\n//r;
my $era = $admin->must('SELECT dataclass.policy_era()')->{rows}[0][0];
$admin->must('SECURITY LABEL FOR dataclass ON ROLE ' . $admin->must('SELECT current_user')->{rows}[0][0] . " IS 'secret with (declassify, reclassify)'");
$admin->must("ALTER TABLE vouched ADD CHECK (dataclass.row_within(label, 'secret', '$era'))");
$admin->must('VACUUM ANALYZE streamed, vouched');
$admin->must(q{CREATE FUNCTION lazy() RETURNS SETOF streamed LANGUAGE sql STABLE AS 'SELECT * FROM streamed ORDER BY body'});
$admin->must(q{CREATE FUNCTION eager() RETURNS SETOF streamed LANGUAGE plpgsql STABLE AS
	'BEGIN RETURN QUERY SELECT * FROM streamed; END'});

my $client = WireClient->new(%connect, user => 'ext_app');

# What each query gives in label, id; each keeps rows in another place.
my %queries = (
	'index scan'       => 'SELECT label, id FROM streamed ORDER BY id',
	'sequential scan'  => 'SELECT label, id FROM streamed',
	'sort'             => 'SELECT label, id FROM streamed ORDER BY body',
	'incremental sort' => 'SELECT label, id FROM streamed ORDER BY id, body',
	'hash aggregate'   => 'SELECT label, id FROM streamed GROUP BY label, id',
	'hash join'        => 'SELECT a.label, a.id FROM streamed a JOIN streamed b ON a.body = b.body',
	'nested loop'      => 'SELECT a.label, a.id FROM streamed a, (VALUES (1), (2), (3), (4), (5)) v (n)',
	'outer row kept'   => 'SELECT a.label, a.id FROM streamed a CROSS JOIN LATERAL (SELECT g FROM generate_series(1, 7) g OFFSET 0) s',
	'common table'     => 'WITH q AS MATERIALIZED (SELECT * FROM streamed) SELECT label, id FROM q ORDER BY id',
	'window'           => 'SELECT label, id FROM (SELECT *, count(*) OVER () FROM streamed) q',
	'lazy function'    => 'SELECT (f).label, (f).id FROM (SELECT lazy() AS f) q',
	'function in FROM' => 'SELECT label, id FROM lazy()',
	'PL/pgSQL'         => 'SELECT label, id FROM eager()',
	'union'            => 'SELECT label, id FROM streamed UNION SELECT label, id FROM vouched',
	'array sublink'    => 'SELECT label, id FROM unnest(ARRAY(SELECT s FROM streamed s)) u',
	'filter left out'  => 'SELECT label, id FROM vouched',
	'left out, sorted' => 'SELECT label, id FROM vouched ORDER BY body',
	'held parameter'   => 'SELECT label, (SELECT max(id) FROM streamed) FROM streamed',
);

# Begin a portal as a subject, change it, go on.  Returns rows and error of what came after.
sub suspended
{
	my ($c, $sql, $begin, $change, @between) = @_;
	$c->must('BEGIN');
	$c->must($_) for @$begin;
	my ($first) = grep { $_->{suspended} || $_->{error} } $c->parse('', $sql)->bind_portal('p', '')->execute('p', 3)->sync;
	die "not suspended: " . ($first->{error}{message} // '') . "\nin $sql\n" if !$first || !$first->{suspended};
	$change->($c);
	my @after = $c->execute('p', @between ? $between[0] : 0)->sync;
	push @after, $c->execute('p', 0)->sync if @between && $c->{status} eq 'T';
	my ($error) = map { $_->{error} // () } @after;
	$c->must('ROLLBACK');
	return ([ map { @{ $_->{rows} } } @after ], $error);
}

my %clean = map { $_ => 1 } qw(42501 55000 34000);

sub nothing_above
{
	my ($name, $rows, $error) = @_;
	my @above = grep { ($_->[0] // '') !~ /^(open|public)$/ } @$rows;
	ok(!@above && (!$error || $clean{ $error->{code} }), $name)
		or diag scalar(@above), ' rows above the clearance; error ', $error ? "$error->{code} $error->{message}" : 'none';
	return;
}

my $to_low = sub { $_[0]->must('SET LOCAL ROLE ext_low') };
for my $name (sort keys %queries)
{
	my ($rows, $error) = suspended($client, $queries{$name}, ['SET LOCAL ROLE ext_high'], sub { });
	ok(!$error && @$rows >= 30 && grep({ $_->[0] eq 'secret' } @$rows), "$name: goes on with all rows for the same subject")
		or diag $error ? $error->{message} : scalar(@$rows);
	nothing_above("$name: SET ROLE in between", suspended($client, $queries{$name}, ['SET LOCAL ROLE ext_high'], $to_low));
	nothing_above("$name: narrowed in between", suspended($client, $queries{$name}, ['SET LOCAL ROLE ext_high'],
		sub { $_[0]->must("SET LOCAL dataclass.session_ceiling = 'public'") }));
}

# A subject that may read more than the one before gets what that one would.
{
	my ($rows, $error) = suspended($client, $queries{sort}, ['SET LOCAL ROLE ext_low'], sub { $_[0]->must('SET LOCAL ROLE ext_high') });
	ok(!$error && @$rows == 17 && !grep({ $_->[0] eq 'secret' } @$rows), 'sort: a higher subject goes on with the rows of the lower')
		or diag $error ? $error->{message} : scalar(@$rows);
	($rows, $error) = suspended($client, $queries{sort}, ['SET LOCAL ROLE ext_high'],
		sub { $to_low->($_[0]); $_[0]->must('SET LOCAL ROLE ext_high') });
	ok(!$error && @$rows == 37, 'sort: back as the first subject, it goes on') or diag $error ? $error->{message} : scalar(@$rows);
}

# Changes that roll back or come from elsewhere.
nothing_above('ROLLBACK TO a savepoint of another role',
	suspended($client, $queries{sort}, ['SET LOCAL ROLE ext_low', 'SAVEPOINT s', 'SET LOCAL ROLE ext_high'],
		sub { $_[0]->must('SET LOCAL ROLE ext_low') }));
nothing_above('set_config()', suspended($client, $queries{'hash join'}, ['SET LOCAL ROLE ext_high'],
	sub { $_[0]->must("SELECT set_config('role', 'ext_low', true)") }));
nothing_above('DO block', suspended($client, $queries{'sort'}, ['SET LOCAL ROLE ext_high'],
	sub { $_[0]->must('DO $$ BEGIN SET LOCAL ROLE ext_low; END $$') }));
nothing_above('RESET ROLE', suspended($client, $queries{'common table'}, ['SET LOCAL ROLE ext_high'], sub { $_[0]->must('RESET ROLE') }));
for my $name ('index scan', 'sort', 'filter left out', 'lazy function')
{
	nothing_above("$name: role relabeled by somebody else", suspended($client, $queries{$name}, ['SET LOCAL ROLE ext_high'],
		sub { $admin->must("SECURITY LABEL FOR dataclass ON ROLE ext_high IS 'public'") }));
	$admin->must("SECURITY LABEL FOR dataclass ON ROLE ext_high IS 'secret with (declassify, reclassify)'");
	my $member = WireClient->new(%connect, user => 'ext_member');
	nothing_above("$name: membership revoked by somebody else", suspended($member, $queries{$name}, [],
		sub { $admin->must('REVOKE ext_group FROM ext_member') }));
	$admin->must('GRANT ext_group TO ext_member');
	nothing_above("$name: classes ranked anew by somebody else", suspended($client, $queries{$name}, ['SET LOCAL ROLE ext_high'],
		sub { $admin->must("UPDATE dataclass.data_class SET rank = 9 WHERE name = 'secret'; SECURITY LABEL FOR dataclass ON ROLE ext_high IS 'confidential'") }));
	$admin->must("UPDATE dataclass.data_class SET rank = 4 WHERE name = 'secret'; SECURITY LABEL FOR dataclass ON ROLE ext_high IS 'secret with (declassify, reclassify)'");
	$member->finish;
}

# Rows that core keeps in the portal itself.
my @stored = (
	[ 'INSERT ... RETURNING', "INSERT INTO streamed SELECT 100 + i, 'new', (ARRAY['open', 'secret'])[i % 2 + 1]::dataclass.label FROM generate_series(1, 20) i RETURNING label, id" ],
	[ 'UPDATE ... RETURNING', "UPDATE streamed SET body = 'changed' RETURNING label, id" ],
	[ 'DELETE ... RETURNING', 'DELETE FROM streamed RETURNING label, id' ],
	[ 'data-modifying CTE', "WITH q AS (UPDATE streamed SET body = 'changed' RETURNING label, id) SELECT * FROM q" ],
	[ 'EXECUTE', 'EXECUTE all_rows' ],
	[ 'FETCH', 'FETCH ALL FROM c' ],
);
for my $case (@stored)
{
	my ($name, $sql) = @$case;
	my @begin = ('SET LOCAL ROLE ext_high');
	push @begin, 'PREPARE all_rows AS SELECT label, id FROM streamed' if $name eq 'EXECUTE';
	push @begin, 'DECLARE c CURSOR FOR SELECT label, id FROM streamed ORDER BY body' if $name eq 'FETCH';
	my ($rows, $error) = suspended($client, $sql, \@begin, sub { });
	ok(!$error && @$rows >= 17, "$name: goes on for the same subject") or diag $error ? $error->{message} : scalar(@$rows);
	$client->run('DEALLOCATE ALL');
	nothing_above("$name: SET ROLE in between", suspended($client, $sql, \@begin, $to_low));
	$client->run('DEALLOCATE ALL');
	nothing_above("$name: SET ROLE in between, in pieces", suspended($client, $sql, \@begin, $to_low, 5));
	$client->run('DEALLOCATE ALL');
	# these rows are done with: what other sessions do is noticed with the next statement
	nothing_above("$name: role relabeled by somebody else", suspended($client, $sql, \@begin,
		sub { $admin->must("SECURITY LABEL FOR dataclass ON ROLE ext_high IS 'public'"); $_[0]->must('SELECT 1') }));
	$admin->must("SECURITY LABEL FOR dataclass ON ROLE ext_high IS 'secret with (declassify, reclassify)'");
	$client->run('DEALLOCATE ALL');
}

# Pipelines: several statements before one Sync, roles changing among them.
sub pipeline
{
	my ($c, @statements) = @_;
	$c->parse('', $_)->bind_portal('', '')->execute('') for @statements;
	return $c->sync;
}
my $count = 'SELECT count(*) FROM streamed';
my @results = pipeline($client, 'SET ROLE ext_high', $count, 'SET ROLE ext_low', $count, 'RESET ROLE', $count, 'SET ROLE ext_high', $count);
is_deeply([ map { $_->{rows}[0][0] // () } @results ], [ 40, 20, 20, 40 ], 'pipeline: each statement sees what its subject may');
@results = pipeline($client, 'SET ROLE ext_low', "INSERT INTO streamed VALUES (500, 'x', 'secret')", 'SET ROLE ext_high', $count);
is($results[1]{error}{code}, '42501', 'pipeline: a refused row ends it');
is(scalar @results, 2, 'pipeline: nothing runs after the error');
$client->must('RESET ROLE');

# One named statement, bound before the role changes and executed after; generic and custom plans.
for my $mode (qw(force_generic_plan force_custom_plan))
{
	$client->must("SET plan_cache_mode = $mode");
	for my $name ('filter left out', 'sort', 'union')
	{
		my $statement = $mode . $name =~ s/\W/_/gr;
		$client->must('SET ROLE ext_high');
		my @high = $client->parse($statement, $queries{$name})->bind_portal('', $statement)->execute('')->sync;
		is(scalar(grep { $_->[0] eq 'secret' } @{ $high[-1]{rows} }), 20, "$mode, $name: the high subject reads all");
		$client->must('BEGIN');
		$client->bind_portal('early', $statement)->sync;
		$client->must('SET LOCAL ROLE ext_low');
		my ($late) = $client->execute('early', 0)->sync;
		nothing_above("$mode, $name: bound by one subject, executed by another", $late->{rows}, $late->{error});
		$client->must('ROLLBACK');
		$client->must('SET ROLE ext_low');
		my @low = $client->bind_portal('', $statement)->execute('')->sync;
		ok(!$low[-1]{error} && @{ $low[-1]{rows} } == 20 && !grep({ $_->[0] eq 'secret' } @{ $low[-1]{rows} }), "$mode, $name: the low subject reads its rows")
			or diag $low[-1]{error}{message} // scalar(@{ $low[-1]{rows} });
	}
}
$_->finish for $client, $admin;
$node->stop;
done_testing();
