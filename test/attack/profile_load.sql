-- title: an uncleared superuser loads, empties or rewrites the policy and its history
-- role: dba
-- expect: denied
-- denials: 7
-- recorded: yes

SELECT dataclass.load_profile(dataclass.shipped_profile('pakistan-cloud-first'), force => true);
UPDATE dataclass.profile_version SET document = '{}';
DELETE FROM dataclass.profile_version;
TRUNCATE dataclass.profile_version;
UPDATE dataclass.disclosure_window SET within = '10 years';
SET check_function_bodies = off;
INSERT INTO dataclass.profile_version SELECT 9, name, '9', now(), 'x', 'x', document, NULL, NULL, false, '[]', true FROM dataclass.profile_version;
SET session_replication_role = replica;
DELETE FROM dataclass.profile_version;
