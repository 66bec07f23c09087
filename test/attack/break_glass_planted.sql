-- title: code of a superuser that opens emergency access for whoever holds the privilege and runs into it
-- role: dba
-- expect: denied
-- denials: 22
-- recorded: rule=direct_call
-- forbidden: ^OPENED$

SET search_path = scratch;
CREATE TABLE trap (id int DEFAULT 1, opened timestamptz, note text);
INSERT INTO trap VALUES (1, NULL, 'x');
CREATE VIEW trap_view AS SELECT dataclass.break_glass('planted') AS opened;
CREATE VIEW trap_where AS SELECT id FROM trap WHERE dataclass.break_glass('planted') IS NULL;
CREATE VIEW trap_from AS SELECT b FROM dataclass.break_glass('planted') AS b;
CREATE FUNCTION trap_inlined() RETURNS timestamptz LANGUAGE sql AS $$ SELECT dataclass.break_glass('planted') $$;
CREATE FUNCTION trap_atomic() RETURNS timestamptz LANGUAGE sql BEGIN ATOMIC SELECT dataclass.break_glass('planted'); END;
CREATE FUNCTION trap_rows() RETURNS SETOF timestamptz LANGUAGE sql STABLE AS $$ SELECT dataclass.break_glass('planted') $$;
CREATE FUNCTION trap_plpgsql() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RETURN dataclass.break_glass('planted'); END $$;
CREATE FUNCTION trap_dynamic() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT dataclass.break_glass(''planted'')'; END $$;
CREATE FUNCTION trap_immutable() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM dataclass.break_glass('planted'); RETURN 1; END $$;
CREATE FUNCTION trap_quiet() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM dataclass.break_glass('planted'); RETURN 1; EXCEPTION WHEN OTHERS THEN RETURN 0; END $$;
CREATE FUNCTION trap_cursor(c refcursor) RETURNS refcursor LANGUAGE plpgsql AS $$ BEGIN OPEN c FOR SELECT dataclass.break_glass('planted'); RETURN c; END $$;
CREATE FUNCTION trap_prepare() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'PREPARE harmless AS SELECT dataclass.break_glass(''planted'')'; END $$;
CREATE FUNCTION trap_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM dataclass.break_glass('planted'); RETURN NEW; END $$;
CREATE TABLE trap_deferred (id int);
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON trap_deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trap_trigger();
CREATE TABLE trap_before (id int);
CREATE TRIGGER t BEFORE INSERT ON trap_before FOR EACH ROW EXECUTE FUNCTION trap_trigger();
CREATE TABLE trap_default (id int, opened timestamptz DEFAULT dataclass.break_glass('planted'));
CREATE TABLE trap_rule (id int);
CREATE RULE r AS ON INSERT TO trap_rule DO ALSO SELECT dataclass.break_glass('planted');
CREATE TABLE trap_policy (id int);
INSERT INTO trap_policy VALUES (1);
ALTER TABLE trap_policy ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON trap_policy USING (dataclass.break_glass('planted') IS NOT NULL);
CREATE FUNCTION trap_text(text) RETURNS timestamptz LANGUAGE sql AS $$ SELECT dataclass.break_glass($1) $$;
CREATE OPERATOR !! (FUNCTION = trap_text, RIGHTARG = text);
CREATE DOMAIN trap_domain AS text CHECK (dataclass.break_glass(VALUE) IS NOT NULL);
GRANT ALL ON ALL TABLES IN SCHEMA scratch TO PUBLIC;

\c - medic
SET search_path = scratch;
SELECT * FROM trap_view;
SELECT * FROM trap_where;
SELECT * FROM trap_from;
SELECT trap_inlined();
SELECT trap_atomic();
SELECT * FROM trap_rows();
SELECT trap_plpgsql();
SELECT trap_dynamic();
SELECT trap_immutable();
SELECT trap_quiet();
BEGIN;
SELECT trap_cursor('c');
FETCH c;
ROLLBACK;
SELECT trap_prepare();
EXECUTE harmless;
INSERT INTO trap_deferred VALUES (1);
INSERT INTO trap_before VALUES (1);
INSERT INTO trap_default VALUES (1);
INSERT INTO trap_rule VALUES (1);
SELECT * FROM trap_policy;
SELECT !! 'x'::text;
SELECT 'x'::trap_domain;
DO $$ BEGIN PERFORM dataclass.break_glass('planted'); END $$;
EXPLAIN ANALYZE SELECT dataclass.break_glass('planted');
COPY (SELECT dataclass.break_glass('planted')) TO STDOUT;
SELECT CASE WHEN break_glass_until IS NULL THEN 'unnoticed' ELSE 'OPENED' END FROM dataclass.session();
SELECT body FROM att.secret;
-- his own words open it, wherever they stand in a SELECT
SELECT dataclass.break_glass('myself') > now() WHERE dataclass.end_break_glass() IS NOT NULL;
SELECT dataclass.end_break_glass();
