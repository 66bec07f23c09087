-- 10,000 labelled tables on 20 tablespaces, whose directories the shell made.
\set ON_ERROR_STOP on
SELECT format('CREATE TABLESPACE watch_%s LOCATION %L', i, :'directory' || '/' || i) FROM generate_series(1, 20) i \gexec
CREATE SCHEMA watched;
CREATE PROCEDURE watched.fill(tables int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. tables LOOP
		EXECUTE format('CREATE TABLE watched.t%s (id int) TABLESPACE watch_%s', i, i % 20 + 1);
		EXECUTE format('SECURITY LABEL FOR dataclass ON TABLE watched.t%s IS %L', i, 'restricted');
		IF i % 500 = 0 THEN
			COMMIT;
		END IF;
	END LOOP;
END $$;
CALL watched.fill(10000);
