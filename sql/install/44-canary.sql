-- Canary proof of encryption by the server itself.  See src/atrest/canary_*.c.

CREATE TABLE dataclass.canary_result (
	proved_at			pg_catalog.timestamptz NOT NULL,
	proved_by			pg_catalog.name NOT NULL,
	access_method		pg_catalog.name NOT NULL,
	access_method_oid	pg_catalog.oid NOT NULL,
	tablespace			pg_catalog.name NOT NULL,
	server_version		pg_catalog.int4 NOT NULL,
	verdict				pg_catalog.text NOT NULL,
	detail				pg_catalog.text NOT NULL
);
COMMENT ON TABLE dataclass.canary_result IS
	'outcomes of dataclass.canary_proof(); the newest of an access method counts as evidence for dataclass.canary_validity; no statement writes here, no dump carries it';
COMMENT ON COLUMN dataclass.canary_result.proved_by IS 'role that called';
COMMENT ON COLUMN dataclass.canary_result.server_version IS 'server_version_num; a proof by another version does not count';
COMMENT ON COLUMN dataclass.canary_result.verdict IS 'encrypted: the marker was in no file it was written to; plain: it was in some; unknown: some file could not be read whole';
REVOKE ALL ON dataclass.canary_result FROM PUBLIC;
GRANT SELECT ON dataclass.canary_result TO dataclass_officer, dataclass_auditor;

CREATE FUNCTION dataclass.canary_proof(
	access_method pg_catalog.name DEFAULT 'heap',
	tablespace pg_catalog.name DEFAULT NULL,
	OUT place pg_catalog.text,
	OUT path pg_catalog.text,
	OUT bytes_read pg_catalog.int8,
	OUT markers pg_catalog.int4,
	OUT found pg_catalog.bool,
	OUT verdict pg_catalog.text,
	OUT detail pg_catalog.text)
	RETURNS SETOF pg_catalog.record
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'dc_canary_proof';
COMMENT ON FUNCTION dataclass.canary_proof(pg_catalog.name, pg_catalog.name) IS
	'does the server itself encrypt relations of this table access method (officers)? Writes random markers to a table nobody else sees, checkpoints, and looks for them in the files of table, index and TOAST, in the write-ahead log and in a spill file; a row for each, one for the control of the search, one for the proof. verdict: encrypted (absent), plain (found), unknown (not read whole). tablespace NULL: the database''s. Errors: 42501 not an officer, 42704 no such access method or tablespace, 25006 on a standby or read-only.';
-- Not granted to officers alone: whoever is none is refused by the function, and that is recorded.
