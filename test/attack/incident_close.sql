-- title: a superuser takes steps of an incident that are for officers and auditors
-- role: dba
-- expect: denied
-- denials: 5
-- recorded: kind=access_denied

SELECT dataclass_audit.close_incident(1, 'nothing to see');
SELECT dataclass_audit.acknowledge(1, 'seen');
SELECT dataclass_audit.mark_notified(1, 'told');
SET ROLE auditor;
SELECT dataclass_audit.close_incident(1, 'nothing to see');
RESET ROLE;
SET SESSION AUTHORIZATION auditor;
SELECT dataclass_audit.close_incident(1, 'nothing to see');
