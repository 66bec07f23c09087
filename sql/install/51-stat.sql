-- Counters in the manner of pg_stat_* (src/policy/stat_counter.c, src/audit/audit_stat.c).

CREATE FUNCTION dataclass.stat_counters(
	OUT datid pg_catalog.oid,
	OUT decisions pg_catalog.int8,
	OUT row_decisions pg_catalog.int8,
	OUT denials pg_catalog.int8,
	OUT permitted pg_catalog.int8,
	OUT events pg_catalog.int8,
	OUT waits pg_catalog.int8,
	OUT wait_time pg_catalog.float8,
	OUT journaled pg_catalog.int8,
	OUT journal_written pg_catalog.int8,
	OUT unrecorded pg_catalog.int8,
	OUT records pg_catalog.int8,
	OUT commits pg_catalog.int8,
	OUT mean_lag pg_catalog.float8,
	OUT last_lag pg_catalog.float8,
	OUT writer_pid pg_catalog.int4,
	OUT queue_depth pg_catalog.int4,
	OUT queue_size pg_catalog.int4,
	OUT journal_files pg_catalog.int4,
	OUT journal_bytes pg_catalog.int8,
	OUT stats_reset pg_catalog.timestamptz)
	RETURNS SETOF pg_catalog.record
	LANGUAGE c VOLATILE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'dc_stat_activity';
COMMENT ON FUNCTION dataclass.stat_counters() IS 'the rows of dataclass.pg_stat_dataclass, without names';

CREATE FUNCTION dataclass.stat_denials(
	OUT datid pg_catalog.oid,
	OUT rule pg_catalog.text,
	OUT denials pg_catalog.int8,
	OUT permitted pg_catalog.int8)
	RETURNS SETOF pg_catalog.record
	LANGUAGE c VOLATILE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'dc_stat_denials';
COMMENT ON FUNCTION dataclass.stat_denials() IS 'the rows of dataclass.pg_stat_dataclass_denials, without names';

CREATE FUNCTION dataclass.pg_stat_dataclass_reset() RETURNS pg_catalog.void
	LANGUAGE c VOLATILE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'dc_stat_reset';
COMMENT ON FUNCTION dataclass.pg_stat_dataclass_reset() IS
	'counters of this database start at zero again; what the trail holds is not touched';

CREATE VIEW dataclass.pg_stat_dataclass AS
	SELECT s.datid, d.datname, s.decisions, s.row_decisions, s.denials, s.permitted, s.events,
		s.waits, s.wait_time, s.queue_depth, s.queue_size, s.journaled, s.journal_written,
		s.journal_files, s.journal_bytes, s.unrecorded, s.records, s.commits, s.writer_pid,
		s.mean_lag AS writer_mean_lag, s.last_lag AS writer_last_lag, s.stats_reset
	FROM dataclass.stat_counters() s
	LEFT JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) s.datid;
COMMENT ON VIEW dataclass.pg_stat_dataclass IS
	'a row per database: decisions on relations and columns, and on row labels (once per label and subject); denials, and those that permissive mode let pass; events handed to recording; waits for durable records and their time in ms; queue now; events and bytes that went to journals, journals now; events recorded nowhere but in the server log; records and commits of the writer, its lag from event to commit in ms: mean, and of the oldest event of its last batch. Counts start with the server or the last reset.';
COMMENT ON COLUMN dataclass.pg_stat_dataclass.wait_time IS 'milliseconds';
COMMENT ON COLUMN dataclass.pg_stat_dataclass.queue_depth IS 'events on their way to the writer now';
COMMENT ON COLUMN dataclass.pg_stat_dataclass.journal_bytes IS 'in journal files that wait for their import now';
COMMENT ON COLUMN dataclass.pg_stat_dataclass.writer_mean_lag IS 'milliseconds';
COMMENT ON COLUMN dataclass.pg_stat_dataclass.writer_last_lag IS 'milliseconds';

CREATE VIEW dataclass.pg_stat_dataclass_denials AS
	SELECT s.datid, d.datname, s.rule, s.denials, s.permitted
	FROM dataclass.stat_denials() s
	LEFT JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) s.datid;
COMMENT ON VIEW dataclass.pg_stat_dataclass_denials IS
	'denials, and those that permissive mode let pass, by the rule that failed';

REVOKE ALL ON FUNCTION dataclass.stat_counters(), dataclass.stat_denials(), dataclass.pg_stat_dataclass_reset() FROM PUBLIC;
REVOKE ALL ON dataclass.pg_stat_dataclass, dataclass.pg_stat_dataclass_denials FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dataclass.stat_counters(), dataclass.stat_denials()
	TO pg_monitor, dataclass_officer, dataclass_auditor;
GRANT EXECUTE ON FUNCTION dataclass.pg_stat_dataclass_reset() TO dataclass_auditor;
GRANT SELECT ON dataclass.pg_stat_dataclass, dataclass.pg_stat_dataclass_denials
	TO pg_monitor, dataclass_officer, dataclass_auditor;
