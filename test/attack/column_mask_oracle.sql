-- title: a masked column tells nothing in WHERE
-- role: plain
-- expect: filtered
-- required: ^10$
-- forbidden: name 7|leaked
-- recorded: no

CREATE FUNCTION scratch.mask_leak(text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS
	$$ BEGIN IF $1 IS NOT NULL THEN RAISE NOTICE 'leaked %', $1; END IF; RETURN true; END $$;
SELECT name FROM att.masked WHERE ssn LIKE '%M7';
SELECT count(*) FROM att.masked WHERE scratch.mask_leak(ssn);
SELECT name FROM att.masked WHERE scratch.mask_leak(ssn) AND ssn LIKE '%M7';
SELECT name FROM att.masked WHERE ssn > 'SECRET-CANARY-M6' AND ssn < 'SECRET-CANARY-M8';
