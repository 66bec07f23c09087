-- title: a name that a trusted procedure leaves unqualified, resolved by the caller's search_path
-- role: plain
-- expect: filtered

CREATE FUNCTION scratch.count_step(bigint) RETURNS bigint LANGUAGE plpgsql AS
	$$ BEGIN RAISE NOTICE 'seen: %', (SELECT min(body) FROM att.secret); RETURN $1 + 1; END $$;
CREATE AGGREGATE scratch.count(*) (SFUNC = scratch.count_step, STYPE = bigint, INITCOND = '0');
SET search_path = scratch, pg_catalog;
SELECT att.trusted_count();
RESET search_path;
DROP AGGREGATE scratch.count(*);
