-- The storage watch (src/atrest/watch_*.c).

CREATE TABLE dataclass.place_state (
	kind			pg_catalog.text NOT NULL,
	tablespace		pg_catalog.oid NOT NULL,
	name			pg_catalog.text NOT NULL,
	path			pg_catalog.text,
	device			pg_catalog.text,
	verdict			pg_catalog.text NOT NULL,
	grade			pg_catalog.int4 NOT NULL,
	mechanism		pg_catalog.text NOT NULL,
	cipher			pg_catalog.text,
	key_bits		pg_catalog.int4 NOT NULL,
	hosting_model	pg_catalog.text,
	region			pg_catalog.text,
	checksums		pg_catalog.bool NOT NULL,
	detail			pg_catalog.text,
	violates		pg_catalog.text[] NOT NULL,
	policy			pg_catalog.int8 NOT NULL,
	since			pg_catalog.timestamptz NOT NULL,
	checked_at		pg_catalog.timestamptz NOT NULL,
	PRIMARY KEY (kind, tablespace, name)
);
COMMENT ON TABLE dataclass.place_state IS
	'places as the watch found them when something changed last; written by the watch alone. A pass that finds nothing new writes nothing: see watch_status';
COMMENT ON COLUMN dataclass.place_state.kind IS 'name of the control that binds this kind of place: at_rest for tablespaces, wal, temp, journal, ...';
COMMENT ON COLUMN dataclass.place_state.tablespace IS 'tablespace, 0 where the place is none';
COMMENT ON COLUMN dataclass.place_state.device IS 'device of the directory, major:minor; null: not found';
COMMENT ON COLUMN dataclass.place_state.violates IS 'classes with data there that may not be there: recorded as a breach, and not healed yet';
COMMENT ON COLUMN dataclass.place_state.policy IS 'fingerprint of the policy and mode that the place was judged by';
COMMENT ON COLUMN dataclass.place_state.since IS 'when the evidence changed last';
COMMENT ON COLUMN dataclass.place_state.checked_at IS 'when this row was written';
REVOKE ALL ON dataclass.place_state FROM PUBLIC;
GRANT SELECT ON dataclass.place_state TO dataclass_officer, dataclass_auditor;

CREATE FUNCTION dataclass.check_storage(
	complete pg_catalog.bool DEFAULT false,
	OUT place pg_catalog.text,
	OUT path pg_catalog.text,
	OUT change pg_catalog.text,
	OUT class pg_catalog.text,
	OUT before pg_catalog.text,
	OUT after pg_catalog.text,
	OUT relations pg_catalog.int8)
	RETURNS SETOF pg_catalog.record
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'dc_check_storage';
REVOKE ALL ON FUNCTION dataclass.check_storage(pg_catalog.bool) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dataclass.check_storage(pg_catalog.bool) TO dataclass_officer, dataclass_auditor;
COMMENT ON FUNCTION dataclass.check_storage(pg_catalog.bool) IS
	'a pass of the watch, now, in this transaction: probes every place, records and quarantines what changed, and returns it (officers and auditors). complete: look at every relation even where nothing changed. change: evidence, violation, healed, quarantined, released or risk ended; relations: how many it is about. Errors: 25006 on a standby';

CREATE FUNCTION dataclass.watch_report(
	OUT database pg_catalog.name,
	OUT last_pass pg_catalog.timestamptz,
	OUT duration_ms pg_catalog.float8,
	OUT places pg_catalog.int4,
	OUT changes pg_catalog.int4,
	OUT next_pass pg_catalog.timestamptz,
	OUT passes pg_catalog.int8,
	OUT failed pg_catalog.int4,
	OUT last_complete pg_catalog.timestamptz)
	RETURNS SETOF pg_catalog.record
	LANGUAGE c VOLATILE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'dc_watch_report';
REVOKE ALL ON FUNCTION dataclass.watch_report() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dataclass.watch_report() TO dataclass_officer, dataclass_auditor;
COMMENT ON FUNCTION dataclass.watch_report() IS 'the rows of dataclass.watch_status';
CREATE VIEW dataclass.watch_status AS
	SELECT database, last_pass, duration_ms, places, changes, next_pass, passes, failed, last_complete
	FROM dataclass.watch_report();
REVOKE ALL ON dataclass.watch_status FROM PUBLIC;
GRANT SELECT ON dataclass.watch_status TO dataclass_officer, dataclass_auditor;
COMMENT ON VIEW dataclass.watch_status IS 'a row per database that the watch knows of: what it did since the server started';
COMMENT ON COLUMN dataclass.watch_status.last_pass IS 'when the last pass ended; null: none since the server started';
COMMENT ON COLUMN dataclass.watch_status.duration_ms IS 'of the last pass, without the start of its process';
COMMENT ON COLUMN dataclass.watch_status.changes IS 'found by the last pass';
COMMENT ON COLUMN dataclass.watch_status.failed IS 'passes in a row that could not be made';
COMMENT ON COLUMN dataclass.watch_status.last_complete IS 'last pass that looked at the relations, too';
