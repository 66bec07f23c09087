-- title: a masked value through MERGE
-- role: plain
-- expect: filtered
-- required: ^8\|name 8\|$
-- forbidden: leaked

CREATE FUNCTION scratch.mask_merge(text) RETURNS bool LANGUAGE plpgsql AS
	$$ BEGIN IF $1 IS NOT NULL THEN RAISE NOTICE 'leaked %', $1; END IF; RETURN true; END $$;
BEGIN;
MERGE INTO att.masked m USING (VALUES (1), (2)) v (id) ON m.id = v.id AND scratch.mask_merge(m.ssn)
	WHEN MATCHED AND scratch.mask_merge(m.ssn) THEN UPDATE SET name = m.ssn || m::text;
MERGE INTO att.masked m USING att.masked s ON m.id = s.id + 100
	WHEN NOT MATCHED AND scratch.mask_merge(s.ssn) THEN INSERT (id, name) VALUES (s.id + 100, s.ssn);
MERGE INTO att.masked b USING att.masks s ON b.id = s.id AND b.id < 3 WHEN MATCHED THEN UPDATE SET name = s.k || s.p;
SELECT * FROM att.masked;
ROLLBACK;
