-- Ranges of the trail that were moved to files (src/audit/archive*.c).

CREATE TABLE dataclass_audit.archived_range (
	from_seq    bigint NOT NULL,
	to_seq      bigint NOT NULL,
	file        text NOT NULL,
	bytes       bigint NOT NULL,
	sha256      bytea NOT NULL,
	archived_at timestamptz NOT NULL,
	archived_by text NOT NULL,
	CONSTRAINT archived_range_pkey PRIMARY KEY (from_seq)
) USING heap;
COMMENT ON TABLE dataclass_audit.archived_range IS
	'Ranges of records that dataclass_audit.archive() wrote to files and took out of the table: always from record 1 on without gaps, in whole tiles of 256. Their leaf hashes stay in dataclass_audit.tile.';
REVOKE ALL ON dataclass_audit.archived_range FROM PUBLIC;
GRANT SELECT ON dataclass_audit.archived_range TO dataclass_auditor, dataclass_officer;

CREATE FUNCTION dataclass_audit.export_trail(from_seq bigint DEFAULT NULL, to_seq bigint DEFAULT NULL)
	RETURNS SETOF text
	AS 'MODULE_PATHNAME', 'dc_audit_export_trail'
	LANGUAGE C STABLE PARALLEL UNSAFE CALLED ON NULL INPUT ROWS 10000;
COMMENT ON FUNCTION dataclass_audit.export_trail(bigint, bigint) IS
	'Records from_seq to to_seq as lines of text (docs/audit-format.md), for the stand-alone verifier; by default all that are in the table. Fetch them with \copy (SELECT dataclass_audit.export_trail()) TO file. Errors: 22023 no such range, or archived; XX001 a record cannot be encoded.';

CREATE FUNCTION dataclass_audit.archive(before timestamptz,
		OUT from_seq bigint, OUT to_seq bigint, OUT file text, OUT bytes bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'dc_audit_archive'
	LANGUAGE C VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT;
COMMENT ON FUNCTION dataclass_audit.archive(timestamptz) IS
	'Moves records older than before to files in dataclass.archive_directory, in whole tiles of 256 under a checkpoint and before the first record of an incident that is not closed; leaf hashes stay. A row per file; none: nothing to archive, and a notice says why. Members of dataclass_auditor only, recorded. Errors: 42501 not an auditor, 22023 policy keeps records longer, XX001 a record is not as it was written, 58P02 a file of that name holds something else, F0000 others can write the directory.';

CREATE FUNCTION dataclass_audit.verify_archive(OUT from_seq bigint, OUT to_seq bigint, OUT file text,
		OUT ok boolean, OUT first_bad bigint, OUT reason text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'dc_audit_verify_archive'
	LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION dataclass_audit.verify_archive() IS
	'Reads the files of archived ranges again: size, SHA-256, each record and its hash in dataclass_audit.tile. first_bad: the first record that is not as it was written, NULL if it is the file as a whole. What it finds is recorded.';

REVOKE ALL ON FUNCTION dataclass_audit.export_trail(bigint, bigint), dataclass_audit.archive(timestamptz),
	dataclass_audit.verify_archive() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dataclass_audit.export_trail(bigint, bigint), dataclass_audit.verify_archive()
	TO dataclass_auditor, dataclass_officer;
GRANT EXECUTE ON FUNCTION dataclass_audit.archive(timestamptz) TO dataclass_auditor;
