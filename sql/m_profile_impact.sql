-- Policy profiles: what a profile would do to labels, clearances and rows that exist
CREATE ROLE regress_impact_reader;
CREATE SCHEMA impact;
SET search_path = impact, public;
CREATE FUNCTION pg_temp.edit(path text[], value jsonb) RETURNS text LANGUAGE sql AS
	'SELECT jsonb_set(dataclass.export_profile()::jsonb, path, value)::text';
-- without the class 'ultra': it goes again below
INSERT INTO dataclass.data_class (name, rank, required_tier) VALUES ('ultra', 50, 'baseline');	-- ok
SELECT dataclass.create_label('ultra:health') IS NOT NULL AS registered;
SELECT * FROM dataclass.profile_impact(dataclass.shipped_profile('pakistan-cloud-first'));	-- nothing names it
CREATE TABLE named (id int, body text);
CREATE TABLE rows (id int, label dataclass.label NOT NULL);
CREATE TABLE rows_of_others (id int, label dataclass.label NOT NULL);
SECURITY LABEL FOR dataclass ON COLUMN named.body IS 'ultra mask';
SECURITY LABEL FOR dataclass ON ROLE regress_impact_reader IS 'open..ultra';
SECURITY LABEL FOR dataclass ON ROLE regress_boss IS 'ultra:health,finance with (declassify, reclassify, export)';
SET ROLE regress_boss;
INSERT INTO rows VALUES (1, 'ultra:health'), (2, 'ultra'), (3, 'open');
INSERT INTO rows_of_others VALUES (1, 'open');
RESET ROLE;
SELECT object_type, identity, label, what, required, found FROM dataclass.profile_impact(dataclass.shipped_profile('pakistan-cloud-first'))
	ORDER BY 1, 2, 4;
SELECT dataclass.load_profile(dataclass.shipped_profile('pakistan-cloud-first'), NULL);	-- fail: names the objects
SELECT count(*) FROM dataclass.data_class WHERE name = 'ultra';	-- still there
-- two classes change places
SELECT what, object_type, identity FROM dataclass.profile_impact(
	jsonb_set(jsonb_set(dataclass.export_profile()::jsonb, '{classes,0,rank}', '50'), '{classes,5,rank}', '0')::text)
	WHERE identity LIKE '%impact%' ORDER BY 1, 2, 3;
SELECT dataclass.load_profile(jsonb_set(jsonb_set(dataclass.export_profile()::jsonb, '{classes,0,rank}', '50'), '{classes,5,rank}', '0')::text);	-- fail
-- the ranks alone: the order stays, and so does the era
SELECT token AS era FROM dataclass.era \gset
SELECT dataclass.load_profile(pg_temp.edit('{classes,5,rank}', '500')) IS NOT NULL AS loaded;	-- ok
SELECT name, rank FROM dataclass.data_class ORDER BY rank;
SELECT token = :'era' AS same_era FROM dataclass.era;
-- another order ends the era
BEGIN;
SELECT dataclass.load_profile(jsonb_set(jsonb_set(dataclass.export_profile()::jsonb, '{classes,0,rank}', '1'), '{classes,1,rank}', '0')::text, force => true) IS NOT NULL AS loaded;	-- ok
SELECT name, rank FROM dataclass.data_class ORDER BY rank;
SELECT token = :'era' AS same_era FROM dataclass.era;
ROLLBACK;
-- a new class together with another order
BEGIN;
SELECT dataclass.load_profile(jsonb_set(jsonb_set(jsonb_set(dataclass.export_profile()::jsonb, '{classes,0,rank}', '1'), '{classes,1,rank}', '0'),
	'{classes,6}', dataclass.export_profile()::jsonb #> '{classes,0}' || '{"name": "more", "rank": 7}')::text, force => true) IS NOT NULL AS loaded;	-- ok
SELECT token = :'era' AS same_era FROM dataclass.era;
SELECT label FROM dataclass.row_label WHERE label = 'more';
ROLLBACK;
-- by force
SELECT dataclass.load_profile(dataclass.shipped_profile('pakistan-cloud-first'), force => true) IS NOT NULL AS loaded;	-- ok
SELECT count(*) FROM dataclass.data_class WHERE name = 'ultra';
SELECT rule, breach, object_type, object_identity, label FROM dataclass_audit.event
	WHERE kind = 'profile' AND rule = 'profile_impact' AND outcome = 'allowed' ORDER BY object_type, object_identity COLLATE "C";
SET ROLE regress_boss;
SELECT count(*) FROM rows;							-- the clearance is void
RESET ROLE;
SECURITY LABEL FOR dataclass ON ROLE regress_boss IS 'secret:health,finance with (declassify, reclassify, export)';
SET ROLE regress_boss;
SELECT id FROM rows;								-- open rows only
RESET ROLE;
-- a change that is rolled back
BEGIN;
SELECT dataclass.load_profile(dataclass.shipped_profile('saudi-ndmo'), force => true) IS NOT NULL AS loaded;
SAVEPOINT s;
SELECT dataclass.load_profile(dataclass.shipped_profile('uk-gsc'), force => true) IS NOT NULL AS loaded;
ROLLBACK TO s;
SELECT string_agg(name, ' < ' ORDER BY rank) FROM dataclass.data_class;
SELECT count(*) FROM dataclass.profile_version WHERE name = 'uk-gsc';
ROLLBACK;
SELECT string_agg(name, ' < ' ORDER BY rank) FROM dataclass.data_class;
SELECT count(*) FROM dataclass.profile_version WHERE name = 'saudi-ndmo';
RESET search_path;
-- a registered label that no class explains bars tables that may hold it: the class comes back for the end
INSERT INTO dataclass.data_class (name, rank, required_tier) VALUES ('ultra', 50, 'baseline');	-- ok
SECURITY LABEL FOR dataclass ON ROLE regress_boss IS 'ultra:health,finance with (declassify, reclassify, export)';
SET ROLE regress_boss;
DROP SCHEMA impact CASCADE;							-- ok
RESET ROLE;
DROP ROLE regress_impact_reader;
SECURITY LABEL FOR dataclass ON ROLE regress_boss IS 'secret:health,finance with (declassify, reclassify, export)';
DELETE FROM dataclass.row_label WHERE label LIKE 'ultra:%';	-- ok
SELECT dataclass.load_profile(dataclass.shipped_profile('pakistan-cloud-first')) IS NOT NULL AS loaded;	-- ok: nothing names it
