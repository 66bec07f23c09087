# Functions that only the client's own statement may call, over the wire: simple
# and extended protocol, statements and portals that somebody else's code made
# in the client's name, the fast path.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WireClient;

my $node = PostgreSQL::Test::Cluster->new('direct');
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
CREATE ROLE medic LOGIN;
SECURITY LABEL FOR dataclass ON ROLE medic IS 'restricted with (break_glass)';
CREATE FUNCTION take_statement() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	DEALLOCATE mine;
	EXECUTE 'SELECT 1; PREPARE mine AS SELECT dataclass.break_glass(''planted'')';
END $$;
CREATE FUNCTION take_portal(c refcursor) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CLOSE %I', c);
	OPEN c FOR SELECT dataclass.break_glass('planted');
END $$;
CREATE FUNCTION replay() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'EXECUTE mine'; END $$;
CREATE FUNCTION explain_replay() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN ANALYZE EXECUTE mine'; END $$;
});
my $function = $node->safe_psql('postgres', q{SELECT 'dataclass.break_glass(text, interval)'::regprocedure::oid});
my $medic = WireClient->new(host => $node->host, port => $node->port, database => 'postgres', user => 'medic');
my $refused = 0;

# Did it open?  Leaves it closed.
sub opened { return $medic->must('SELECT dataclass.end_break_glass()')->{rows}[0][0] eq 't' ? 1 : 0; }

sub opens
{
	my ($what, @results) = @_;
	my ($error) = map { $_->{error} ? $_->{error}{message} : () } @results;
	is($error, undef, "$what: no error");
	is(opened(), 1, "$what: open");
	return;
}

sub refuses
{
	my ($what, @results) = @_;
	my ($error) = map { $_->{error} // () } @results;
	like(($error->{code} // '') . ' ' . ($error->{message} // ''), qr/^42501 permission denied to call function dataclass.break_glass indirectly/, "$what: refused");
	is(opened(), 0, "$what: not open");
	$refused++;
	return;
}

my $call = q{SELECT dataclass.break_glass('why')};

opens('simple protocol', $medic->query($call));
opens('among other statements', $medic->query("SELECT 1; $call; SELECT 2"));
opens('within a transaction', $medic->query("BEGIN; $call; COMMIT"));
opens('in FROM, with a parameter', $medic->parse('', 'SELECT * FROM dataclass.break_glass($1, $2)')->bind_portal('', '', 'why', '1 minute')->execute('')->sync);
opens('extended protocol', $medic->parse('', $call)->bind_portal('', '')->execute('')->sync);
opens('a named statement', $medic->parse('mine', $call)->bind_portal('', 'mine')->execute('')->sync);
opens('the same again', $medic->bind_portal('', 'mine')->execute('')->sync);
$medic->must('SET search_path = pg_catalog, public');
opens('analysed anew', $medic->bind_portal('', 'mine')->execute('')->sync);

refuses('a function that executes that statement', $medic->query('SELECT replay()'));
refuses('or explains it', $medic->query('SELECT explain_replay()'));
refuses('EXECUTE', $medic->query('EXECUTE mine'));
refuses('PREPARE and EXECUTE in one text', $medic->query("SELECT 1; PREPARE other AS $call; EXECUTE other"));

$medic->must('SELECT take_statement()');
refuses('a statement that a function put in its place', $medic->bind_portal('', 'mine')->execute('')->sync);
$medic->must('SET search_path = public, pg_catalog');
refuses('the same analysed anew, from the text at hand', $medic->bind_portal('', 'mine')->execute('')->sync);

refuses('a named portal', $medic->parse('', $call)->bind_portal('p', '')->execute('p')->sync);
$medic->must('BEGIN');
my @results = $medic->parse('', 'SELECT 1')->bind_portal('p', '')->sync;
$medic->must(q{SELECT take_portal('p')});
@results = $medic->execute('p')->sync;
$medic->query('ROLLBACK');
refuses('a portal that a function put in its place', @results);

my $body = pack('N', $function) . pack('nn', 0, 2) . pack('N/a*', 'why') . pack('N/a*', '1 minute') . pack('n', 0);
refuses('the fast path', $medic->put('F', $body)->read_results);
opens('and still the client itself', $medic->query($call));

is($node->safe_psql('postgres', q{SELECT count(*) FROM dataclass_audit.denied WHERE rule = 'direct_call' AND subject = 'medic'}), $refused, 'each refusal is in the trail, once');
$medic->finish;
$node->stop;
done_testing();
