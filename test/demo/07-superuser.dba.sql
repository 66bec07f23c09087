-- A superuser, and in PostgreSQL that was that.
SELECT * FROM health.outbreak;
SELECT rule, label, clearance, reason FROM dataclass.explain_access('dba', 'health.outbreak', 'SELECT');
SECURITY LABEL FOR dataclass ON ROLE dba IS 'secret:health';
