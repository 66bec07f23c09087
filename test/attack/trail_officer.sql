-- title: an officer and an auditor cannot change the trail either
-- role: officer
-- expect: refused
-- sqlstate: 42501
-- denials: 3
-- recorded: no

DELETE FROM dataclass_audit.event;
TRUNCATE dataclass_audit.event;
\c - auditor
DELETE FROM dataclass_audit.event;
