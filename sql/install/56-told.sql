-- Telling: what became of the notices of the outbox (src/audit/notice_*.c).

CREATE TABLE dataclass_audit.delivery (
	notice      bigint NOT NULL,
	channel     text NOT NULL,
	attempt     integer NOT NULL,
	at          timestamptz NOT NULL,
	status      text NOT NULL,
	exit_status integer,
	detail      text,
	next_at     timestamptz,
	CONSTRAINT delivery_pkey PRIMARY KEY (notice, channel, attempt)
) USING heap WITH (fillfactor = 70);
COMMENT ON TABLE dataclass_audit.delivery IS
	'Attempts to hand a notice over. Of a notice that fails for long the first attempts are kept, and the last one.';
COMMENT ON COLUMN dataclass_audit.delivery.channel IS 'notify: NOTIFY dataclass_breach; command: dataclass.breach_command';
COMMENT ON COLUMN dataclass_audit.delivery.attempt IS 'number of the attempt, from 1';
COMMENT ON COLUMN dataclass_audit.delivery.status IS 'delivered or failed';
COMMENT ON COLUMN dataclass_audit.delivery.exit_status IS 'of the command, as a shell gives it: 128 + n where signal n ended it';
COMMENT ON COLUMN dataclass_audit.delivery.next_at IS 'when it is tried again';

CREATE TABLE dataclass_audit.delivery_position (
	notify     bigint NOT NULL,
	command    bigint NOT NULL
) USING heap WITH (fillfactor = 20);
COMMENT ON TABLE dataclass_audit.delivery_position IS
	'One row: up to which notice all are handed over, for each channel. Where the worker begins to look.';
INSERT INTO dataclass_audit.delivery_position VALUES (0, 0);

CREATE FUNCTION dataclass_audit.notice_report(
	OUT channel text, OUT configured boolean, OUT pending bigint, OUT oldest bigint, OUT oldest_at timestamptz,
	OUT failing bigint, OUT last_error text, OUT last_error_at timestamptz, OUT last_delivered_at timestamptz, OUT worker_pid integer)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'dc_notice_report'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dataclass_audit.notice_report() IS 'The rows of dataclass_audit.notice_status.';
CREATE VIEW dataclass_audit.notice_status AS
	SELECT channel, configured, pending, oldest, oldest_at, failing, last_error, last_error_at, last_delivered_at, worker_pid
	FROM dataclass_audit.notice_report();
COMMENT ON VIEW dataclass_audit.notice_status IS
	'A row per way out, notify and command: notices that wait, the oldest of them, and what failed last.';
COMMENT ON COLUMN dataclass_audit.notice_status.configured IS 'false: dataclass.breach_command is empty; notices wait until it is set';
COMMENT ON COLUMN dataclass_audit.notice_status.pending IS 'notices that were not handed over';
COMMENT ON COLUMN dataclass_audit.notice_status.oldest IS 'the oldest of them';
COMMENT ON COLUMN dataclass_audit.notice_status.failing IS 'those of them that failed at least once';
COMMENT ON COLUMN dataclass_audit.notice_status.last_error IS 'what the last attempt that failed ended with';
COMMENT ON COLUMN dataclass_audit.notice_status.worker_pid IS 'worker that tells, null: none is needed now';

REVOKE ALL ON dataclass_audit.delivery, dataclass_audit.delivery_position, dataclass_audit.notice_status FROM PUBLIC;
REVOKE ALL ON FUNCTION dataclass_audit.notice_report() FROM PUBLIC;
GRANT SELECT ON dataclass_audit.delivery, dataclass_audit.delivery_position TO dataclass_auditor, dataclass_officer;
GRANT USAGE ON SCHEMA dataclass_audit TO pg_monitor;
GRANT SELECT ON dataclass_audit.notice_status TO dataclass_auditor, dataclass_officer, pg_monitor;
GRANT EXECUTE ON FUNCTION dataclass_audit.notice_report() TO dataclass_auditor, dataclass_officer, pg_monitor;
