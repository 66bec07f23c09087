# Extended protocol on table, column and masked labels (row labels: see
# 096_extended_protocol.pl): refused at Execute, suspended portals whose
# subject changes, statements bound anew by another subject.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WireClient;

my $node = PostgreSQL::Test::Cluster->new('portal_kinds');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
CREATE ROLE kind_high; CREATE ROLE kind_low; CREATE ROLE kind_app LOGIN NOINHERIT;
GRANT kind_high, kind_low TO kind_app;
CREATE TABLE tab AS SELECT i AS id, 'hidden ' || i AS body FROM generate_series(1, 20) i;
CREATE TABLE col AS TABLE tab;
CREATE TABLE masked AS TABLE tab;
GRANT ALL ON tab, col, masked TO PUBLIC;
SECURITY LABEL FOR dataclass ON ROLE kind_high IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE tab IS 'secret';
SECURITY LABEL FOR dataclass ON COLUMN col.body IS 'secret';
SECURITY LABEL FOR dataclass ON COLUMN masked.body IS 'secret mask';
});
my $client = WireClient->new(host => $node->host, port => $node->port, database => 'postgres', user => 'kind_app');

# Rows and error of a portal run as two roles: five rows as the first, the rest as the second.
sub portal
{
	my ($sql, $first, $second) = @_;
	$client->must('BEGIN');
	$client->must("SET LOCAL ROLE $first");
	my @before = $client->parse('', $sql)->bind_portal('p', '')->execute('p', 5)->sync;
	my ($refused) = map { $_->{error} // () } @before;
	my @after;
	if (!$refused)
	{
		$client->must("SET LOCAL ROLE $second");
		@after = $client->execute('p', 0)->sync;
	}
	my ($error) = map { $_->{error} // () } @after;
	$client->must('ROLLBACK');
	return ($refused, [ map { @{ $_->{rows} } } @before ], [ map { @{ $_->{rows} } } @after ], $error);
}

for my $case ([ 'tab', '*' ], [ 'col', 'body' ])
{
	my ($table, $columns) = @$case;
	my ($refused, $before, $after, $error) = portal("SELECT $columns FROM $table", 'kind_low', 'kind_low');
	is($refused && $refused->{code}, '42501', "$table: refused");
	is(scalar @$before, 0, "$table: no row before that");
	($refused, $before, $after, $error) = portal("SELECT $columns FROM $table", 'kind_high', 'kind_high');
	is(@$before + @$after, 20, "$table: a suspended portal goes on for the same subject");
	for my $order ('', ' ORDER BY 1 DESC')
	{
		($refused, $before, $after, $error) = portal("SELECT $columns FROM $table$order", 'kind_high', 'kind_low');
		is(scalar @$before, 5, "$table$order: five rows for who may");
		is($error && $error->{code}, '42501', "$table$order: it does not go on for who may not");
		is(scalar @$after, 0, "$table$order: and gives no row");
	}
}
my ($refused, $before, $after, $error) = portal('SELECT id FROM col', 'kind_high', 'kind_low');
is(@$before + @$after, 20, 'col: other columns go on');

($refused, $before, $after, $error) = portal('SELECT id, body FROM masked', 'kind_low', 'kind_low');
is(scalar(grep { defined $_->[1] } @$before, @$after), 0, 'masked: masked');
is(@$before + @$after, 20, 'masked: all rows');
($refused, $before, $after, $error) = portal('SELECT id, body FROM masked', 'kind_high', 'kind_high');
is(scalar(grep { defined $_->[1] } @$before, @$after), 20, 'masked: values for who may');
for my $order ('', ' ORDER BY 2 DESC')
{
	($refused, $before, $after, $error) = portal("SELECT id, body FROM masked$order", 'kind_high', 'kind_low');
	is(scalar(grep { defined $_->[1] } @$before), 5, "masked$order: values before the change");
	is(scalar(grep { defined $_->[1] } @$after), 0, "masked$order: none after it");
	ok(!$error || $error->{code} =~ /^(42501|55000)$/, "masked$order: with a clean error or none")
	  or diag "$error->{code} $error->{message}";
}

# One statement, parsed once, run by one subject after the other.
$client->parse('s', 'SELECT body FROM masked WHERE id = 1')->sync;
$client->parse('t', 'SELECT body FROM tab WHERE id = 1')->sync;
for my $round (1 .. 7)
{
	$client->must('SET ROLE kind_high');
	my ($result) = grep { $_->{rows} && @{ $_->{rows} } } $client->bind_portal('', 's')->execute('', 0)->sync;
	is($result->{rows}[0][0], 'hidden 1', "round $round: the value for who may");
	($result) = grep { $_->{rows} && @{ $_->{rows} } } $client->bind_portal('', 't')->execute('', 0)->sync;
	is($result->{rows}[0][0], 'hidden 1', "round $round: the row for who may");
	$client->must('SET ROLE kind_low');
	($result) = grep { $_->{rows} && @{ $_->{rows} } } $client->bind_portal('', 's')->execute('', 0)->sync;
	is($result->{rows}[0][0], undef, "round $round: masked for who may not");
	($result) = grep { $_->{error} } $client->bind_portal('', 't')->execute('', 0)->sync;
	is($result && $result->{error}{code}, '42501', "round $round: refused for who may not");
}
$client->must('RESET ROLE');
$client->finish;
done_testing();
