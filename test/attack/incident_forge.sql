-- title: forging, closing and hiding incidents as a superuser
-- role: dba
-- expect: denied
-- denials: 9
-- recorded: kind=trail_guard

INSERT INTO dataclass_audit.incident_step VALUES (1, 2, 'closed', now(), 'auditor', 'nothing to see');
UPDATE dataclass_audit.incident_step SET state = 'closed';
DELETE FROM dataclass_audit.incident_record;
UPDATE dataclass_audit.incident_record SET breaches = 0;
DELETE FROM dataclass_audit.incident_event;
UPDATE dataclass_audit.deadline SET due = 'infinity';
TRUNCATE dataclass_audit.notice;
UPDATE dataclass_audit.incident_position SET seq = 1000000000;
SELECT * FROM dataclass_audit.incident_record FOR UPDATE;
