# Backends without a client: they have no verified identity and stay at the
# lowest tier.  Seen from inside the apply worker of a subscription, which runs
# a trigger that writes down what its session is.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('background');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.at_rest_enforcement = off
dataclass.session_tier_enforcement = off
max_worker_processes = 16
});
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', q{
CREATE TABLE feed (id int PRIMARY KEY);
CREATE PUBLICATION feed FOR TABLE feed;
SELECT pg_create_logical_replication_slot('feed', 'pgoutput');
});
my $connection = $node->connstr('source') =~ s{'}{}gr;
$node->safe_psql('postgres', qq{
CREATE EXTENSION pg_dataclass;
CREATE TABLE feed (id int PRIMARY KEY);
CREATE TABLE seen (transport text, authentication text, tier text, needs text, network text);
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
	INSERT INTO public.seen SELECT s.transport, s.authentication, s.tier, s.next_tier_needs,
		(SELECT r.found FROM dataclass.tier_report() r WHERE r.control = 'client_network' LIMIT 1) FROM dataclass.session() s;
	RETURN NEW;
END \$\$;
CREATE TRIGGER look BEFORE INSERT ON feed FOR EACH ROW EXECUTE FUNCTION look();
ALTER TABLE feed ENABLE ALWAYS TRIGGER look;
INSERT INTO dataclass.tier_control (tier, control, requirement) VALUES ('highest', 'client_network', 'unix, loopback');
CREATE SUBSCRIPTION feed CONNECTION '$connection' PUBLICATION feed WITH (create_slot = false, slot_name = 'feed', copy_data = false);
});
$node->safe_psql('source', 'INSERT INTO feed VALUES (1)');
ok($node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM seen'), 'the worker applied the row');
is($node->safe_psql('postgres', 'SELECT * FROM seen'), 'internal|trust|baseline|transport: requires tls, found internal|none',
	'a worker without a client: no identity, no network, the lowest tier');
$node->safe_psql('postgres', q{UPDATE dataclass.tier_control SET requirement = 'tls' WHERE tier = 'baseline' AND control = 'transport'});
$node->safe_psql('source', 'INSERT INTO feed VALUES (2)');
ok($node->poll_query_until('postgres', 'SELECT count(*) = 2 FROM seen'), 'and another');
is($node->safe_psql('postgres', q{SELECT tier, needs FROM seen WHERE tier <> 'baseline'}), 'none|transport: requires tls, found internal',
	'where the lowest tier needs a client it has none');
$node->safe_psql('postgres', 'DROP SUBSCRIPTION feed');
$node->stop;
done_testing();
