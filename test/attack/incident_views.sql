-- title: taking the views, functions and indexes of incidents away
-- role: dba
-- expect: denied
-- denials: 6
-- recorded: kind=trail_guard

DROP VIEW dataclass_audit.overdue;
CREATE OR REPLACE VIEW dataclass_audit.overdue AS SELECT * FROM dataclass_audit.overdue;
DROP INDEX dataclass_audit.deadline_settled_due;
ALTER FUNCTION dataclass_audit.close_incident(bigint, text) OWNER TO plain;
GRANT EXECUTE ON FUNCTION dataclass_audit.close_incident(bigint, text) TO dba;
CREATE TRIGGER hide BEFORE INSERT ON dataclass_audit.incident_record FOR EACH ROW EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger();
