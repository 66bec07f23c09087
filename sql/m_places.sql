-- Evidence for places: who may ask, what the columns are, which control binds
-- which place, and what a requirement that nobody knows does.
SECURITY LABEL FOR dataclass ON ROLE postgres IS 'restricted with (declassify, reclassify)';
CREATE ROLE regress_places_nobody;
CREATE ROLE regress_places_auditor;
GRANT dataclass_auditor TO regress_places_auditor;
SELECT attname, atttypid::regtype
FROM pg_attribute WHERE attrelid = 'dataclass.posture'::regclass AND attnum BETWEEN 1 AND 13 ORDER BY attnum;
SELECT proargnames, provolatile FROM pg_proc WHERE oid = 'dataclass.storage_evidence(name)'::regprocedure;

SET ROLE regress_places_nobody;
SELECT count(*) FROM dataclass.storage_evidence();	-- fail: not for everybody
SELECT count(*) FROM dataclass.posture_report();	-- fail: not for everybody
SET ROLE regress_places_auditor;
SELECT place, control FROM dataclass.storage_evidence()
WHERE place IN ('pg_default', 'pg_global', 'pg_wal', 'pg_replslot', 'pg_twophase', 'temporary files (pg_default)') ORDER BY 1;	-- ok
SELECT count(*) FROM dataclass.storage_evidence('pg_default');	-- ok
SELECT count(*) FROM dataclass.storage_evidence('nowhere');	-- fail: no such tablespace
-- ok: unknown has no grade, and nothing has a key length without being encrypted
SELECT count(*) FROM dataclass.storage_evidence()
WHERE (verdict = 'unknown' AND grade <> 0) OR (key_bits IS NOT NULL AND verdict <> 'encrypted') OR detail = '';
RESET ROLE;

CREATE SCHEMA places;
CREATE TABLE places.held (id int);
SECURITY LABEL FOR dataclass ON TABLE places.held IS 'restricted';
-- ok: nothing is asked
SELECT verdict, required_grade FROM dataclass.posture WHERE relation = 'places.held'::regclass;
INSERT INTO dataclass.tier_control VALUES ('intermediate', 'checksums', 'sometimes');
SELECT verdict, reason FROM dataclass.posture WHERE relation = 'places.held'::regclass;	-- fail: requirement not known
UPDATE dataclass.tier_control SET control = 'at_rest_key', requirement = '0' WHERE control = 'checksums';
SELECT verdict, reason FROM dataclass.posture WHERE relation = 'places.held'::regclass;	-- fail: no number of bits
UPDATE dataclass.tier_control SET requirement = '128bits' WHERE control = 'at_rest_key';
SELECT verdict, reason FROM dataclass.posture WHERE relation = 'places.held'::regclass;	-- fail: no number of bits
UPDATE dataclass.tier_control SET control = 'hosting', requirement = 'anywhere' WHERE control = 'at_rest_key';
SELECT verdict, reason FROM dataclass.posture WHERE relation = 'places.held'::regclass;	-- fail: requirement not known
UPDATE dataclass.tier_control SET requirement = 'attested' WHERE control = 'hosting';
SELECT verdict, substring(reason FOR 150) AS reason FROM dataclass.posture WHERE relation = 'places.held'::regclass;	-- fail: nobody attests
UPDATE dataclass.data_class SET regions = '{PK}', hosting_models = '{}' WHERE name = 'restricted';
SELECT verdict, substring(reason FOR 150) AS reason FROM dataclass.posture WHERE relation = 'places.held'::regclass;	-- fail: nobody attests
UPDATE dataclass.tier_control SET requirement = 'none' WHERE control = 'hosting';
SELECT verdict FROM dataclass.posture WHERE relation = 'places.held'::regclass;	-- ok: not known to be elsewhere
DELETE FROM dataclass.tier_control WHERE control = 'hosting';
UPDATE dataclass.data_class SET regions = '{}', hosting_models = '{government-cloud,private-cloud}' WHERE name = 'restricted';

DROP SCHEMA places CASCADE;
DROP ROLE regress_places_nobody, regress_places_auditor;
SECURITY LABEL FOR dataclass ON ROLE postgres IS NULL;
