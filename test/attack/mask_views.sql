-- title: a masked value through the conditions of views
-- role: plain
-- expect: denied
-- denials: 1
-- forbidden: leaked
-- recorded: yes

CREATE FUNCTION scratch.mask_views(text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS
	$$ BEGIN IF $1 IS NOT NULL THEN RAISE NOTICE 'leaked %', $1; END IF; RETURN true; END $$;
CREATE VIEW scratch.mask_v1 AS SELECT * FROM att.masked WHERE scratch.mask_views(ssn) WITH CHECK OPTION;
CREATE VIEW scratch.mask_v2 WITH (security_barrier) AS SELECT id, name FROM att.masked WHERE scratch.mask_views(ssn);
CREATE VIEW scratch.mask_v3 WITH (security_invoker) AS SELECT ssn AS s, masked FROM att.masked;
SELECT * FROM scratch.mask_v1;
SELECT * FROM scratch.mask_v3 WHERE scratch.mask_views(s);
UPDATE scratch.mask_v1 SET name = name;
UPDATE scratch.mask_v2 SET name = name;
