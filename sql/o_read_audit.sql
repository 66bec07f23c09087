-- Read audit: what the policy says, what is recorded, and how statements are
-- kept.  Runs as the bootstrap superuser.
\set VERBOSITY default

-- columns of data_class, and the documents that carry them
SELECT name, read_audit, read_audit_acknowledged, superuser_audit FROM dataclass.data_class ORDER BY rank;
UPDATE dataclass.data_class SET read_audit = 'always' WHERE name = 'open';	-- fail: no such word
UPDATE dataclass.data_class SET read_audit = 'statement', read_audit_acknowledged = true, superuser_audit = true WHERE name = 'confidential';	-- ok
SELECT c ->> 'name' AS class, c -> 'read_audit_acknowledged' AS acknowledged, c -> 'superuser_audit' AS superusers
	FROM jsonb_array_elements(dataclass.export_profile()::jsonb -> 'classes') c ORDER BY 1;

CREATE ROLE regress_reader;
SECURITY LABEL FOR dataclass ON ROLE regress_reader IS 'confidential';
CREATE SCHEMA reads;
GRANT USAGE ON SCHEMA reads TO PUBLIC;
GRANT CREATE ON SCHEMA reads TO regress_reader;
SET ROLE regress_reader;
CREATE TABLE reads.t (id int, body text);
CREATE TABLE reads.u (id int);
RESET ROLE;
SECURITY LABEL FOR dataclass ON TABLE reads.t IS 'confidential';
SELECT max(seq) AS before FROM dataclass_audit.event \gset

SET ROLE regress_reader;
SELECT count(*) FROM reads.t WHERE body = 'value';	-- recorded
SELECT count(*) FROM reads.u;	-- not governed
EXPLAIN (COSTS off) SELECT FROM reads.t;	-- no read
INSERT INTO reads.t VALUES (1, 'value');	-- no read
DELETE FROM reads.t WHERE id = 1;	-- recorded
RESET ROLE;
SELECT kind, severity, outcome, breach, action, subject, object_type, object_identity, label, statement
	FROM dataclass_audit.event WHERE seq > :before AND kind IN ('read', 'superuser_access') ORDER BY seq;

-- statements
SELECT query, dataclass_audit.normalise(query) FROM (VALUES
	('SELECT 1'), ($$select 'a', E'a\'b', U&'\0061', N'a', B'01', X'ff', 1.5e-3, -7, $1$$), ('SELECT $tag$ $$ ''x'' $tag$'),
	('SELECT a /* 1 /* 2 */ 3 */ FROM t -- 4'), ($$SELECT 'a'
'b'$$), ('SELECT "Ab", "c d" FROM s."T"'), ('SET a.b = c, ''d'''), ('ALTER ROLE r SET a TO b'),
	('ALTER ROLE r PASSWORD ''p'''), ('SELECT ''unterminated'), ('SELECT /* unterminated'), ('SELECT $$unterminated'),
	($$SELECT 'a\' b \'c'$$), ($$SELECT 'a\b'$$), ($$SELECT 'a\\'$$), ($$SELECT 'a\'$$), (''), (';;'), ('SELECT 1;SELECT 2;')) v (query);
SELECT dataclass_audit.normalise('SELECT ' || repeat('''x'', ', 100000)) LIKE 'select ?, ?, ?%?, ?%' AS cut,
	octet_length(dataclass_audit.normalise('SELECT ' || repeat('x', 3000)));
SELECT dataclass_audit.normalise('SELECT ''' || repeat('x', 100000)) AS cut_in_a_literal;
SET ROLE regress_reader;
SELECT dataclass_audit.normalise('SELECT 1');	-- fail: auditors and officers only
RESET ROLE;

UPDATE dataclass.data_class SET read_audit = 'none', read_audit_acknowledged = false, superuser_audit = false WHERE name = 'confidential';
SET ROLE regress_reader;
DROP TABLE reads.t, reads.u;
RESET ROLE;
DROP SCHEMA reads;
SECURITY LABEL FOR dataclass ON ROLE regress_reader IS NULL;
DROP ROLE regress_reader;
