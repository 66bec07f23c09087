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
SECURITY LABEL FOR dataclass ON TABLE denied_table IS 'secret:health';

CREATE TABLE inserted (id int, at timestamptz, who text);
GRANT INSERT ON inserted TO reader;
-- The same INSERT by a function of the shape of the one above: what calling and catching costs is on both sides then.
CREATE FUNCTION inserted_once() RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO inserted VALUES (1, clock_timestamp(), 'reader');
	RETURN true;
EXCEPTION WHEN insufficient_privilege THEN
	RETURN false;
END $$;
CHECKPOINT;
