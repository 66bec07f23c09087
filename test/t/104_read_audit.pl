# Read audit by class: whatever way data of an audited class are read, the read
# is recorded, once per relation and statement, and nothing else is.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('reads');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'pg_dataclass'
dataclass.session_tier_enforcement = off
dataclass.at_rest_enforcement = off
max_parallel_workers_per_gather = 2
min_parallel_table_scan_size = 0
parallel_setup_cost = 0
parallel_tuple_cost = 0
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_dataclass;
UPDATE dataclass.data_class SET read_audit = 'session' WHERE name = 'restricted';
UPDATE dataclass.data_class SET read_audit = 'statement', superuser_audit = true WHERE name = 'confidential';
UPDATE dataclass.data_class SET read_audit = 'statement', read_audit_acknowledged = true, superuser_audit = true WHERE name = 'secret';
CREATE ROLE doctor LOGIN;
CREATE ROLE nurse LOGIN;
CREATE ROLE low LOGIN;
CREATE ROLE dba LOGIN SUPERUSER;
CREATE ROLE bypass LOGIN BYPASSRLS;
CREATE ROLE switcher LOGIN;
GRANT doctor, nurse TO switcher;
SECURITY LABEL FOR dataclass ON ROLE doctor IS 'secret';
SECURITY LABEL FOR dataclass ON ROLE nurse IS 'secret';
SECURITY LABEL FOR dataclass ON ROLE dba IS 'secret with (export, declassify, reclassify)';
SECURITY LABEL FOR dataclass ON ROLE bypass IS 'secret';
CREATE TABLE plain (id int);
CREATE TABLE restr (id int, body text);
CREATE TABLE conf (id int PRIMARY KEY, body text);
CREATE TABLE secr (id int PRIMARY KEY, body text);
CREATE TABLE cols (id int PRIMARY KEY, name text, ssn text, pin text);
CREATE TABLE rowed (id int, label dataclass.label NOT NULL, body text);
CREATE TABLE rowed_free (id int, label dataclass.label NOT NULL, body text);
CREATE TABLE part (id int, body text) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (10) TO (20);
CREATE TABLE tree (id int, body text);
CREATE TABLE tree_high () INHERITS (tree);
CREATE TABLE refers (id int REFERENCES secr, sid int);
CREATE VIEW seen AS SELECT s.id, s.body, c.body AS other FROM secr s JOIN conf c USING (id);
CREATE MATERIALIZED VIEW held AS SELECT id, body FROM secr WITH NO DATA;
SECURITY LABEL FOR dataclass ON TABLE restr IS 'restricted';
SECURITY LABEL FOR dataclass ON TABLE conf IS 'confidential';
SECURITY LABEL FOR dataclass ON TABLE secr IS 'secret';
SECURITY LABEL FOR dataclass ON COLUMN cols.ssn IS 'secret';
SECURITY LABEL FOR dataclass ON COLUMN cols.pin IS 'confidential mask';
SECURITY LABEL FOR dataclass ON TABLE rowed IS 'confidential';
SECURITY LABEL FOR dataclass ON TABLE part IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE tree IS 'restricted';
SECURITY LABEL FOR dataclass ON TABLE tree_high IS 'secret';
SECURITY LABEL FOR dataclass ON MATERIALIZED VIEW held IS 'secret';
GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;
SET ROLE dba;
INSERT INTO restr SELECT i, 'r' FROM generate_series(1, 10) i;
INSERT INTO conf SELECT i, 'c' FROM generate_series(1, 10) i;
INSERT INTO secr SELECT i, 's' FROM generate_series(1, 10) i;
INSERT INTO cols SELECT i, 'n', 'x', 'p' FROM generate_series(1, 10) i;
INSERT INTO part SELECT i, 'p' FROM generate_series(1, 19) i;
INSERT INTO rowed SELECT i, 'confidential', 'r' FROM generate_series(1, 5) i;
CREATE FUNCTION inlined() RETURNS SETOF secr LANGUAGE sql STABLE AS 'SELECT * FROM secr';
CREATE FUNCTION dynamic() RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RETURN (SELECT count(*) FROM secr); END$$;
CREATE FUNCTION swallows() RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM body FROM secr; RAISE EXCEPTION 'x'; EXCEPTION WHEN OTHERS THEN RETURN 'swallowed'; END$$;
CREATE FUNCTION definer() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN RETURN (SELECT count(*) FROM conf); END$$;
CREATE FUNCTION in_worker(int) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT count(*) FROM secr WHERE id >= $1 OFFSET 0';
CREATE FUNCTION indexed(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper($1)';
ANALYZE;
});

my $steps = 0;

# Run a script as a role; what the trail holds of it: action and relation of
# each record of a kind.
sub records
{
	my ($role, $sql, %opt) = @_;
	my $name = 'step' . ++$steps;
	my ($rc, $out, $err) = $node->psql('postgres', $sql, connstr => $node->connstr('postgres') . " application_name=$name",
		extra_params => ['-U', $role], on_error_stop => 0);
	is($err, '', "$name: no error") if !$opt{fails};
	$node->poll_query_until('postgres', 'SELECT queued = 0 AND journal_files = 0 FROM dataclass_audit.status()') or die 'records are on their way for ever';
	my $kinds = join ',', map { "'$_'" } @{ $opt{kinds} // ['read'] };
	return $node->safe_psql('postgres', qq{
		SELECT string_agg(concat_ws(' ', nullif(kind, 'read'), action, replace(object_identity, 'public.', '')), ', ' ORDER BY seq)
		FROM dataclass_audit.event WHERE application = '$name' AND kind IN ($kinds)});
}

sub reads
{
	my ($what, $expected, $sql, %opt) = @_;
	is(records($opt{role} // 'doctor', $sql, %opt), $expected, $what);
}

sub last_field
{
	my ($field) = @_;
	return $node->safe_psql('postgres', "SELECT $field FROM dataclass_audit.event WHERE application = 'step$steps' ORDER BY seq DESC LIMIT 1");
}

# --- each statement, once per relation
reads('a SELECT', 'SELECT secr', 'SELECT body FROM secr');
is(last_field(q{subject || '|' || label || '|' || outcome || '|' || breach || '|' || statement || '|' || object_type}), 'doctor|secret|allowed|false|select body from secr|table', 'who, what, how');
reads('each statement', 'SELECT secr, SELECT secr', 'SELECT 1 FROM secr; SELECT 1 FROM secr');
reads('no column at all', 'SELECT secr', 'SELECT count(*) FROM secr');
reads('named twice', 'SELECT secr', 'SELECT 1 FROM secr a, secr b');
reads('two relations', 'SELECT secr, SELECT conf', 'SELECT 1 FROM secr, conf');
reads('sub-select, CTE, UNION', 'SELECT secr, SELECT part, SELECT conf', 'SELECT 1 FROM secr WHERE EXISTS (SELECT FROM conf) UNION ALL (WITH w AS (SELECT 1 FROM part) SELECT * FROM w)');
reads('no rows', 'SELECT secr', 'SELECT 1 FROM secr WHERE false');
reads('a table sample', 'SELECT secr', 'SELECT 1 FROM secr TABLESAMPLE SYSTEM (100)');
reads('FOR UPDATE', 'SELECT secr', 'SELECT 1 FROM secr FOR UPDATE');
reads('what asks for nothing', '', 'SELECT 1 FROM plain; SELECT id, name FROM cols');
reads('a denied read is none', '', 'SELECT 1 FROM secr', role => 'low', fails => 1);

# --- sessions
reads('session: the first', 'SELECT restr', 'SELECT 1 FROM restr; SELECT 2 FROM restr');
is(last_field('detail'), 'First read of the relation by this session and role.', 'and says so');
reads('session: survives a rollback', 'SELECT restr', 'BEGIN; SELECT 1 FROM restr; ROLLBACK; SELECT 2 FROM restr');
reads('session: each role', 'SELECT restr, SELECT restr', 'SET ROLE doctor; SELECT 1 FROM restr; SET ROLE nurse; SELECT 1 FROM restr; SET ROLE doctor; SELECT 1 FROM restr', role => 'switcher');
reads('session: DISCARD ALL begins anew', 'SELECT restr, SELECT restr', "SELECT 1 FROM restr;\nDISCARD ALL;\nSELECT 2 FROM restr");

# --- labels of columns and rows, partitions, children
reads('a labeled column', 'SELECT cols', 'SELECT ssn FROM cols');
is(last_field('label'), 'secret', 'with its label');
reads('the whole row', 'SELECT cols', 'SELECT cols FROM cols');
reads('a labeled column in WHERE', 'SELECT cols', q{SELECT id FROM cols WHERE pin = 'p'});
is(last_field('label'), 'confidential', 'with its label');
reads('a mask is no read', '', 'SELECT pin FROM cols', role => 'low');
reads('rows with labels', 'SELECT rowed', 'SELECT 1 FROM rowed');
reads('rows with labels, no label on the table', 'SELECT rowed_free', 'SELECT 1 FROM rowed_free');
is(last_field('label'), 'secret', 'with the highest that may be there');
reads('a partitioned table', 'SELECT part', 'SELECT 1 FROM part');
reads('a partition', 'SELECT part_1', 'SELECT 1 FROM part_1');
reads('a child that asks for more', 'SELECT tree, SELECT tree_high', 'SELECT 1 FROM tree');
reads('not where it is not read', 'SELECT tree', 'SELECT 1 FROM ONLY tree');

# --- ways of reading
reads('a view', 'SELECT secr, SELECT conf', 'SELECT id FROM seen');
reads('COPY TO', 'COPY secr', 'COPY secr TO STDOUT');
reads('COPY columns TO, which becomes a query for their masks', 'SELECT cols', 'COPY cols (id, ssn) TO STDOUT');
reads('COPY of a query', 'SELECT secr', 'COPY (SELECT * FROM secr) TO STDOUT');
reads('COPY of rows with labels', 'SELECT rowed', 'COPY rowed TO STDOUT');
reads('a cursor, once', 'SELECT secr', 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM secr; FETCH 1 FROM c; FETCH 1 FROM c; COMMIT');
reads('a cursor WITH HOLD', 'SELECT secr', 'BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT * FROM secr; COMMIT; FETCH 1 FROM c');
reads('a cursor that another role goes on with', 'SELECT secr, FETCH secr',
	'SET ROLE doctor; BEGIN; DECLARE c CURSOR FOR SELECT * FROM secr; FETCH 1 FROM c; SET ROLE nurse; FETCH 1 FROM c; FETCH 1 FROM c; COMMIT', role => 'switcher');
reads('a held cursor that another role reads', 'SELECT secr, FETCH secr',
	'SET ROLE doctor; BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT * FROM secr; COMMIT; SET ROLE nurse; FETCH 1 FROM c; FETCH 1 FROM c', role => 'switcher');
reads('a prepared statement', 'SELECT secr, SELECT secr', 'PREPARE p AS SELECT * FROM secr WHERE id = $1; EXECUTE p(1); EXECUTE p(2)');
reads('an SQL function', 'SELECT secr', 'SELECT count(*) FROM inlined()');
reads('PL/pgSQL', 'SELECT secr', 'SELECT dynamic()');
reads('a read whose transaction is undone within', 'SELECT secr', 'SELECT swallows()');
reads('a DO block', 'SELECT secr', 'DO $$ BEGIN PERFORM * FROM secr; END $$');
reads('EXPLAIN does not read', '', 'EXPLAIN SELECT * FROM secr');
reads('EXPLAIN ANALYZE does', 'SELECT secr', 'EXPLAIN ANALYZE SELECT * FROM secr');
reads('UPDATE without WHERE', '', q{BEGIN; UPDATE conf SET body = 'x'; ROLLBACK});
reads('UPDATE ... WHERE', 'UPDATE conf', q{BEGIN; UPDATE conf SET body = 'x' WHERE id = 1; ROLLBACK});
reads('DELETE', '', 'BEGIN; DELETE FROM part; ROLLBACK');
reads('DELETE ... WHERE', 'DELETE part', 'BEGIN; DELETE FROM part WHERE id = 1; ROLLBACK');
reads('INSERT', '', q{BEGIN; INSERT INTO secr VALUES (100, 'x'); ROLLBACK});
reads('INSERT ... RETURNING', 'INSERT secr', q{BEGIN; INSERT INTO secr VALUES (100, 'x') RETURNING body; ROLLBACK});
reads('INSERT ... SELECT', 'SELECT secr', 'BEGIN; INSERT INTO part SELECT id, body FROM secr; ROLLBACK');
reads('MERGE', 'DELETE conf, SELECT secr', 'BEGIN; MERGE INTO conf USING secr ON conf.id = secr.id WHEN MATCHED THEN DELETE; ROLLBACK');
reads('CREATE TABLE AS', 'SELECT secr', 'BEGIN; CREATE TEMP TABLE t AS SELECT * FROM secr; ROLLBACK');
reads('foreign-key checks of core are none', '', 'BEGIN; INSERT INTO refers VALUES (1, 1); ROLLBACK');
reads('parallel workers: once', 'SELECT secr', 'SET force_parallel_mode = on; SELECT count(*) FROM secr');
reads('a function that runs in parallel workers', 'SELECT part, SELECT secr', 'SET force_parallel_mode = on; SELECT count(in_worker(id)) FROM part WHERE id = 1');
reads('a large IN list is one statement', 'SELECT secr', 'SELECT 1 FROM secr WHERE id IN (' . join(',', 1 .. 3000) . ')');

# --- roles that core exempts
my @both = (role => 'dba', kinds => [ 'read', 'superuser_access' ]);
reads('a superuser', 'SELECT secr, superuser_access SELECT secr', 'SELECT 1 FROM secr', @both);
is(last_field('detail'), 'The role is a superuser.', 'and why');
reads('a superuser where only reads are asked for', 'SELECT restr', 'SELECT 1 FROM restr', @both);
reads('a superuser writes', 'superuser_access INSERT secr', q{BEGIN; INSERT INTO secr VALUES (100, 'x'); ROLLBACK}, @both);
reads('BYPASSRLS', 'SELECT conf, superuser_access SELECT conf', 'SELECT 1 FROM conf', @both, role => 'bypass');
reads('a superuser as somebody else', 'SELECT secr', 'SET ROLE doctor; SELECT 1 FROM secr', @both);
reads('a superuser\'s function', 'SELECT conf, superuser_access SELECT conf', 'SELECT definer()', @both, role => 'doctor');
reads('COPY TO', 'COPY secr, superuser_access COPY secr', 'COPY secr TO STDOUT', @both);
reads('COPY FROM', 'superuser_access COPY conf', "COPY conf FROM STDIN;\n\\.\n", @both);
reads('COPY FROM with labels of rows', 'superuser_access COPY rowed', "COPY rowed FROM STDIN;\n\\.\n", @both);
reads('TRUNCATE', 'superuser_access TRUNCATE conf', 'BEGIN; TRUNCATE conf; ROLLBACK', @both);
reads('an expression index', 'CREATE INDEX secr, superuser_access CREATE INDEX secr', 'BEGIN; CREATE INDEX ON secr (indexed(body)); ROLLBACK', @both);
reads('a refreshed materialized view', 'superuser_access REFRESH MATERIALIZED VIEW held, SELECT secr, superuser_access SELECT secr', 'BEGIN; REFRESH MATERIALIZED VIEW held; ROLLBACK', @both);
reads('statistics', 'superuser_access SELECT pg_catalog.pg_statistic', q{SELECT most_common_vals FROM pg_stats WHERE tablename = 'secr'}, @both);
reads('files of the server', 'superuser_access EXECUTE pg_read_file', q{SELECT length(pg_read_file('PG_VERSION'))}, @both);
reads('nobody else', '', 'SELECT 1 FROM secr', kinds => ['superuser_access']);

# --- pg_dump
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres') . ' application_name=dumped user=dba', '-f', PostgreSQL::Test::Utils::tempdir . '/dump' ], 'pg_dump');
$node->poll_query_until('postgres', 'SELECT queued = 0 AND journal_files = 0 FROM dataclass_audit.status()');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT object_identity, ', ' ORDER BY object_identity) FROM dataclass_audit.event WHERE subject = 'dba' AND kind = 'superuser_access' AND action IN ('COPY', 'SELECT') AND application IN ('dumped', 'pg_dump')}),
	'public.cols, public.conf, public.part_1, public.part_2, public.rowed, public.rowed_free, public.secr, public.tree_high', 'a dump of a superuser is recorded, relation by relation');

# --- permissive and off
$node->append_conf('postgresql.conf', 'dataclass.enforcement = permissive');
$node->restart;
reads('permissive: recorded', 'SELECT secr', 'SELECT 1 FROM secr');
$node->append_conf('postgresql.conf', 'dataclass.enforcement = off');
$node->restart;
reads('off: nothing is', '', 'SELECT 1 FROM secr');
$node->append_conf('postgresql.conf', 'dataclass.enforcement = enforcing');
$node->restart;

is($node->safe_psql('postgres', 'SELECT ok, reason FROM dataclass_audit.verify()'), 't|', 'verify() holds');
$node->stop;
done_testing();
