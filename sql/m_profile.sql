-- Policy profiles: shipped documents, export, round trip, versions, differences
CREATE ROLE regress_profile_low;
CREATE ROLE regress_profile_officer;
GRANT dataclass_officer TO regress_profile_officer;
SELECT name, version, classes FROM dataclass.shipped_profiles() ORDER BY name;
-- what CREATE EXTENSION installs is the shipped document, byte for byte
CREATE TEMP TABLE kept (name text PRIMARY KEY, document text);
GRANT ALL ON kept TO PUBLIC;
UPDATE dataclass.data_class SET description = 'publicly available, structured, fully discoverable and usable' WHERE name = 'open';
SELECT * FROM dataclass.profile_diff(1);			-- none
SELECT dataclass.export_profile() = dataclass.shipped_profile('pakistan-cloud-first') AS same;
SELECT name, s.version FROM dataclass.shipped_profiles() s
	WHERE dataclass.shipped_profile(name) NOT LIKE '%"sources": [_    {"title"%';	-- none
SELECT item, verdict FROM dataclass.verify_policy();
-- names of shipped profiles
SELECT dataclass.shipped_profile('nowhere');		-- fail: no such profile
SELECT dataclass.shipped_profile('../../../../etc/passwd');	-- fail: no name
SELECT dataclass.shipped_profile('fips-199.json');	-- fail: no name
SELECT dataclass.shipped_profile('');				-- fail: no name
-- who may
SET ROLE regress_profile_low;
SELECT dataclass.load_profile('{}');				-- fail: no officer
SELECT dataclass.export_profile();					-- fail
SELECT * FROM dataclass.profile_version;			-- fail
RESET ROLE;
-- by hand, exported, back
BEGIN;
SET LOCAL ROLE regress_profile_officer;
UPDATE dataclass.data_class SET description = 'of an officer', regions = '{PK,AE}', min_evidence = 4 WHERE name = 'secret';	-- ok
UPDATE dataclass.data_class SET rank = rank + 100;	-- ok
INSERT INTO dataclass.data_class (name, rank, required_tier) VALUES ('ultra', 2000, 'highest');	-- ok
INSERT INTO dataclass.tier_control VALUES ('highest', 'fips', 'on');	-- ok
INSERT INTO dataclass.disclosure_window (class, recipient, within) VALUES ('ultra', 'Chief "Officer"', '3 days 01:00:05');	-- ok
UPDATE dataclass.policy_setting SET value = 'open..restricted' WHERE name = 'default_clearance';	-- ok
INSERT INTO kept VALUES ('changed', dataclass.export_profile());
SELECT item, verdict, detail FROM dataclass.verify_policy() WHERE item NOT IN ('version', 'signature') ORDER BY 1, 3;
SELECT dataclass.load_profile(dataclass.shipped_profile('pakistan-cloud-first'));	-- ok: nothing is labeled 'ultra'
SELECT dataclass.export_profile() = dataclass.shipped_profile('pakistan-cloud-first') AS same;
SELECT label FROM dataclass.row_label WHERE label = 'ultra';	-- none
SELECT dataclass.load_profile(document) FROM kept;	-- ok
SELECT dataclass.export_profile() = document AS same FROM kept;
SELECT name, rank, regions, min_evidence, description FROM dataclass.data_class ORDER BY rank DESC LIMIT 2;
SELECT class, recipient, within FROM dataclass.disclosure_window WHERE class = 'ultra';
SELECT label FROM dataclass.row_label WHERE label = 'ultra';
SELECT version, name, profile_version, loaded_by, key_id, forced, shipped, jsonb_array_length(difference) AS changes
	FROM dataclass.profile_version ORDER BY version;
SELECT d FROM dataclass.profile_version, jsonb_array_elements(difference) d WHERE version = 3 ORDER BY d::text COLLATE "C" LIMIT 4;
SELECT * FROM dataclass.profile_diff(1, 3) WHERE object IN ('tier highest', 'setting default_clearance');
SELECT * FROM dataclass.profile_diff(3);			-- none: the policy is version 3
SELECT * FROM dataclass.profile_diff(3, 77);		-- fail: no such version
ROLLBACK;
-- each shipped profile loads and comes back
CREATE FUNCTION pg_temp.round_trip(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	document text := dataclass.shipped_profile(name);
BEGIN
	PERFORM dataclass.load_profile(document, force => true);
	IF dataclass.export_profile() <> document THEN
		RETURN 'differs';
	END IF;
	RETURN (SELECT string_agg(c.name, ' < ' ORDER BY c.rank) FROM dataclass.data_class c);
END $$;
BEGIN;
SELECT pg_temp.round_trip('fips-199');
SELECT pg_temp.round_trip('uk-gsc');
SELECT pg_temp.round_trip('saudi-ndmo');
SELECT pg_temp.round_trip('pakistan-cloud-first');
SELECT version, name, forced FROM dataclass.profile_version ORDER BY version;
SELECT item, verdict FROM dataclass.verify_policy();
ROLLBACK;
SELECT pg_temp.round_trip('pakistan-cloud-first');
-- the order of a document does not matter, nor its white space; equal versions may be loaded again
SELECT dataclass.load_profile((dataclass.shipped_profile('pakistan-cloud-first')::jsonb)::text);
SELECT dataclass.export_profile() = dataclass.shipped_profile('pakistan-cloud-first') AS same;
SELECT version, difference FROM dataclass.profile_version WHERE NOT shipped ORDER BY version;
-- windows are whole seconds, none are negative
INSERT INTO dataclass.disclosure_window (class, recipient, within) VALUES ('open', 'x', '0.5 s');	-- fail
INSERT INTO dataclass.disclosure_window (class, recipient, within) VALUES ('open', 'x', '-1 s');	-- fail
-- an older version
CREATE FUNCTION pg_temp.numbered(version text) RETURNS text LANGUAGE sql AS
	$$SELECT (dataclass.export_profile()::jsonb || jsonb_build_object('name', 'numbered', 'version', version))::text$$;
SELECT dataclass.load_profile(pg_temp.numbered('1.2'));		-- ok
SELECT dataclass.load_profile(pg_temp.numbered('1.10'));	-- ok: 10 > 2
SELECT dataclass.load_profile(pg_temp.numbered('1.9.9'));	-- fail: older
SELECT dataclass.load_profile(pg_temp.numbered('1.10.0'));	-- ok: the same
SELECT dataclass.load_profile(dataclass.shipped_profile('pakistan-cloud-first'));	-- ok: another profile
SELECT dataclass.load_profile(pg_temp.numbered('1.9.9'));	-- fail: older than any that was loaded
SELECT dataclass.load_profile(pg_temp.numbered('1.9.9'), force => true);	-- ok
SELECT dataclass.load_profile(dataclass.shipped_profile('pakistan-cloud-first'));	-- ok
SELECT version, name, profile_version, forced FROM dataclass.profile_version ORDER BY version DESC LIMIT 3;
-- nobody edits the versions
INSERT INTO dataclass.profile_version SELECT 99, name, profile_version, loaded_at, loaded_by, authenticated, document FROM dataclass.profile_version;	-- fail
UPDATE dataclass.profile_version SET loaded_by = 'nobody';	-- fail
DELETE FROM dataclass.profile_version;				-- fail
TRUNCATE dataclass.profile_version;					-- fail
COPY dataclass.profile_version FROM STDIN;
\.
SET check_function_bodies = off;
INSERT INTO dataclass.profile_version (version, name, profile_version, loaded_at, loaded_by, authenticated, document, forced, difference)
	VALUES (99, 'x', '1', now(), 'x', 'x', '{}', false, '[]');	-- fail: there are versions
DELETE FROM dataclass.profile_version;				-- fail
RESET check_function_bodies;
SET session_replication_role = replica;
UPDATE dataclass.profile_version SET loaded_by = 'nobody';	-- fail
RESET session_replication_role;
-- what was recorded
SELECT kind, breach, outcome, rule, object_identity, count(*) FROM dataclass_audit.event WHERE kind = 'profile'
	GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, rule COLLATE "C", object_identity COLLATE "C";
DROP ROLE regress_profile_low, regress_profile_officer;
