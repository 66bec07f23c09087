-- title: an officer and an auditor cannot change the trail, whatever privileges somebody gives them
-- role: dba
-- expect: denied
-- denials: 4
-- recorded: kind=trail_guard

GRANT pg_write_all_data TO officer, auditor;
\c - officer
DELETE FROM dataclass_audit.event;
UPDATE dataclass_audit.event SET detail = NULL;
\c - auditor
DELETE FROM dataclass_audit.event;
INSERT INTO dataclass_audit.event SELECT * FROM dataclass_audit.event;
\c - dba
REVOKE pg_write_all_data FROM officer, auditor;
