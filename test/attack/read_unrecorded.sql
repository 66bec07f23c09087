-- title: a superuser reads what its clearance lets it read, by every way: none leaves no record
-- role: watched_dba
-- expect: filtered
-- required: ^18 ways were recorded$
-- forbidden: UNRECORDED

-- Each way, then what the trail has to say of it.
CREATE TEMP TABLE ways (way text, recorded bool);
CREATE FUNCTION pg_temp.records() RETURNS bigint LANGUAGE sql VOLATILE AS
	$$SELECT count(*) FROM dataclass_audit.event WHERE kind = 'superuser_access' AND object_identity = 'att.watched'$$;
CREATE FUNCTION pg_temp.looks() RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RETURN (SELECT count(body) FROM att.watched); END$$;
CREATE FUNCTION pg_temp.inlined() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT body FROM att.watched';
CREATE FUNCTION pg_temp.writes_down(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
	$$BEGIN RAISE DEBUG '%', $1; RETURN $1; END$$;
\set begin 'SELECT pg_temp.records() AS before \\gset'
\set end 'INSERT INTO ways SELECT :\'way\', pg_temp.records() > :before;'
\o /dev/null

\set way select
:begin
SELECT body FROM att.watched;
:end
\set way copy
:begin
COPY att.watched TO STDOUT;
:end
\set way copy_query
:begin
COPY (SELECT * FROM att.watched) TO STDOUT;
:end
\set way held_cursor
:begin
BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT body FROM att.watched; COMMIT; FETCH ALL FROM c;
:end
\set way function
:begin
SELECT pg_temp.looks();
:end
\set way inlined_function
:begin
SELECT * FROM pg_temp.inlined();
:end
\set way do
:begin
DO $$ BEGIN EXECUTE 'SELECT body FROM att.watched'; END $$;
:end
\set way undone
:begin
BEGIN; SELECT body FROM att.watched; ROLLBACK;
:end
\set way explain_analyze
:begin
EXPLAIN (ANALYZE, COSTS off, TIMING off) SELECT body FROM att.watched;
:end
\set way create_table_as
:begin
CREATE TEMP TABLE taken AS SELECT body FROM att.watched;
:end
\set way materialized_view
:begin
CREATE MATERIALIZED VIEW scratch.taken AS SELECT body FROM att.watched;
:end
\set way refresh
:begin
REFRESH MATERIALIZED VIEW scratch.taken;
:end
DROP MATERIALIZED VIEW scratch.taken;
\set way index
:begin
BEGIN; CREATE INDEX ON att.watched (pg_temp.writes_down(body)); ROLLBACK;
:end
\set way table_sample
:begin
SELECT body FROM att.watched TABLESAMPLE BERNOULLI (100);
:end
\set way parallel
SET force_parallel_mode = on;
:begin
SELECT count(body) FROM att.watched;
:end
RESET force_parallel_mode;
\set way prepared
:begin
PREPARE p AS SELECT body FROM att.watched; EXECUTE p;
:end
\set way returning
:begin
BEGIN; UPDATE att.watched SET body = body RETURNING body; ROLLBACK;
:end
\set way alter_type
:begin
BEGIN; ALTER TABLE att.watched ALTER body TYPE varchar USING pg_temp.writes_down(body); ROLLBACK;
:end

\o
SELECT 'UNRECORDED: ' || way FROM ways WHERE NOT recorded;
SELECT count(*) || ' ways were recorded' FROM ways WHERE recorded;
