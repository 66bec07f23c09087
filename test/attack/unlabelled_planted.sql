-- title: what an owner planted to see values that find_unlabelled() looks at
-- role: officer
-- expect: filtered
-- required: email
-- forbidden: seen:|planted

-- the domain's check comes after the rows, so that only a reader could run it
CREATE DOMAIN scratch.leaky AS text;
CREATE TABLE scratch.trap (a scratch.leaky, b text);
CREATE VIEW scratch.trap_view AS SELECT b AS email FROM scratch.trap WHERE scratch.leak(b);
INSERT INTO scratch.trap SELECT format('planted%s@mail.example', i), format('planted%s@mail.example', i) FROM generate_series(1, 20) i;
ALTER DOMAIN scratch.leaky ADD CHECK (scratch.leak(VALUE)) NOT VALID;
ALTER TABLE scratch.trap ENABLE ROW LEVEL SECURITY;
ALTER TABLE scratch.trap FORCE ROW LEVEL SECURITY;
CREATE POLICY trap ON scratch.trap USING (scratch.leak(b) AND scratch.leak(a));
CREATE OPERATOR scratch.~ (FUNCTION = scratch.leak_eq, LEFTARG = text, RIGHTARG = text);
SET search_path = scratch, pg_catalog;
SET client_min_messages = debug1;
SELECT relation, "column", kinds, evidence, share, rows_sampled FROM dataclass.find_unlabelled() WHERE relation = 'scratch.trap'::regclass;
SELECT relation, "column", kinds FROM dataclass.unlabelled WHERE relation = 'scratch.trap_view'::regclass;
SELECT statement FROM dataclass.unlabelled WHERE relation = 'scratch.trap'::regclass;
SELECT detail FROM dataclass_audit.event WHERE action = 'find_unlabelled';
