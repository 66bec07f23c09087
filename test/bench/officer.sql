-- What fills labelled tables: run by a superuser who is an officer, in each
-- database where the library is at work.

INSERT INTO dataclass.compartment (name) VALUES ('health') ON CONFLICT DO NOTHING;

-- Rows with labels are written by one who is cleared for them.
DO $$ BEGIN EXECUTE format('SECURITY LABEL FOR dataclass ON ROLE %I IS %L', current_user, 'secret:health with (declassify, reclassify, export)'); END $$;

-- Puts a table with a label column under labels, as a DBA would.
CREATE FUNCTION bench_govern(relation regclass) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_proc WHERE proname = 'protect' AND pronamespace = 'dataclass'::regnamespace) THEN
		EXECUTE format('SELECT dataclass.protect(%L::regclass, %L)', relation, 'secret');
		RETURN 'dataclass.protect()';
	END IF;
	EXECUTE format('SECURITY LABEL FOR dataclass ON TABLE %s IS %L', relation, 'secret');
	EXECUTE format('ALTER TABLE %s ADD CONSTRAINT dataclass_ceiling CHECK (dataclass.row_within(label, %L, %L))',
		relation, 'secret', dataclass.policy_era());
	RETURN 'SECURITY LABEL and a constraint';
END $$;
