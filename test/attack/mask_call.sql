-- title: the mask function called by hand, to hash guesses
-- role: dba
-- expect: denied
-- denials: 5
-- forbidden: ^[0-9a-f]{64}$

SELECT dataclass.column_value('att.masks'::regclass, 4::int2, 'att.masks'::regclass, 'SECRET-' || 'CANARY-H1');
SELECT dataclass.column_value('att.masks'::regclass, 4::int2, 'att.masks'::regclass, v) FROM (VALUES ('guess'::text)) x (v);
CREATE FUNCTION scratch.mask_call(text) RETURNS text LANGUAGE sql AS
	$$ SELECT dataclass.column_value('att.masks'::regclass, 4::int2, 'att.masks'::regclass, $1) $$;
SELECT scratch.mask_call('guess');
CREATE TABLE scratch.mask_call (g text, h text GENERATED ALWAYS AS (g) STORED, CHECK (scratch.mask_call(g) <> ''));
INSERT INTO scratch.mask_call VALUES ('guess');
CREATE FUNCTION scratch.mask_agg(text, text) RETURNS text LANGUAGE sql AS 'SELECT scratch.mask_call($2)';
CREATE AGGREGATE scratch.mask_agg(text) (sfunc = scratch.mask_agg, stype = text);
SELECT scratch.mask_agg(v) FROM (VALUES ('guess'::text)) x (v);
