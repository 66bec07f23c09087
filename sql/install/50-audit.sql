-- The audit trail.  Only the writer of the extension changes these tables; the
-- guard refuses everybody else, superusers included.

CREATE TABLE dataclass_audit.event (
	seq                bigint NOT NULL,
	event_id           uuid NOT NULL,
	"time"             timestamptz NOT NULL,
	recorded_at        timestamptz NOT NULL,
	kind               text NOT NULL,
	severity           text NOT NULL,
	outcome            text NOT NULL,
	breach             boolean NOT NULL,
	action             text,
	subject            text,
	session_user_name  text,
	current_user_name  text,
	authenticated_user text,
	client_addr        text,
	client_port        integer,
	application        text,
	backend_pid        integer,
	session_id         text,
	transaction_id     bigint,
	database           text,
	object_type        text,
	object_identity    text,
	class_id           oid,
	object_id          oid,
	object_subid       integer,
	label              text,
	rule               text,
	required_tier      text,
	found_tier         text,
	statement          text,
	detail             text,
	repeats            bigint,
	node               text,
	origin             text NOT NULL,
	format_version     integer NOT NULL,
	prev_hash          bytea NOT NULL,
	leaf_hash          bytea NOT NULL,
	CONSTRAINT event_pkey PRIMARY KEY (seq),
	CONSTRAINT event_event_id_key UNIQUE (event_id)
) USING heap;
-- "Breaches of this role since ..."; the writer knows its predicate (audit_trail.c).
CREATE INDEX event_breach_idx ON dataclass_audit.event (subject, "time") WHERE breach;

COMMENT ON TABLE dataclass_audit.event IS
	'The audit trail: one row per event, chained by hashes; nobody but its writer changes it. Never holds row values or parameters.';
COMMENT ON COLUMN dataclass_audit.event.seq IS 'place in the trail: from 1, without gaps';
COMMENT ON COLUMN dataclass_audit.event.event_id IS 'given to the event when it happened; the same in queue, journal and trail';
COMMENT ON COLUMN dataclass_audit.event."time" IS 'when it happened';
COMMENT ON COLUMN dataclass_audit.event.recorded_at IS 'when it got its place in the trail';
COMMENT ON COLUMN dataclass_audit.event.kind IS 'what happened: access_denied, label_change, trail_guard, ...';
COMMENT ON COLUMN dataclass_audit.event.severity IS 'info, notice, warning, high or critical';
COMMENT ON COLUMN dataclass_audit.event.outcome IS 'allowed, denied, permitted (would be denied, the mode is permissive) or observed';
COMMENT ON COLUMN dataclass_audit.event.breach IS 'a failure of an obligation';
COMMENT ON COLUMN dataclass_audit.event.action IS 'command or privilege that was asked for';
COMMENT ON COLUMN dataclass_audit.event.subject IS 'role whose clearance counts: the session''s role, or that of SET ROLE';
COMMENT ON COLUMN dataclass_audit.event.session_user_name IS 'session_user';
COMMENT ON COLUMN dataclass_audit.event.current_user_name IS 'current_user: the owner of a SECURITY DEFINER function inside of it';
COMMENT ON COLUMN dataclass_audit.event.authenticated_user IS 'role that logged in; SET SESSION AUTHORIZATION does not change it';
COMMENT ON COLUMN dataclass_audit.event.client_addr IS 'address of the client, [local] for a unix socket';
COMMENT ON COLUMN dataclass_audit.event.client_port IS 'port of the client';
COMMENT ON COLUMN dataclass_audit.event.application IS 'application_name, as the client gave it';
COMMENT ON COLUMN dataclass_audit.event.backend_pid IS 'server process; of the leader for a parallel worker';
COMMENT ON COLUMN dataclass_audit.event.session_id IS 'session, as %c of log_line_prefix prints it';
COMMENT ON COLUMN dataclass_audit.event.transaction_id IS 'transaction, if it had a number by then';
COMMENT ON COLUMN dataclass_audit.event.database IS 'name of the database';
COMMENT ON COLUMN dataclass_audit.event.object_type IS 'kind of the object concerned';
COMMENT ON COLUMN dataclass_audit.event.object_identity IS 'qualified name of the object concerned';
COMMENT ON COLUMN dataclass_audit.event.class_id IS 'catalog of the object, as in pg_depend';
COMMENT ON COLUMN dataclass_audit.event.object_id IS 'oid of the object';
COMMENT ON COLUMN dataclass_audit.event.object_subid IS 'column of the object, or 0';
COMMENT ON COLUMN dataclass_audit.event.label IS 'label concerned, canonical';
COMMENT ON COLUMN dataclass_audit.event.rule IS 'rule that failed';
COMMENT ON COLUMN dataclass_audit.event.required_tier IS 'tier that was needed';
COMMENT ON COLUMN dataclass_audit.event.found_tier IS 'tier that was found';
COMMENT ON COLUMN dataclass_audit.event.statement IS 'the statement, every constant and parameter replaced by a question mark';
COMMENT ON COLUMN dataclass_audit.event.detail IS 'one sentence';
COMMENT ON COLUMN dataclass_audit.event.repeats IS 'how many events like it the record stands for; NULL: itself alone';
COMMENT ON COLUMN dataclass_audit.event.node IS 'server on which it happened: dataclass.node_name, cluster_name or host name';
COMMENT ON COLUMN dataclass_audit.event.origin IS 'how it came here: queue, journal or writer';
COMMENT ON COLUMN dataclass_audit.event.format_version IS 'version of the encoding under the hash';
COMMENT ON COLUMN dataclass_audit.event.prev_hash IS 'leaf_hash of the record before; zero bytes in the first';
COMMENT ON COLUMN dataclass_audit.event.leaf_hash IS 'RFC 9162 leaf hash over the canonical encoding of all other columns';

CREATE TABLE dataclass_audit.head (
	seq               bigint NOT NULL,
	hash              bytea NOT NULL,
	root              bytea NOT NULL,
	frontier          bytea NOT NULL,
	database_oid      oid NOT NULL,
	system_identifier bigint NOT NULL,
	updated_at        timestamptz NOT NULL
) USING heap WITH (fillfactor = 20);
COMMENT ON TABLE dataclass_audit.head IS
	'One row: the last record of the trail, its hash, and the RFC 9162 tree over all records.';

CREATE TABLE dataclass_audit.journal_position (
	journal        uuid NOT NULL,
	created_at     timestamptz NOT NULL,
	imported_bytes bigint NOT NULL,
	link           bytea,
	records        bigint NOT NULL,
	damages        bigint NOT NULL,
	complete       boolean NOT NULL,
	imported_at    timestamptz NOT NULL,
	node           text,
	unreported     bigint NOT NULL,
	first_time     timestamptz,
	last_time      timestamptz,
	reasons        integer NOT NULL,
	CONSTRAINT journal_position_pkey PRIMARY KEY (journal)
) USING heap;
COMMENT ON TABLE dataclass_audit.journal_position IS
	'How far each journal file was imported; rows stay, so that a stale copy of a file is never imported again. link: SHA-256 of the last frame; unreported: events of which no record tells yet that they went through a journal, first_time to last_time and reasons (a bit for each, see docs/audit-format.md) are about these.';

CREATE TABLE dataclass_audit.repeat (
	key         bytea NOT NULL,
	first_seq   bigint NOT NULL,
	window_end  timestamptz NOT NULL,
	repeats     bigint NOT NULL,
	first_time  timestamptz NOT NULL,
	last_time   timestamptz NOT NULL,
	payload     bytea NOT NULL,
	CONSTRAINT repeat_pkey PRIMARY KEY (key)
) USING heap WITH (fillfactor = 30);
ALTER TABLE dataclass_audit.repeat ALTER COLUMN payload SET STORAGE MAIN;
COMMENT ON TABLE dataclass_audit.repeat IS
	'Repeats of denials whose window is still open, counted but not yet in the trail: when it ends, one record with their number takes the place of the row.';

-- The empty tree: its root is SHA-256 of nothing.
INSERT INTO dataclass_audit.head
	SELECT 0, pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex'),
		pg_catalog.sha256(''), '', d.oid, c.system_identifier, pg_catalog.now()
	FROM pg_catalog.pg_database d, pg_catalog.pg_control_system() c
	WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database();

CREATE VIEW dataclass_audit.breach AS
	SELECT * FROM ONLY dataclass_audit.event WHERE breach;
COMMENT ON VIEW dataclass_audit.breach IS 'Events that are a failure of an obligation.';

CREATE VIEW dataclass_audit.denied AS
	SELECT * FROM ONLY dataclass_audit.event WHERE outcome OPERATOR(pg_catalog.=) 'denied'::pg_catalog.text;
COMMENT ON VIEW dataclass_audit.denied IS 'Events that were denied.';

CREATE FUNCTION dataclass_audit.verify(from_seq bigint DEFAULT NULL, to_seq bigint DEFAULT NULL,
		OUT ok boolean, OUT checked bigint, OUT first_bad bigint, OUT reason text, OUT root bytea)
	RETURNS record
	AS 'MODULE_PATHNAME', 'dc_audit_verify'
	LANGUAGE C STABLE PARALLEL UNSAFE CALLED ON NULL INPUT;
COMMENT ON FUNCTION dataclass_audit.verify(bigint, bigint) IS
	'Recomputes every hash of the trail, or of records from_seq to to_seq. first_bad: the first record that is not as it was written; root: RFC 9162 root of records 1 to the last one checked. Of archived records the hashes are checked, from record 1 on; checked counts the others. What it finds is recorded. Errors: 22023 no such range, or one that begins within archived records.';

CREATE FUNCTION dataclass_audit.status(OUT writer_pid integer, OUT queued integer,
		OUT journal_files integer, OUT journal_bytes bigint, OUT unrecorded bigint, OUT note text)
	RETURNS record
	AS 'MODULE_PATHNAME', 'dc_audit_status'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dataclass_audit.status() IS
	'State of recording in this database: writer, events on their way, journals to import, events that could not be recorded.';

CREATE FUNCTION dataclass_audit.import_journal(file text,
		OUT journal uuid, OUT events bigint, OUT imported bigint, OUT known bigint)
	RETURNS record
	AS 'MODULE_PATHNAME', 'dc_audit_import_journal'
	LANGUAGE C VOLATILE PARALLEL UNSAFE STRICT;
COMMENT ON FUNCTION dataclass_audit.import_journal(text) IS
	'Brings the events of a journal file of another node of this cluster, a standby, into the trail (officers and auditors). file: absolute path on this server. events: in the file; imported: new ones; known: in the trail already. Waits for the writer up to a minute. Errors: 42501 neither officer nor auditor, 22023 no journal of this database, XX001 damaged or edited, 55000 in recovery or not imported yet, 58030 no copy could be kept.';

CREATE FUNCTION dataclass_audit.begin_trail()
	RETURNS void
	AS 'MODULE_PATHNAME', 'dc_audit_begin_trail'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dataclass_audit.begin_trail() IS
	'Asks for the writer of this database when the transaction commits; called by CREATE EXTENSION.';

REVOKE ALL ON ALL TABLES IN SCHEMA dataclass_audit FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA dataclass_audit FROM PUBLIC;
GRANT SELECT ON dataclass_audit.event, dataclass_audit.head, dataclass_audit.journal_position,
	dataclass_audit.repeat,
	dataclass_audit.breach, dataclass_audit.denied TO dataclass_auditor, dataclass_officer;
GRANT EXECUTE ON FUNCTION dataclass_audit.verify(bigint, bigint), dataclass_audit.status(),
	dataclass_audit.import_journal(text)
	TO dataclass_auditor, dataclass_officer;

SELECT dataclass_audit.begin_trail();
