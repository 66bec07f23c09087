-- title: an unused output of a subquery, which core computes where other rows are locked
-- role: plain
-- expect: denied
-- denials: 4
-- forbidden: seen
-- recorded: yes

CREATE FUNCTION scratch.unused_locked(text) RETURNS text LANGUAGE plpgsql STABLE COST 0.0001 AS
	$$ BEGIN RAISE NOTICE 'seen: %', $1; RETURN $1; END $$;
CREATE VIEW scratch.unused_locked AS SELECT id, scratch.unused_locked(ssn) AS x FROM att.cols OFFSET 0;
SELECT v.id FROM att.plain p, scratch.unused_locked v WHERE p.id = v.id FOR UPDATE OF p;
SELECT v.id FROM att.plain p, (SELECT id, scratch.unused_locked(ssn) FROM att.cols OFFSET 0) v FOR KEY SHARE OF p;
-- the same, one subquery deeper, which core pulls up
SELECT w.id FROM att.plain p, (SELECT v.id FROM scratch.unused_locked v) w WHERE p.id = w.id FOR UPDATE OF p;
SELECT w.id FROM (SELECT v.id FROM att.plain p, scratch.unused_locked v) w FOR SHARE;
DROP VIEW scratch.unused_locked;
