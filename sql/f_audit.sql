-- The trail: what is in it, and that nobody writes it
SET ROLE regress_clerk;
SELECT count(*) FROM dataclass_audit.event;			-- fail: not an auditor
RESET ROLE;
CREATE TABLE audited (id int, note text);
GRANT SELECT ON audited TO PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE audited IS 'restricted:health';
SET ROLE regress_clerk;
BEGIN;
SELECT * FROM audited WHERE note = 'CANARY literal' AND id = 4711;	-- fail
ROLLBACK;
DO $$ BEGIN PERFORM FROM audited WHERE note = 'CANARY inner'; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;	-- swallowed, recorded all the same
SET ROLE regress_auditor;
SELECT kind, severity, outcome, breach, action, subject, current_user_name, object_type, object_identity, label, rule, required_tier, statement
	FROM dataclass_audit.denied WHERE object_identity = 'public.audited' ORDER BY seq;
SELECT count(*) AS canaries FROM dataclass_audit.event e WHERE e::text LIKE '%CANARY%' OR concat(statement, detail) LIKE '%4711%';
SELECT count(*) = max(seq) AND min(seq) = 1 AS gap_free FROM dataclass_audit.event;
SELECT ok, first_bad, reason, checked = (SELECT max(seq) FROM dataclass_audit.event) AS all_checked FROM dataclass_audit.verify();
SELECT kind, outcome FROM dataclass_audit.event WHERE seq = 1;
SELECT DISTINCT kind FROM dataclass_audit.event WHERE kind NOT IN ('checkpoint', 'incident', 'disclosure', 'measure') ORDER BY 1;
RESET ROLE;
-- changes are recorded when they commit, and only then
BEGIN;
SECURITY LABEL FOR dataclass ON TABLE audited IS 'secret:health';
ROLLBACK;
SELECT label, detail FROM dataclass_audit.event WHERE kind = 'label_change' AND object_identity = 'public.audited' ORDER BY seq;
-- nobody writes: the superuser
INSERT INTO dataclass_audit.event SELECT * FROM dataclass_audit.event LIMIT 1;	-- fail
UPDATE dataclass_audit.event SET detail = 'x';			-- fail
DELETE FROM dataclass_audit.event;						-- fail
TRUNCATE dataclass_audit.event;							-- fail
SELECT * FROM dataclass_audit.event LIMIT 1 FOR UPDATE;	-- fail
COPY dataclass_audit.event FROM STDIN;					-- fail
\.
LOCK dataclass_audit.event;								-- fail
BEGIN;
LOCK dataclass_audit.event IN ACCESS SHARE MODE;		-- fail
ROLLBACK;
DROP TABLE dataclass_audit.event;						-- fail
DROP SCHEMA dataclass_audit CASCADE;					-- fail
DROP EXTENSION pg_dataclass;							-- fail
DROP EXTENSION pg_dataclass CASCADE;					-- fail
ALTER EXTENSION pg_dataclass DROP TABLE dataclass_audit.event;	-- fail
ALTER TABLE dataclass_audit.event DISABLE TRIGGER ALL;	-- fail
ALTER TABLE dataclass_audit.event RENAME TO gone;		-- fail
ALTER TABLE dataclass_audit.event OWNER TO regress_clerk;	-- fail
ALTER TABLE dataclass_audit.event SET SCHEMA public;	-- fail
ALTER TABLE dataclass_audit.event ADD x int;			-- fail
CREATE INDEX ON dataclass_audit.event (kind);			-- fail
CREATE TRIGGER t BEFORE INSERT ON dataclass_audit.event FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();	-- fail
CREATE RULE r AS ON INSERT TO dataclass_audit.event DO INSTEAD NOTHING;	-- fail
CREATE POLICY p ON dataclass_audit.event USING (false);	-- fail
CREATE TABLE forged () INHERITS (dataclass_audit.event);	-- fail
CREATE TABLE dataclass_audit.mine (id int);				-- fail
CREATE OR REPLACE VIEW dataclass_audit.breach AS SELECT * FROM ONLY dataclass_audit.event WHERE false;	-- fail
CREATE OR REPLACE FUNCTION dataclass.row_visible(dataclass.label) RETURNS bool LANGUAGE sql AS 'SELECT true';	-- fail
DROP FUNCTION dataclass.row_visible(dataclass.label);	-- fail
VACUUM FULL dataclass_audit.event;						-- fail
SET allow_system_table_mods = on;
DELETE FROM pg_seclabel;								-- fail
UPDATE pg_proc SET prosrc = 'x' WHERE proname = 'row_visible';	-- fail
RESET allow_system_table_mods;
-- and all of it is in the trail
SELECT action, object_identity, count(*) > 0 AS recorded FROM dataclass_audit.event
	WHERE kind = 'trail_guard' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT ok, reason FROM dataclass_audit.verify();
