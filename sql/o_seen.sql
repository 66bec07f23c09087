-- Sources of events: what core refuses, grants, exports, settings
CREATE SCHEMA seen;
CREATE SCHEMA seen_closed;
GRANT USAGE ON SCHEMA seen TO PUBLIC;
CREATE TABLE seen.chart (id int, note text);
CREATE TABLE seen.free (id int);
CREATE TABLE seen_closed.chart (id int);
CREATE TABLE seen.part (id int) PARTITION BY LIST (id);
CREATE TABLE seen.part_1 PARTITION OF seen.part FOR VALUES IN (1);
CREATE SEQUENCE seen.counter;
CREATE FUNCTION seen.total() RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE ALL ON FUNCTION seen.total() FROM PUBLIC;
SECURITY LABEL FOR dataclass ON TABLE seen.chart IS 'restricted:health';
SECURITY LABEL FOR dataclass ON TABLE seen_closed.chart IS 'restricted:health';
SECURITY LABEL FOR dataclass ON TABLE seen.part_1 IS 'restricted:health';
SECURITY LABEL FOR dataclass ON SEQUENCE seen.counter IS 'restricted:health';
SECURITY LABEL FOR dataclass ON FUNCTION seen.total() IS 'trusted restricted:health';
CREATE VIEW seen_since AS SELECT coalesce(max(seq), 0) AS seq FROM dataclass_audit.event;
SELECT seq AS since FROM seen_since \gset
-- core's own refusals
SET ROLE regress_clerk;
SELECT * FROM seen.chart;									-- fail
SELECT id FROM seen.free;									-- fail: not governed, not recorded
SELECT * FROM seen_closed.chart;							-- fail: while it is parsed
INSERT INTO seen.chart VALUES (1);							-- fail
SELECT nextval('seen.counter');								-- fail
SELECT seen.total();										-- fail
TRUNCATE seen.chart;										-- fail
COPY seen.chart TO STDOUT;									-- fail
GRANT SELECT ON seen.chart TO regress_clerk;				-- fail
ALTER TABLE seen.chart ADD extra int;						-- fail: not the owner
DROP TABLE seen.chart;										-- fail
CREATE INDEX ON seen.chart (id);							-- fail
ALTER TABLE seen.free ADD extra int;						-- fail: not governed, not recorded
DO $$ BEGIN PERFORM FROM seen.chart; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;	-- swallowed
DO $$ BEGIN PERFORM FROM seen_closed.chart; EXCEPTION WHEN OTHERS THEN NULL; END $$;	-- swallowed
-- forged ones are not recorded
DO $$ BEGIN RAISE EXCEPTION 'permission denied for table chart' USING ERRCODE = '42501'; EXCEPTION WHEN OTHERS THEN NULL; END $$;
DO $$ BEGIN RAISE EXCEPTION 'permission denied for table chart' USING ERRCODE = '42501', SCHEMA = 'seen', TABLE = 'chart'; END $$;	-- fail
SELECT * FROM dataclass_audit.event;						-- fail
RESET ROLE;
SELECT kind, outcome, breach, severity, action, subject, object_type, object_identity, label, rule FROM dataclass_audit.event
	WHERE seq > :since AND kind NOT IN ('incident', 'disclosure', 'checkpoint') ORDER BY seq;
-- grants
SELECT seq AS since FROM seen_since \gset
GRANT SELECT, INSERT ON seen.chart TO regress_clerk, regress_doctor;
GRANT SELECT ON seen.chart TO regress_clerk;				-- nothing new
GRANT SELECT ON seen.free TO regress_clerk;					-- not governed
GRANT UPDATE (note) ON seen.chart TO regress_clerk;
GRANT SELECT ON ALL TABLES IN SCHEMA seen TO regress_doctor;
REVOKE INSERT ON seen.chart FROM regress_clerk;
GRANT EXECUTE ON FUNCTION seen.total() TO PUBLIC;
ALTER TABLE seen.chart OWNER TO regress_owner;
BEGIN;
GRANT DELETE ON seen.chart TO regress_clerk;
ROLLBACK;													-- nothing came of it
CREATE ROLE regress_intern;
GRANT regress_doctor TO regress_intern;
REVOKE regress_doctor FROM regress_intern;
SELECT kind, outcome, breach, action, object_type, object_identity, label, rule, detail FROM dataclass_audit.event
	WHERE seq > :since AND kind NOT IN ('incident', 'disclosure', 'checkpoint') ORDER BY seq;
-- exports, before the first row
SELECT seq AS since FROM seen_since \gset
SET ROLE regress_doctor;
COPY seen.chart TO STDOUT;
COPY (SELECT c.id FROM seen.chart c, seen.chart d) TO STDOUT;
COPY seen.free TO STDOUT;									-- not governed
COPY (SELECT id FROM seen.part) TO STDOUT;					-- a partition is
RESET ROLE;
SET ROLE regress_boss;
COPY seen.chart TO PROGRAM 'cat > /dev/null';
SELECT length(pg_read_file('PG_VERSION')) > 0;
CREATE PUBLICATION seen_out FOR TABLE seen.chart, seen.free;
DROP PUBLICATION seen_out;
RESET ROLE;
SELECT kind, outcome, breach, action, subject, object_type, object_identity, label, rule, detail FROM dataclass_audit.event
	WHERE seq > :since AND kind NOT IN ('incident', 'disclosure', 'checkpoint') ORDER BY seq;
-- settings of the session
SELECT seq AS since FROM seen_since \gset
SET dataclass.session_ceiling = 'restricted';
SET dataclass.session_ceiling = 'restricted';				-- no change
SELECT set_config('dataclass.row_label', 'open', false);
RESET dataclass.row_label;
UPDATE pg_settings SET setting = 'public' WHERE name = 'dataclass.session_ceiling';
BEGIN;
SET LOCAL dataclass.session_ceiling = 'open';
COMMIT;														-- what was there before
DO $$ BEGIN PERFORM set_config('dataclass.session_tier', 'baseline', true); END $$;
CREATE FUNCTION seen.narrow() RETURNS int LANGUAGE plpgsql SET dataclass.row_label = 'public' AS 'BEGIN RETURN 1; END';
SELECT sum(seen.narrow()) FROM generate_series(1, 100);		-- one record for its definition, one for a hundred calls
RESET ALL;
SET dataclass.enforcement = off;							-- fail: no setting of a session
ALTER ROLE regress_clerk SET dataclass.session_ceiling = 'open';
ALTER ROLE regress_clerk RESET ALL;
ALTER ROLE ALL SET dataclass.row_label = 'open';
ALTER ROLE ALL RESET dataclass.row_label;
ALTER SYSTEM SET dataclass.row_label = 'open';
ALTER SYSTEM RESET dataclass.row_label;
SELECT kind, outcome, breach, severity, action, object_type, object_identity, rule, detail FROM dataclass_audit.event
	WHERE seq > :since AND kind NOT IN ('incident', 'disclosure', 'checkpoint') ORDER BY seq;
-- officers' functions record whom they refuse
SELECT seq AS since FROM seen_since \gset
SET ROLE regress_clerk;
SELECT dataclass.create_label('restricted:finance');		-- fail
SELECT dataclass.renew_mask_key();							-- fail
SELECT * FROM dataclass.explain_access('regress_doctor', 'seen.chart');	-- fail
RESET ROLE;
SELECT kind, outcome, breach, action, subject, object_type, object_identity, rule FROM dataclass_audit.event
	WHERE seq > :since AND kind NOT IN ('incident', 'disclosure', 'checkpoint') ORDER BY seq;
DROP VIEW seen_since;
