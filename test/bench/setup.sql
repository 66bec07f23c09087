-- Tables of the benchmarks; run by a superuser who is an officer.

CREATE ROLE reader LOGIN;
INSERT INTO dataclass.compartment (name) VALUES ('health') ON CONFLICT DO NOTHING;

-- Rows with labels are written by one who is cleared for them.
DO $$ BEGIN EXECUTE format('SECURITY LABEL FOR dataclass ON ROLE %I IS %L', current_user, 'secret:health'); END $$;

-- Two tables alike but for what decides about a row: a label, or a number of
-- the same width beside the level.
CREATE TABLE labelled_rows (id int NOT NULL, level int NOT NULL, label dataclass.label NOT NULL, amount int NOT NULL);
INSERT INTO labelled_rows
	SELECT i, 1 + i % 5, ((ARRAY['open', 'public', 'restricted', 'confidential', 'secret'])[1 + i % 5])::dataclass.label, i % 1000
	FROM generate_series(1, 4000000) AS i;
CREATE TABLE integer_rows (id int NOT NULL, level int NOT NULL, number bigint NOT NULL, amount int NOT NULL);
INSERT INTO integer_rows
	SELECT i, 1 + i % 5, i % 5, i % 1000 FROM generate_series(1, 4000000) AS i;
GRANT SELECT ON integer_rows, labelled_rows TO reader;
VACUUM (FREEZE, ANALYZE) integer_rows;
VACUUM (FREEZE, ANALYZE) labelled_rows;

-- What is denied, by a function that lives through it, as pgbench would not.
CREATE TABLE denied_table (id int);
GRANT SELECT ON denied_table TO reader;
CREATE FUNCTION denied_once() RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
	PERFORM id FROM denied_table;
	RETURN false;
EXCEPTION WHEN insufficient_privilege THEN
	RETURN true;
END $$;

CREATE TABLE inserted (id int, at timestamptz, who text);
GRANT INSERT ON inserted TO reader;

SECURITY LABEL FOR dataclass ON ROLE reader IS 'restricted:health';
SECURITY LABEL FOR dataclass ON TABLE labelled_rows IS 'secret';
SECURITY LABEL FOR dataclass ON TABLE denied_table IS 'secret:health';
CHECKPOINT;
