-- Incidents: breaches of one rule by one subject, and their life
CREATE ROLE inc_low;
CREATE ROLE inc_officer;
CREATE ROLE inc_auditor;
GRANT dataclass_officer TO inc_officer;
GRANT dataclass_auditor TO inc_auditor;
CREATE TABLE inc_files (id int);
GRANT SELECT ON inc_files TO inc_low;
SECURITY LABEL FOR dataclass ON TABLE inc_files IS 'secret';
CREATE FUNCTION inc_breach() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL ROLE inc_low;
	PERFORM FROM inc_files;
	RETURN 'allowed';
EXCEPTION WHEN insufficient_privilege THEN RETURN 'denied';
END $$;
SELECT inc_breach(), inc_breach(), inc_breach();	-- ok, denied
SELECT max(id) AS id FROM dataclass_audit.incident WHERE subject = 'inc_low' \gset
SELECT state, breaches, kind, rule, subject, class, severity, object_type, object_identity, state_by, notified_at, closed_at
	FROM dataclass_audit.incident WHERE id = :id;	-- ok, one
SELECT count(*), min(seq) = min(i.first_seq) AS first, max(seq) = max(i.last_seq) AS last
	FROM dataclass_audit.incident_event e JOIN dataclass_audit.incident i ON i.id = e.incident WHERE incident = :id;	-- ok
SELECT recipient, d.class, due = i.discovered_at AS at_once, d.disclosed_at, d.status
	FROM dataclass_audit.disclosure d JOIN dataclass_audit.incident i ON i.id = d.incident WHERE incident = :id;	-- ok
SELECT recipient, class, overdue_by > '0' AS over, state FROM dataclass_audit.overdue WHERE incident = :id;	-- ok
SELECT subject, body - '{notice,incident,seq,database,node,event_id,time,first_time,last_time,discovered_at,authenticated_user,client_addr}'::text[] AS body
	FROM dataclass_audit.notice WHERE incident = :id AND subject = 'breach';	-- ok, one
-- who may
SELECT p.proname, has_function_privilege('dataclass_officer', p.oid, 'EXECUTE') AS officer,
	has_function_privilege('dataclass_auditor', p.oid, 'EXECUTE') AS auditor, has_function_privilege('inc_low', p.oid, 'EXECUTE') AS "public"
	FROM pg_proc p WHERE p.pronamespace = 'dataclass_audit'::regnamespace
	AND p.proname IN ('mark_notified', 'submit_report', 'apply_measure', 'acknowledge', 'request_report', 'decide_measure', 'close_incident')
	ORDER BY p.proname;
SELECT dataclass_audit.acknowledge(:id, 'x');		-- fail: a superuser, but no member
SET ROLE inc_officer;
SELECT dataclass_audit.acknowledge(:id, 'x');		-- fail: not the officer's
SELECT dataclass_audit.mark_notified(:id, '');		-- fail: no reason
SELECT dataclass_audit.mark_notified(:id, E' \t\n');	-- fail: no reason
SELECT dataclass_audit.mark_notified(NULL, 'x');	-- fail: no incident
SELECT dataclass_audit.mark_notified(0, 'x');		-- fail: no such incident
SELECT dataclass_audit.mark_notified(-1, 'x');		-- fail: no such incident
\set VERBOSITY sqlstate
SELECT dataclass_audit.submit_report(:id, 'x');		-- fail: not from its state
SELECT dataclass_audit.mark_notified(:id, 'by mail');	-- ok
SELECT dataclass_audit.mark_notified(:id, 'again');	-- fail: not from its state
SET ROLE inc_auditor;
SELECT dataclass_audit.close_incident(:id, 'x');	-- fail: not acknowledged
SELECT dataclass_audit.acknowledge(:id, repeat('ä', 3000));	-- ok, cut
BEGIN;
SELECT dataclass_audit.request_report(:id, 'rolled back');	-- ok
ROLLBACK;
SELECT dataclass_audit.decide_measure(:id, 'a course');	-- ok, without a report
RESET ROLE;
SET ROLE inc_officer;
SELECT dataclass_audit.apply_measure(:id, 'held');	-- ok
SET ROLE inc_auditor;
SELECT dataclass_audit.close_incident(:id, 'enough');	-- fail: the same login applied the measure
SELECT dataclass_audit.decide_measure(:id, 'another');	-- ok, once more
RESET ROLE;
\set VERBOSITY default
SELECT step, state, octet_length(reason) AS bytes FROM dataclass_audit.incident_step WHERE incident = :id ORDER BY step;	-- ok
SELECT state, notified_at = state_since AS no, closed_at FROM dataclass_audit.incident WHERE id = :id;	-- ok
SELECT action, outcome, breach, object_type, left(regexp_replace(detail, '[0-9]+', 'N'), 30) AS detail FROM dataclass_audit.event
	WHERE kind = 'incident' AND object_identity = :'id' ORDER BY seq;	-- ok, each step
SELECT status IN ('met', 'late') AS over, disclosed_at >= discovered_at AS told FROM dataclass_audit.disclosure WHERE incident = :id;	-- ok
REVOKE dataclass_officer FROM inc_officer;
REVOKE dataclass_auditor FROM inc_auditor;
DROP FUNCTION inc_breach();
DO $$ BEGIN EXECUTE format('SECURITY LABEL FOR dataclass ON ROLE %I IS %L', current_user, 'secret'); END $$;
DROP TABLE inc_files;
DROP ROLE inc_low, inc_officer, inc_auditor;
DO $$ BEGIN EXECUTE format('SECURITY LABEL FOR dataclass ON ROLE %I IS NULL', current_user); END $$;
