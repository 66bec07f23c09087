-- A database for the tiers of sessions: a table with row labels, :rows rows, read
-- in full by a reader who is cleared for part of it, under a policy of :controls
-- session and server controls besides the shipped ones.  All of them are
-- satisfied, so all of them are judged.

SET client_min_messages = warning;
CREATE EXTENSION pg_dataclass;
\ir officer.sql
DELETE FROM dataclass.tier_control WHERE control IN ('transport', 'authentication');
INSERT INTO dataclass.tier (name, rank) SELECT 'extra' || i, 100 + i FROM generate_series(1, :controls / 5) AS i;
INSERT INTO dataclass.tier_control (tier, control, requirement)
	SELECT 'extra' || i, control, requirement FROM generate_series(1, :controls / 5) AS i,
		(VALUES ('transport', 'mtls'), ('authentication', 'trust'), ('client_network', '10.0.0.0/8, fd00::/8, loopback, unix'),
			('cipher_strength', '256'), ('password_encryption', 'scram-sha-256')) AS c(control, requirement);
CREATE TABLE labelled_rows (id int NOT NULL, label dataclass.label NOT NULL);
INSERT INTO labelled_rows
	SELECT i, ('{open,public,restricted,confidential,secret}'::dataclass.label[])[1 + i % 5] FROM generate_series(1, :rows) AS i;
SELECT bench_govern('labelled_rows') AS governed \gset
GRANT SELECT ON labelled_rows TO PUBLIC;
-- Makes the subject of the session anew n times; both ways set a setting and put it back.
CREATE TABLE one (id int);
GRANT SELECT ON one TO PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE one IS 'public';
CREATE FUNCTION bench_subject(setting text, value text, n int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	total int := 0;
BEGIN
	FOR i IN 1 .. n LOOP
		PERFORM set_config(setting, value, true);
		PERFORM id FROM one;
		total := total + 1;
	END LOOP;
	RETURN total;
END $$;
VACUUM (FREEZE, ANALYZE) labelled_rows;
CHECKPOINT;
