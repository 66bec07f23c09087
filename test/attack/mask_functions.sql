-- title: a masked value through functions, inlined and not
-- role: plain
-- expect: filtered
-- required: ^name 2\|$
-- forbidden: leaked

CREATE FUNCTION scratch.mask_f1() RETURNS SETOF att.masked LANGUAGE sql STABLE AS 'SELECT * FROM att.masked';
CREATE FUNCTION scratch.mask_f2() RETURNS SETOF text LANGUAGE sql STABLE BEGIN ATOMIC SELECT ssn FROM att.masked; END;
CREATE FUNCTION scratch.mask_f3(att.masked) RETURNS text LANGUAGE sql AS 'SELECT ($1).ssn';
CREATE FUNCTION scratch.mask_f4() RETURNS text LANGUAGE plpgsql AS
	$$ DECLARE r att.masked; t text; BEGIN SELECT * INTO r FROM att.masked LIMIT 1; t := (SELECT max(ssn) FROM att.masked);
	FOR r IN SELECT * FROM att.masked LOOP t := concat(t, r.ssn); END LOOP; RETURN concat(r, t); END $$;
SELECT name, ssn FROM scratch.mask_f1();
SELECT f FROM scratch.mask_f1() f WHERE f.ssn LIKE 'SECRET%';
SELECT * FROM scratch.mask_f2();
SELECT scratch.mask_f3(m) FROM att.masked m;
SELECT scratch.mask_f4();
SELECT query_to_xml('SELECT * FROM att.masked', true, false, ''), table_to_xml('att.masks', true, false, '');
SELECT json_agg(m), array_agg(m), string_agg(m::text, ',') FROM att.masked m;
