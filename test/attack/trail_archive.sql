-- title: nobody but an auditor archives the trail, and nobody changes what tells of archives
-- role: dba
-- expect: denied
-- denials: 9
-- recorded: kind=trail_guard

SELECT * FROM dataclass_audit.archive(pg_catalog.now());
SET ROLE auditor;
SELECT * FROM dataclass_audit.archive(pg_catalog.now());
RESET ROLE;
SET SESSION AUTHORIZATION auditor;
SELECT * FROM dataclass_audit.archive(pg_catalog.now());
RESET SESSION AUTHORIZATION;
CREATE FUNCTION scratch.archive_as_auditor() RETURNS bigint LANGUAGE sql SECURITY DEFINER
	AS 'SELECT pg_catalog.count(*) FROM dataclass_audit.archive(pg_catalog.now())';
ALTER FUNCTION scratch.archive_as_auditor() OWNER TO auditor;
SELECT scratch.archive_as_auditor();
DROP FUNCTION scratch.archive_as_auditor();
INSERT INTO dataclass_audit.archived_range VALUES (1, 256, 'none', 0, '', pg_catalog.now(), 'dba');
UPDATE dataclass_audit.archived_range SET file = 'other';
DELETE FROM dataclass_audit.archived_range;
UPDATE dataclass_audit.tile SET hashes = '';
DELETE FROM dataclass_audit.tile;
