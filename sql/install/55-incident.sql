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
	CONSTRAINT incident_record_pkey PRIMARY KEY (id)
) USING heap WITH (fillfactor = 50);
COMMENT ON TABLE dataclass_audit.incident_record IS
	'Breaches of one rule by one subject within one window. Written by the writer of the trail, in the transaction that records the breach. breaches counts repeats too; class and severity: the highest of its breaches; object: of the first one.';

CREATE TABLE dataclass_audit.incident_event (
	incident  bigint NOT NULL,
	seq       bigint NOT NULL,
	CONSTRAINT incident_event_pkey PRIMARY KEY (incident, seq)
) USING heap;
COMMENT ON TABLE dataclass_audit.incident_event IS 'Which records of the trail belong to which incident.';

CREATE TABLE dataclass_audit.incident_step (
	incident  bigint NOT NULL,
	step      integer NOT NULL,
	state     text NOT NULL,
	at        timestamptz NOT NULL,
	by        text NOT NULL,
	reason    text,
	CONSTRAINT incident_step_pkey PRIMARY KEY (incident, step)
) USING heap;
COMMENT ON TABLE dataclass_audit.incident_step IS
	'Life of an incident: discovered, notified, acknowledged, report_requested, report_submitted, measure_decided, measure_applied, closed. by: the role that logged in, or the extension.';

CREATE TABLE dataclass_audit.deadline (
	incident  bigint NOT NULL,
	recipient text NOT NULL,
	class     text,
	due       timestamptz NOT NULL,
	CONSTRAINT deadline_pkey PRIMARY KEY (incident, recipient)
) USING heap;
COMMENT ON TABLE dataclass_audit.deadline IS
	'Until when whom has to be told of an incident: discovery plus dataclass.disclosure_window of its class.';

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
	'The outbox: what has to be told outside, written with the record it is about. subject: breach, step or measure; body: what NOTIFY dataclass_breach and dataclass.breach_command hand over, but for the checkpoint.';

REVOKE ALL ON dataclass_audit.incident_record, dataclass_audit.incident_event, dataclass_audit.incident_step,
	dataclass_audit.deadline, dataclass_audit.notice FROM PUBLIC;
GRANT SELECT ON dataclass_audit.incident_record, dataclass_audit.incident_event, dataclass_audit.incident_step,
	dataclass_audit.deadline, dataclass_audit.notice TO dataclass_auditor, dataclass_officer;
