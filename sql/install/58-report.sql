-- Reports and exports (src/report/).  Everything is read with the caller's own
-- rights on the trail.

CREATE FUNCTION dataclass_audit.incident_report(id pg_catalog.int8)
	RETURNS pg_catalog.jsonb
	LANGUAGE c STABLE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'dc_incident_report';
COMMENT ON FUNCTION dataclass_audit.incident_report(pg_catalog.int8) IS
	'an incident as an OCSF 1.5.0 Incident Finding (class 2005); in "unmapped": life_cycle, deadlines, measures, and its events as classes 2006, 2003 and 6005, the first 10000 of them, events_left_out says how many more there are. Times are milliseconds since 1970, UTC. Errors: 22023 no such incident.';

CREATE FUNCTION dataclass_audit.export_events(from_time pg_catalog.timestamptz, to_time pg_catalog.timestamptz, format pg_catalog.text)
	RETURNS SETOF pg_catalog.text
	LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 100000
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'dc_export_events';
COMMENT ON FUNCTION dataclass_audit.export_events(pg_catalog.timestamptz, pg_catalog.timestamptz, pg_catalog.text) IS
	'records of the trail that happened from from_time on and before to_time, in order of seq, a line each; NULL: without that limit. format: ocsf (OCSF 1.5.0, a JSON object) or cef (ArcSight Common Event Format 0). In a select list line after line is made as it is taken. Errors: 22023 another format.';

CREATE FUNCTION dataclass_audit.incident_report_html(id pg_catalog.int8)
	RETURNS pg_catalog.text
	LANGUAGE c STABLE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'dc_incident_report_html';
COMMENT ON FUNCTION dataclass_audit.incident_report_html(pg_catalog.int8) IS
	'an incident as one HTML page without script or anything from elsewhere, in ASCII; the first 200 records are shown, the number of the others is stated. Errors: 22023 no such incident.';

CREATE FUNCTION dataclass_audit.compliance_report_html(from_time pg_catalog.timestamptz, to_time pg_catalog.timestamptz)
	RETURNS pg_catalog.text
	LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'dc_compliance_report_html';
COMMENT ON FUNCTION dataclass_audit.compliance_report_html(pg_catalog.timestamptz, pg_catalog.timestamptz) IS
	'what happened from from_time on and before to_time, and the posture now, as one HTML page without script or anything from elsewhere, in ASCII; NULL: from the first record, until now. Probes the storage of governed relations. Errors: 22023 the period ends before it begins.';

REVOKE ALL ON FUNCTION dataclass_audit.incident_report(pg_catalog.int8),
	dataclass_audit.export_events(pg_catalog.timestamptz, pg_catalog.timestamptz, pg_catalog.text),
	dataclass_audit.incident_report_html(pg_catalog.int8),
	dataclass_audit.compliance_report_html(pg_catalog.timestamptz, pg_catalog.timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dataclass_audit.incident_report(pg_catalog.int8),
	dataclass_audit.export_events(pg_catalog.timestamptz, pg_catalog.timestamptz, pg_catalog.text),
	dataclass_audit.incident_report_html(pg_catalog.int8),
	dataclass_audit.compliance_report_html(pg_catalog.timestamptz, pg_catalog.timestamptz)
	TO dataclass_auditor, dataclass_officer;
