-- title: a masked value through ON CONFLICT
-- role: plain
-- expect: filtered
-- required: ^5\|name 5\|$
-- forbidden: leaked

CREATE FUNCTION scratch.mask_upsert(text) RETURNS bool LANGUAGE plpgsql AS
	$$ BEGIN IF $1 IS NOT NULL THEN RAISE NOTICE 'leaked %', $1; END IF; RETURN true; END $$;
BEGIN;
INSERT INTO att.masked (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = masked.ssn RETURNING *;
INSERT INTO att.masked (id) VALUES (2) ON CONFLICT (id) DO UPDATE SET name = masked::text WHERE scratch.mask_upsert(masked.ssn) RETURNING name;
INSERT INTO att.masked (id) VALUES (3) ON CONFLICT (id) DO UPDATE SET name = (SELECT ssn FROM att.masked m WHERE m.id = excluded.id) RETURNING masked;
INSERT INTO att.masks (id) VALUES (4) ON CONFLICT (id) DO UPDATE SET name = masks.k || masks.h || masks.p RETURNING name;
SELECT * FROM att.masked;
ROLLBACK;
