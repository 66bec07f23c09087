-- Incidents: breaches grouped, their life, deadlines, and the outbox
-- (src/audit/incident*.c).

CREATE TABLE dataclass_audit.incident_record (
	id              bigint NOT NULL,
	discovered_at   timestamptz NOT NULL,
	first_seq       bigint NOT NULL,
	last_seq        bigint NOT NULL,
	first_time      timestamptz NOT NULL,
	last_time       timestamptz NOT NULL,
	breaches        bigint NOT NULL,
	kind            text NOT NULL,
	rule            text,
	subject         text,
	class           text,
	severity        text NOT NULL,
	object_type     text,
	object_identity text,
	noticed_at       timestamptz NOT NULL,
	noticed_breaches bigint NOT NULL,
	CONSTRAINT incident_record_pkey PRIMARY KEY (id)
) USING heap WITH (fillfactor = 50);
COMMENT ON TABLE dataclass_audit.incident_record IS
	'Breaches of one rule by one subject within one window. Written by the writer of the trail, in the transaction that records the breach. noticed_at, noticed_breaches: when a notice was made last, and how many breaches it told of. breaches counts repeats too; class and severity: the highest of its breaches; object: of the first one.';

CREATE TABLE dataclass_audit.incident_event (
	incident  bigint NOT NULL,
	seq       bigint NOT NULL,
	CONSTRAINT incident_event_pkey PRIMARY KEY (incident, seq),
	CONSTRAINT incident_event_seq_key UNIQUE (seq)
) USING heap;
COMMENT ON TABLE dataclass_audit.incident_event IS 'Which records of the trail belong to which incident.';

CREATE TABLE dataclass_audit.incident_step (
	incident  bigint NOT NULL,
	step      integer NOT NULL,
	state     text NOT NULL,
	at        timestamptz NOT NULL,
	by        text NOT NULL,
	reason    text,
	by_role   oid,
	CONSTRAINT incident_step_pkey PRIMARY KEY (incident, step)
) USING heap;
COMMENT ON TABLE dataclass_audit.incident_step IS
	'Life of an incident: discovered, notified, acknowledged, report_requested, report_submitted, measure_decided, measure_applied, closed. by: the role that logged in, or pg_dataclass, a name that no role can have; by_role: its oid.';

CREATE TABLE dataclass_audit.deadline (
	incident  bigint NOT NULL,
	recipient text NOT NULL,
	class     text,
	due       timestamptz NOT NULL,
	settled   boolean NOT NULL,
	CONSTRAINT deadline_pkey PRIMARY KEY (incident, recipient)
) USING heap;
CREATE INDEX deadline_settled_due ON dataclass_audit.deadline (settled, due);
COMMENT ON TABLE dataclass_audit.deadline IS
	'Until when whom has to be told of an incident: discovery (of the class) plus dataclass.disclosure_window of the class; class NULL: no class is known, and the shortest window of all counts. settled: the writer need not look at it again.';

CREATE TABLE dataclass_audit.notice (
	id         bigint NOT NULL,
	created_at timestamptz NOT NULL,
	incident   bigint,
	seq        bigint,
	subject    text NOT NULL,
	body       jsonb NOT NULL,
	CONSTRAINT notice_pkey PRIMARY KEY (id)
) USING heap;
COMMENT ON TABLE dataclass_audit.notice IS
	'The outbox: what has to be told outside, written with the record it is about. subject: breach, overdue, step or measure; body: what NOTIFY dataclass_breach and dataclass.breach_command hand over, but for the checkpoint.';

CREATE TABLE dataclass_audit.incident_position (
	seq  bigint NOT NULL
) USING heap;
COMMENT ON TABLE dataclass_audit.incident_position IS
	'One row: records up to this one have been looked through for breaches. It lags behind; what incident_event holds counts as well.';
INSERT INTO dataclass_audit.incident_position VALUES (0);

REVOKE ALL ON dataclass_audit.incident_record, dataclass_audit.incident_event, dataclass_audit.incident_step,
	dataclass_audit.deadline, dataclass_audit.notice, dataclass_audit.incident_position FROM PUBLIC;
GRANT SELECT ON dataclass_audit.incident_record, dataclass_audit.incident_event, dataclass_audit.incident_step,
	dataclass_audit.deadline, dataclass_audit.notice TO dataclass_auditor, dataclass_officer;

CREATE VIEW dataclass_audit.incident AS
	SELECT r.id, s.state, r.discovered_at, r.first_time, r.last_time, r.breaches, r.kind, r.rule, r.subject,
		r.class, r.severity, r.object_type, r.object_identity,
		s.at AS state_since, s.by AS state_by, s.reason AS state_reason,
		t.told_at AS notified_at, t.acknowledged_at, t.closed_at, r.first_seq, r.last_seq
	FROM ONLY dataclass_audit.incident_record r
	LEFT JOIN LATERAL (
		SELECT l.state, l.at, l.by, l.reason FROM ONLY dataclass_audit.incident_step l
		WHERE l.incident OPERATOR(pg_catalog.=) r.id ORDER BY l.step DESC LIMIT 1) s ON true
	LEFT JOIN LATERAL (
		SELECT pg_catalog.min(l.at) FILTER (WHERE l.step OPERATOR(pg_catalog.>) 1) AS told_at,
			pg_catalog.min(l.at) FILTER (WHERE l.state OPERATOR(pg_catalog.=) 'acknowledged'::pg_catalog.text) AS acknowledged_at,
			pg_catalog.max(l.at) FILTER (WHERE l.state OPERATOR(pg_catalog.=) 'closed'::pg_catalog.text) AS closed_at
		FROM ONLY dataclass_audit.incident_step l
		WHERE l.incident OPERATOR(pg_catalog.=) r.id) t ON true;
COMMENT ON VIEW dataclass_audit.incident IS
	'Incidents and where they stand. notified_at: the step notified, or the first later one, which implies it. first_seq, last_seq: records of the trail; dataclass_audit.incident_event has all.';

CREATE VIEW dataclass_audit.disclosure AS
	SELECT d.incident, d.recipient, d.class, r.discovered_at, d.due, s.at AS disclosed_at,
		s.at OPERATOR(pg_catalog.-) r.discovered_at AS time_to_disclosure,
		CASE
			WHEN s.at IS NOT NULL AND s.at OPERATOR(pg_catalog.<=)
				(d.due OPERATOR(pg_catalog.+) pg_catalog.current_setting('dataclass.disclosure_grace')::pg_catalog."interval") THEN 'met'
			WHEN s.at IS NOT NULL THEN 'late'
			WHEN pg_catalog.clock_timestamp() OPERATOR(pg_catalog.>) d.due THEN 'overdue'
			ELSE 'pending'
		END AS status
	FROM ONLY dataclass_audit.deadline d
	JOIN ONLY dataclass_audit.incident_record r ON r.id OPERATOR(pg_catalog.=) d.incident
	LEFT JOIN ONLY dataclass_audit.incident_step s
		ON s.incident OPERATOR(pg_catalog.=) d.incident AND s.step OPERATOR(pg_catalog.=) 2;
COMMENT ON VIEW dataclass_audit.disclosure IS
	'Who had to be told of an incident until when, and whether that was done. disclosed_at: the step notified, or the first later one. status: pending, met (in time, dataclass.disclosure_grace allowed for handing over), late, overdue (not done, and the time is over).';

CREATE VIEW dataclass_audit.overdue AS
	SELECT d.incident, d.recipient, d.class, d.due,
		pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) d.due AS overdue_by, 'discovered'::pg_catalog.text AS state
	FROM ONLY dataclass_audit.deadline d
	WHERE d.due OPERATOR(pg_catalog.<) pg_catalog.clock_timestamp()
		AND NOT EXISTS (
			SELECT FROM ONLY dataclass_audit.incident_step s
			WHERE s.incident OPERATOR(pg_catalog.=) d.incident AND s.step OPERATOR(pg_catalog.=) 2);
COMMENT ON VIEW dataclass_audit.overdue IS
	'Disclosures that were not made although their time is over. state: of the incident.';

CREATE FUNCTION dataclass_audit.mark_notified(incident bigint, reason text) RETURNS void
	AS 'MODULE_PATHNAME', 'dc_incident_mark_notified' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dataclass_audit.mark_notified(bigint, text) IS
	'officers: the incident was disclosed to those who have to be told. reason: how, not empty. Errors: 22023 no such incident or no reason, 55000 not from its state, 42501 no officer';
CREATE FUNCTION dataclass_audit.submit_report(incident bigint, reason text) RETURNS void
	AS 'MODULE_PATHNAME', 'dc_incident_submit_report' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dataclass_audit.submit_report(bigint, text) IS
	'officers: the report that was requested was handed in. reason: which report, not empty. Errors: as mark_notified()';
CREATE FUNCTION dataclass_audit.apply_measure(incident bigint, reason text) RETURNS void
	AS 'MODULE_PATHNAME', 'dc_incident_apply_measure' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dataclass_audit.apply_measure(bigint, text) IS
	'officers: the measure that was decided is in effect. reason: how, not empty. Errors: as mark_notified()';
CREATE FUNCTION dataclass_audit.acknowledge(incident bigint, reason text) RETURNS void
	AS 'MODULE_PATHNAME', 'dc_incident_acknowledge' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dataclass_audit.acknowledge(bigint, text) IS
	'auditors: the incident is known to the side that has to be told. reason: a note, not empty. Errors: 22023 no such incident or no reason, 55000 not from its state, 42501 no auditor';
CREATE FUNCTION dataclass_audit.request_report(incident bigint, reason text) RETURNS void
	AS 'MODULE_PATHNAME', 'dc_incident_request_report' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dataclass_audit.request_report(bigint, text) IS
	'auditors: a report on the incident is asked for. reason: what it has to answer, not empty. Errors: as acknowledge()';
CREATE FUNCTION dataclass_audit.decide_measure(incident bigint, measure text) RETURNS void
	AS 'MODULE_PATHNAME', 'dc_incident_decide_measure' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dataclass_audit.decide_measure(bigint, text) IS
	'auditors: what has to be done. measure: not empty. Errors: as acknowledge()';
CREATE FUNCTION dataclass_audit.close_incident(incident bigint, reason text) RETURNS void
	AS 'MODULE_PATHNAME', 'dc_incident_close' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dataclass_audit.close_incident(bigint, text) IS
	'auditors: the incident is over. reason: why, not empty. Whoever applied the measure, or whom the incident is about, cannot close it. Errors: as acknowledge(), 42501 for those two';

REVOKE ALL ON dataclass_audit.incident, dataclass_audit.disclosure, dataclass_audit.overdue FROM PUBLIC;
GRANT SELECT ON dataclass_audit.incident, dataclass_audit.disclosure, dataclass_audit.overdue
	TO dataclass_auditor, dataclass_officer;
REVOKE ALL ON FUNCTION dataclass_audit.mark_notified(bigint, text), dataclass_audit.submit_report(bigint, text),
	dataclass_audit.apply_measure(bigint, text), dataclass_audit.acknowledge(bigint, text),
	dataclass_audit.request_report(bigint, text), dataclass_audit.decide_measure(bigint, text),
	dataclass_audit.close_incident(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dataclass_audit.mark_notified(bigint, text), dataclass_audit.submit_report(bigint, text),
	dataclass_audit.apply_measure(bigint, text) TO dataclass_officer;
GRANT EXECUTE ON FUNCTION dataclass_audit.acknowledge(bigint, text), dataclass_audit.request_report(bigint, text),
	dataclass_audit.decide_measure(bigint, text), dataclass_audit.close_incident(bigint, text) TO dataclass_auditor;
