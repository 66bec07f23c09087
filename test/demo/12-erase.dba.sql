DELETE FROM dataclass_audit.event WHERE session_user_name = 'dba';
TRUNCATE dataclass_audit.event;
DROP SCHEMA dataclass_audit CASCADE;
