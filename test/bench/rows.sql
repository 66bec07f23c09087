-- Narrow tables of the scans, :rows rows each; the clearest class has one row
-- in a thousand, the others share the rest.  Alike but for what decides about a
-- row: a label, or a number of the same width.

SET client_min_messages = warning;
CREATE TABLE labelled_rows (id int NOT NULL, level int NOT NULL, label dataclass.label NOT NULL, amount int NOT NULL);
CREATE TABLE integer_rows (id int NOT NULL, level int NOT NULL, number bigint NOT NULL, amount int NOT NULL);
INSERT INTO integer_rows
	SELECT i, level, level, i % 1000
	FROM generate_series(1, :rows) AS i, LATERAL (SELECT CASE WHEN i % 1000 = 0 THEN 1 ELSE 2 + i % 4 END) AS l(level);
INSERT INTO labelled_rows
	SELECT id, level, ('{open,public,restricted,confidential,secret}'::dataclass.label[])[level], amount FROM integer_rows;
SELECT bench_govern('labelled_rows') AS governed \gset

-- The same rows behind policies of row-level security.
CREATE TABLE rls_rows AS SELECT * FROM integer_rows;
CREATE TABLE rls_clearance (role_name name, level int, PRIMARY KEY (role_name, level));
INSERT INTO rls_clearance SELECT role_name, level FROM unnest('{rls_exists,rls_in}'::name[]) AS role_name, generate_series(1, 3) AS level;
CREATE TABLE rls_ceiling (role_name name PRIMARY KEY, level int);
INSERT INTO rls_ceiling VALUES ('rls_scalar', 3);
ALTER TABLE rls_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_setting ON rls_rows TO rls_setting
	USING (level <= current_setting('app.level')::int);
CREATE POLICY by_list ON rls_rows TO rls_list
	USING (level::text = ANY (string_to_array(current_setting('app.levels'), ',')));
CREATE POLICY by_table ON rls_rows TO rls_exists
	USING (EXISTS (SELECT FROM rls_clearance AS c WHERE c.role_name = current_user AND c.level >= rls_rows.level));
CREATE POLICY by_members ON rls_rows TO rls_in
	USING (level IN (SELECT c.level FROM rls_clearance AS c WHERE c.role_name = current_user));
CREATE POLICY by_number ON rls_rows TO rls_scalar
	USING (level <= (SELECT c.level FROM rls_ceiling AS c WHERE c.role_name = current_user));

GRANT SELECT ON labelled_rows, integer_rows, rls_rows, rls_clearance, rls_ceiling TO PUBLIC;
VACUUM (FREEZE, ANALYZE) integer_rows;
VACUUM (FREEZE, ANALYZE) labelled_rows;
VACUUM (FREEZE, ANALYZE) rls_rows;
ANALYZE rls_clearance, rls_ceiling;
CHECKPOINT;
\echo :governed
